// Who did what, from where: a list that only grows.
import { useState } from 'preact/hooks';
import type { AuditView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { formatFull, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Fault } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { Loaded, Section } from './section.tsx';
import { useAnswer } from './use-answer.ts';

const words = text.settings.audit;
const PAGE = 100;

interface Older {
  readonly q: string;
  readonly items: readonly AuditView[];
  readonly next: string | null;
}

export function AuditSection({ q, onFilter }: { q: string; onFilter(q: string): void }) {
  const wanted = q.trim();
  const query = { limit: PAGE, ...(wanted === '' ? {} : { q: wanted }) };
  const answer = useAnswer(async () => ({ q: wanted, ...(await api.get('/v1/audit', { query })) }), wanted);
  const [kept, setOlder] = useState<Older | null>(null);
  const { isBusy, fault, run } = useAction();
  // pages of what was looked for before are of no use
  const older = kept !== null && kept.q === answer.value?.q ? kept : null;
  const items = [...(answer.value?.items ?? []), ...(older?.items ?? [])];
  const next = older === null ? (answer.value?.next ?? null) : older.next;
  const more = (): Promise<void> =>
    run(async () => {
      const page = await api.get('/v1/audit', { query: { ...query, ...(next === null ? {} : { next }) } });
      setOlder({ q: wanted, items: [...(older?.items ?? []), ...page.items], next: page.next });
    });
  return (
    <Section name="audit" lede={words.lede}>
      <div class="set-filter">
        <input
          type="search"
          aria-label={words.filter}
          placeholder={words.filter}
          value={q}
          onInput={(event) => onFilter(event.currentTarget.value)}
        />
        <span class="dim">{next === null ? '' : words.newest(formatNumber(items.length))}</span>
      </div>
      <Loaded answer={answer}>
        {() => (
          <ul class="panel set-list audit-list">
            {items.map((row) => (
              <AuditRow key={row.id} row={row} />
            ))}
            {items.length > 0 ? null : (
              <li class="panel-note">{wanted === '' ? words.empty : next === null ? words.noMatch : words.noneYet}</li>
            )}
          </ul>
        )}
      </Loaded>
      <Fault>{fault}</Fault>
      {next === null ? null : (
        <button type="button" class="btn more-button" disabled={isBusy} aria-busy={isBusy} onClick={() => void more()}>
          {words.more}
        </button>
      )}
    </Section>
  );
}

function AuditRow({ row: { atMs, actor, act, target, detail, address } }: { row: AuditView }) {
  return (
    <li>
      <time class="when" dateTime={new Date(atMs).toISOString()}>
        {formatFull(atMs)}
      </time>
      <span class="who">
        <bdi>{actor}</bdi>
        {address === '' || address === actor ? null : <small class="mono">{address}</small>}
      </span>
      <span class="act">
        <b>{act}</b> <bdi class="mono">{target}</bdi>
        {detail === '' ? null : (
          <small>
            <bdi>{detail}</bdi>
          </small>
        )}
      </span>
    </li>
  );
}
