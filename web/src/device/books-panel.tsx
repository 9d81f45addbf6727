// The books of a device: what became of every frame, by stream, with the gaps that it declared; counted again from the rows on demand.
import { useEffect, useState } from 'preact/hooks';
import type { AccountingRow, GapView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatFull, formatMoment, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { useAction } from '../parts/use-action.ts';
import { Fault } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { may } from '../session.ts';
import '../styles/device-panels.css';
import { Fact } from './fact.tsx';
import type { DeviceFacts } from './use-device.ts';

const SHOWN_STREAMS = 6;
const SHOWN_GAPS = 20;

export function BooksPanel({ facts: { books } }: { facts: DeviceFacts }) {
  const words = text.device.books;
  const [isWhole, setWhole] = useState(false);
  const rows = books ?? [];
  const sum = (field: 'settled' | 'stored' | 'quarantined' | 'gaps' | 'unexplained' | 'readings' | 'refused'): number =>
    rows.reduce((total, row) => total + row[field], 0);
  const unexplained = sum('unexplained');
  const refused = sum('refused');
  const shown = isWhole ? rows : rows.slice(0, SHOWN_STREAMS);
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        {rows.length > 0 ? <span class="end dim">{words.streams(rows.length)}</span> : null}
      </header>
      {rows.length === 0 ? (
        <p class="panel-note">{books === null ? text.loading : words.empty}</p>
      ) : (
        <>
          <dl class="kv">
            <Fact name={words.settled} value={formatNumber(sum('settled'))} isTotal />
            <Fact name={words.stored} value={formatNumber(sum('stored'))} />
            <Fact name={words.quarantined} value={formatNumber(sum('quarantined'))} />
            <Fact name={words.gaps} value={formatNumber(sum('gaps'))} />
            <Fact name={words.unexplained} value={formatNumber(unexplained)} tone={unexplained === 0 ? 'is-live' : 'is-silent'} />
            <Fact name={words.readings} value={formatNumber(sum('readings'))} isTotal />
            {refused > 0 ? <Fact name={words.refused} value={formatNumber(refused)} /> : null}
          </dl>
          <ul class="stream-books">
            {shown.map((row) => (
              <StreamBooks key={row.stream} row={row} />
            ))}
          </ul>
          {rows.length > shown.length ? (
            <p class="books-more">
              <button type="button" class="btn small" onClick={() => setWhole(true)}>
                {words.moreStreams(formatNumber(rows.length - shown.length))}
              </button>
            </p>
          ) : null}
          {may('operator') ? <Recount device={rows[0]?.device ?? ''} /> : null}
        </>
      )}
    </section>
  );
}

function StreamBooks({ row }: { row: AccountingRow }) {
  const words = text.device.books;
  const { stream, acked, settled, stored, quarantined, gaps, unexplained, readings, refused, evicted, discarded, expired } = row;
  const [isOpen, setOpen] = useState(false);
  const some = (name: string, count: number) => (count > 0 ? <Fact name={name} value={formatNumber(count)} /> : null);
  return (
    <li>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="mono" title={stream}>
          {stream.length > 14 ? `${stream.slice(0, 12)}…` : stream}
        </span>
        <span class="dim">{words.reserved[stream] ?? words.upTo(formatNumber(acked))}</span>
        <Icon name={isOpen ? 'less' : 'more'} />
      </button>
      {isOpen ? (
        <>
          <dl class="kv">
            <Fact name={words.settled} value={formatNumber(settled)} />
            <Fact name={words.stored} value={formatNumber(stored)} />
            {some(words.quarantined, quarantined)}
            {some(words.gaps, gaps)}
            {some(words.unexplained, unexplained)}
            <Fact name={words.readings} value={formatNumber(readings)} />
            {some(words.expired, expired)}
            {some(words.refused, refused)}
            {some(words.evicted, evicted)}
            {some(words.discarded, discarded)}
          </dl>
          {gaps > 0 ? <Gaps row={row} /> : null}
        </>
      ) : null}
    </li>
  );
}

function Gaps({ row: { device, stream, gaps: count } }: { row: AccountingRow }) {
  const words = text.device.books;
  const [gaps, setGaps] = useState<readonly GapView[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    api.get('/v1/gaps', { query: { device, limit: 500 }, signal: abort.signal }).then(
      ({ items }) => setGaps(items.filter((gap) => gap.stream === stream)),
      (error: unknown) => {
        // the sum above stands without its parts
        if (!abort.signal.aborted && !(error instanceof ApiError)) throw error;
      },
    );
    return () => abort.abort();
  }, [device, stream, count]);
  if (gaps.length === 0) return null;
  return (
    <>
      <h3>{words.gapsTitle}</h3>
      <ul class="gaps">
        {gaps.slice(0, SHOWN_GAPS).map(({ id, atMs, from, to, reason }) => (
          <li key={id}>
            <span>{words.gap(formatNumber(from), formatNumber(to))}</span>
            <bdi class="dim">{words.gapReasons[reason] ?? reason}</bdi>
            <time class="dim" title={formatFull(atMs)} dateTime={new Date(atMs).toISOString()}>
              {formatMoment(atMs, nowMs.value)}
            </time>
          </li>
        ))}
        {gaps.length > SHOWN_GAPS ? <li class="dim">{words.moreStreams(formatNumber(gaps.length - SHOWN_GAPS))}</li> : null}
      </ul>
    </>
  );
}

function Recount({ device }: { device: string }) {
  const words = text.device.books;
  const { isBusy, fault, run } = useAction();
  const [counted, setCounted] = useState<{ readonly frames: number; readonly unexplained: number } | null>(null);
  const count = (): Promise<void> =>
    run(async () => {
      setCounted(null);
      const { items } = await api.get('/v1/accounting', { query: { device, verify: 'true' } });
      const sum = (field: 'settled' | 'unexplained'): number => items.reduce((total, row) => total + row[field], 0);
      setCounted({ frames: sum('settled'), unexplained: sum('unexplained') });
    });
  return (
    <div class="recount">
      <button type="button" class="btn small" disabled={isBusy} aria-busy={isBusy} onClick={count}>
        {isBusy ? words.verifying : words.verify}
      </button>
      {counted === null ? null : (
        <p role="status" class={counted.unexplained === 0 ? 'is-live' : 'is-silent'}>
          {counted.unexplained === 0 ? words.verified(formatNumber(counted.frames)) : words.unverified(formatNumber(counted.unexplained))}
        </p>
      )}
      <Fault>{fault}</Fault>
    </div>
  );
}
