// The configuration in force: each key, its value, and where that is set.
import { useState } from 'preact/hooks';
import type { SettingsView, SettingView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Input } from '../parts/form.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { Loaded, Section } from './section.tsx';
import { type SectionName, writeSettingsQuery } from './settings-query.ts';
import type { Answer } from './use-answer.ts';

const words = text.settings.configuration;

interface ConfigurationProps {
  readonly answer: Answer<SettingsView>;
  readonly q: string;
  readonly onFilter: (q: string) => void;
}

export function ConfigurationSection({ answer, q, onFilter }: ConfigurationProps) {
  const [changing, setChanging] = useState<SettingView | null>(null);
  return (
    <Section name="configuration" lede={words.lede}>
      <Loaded answer={answer}>
        {({ settings, file, versions }) => {
          const wanted = q.trim().toLowerCase();
          const shown = settings.filter(({ key, source }) => wanted === '' || `${key} ${source}`.toLowerCase().includes(wanted));
          return (
            <>
              <div class="set-filter">
                <input
                  type="search"
                  aria-label={words.filter}
                  placeholder={words.filter}
                  value={q}
                  onInput={(event) => onFilter(event.currentTarget.value)}
                />
                <span class="dim">{words.count(formatNumber(shown.length), formatNumber(settings.length))}</span>
              </div>
              <p class="dim small-note">
                {file === null ? words.noFile : words.file(file)} Fieldgate {versions.fieldgate}, Node {versions.node}.
              </p>
              <ul class="panel set-list config-list">
                {shown.map((setting) => (
                  <ConfigRow key={setting.key} setting={setting} onChange={() => setChanging(setting)} />
                ))}
                {shown.length === 0 ? <li class="panel-note">{words.empty}</li> : null}
              </ul>
            </>
          );
        }}
      </Loaded>
      {changing === null ? null : <ChangeDialog setting={changing} onClose={() => setChanging(null)} onSaved={answer.put} />}
    </Section>
  );
}

function ConfigRow({ setting: { key, value, source, from, isEditable }, onChange }: { setting: SettingView; onChange(): void }) {
  const section = sectionOf(key);
  return (
    <li data-key={key}>
      <span class="what mono">{key}</span>
      <span class="value mono">{typeof value === 'string' ? value || '""' : JSON.stringify(value)}</span>
      <span class={from === 'default' ? 'source faint' : 'source'} data-from={from}>
        {source}
        {isEditable && section === null ? (
          <>
            {' '}
            <button type="button" class="btn small" aria-label={`${words.change} ${key}`} onClick={onChange}>
              {words.change}
            </button>
          </>
        ) : null}
        {isEditable && section !== null ? (
          <>
            {' '}
            <a class="text-link" href={writeSettingsQuery({ section, q: '' })}>
              {words.here}
            </a>
          </>
        ) : null}
      </span>
    </li>
  );
}

/** A number; empty: its default again. */
function ChangeDialog({
  setting: { key, value },
  onClose,
  onSaved,
}: {
  setting: SettingView;
  onClose(): void;
  onSaved(view: SettingsView): void;
}) {
  const [written, setWritten] = useState(String(value));
  const wanted = written.trim() === '' ? null : Number(written);
  return (
    <AskDialog
      title={`${words.change}: ${key}`}
      submit={text.save}
      kind="primary"
      onClose={onClose}
      work={async () => {
        const body = key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), Number.isNaN(wanted) ? written : wanted);
        onSaved(await api.patch('/v1/settings', body as object));
        onClose();
      }}
    >
      <Input
        label={key}
        hint={words.changeHint}
        inputMode="decimal"
        autocomplete="off"
        autoFocus
        value={written}
        onInput={(event) => setWritten(event.currentTarget.value)}
      />
    </AskDialog>
  );
}

function sectionOf(key: string): SectionName | null {
  if (key === 'retention') return 'retention';
  return key.startsWith('backup.') ? 'backup' : null;
}
