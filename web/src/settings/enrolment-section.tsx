// Keys with which a fleet fetches its tokens: how many devices may still come, and until when.
import { useState } from 'preact/hooks';
import type { EnrolmentView, IssuedEnrolment } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Check, Input, Select } from '../parts/form.tsx';
import { SecretBox } from '../parts/secret-box.tsx';
import { AskDialog, MadeDialog } from './ask-dialog.tsx';
import { AddButton, Loaded, Section } from './section.tsx';
import { useAnswer } from './use-answer.ts';

const words = text.settings.enrolment;
const MOST = 1_000_000;

export function EnrolmentSection() {
  const answer = useAnswer(() => api.get('/v1/enrolments'));
  const [isAdding, setAdding] = useState(false);
  const [made, setMade] = useState<IssuedEnrolment | null>(null);
  const [going, setGoing] = useState<EnrolmentView | null>(null);
  const keys = answer.value?.items ?? [];
  const add = <AddButton label={words.add} onClick={() => setAdding(true)} />;
  return (
    <Section name="enrolment" lede={words.lede} end={keys.length > 0 ? add : undefined}>
      <Loaded answer={answer}>
        {() =>
          keys.length === 0 ? (
            <Empty {...words.empty}>{add}</Empty>
          ) : (
            <ul class="panel set-list">
              {keys.map((key) => (
                <EnrolmentRow key={key.id} enrolment={key} onRevoke={() => setGoing(key)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isAdding ? (
        <EnrolmentAddDialog
          onClose={() => setAdding(false)}
          onMade={(key) => {
            setAdding(false);
            answer.refresh();
            setMade(key);
          }}
        />
      ) : null}
      {made === null ? null : (
        <MadeDialog title={words.madeTitle} onClose={() => setMade(null)}>
          <SecretBox label={text.signIn.key} secret={made.key}>
            {text.settings.once}
          </SecretBox>
          <p>{words.lede}</p>
        </MadeDialog>
      )}
      {going === null ? null : (
        <AskDialog
          title={words.revokeTitle}
          submit={text.settings.keys.revoke}
          onClose={() => setGoing(null)}
          work={async () => {
            await api.delete('/v1/enrolments/:id', { params: { id: going.id } });
            setGoing(null);
            answer.refresh();
          }}
        >
          <p class="mono">{going.id}</p>
          <p>{words.revokeBody}</p>
        </AskDialog>
      )}
    </Section>
  );
}

function EnrolmentRow({ enrolment: { id, used, max, reenrol, expiresAt }, onRevoke }: { enrolment: EnrolmentView; onRevoke(): void }) {
  const leftMs = Date.parse(expiresAt) - nowMs.value;
  const state = used >= max && !reenrol ? words.full : leftMs <= 0 ? words.over : words.ends(formatAge(leftMs));
  return (
    <li data-enrolment={id}>
      <span class="what">
        <b class="mono">{id}</b>
        {reenrol ? (
          <span class="tag" title={words.reenrol}>
            {words.reenrolTag}
          </span>
        ) : null}
      </span>
      <span class="uses">
        {words.used(formatNumber(used), formatNumber(max))}
        <progress value={used} max={max} aria-hidden="true" />
      </span>
      <span class="age">{state}</span>
      <div class="acts" role="group" aria-label={text.settings.actions(id)}>
        <button type="button" class="btn small" onClick={onRevoke}>
          {text.settings.keys.revoke}
        </button>
      </div>
    </li>
  );
}

function EnrolmentAddDialog({ onClose, onMade }: { onClose(): void; onMade(key: IssuedEnrolment): void }) {
  const [max, setMax] = useState('1000');
  const [seconds, setSeconds] = useState('86400');
  const [reenrol, setReenrol] = useState(false);
  const [isTried, setTried] = useState(false);
  const count = /^\d{1,7}$/.test(max) ? Number(max) : 0;
  const isGood = count >= 1 && count <= MOST;
  return (
    <AskDialog
      title={words.madeTitle}
      submit={words.add}
      kind="primary"
      onClose={onClose}
      work={async () => {
        setTried(true);
        if (isGood) onMade(await api.post('/v1/enrolments', { max: count, expiresSeconds: Number(seconds), reenrol }));
      }}
    >
      <Input
        label={words.max}
        name="max"
        inputMode="decimal"
        autocomplete="off"
        autoFocus
        fault={isTried && !isGood ? words.maxBad : undefined}
        value={max}
        onInput={(event) => setMax(event.currentTarget.value)}
      />
      <Select
        label={words.expires}
        value={seconds}
        choices={Object.entries(words.spans).map(([value, label]) => ({ value, label }))}
        onChoose={setSeconds}
      />
      <Check label={words.reenrol} isOn={reenrol} onToggle={setReenrol} />
    </AskDialog>
  );
}
