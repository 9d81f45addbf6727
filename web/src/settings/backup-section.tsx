// Backups: their schedule, those that are there, one more now; and the two other works on the databases as a whole.
import { useState } from 'preact/hooks';
import type { BackupView, SettingsPatch, SettingsView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatFull } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Fault, Input, Select, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { bytesText } from './rule-draft.ts';
import { FixedNote, Loaded, Section } from './section.tsx';
import { settingOf } from './setting-of.ts';
import { UpkeepNews } from './upkeep-news.tsx';
import { startUpkeep, type UpkeepKind, upkeepRun } from './upkeep-runs.ts';
import { type Answer, useAnswer } from './use-answer.ts';

const words = text.settings.backup;
const EVERY = ['never', '1h', '6h', '12h', '24h', '7d'];

export function BackupSection({ answer }: { answer: Answer<SettingsView> }) {
  const backups = useAnswer(() => api.get('/v1/backups'));
  return (
    <Section name="backup" lede={words.lede} end={<RunButton kind="backups" label={words.now} onEnd={() => backups.refresh()} isMain />}>
      <UpkeepNews kind="backups" />
      <Loaded answer={answer}>
        {(view) => (
          <Schedule
            key={['every', 'keep', 'dir'].map((name) => String(settingOf(view, `backup.${name}`).value)).join(' ')}
            view={view}
            onSaved={(next) => {
              answer.put(next);
              backups.refresh();
            }}
          />
        )}
      </Loaded>
      <div class="panel" role="group" aria-label={words.list}>
        <header>
          <h3>{words.list}</h3>
          <Next view={answer.value} newestAtMs={backups.value?.items[0]?.madeAtMs} />
        </header>
        <Loaded answer={backups}>{({ items }) => <BackupList items={items} />}</Loaded>
      </div>
      <div class="panel" role="group" aria-label={words.checks}>
        <header>
          <h3>{words.checks}</h3>
        </header>
        <Work kind="verify" label={words.verify} hint={words.verifyHint} />
        <Work kind="compact" label={words.compact} hint={words.compactHint} />
      </div>
    </Section>
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** When the schedule makes the next one. */
function Next({ view, newestAtMs = 0 }: { view: SettingsView | null; newestAtMs?: number | undefined }) {
  const every = view === null ? 'never' : String(settingOf(view, 'backup.every').value);
  if (every === 'never') return null;
  const inMs = newestAtMs + Number.parseInt(every, 10) * (UNIT_MS[every.slice(-1)] ?? 0) - nowMs.value;
  return <span class="end dim">{inMs > 0 ? words.next(formatAge(inMs)) : words.due}</span>;
}

function BackupList({ items }: { items: readonly BackupView[] }) {
  if (items.length === 0) return <p class="panel-note">{words.empty}</p>;
  return (
    <ul class="set-list">
      {items.map(({ file, bytes, madeAtMs }) => (
        <li key={file} data-backup={file}>
          <span class="what mono" title={file}>
            {file.slice(file.lastIndexOf('/') + 1)}
          </span>
          <span class="figure">{bytesText(bytes)}</span>
          <span class="age" title={formatFull(madeAtMs)}>
            {text.device.ago(formatAge(nowMs.value - madeAtMs))}
          </span>
        </li>
      ))}
    </ul>
  );
}

function RunButton({ kind, label, isMain = false, onEnd }: { kind: UpkeepKind; label: string; isMain?: boolean; onEnd?(): void }) {
  const run = upkeepRun(kind).value;
  const isRunning = run !== null && !run.isOver;
  return (
    <button
      type="button"
      class={isMain ? 'btn primary' : 'btn'}
      disabled={isRunning}
      aria-busy={isRunning}
      onClick={() => void startUpkeep(kind).then(onEnd)}
    >
      {label}
    </button>
  );
}

function Work({ kind, label, hint }: { kind: UpkeepKind; label: string; hint: string }) {
  return (
    <div class="work">
      <p>{hint}</p>
      <RunButton kind={kind} label={label} />
      <UpkeepNews kind={kind} />
    </div>
  );
}

function Schedule({ view, onSaved }: { view: SettingsView; onSaved(view: SettingsView): void }) {
  const all = { every: settingOf(view, 'backup.every'), keep: settingOf(view, 'backup.keep'), dir: settingOf(view, 'backup.dir') };
  const [every, setEvery] = useState(String(all.every.value));
  const [keep, setKeep] = useState(String(all.keep.value));
  const [dir, setDir] = useState(String(all.dir.value));
  const { isBusy, fault, fieldFault, run } = useAction();
  const changed: NonNullable<SettingsPatch['backup']> = {
    ...(every === all.every.value ? {} : { every }),
    ...(keep === String(all.keep.value) ? {} : { keep: Number(keep) }),
    ...(dir === all.dir.value ? {} : { dir: dir.trim() }),
  };
  const isChanged = Object.keys(changed).length > 0;
  const fixed = Object.values(all).filter(({ isEditable }) => !isEditable);
  const choices = [...new Set([...EVERY, String(all.every.value)])].map((value) => ({
    value,
    label: value === 'never' ? words.never : (words.spans[value] ?? value),
  }));
  return (
    <form
      class="panel schedule"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => onSaved(await api.patch('/v1/settings', { backup: changed })));
      }}
    >
      {fixed.map(({ key, source }) => (
        <FixedNote key={key} source={`${source} (${key})`} />
      ))}
      <div class="schedule-fields">
        {all.every.isEditable ? (
          <Select label={words.every} value={every} choices={choices} fault={fieldFault('backup/every')} onChoose={setEvery} />
        ) : (
          <Fact label={words.every} value={every} />
        )}
        {all.keep.isEditable ? (
          <Input
            label={words.keep}
            hint={words.keepHint}
            name="keep"
            inputMode="decimal"
            autocomplete="off"
            fault={fieldFault('backup/keep')}
            value={keep}
            onInput={(event) => setKeep(event.currentTarget.value)}
          />
        ) : (
          <Fact label={words.keep} value={keep} />
        )}
        {all.dir.isEditable ? (
          <Input
            label={words.dir}
            hint={words.dirHint}
            name="dir"
            class="mono"
            autocomplete="off"
            autocapitalize="off"
            fault={fieldFault('backup/dir')}
            value={dir}
            onInput={(event) => setDir(event.currentTarget.value)}
          />
        ) : (
          <Fact label={words.dir} value={dir} />
        )}
      </div>
      <Fault>{(fieldFault('backup/every') ?? fieldFault('backup/keep') ?? fieldFault('backup/dir')) ? '' : fault}</Fault>
      {fixed.length === 3 ? null : (
        <div class="form-foot">
          <span class="spring" />
          <Submit isBusy={isBusy} isDisabled={!isChanged} label={text.save} busyLabel={text.saving} />
        </div>
      )}
    </form>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div class="field">
      <span class="label">{label}</span>
      <span class="mono">{value === '' ? text.none : value}</span>
    </div>
  );
}
