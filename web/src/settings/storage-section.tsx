// What is on disk and how fast it grows, and what retention has let go lately.
import type { SettingsView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatAge, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { bytesText } from './rule-draft.ts';
import { Loaded, Section } from './section.tsx';
import { type Answer, useAnswer } from './use-answer.ts';

const words = text.settings.storage;
const SHOWN_DOINGS = 20;

export function StorageSection({ answer }: { answer: Answer<SettingsView> }) {
  const stats = useConnected().stats.latest.value;
  const books = useAnswer(() => api.get('/v1/accounting'));
  const doings = useAnswer(() => api.get('/v1/events', { query: { type: 'retention', limit: SHOWN_DOINGS } }));
  const expired = books.value?.items.reduce((sum, row) => sum + row.expired, 0);
  const size = (bytes: number | null | undefined): string => (bytes == null ? text.none : bytesText(bytes));
  const count = (value: number | undefined): string => (value === undefined ? text.none : formatNumber(value));
  const each = stats === null || stats.readings === 0 ? text.none : formatNumber(stats.bytes / stats.readings, 1);
  return (
    <Section name="storage" lede={words.lede}>
      <dl class="panel set-figures">
        <Figure name="size" label={words.size} value={size(stats?.bytes)} />
        <Figure name="readings" label={words.readings} value={count(stats?.readings)} />
        <Figure name="each" label={words.each} value={each} />
        <Figure name="free" label={words.free} value={size(stats?.storage.freeBytes)} />
        <Figure name="day" label={words.day} value={size(stats?.written.bytesPerDay)} />
        <Figure name="unsealed" label={words.unsealed} value={count(answer.value?.unsealed)} />
        <Figure name="expired" label={words.expired} value={count(expired)} />
      </dl>
      {stats === null || stats.storage.message === '' ? null : <p class="alert">{stats.storage.message}</p>}
      <div class="panel" role="group" aria-label={words.doings}>
        <header>
          <h3>{words.doings}</h3>
        </header>
        <Loaded answer={doings}>
          {({ items }) =>
            items.length === 0 ? (
              <p class="panel-note">{words.doingsEmpty}</p>
            ) : (
              <ul class="set-list">
                {items.map(({ id, atMs, reason, detail = {} }) => (
                  <li key={id}>
                    <span class="what">
                      {words.gone(formatNumber(Number(detail['readings'])), `${String(detail['devices'])} ${String(detail['metrics'])}`)}
                    </span>
                    <span class="tag">{words.why[reason] ?? reason}</span>
                    <span class="age">{formatAge(nowMs.value - atMs)}</span>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </div>
    </Section>
  );
}

function Figure({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <div data-figure={name}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
