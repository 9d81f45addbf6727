// The Quarantine page: what was refused, why and raw; replayed by today's rules as it is or amended, or discarded.
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { QuarantineSizeView, QuarantineView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icon.tsx';
import { usePages } from '../parts/use-pages.ts';
import '../styles/quarantine.css';
import { DiscardDialog } from './discard-dialog.tsx';
import { QuarantineFilters } from './quarantine-filters.tsx';
import { QuarantineFill } from './quarantine-fill.tsx';
import { NO_FILTER, readQuarantineQuery, writeQuarantineQuery } from './quarantine-query.ts';
import type { QuarantineQuery } from './quarantine-query.ts';
import { codeWords, isSerialLine } from './refusal-words.ts';
import { RefusedRow } from './refused-row.tsx';
import type { ReplayResult } from './replay-run.ts';
import { SelectionBar } from './selection-bar.tsx';
import { useQuarantineSize } from './use-quarantine-size.ts';
import { useSerialPorts } from './use-serial-ports.ts';

const PAGE = 50;

export function QuarantinePage() {
  const words = text.quarantine;
  useEffect(() => {
    document.title = `${words.title} · ${text.product}`;
  }, []);
  return <Quarantine />;
}

function Quarantine() {
  const { url, route } = useLocation();
  const query = readQuarantineQuery(url);
  const words = text.quarantine;
  const { size, refresh: refreshSize } = useQuarantineSize();
  const change = (next: Partial<QuarantineQuery>): void => route(writeQuarantineQuery({ ...query, ...next }), true);
  return (
    <>
      <div class="page-head">
        <h1>{words.title}</h1>
        {size === null ? null : <QuarantineFill size={size} />}
      </div>
      {size !== null && size.rows === 0 && writeQuarantineQuery({ ...query, row: null }) === '/quarantine' ? (
        <Empty title={words.empty.title} body={words.empty.body} />
      ) : (
        <Rows query={query} size={size} onChange={change} onHandled={refreshSize} />
      )}
    </>
  );
}

interface RowsProps {
  readonly query: QuarantineQuery;
  readonly size: QuarantineSizeView | null;
  readonly onChange: (next: Partial<QuarantineQuery>) => void;
  readonly onHandled: () => void;
}

function Rows({ query, size, onChange, onHandled }: RowsProps) {
  const words = text.quarantine;
  const { device, code, text: sought } = query;
  // a link can lead to a row that is not among the newest
  const [first] = useState(query.row);
  const ask = {
    limit: PAGE,
    device: device === '' ? undefined : device,
    code: code === '' ? undefined : code,
    text: sought === '' ? undefined : sought,
    upTo: first !== null && first === query.row ? first : undefined,
  };
  const key = JSON.stringify(ask);
  const { phase, items, fault, isBusy, older, refresh } = usePages({
    key,
    page: (next) => api.get('/v1/quarantine', { query: { ...ask, next } }),
    everyMs: null,
  });
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [results, setResults] = useState<ReadonlyMap<number, ReplayResult>>(new Map());
  const [gone, setGone] = useState<ReadonlySet<number>>(new Set());
  const [note, setNote] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [seen, setSeen] = useState<number | null>(null);
  const rows = items.filter(({ id }) => !gone.has(id));
  const ports = useSerialPorts(rows.some(isSerialLine));
  const isFiltered = device !== '' || code !== '' || sought !== '';

  useEffect(() => {
    setSelected(new Set());
    setNote('');
    setSeen(null);
  }, [key]);
  // what is there now is what new ones are told from
  useEffect(() => {
    if (phase === 'ready' && seen === null && size !== null) setSeen(size.rows);
  }, [phase, size, seen]);
  const isNewer = seen !== null && size !== null && size.rows > seen;

  const toggle = (id: number): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  const took = (ids: readonly number[]): void => {
    setGone(new Set([...gone, ...ids]));
    setSelected(new Set([...selected].filter((id) => !ids.includes(id))));
    setSeen(null);
    onHandled();
  };
  const told = (id: number, result: ReplayResult): void => {
    setResults((now) => new Map(now).set(id, result));
    if (result.outcome === 'stored') onHandled();
  };
  const show = (): void => {
    setSeen(null);
    refresh();
    if (query.row !== null) onChange({ row: null });
  };

  return (
    <>
      <QuarantineFilters query={query} size={size} onChange={(next) => onChange({ ...next, row: null })}>
        {isFiltered && rows.length > 0 ? (
          <button type="button" class="btn" onClick={() => setAsking(true)}>
            <Icon name="trash" />
            {words.discardFilter}
          </button>
        ) : null}
      </QuarantineFilters>
      {note === '' ? null : (
        <p class="notice" role="status">
          {note}
        </p>
      )}
      {isNewer || (ask.upTo !== undefined && rows.length > 0) ? (
        <p class="refused-newer">
          <button type="button" class="btn small" onClick={show}>
            <Icon name="up" />
            {isNewer ? words.newer : text.eventsPage.newest}
          </button>
        </p>
      ) : null}
      {phase === 'loading' ? <div class="skeleton" role="status" aria-label={text.loading} /> : null}
      {phase === 'failed' ? (
        <Empty title={words.loadFailed} body={fault}>
          <button type="button" class="btn" onClick={refresh}>
            {words.again}
          </button>
        </Empty>
      ) : null}
      {phase === 'ready' && rows.length === 0 ? (
        isFiltered ? (
          <Empty title={words.noMatch.title} body={words.noMatch.body}>
            <button type="button" class="btn" onClick={() => onChange(NO_FILTER)}>
              {words.noMatch.clear}
            </button>
          </Empty>
        ) : (
          <Empty title={words.empty.title} body={words.empty.body} />
        )
      ) : null}
      {rows.length === 0 ? null : (
        <section class="panel refusals" aria-label={words.list}>
          <SelectionBar
            rows={rows}
            selected={selected}
            onSelect={(ids) => setSelected(new Set(ids))}
            onResult={told}
            onGone={took}
            onNote={setNote}
          />
          <ul>
            {rows.map((row) => (
              <RefusedRow
                key={row.id}
                row={row}
                isOpen={row.id === query.row}
                ports={ports}
                result={results.get(row.id)}
                onToggle={() => onChange({ row: row.id === query.row ? null : row.id })}
                onResult={(result) => told(row.id, result)}
                onGone={() => took([row.id])}
              >
                <label class="check refused-check">
                  <input
                    type="checkbox"
                    checked={selected.has(row.id)}
                    onChange={() => toggle(row.id)}
                    aria-label={words.select(nameOf(row))}
                  />
                </label>
              </RefusedRow>
            ))}
          </ul>
          {older === null ? null : (
            <p class="refused-more">
              <button type="button" class="btn small" disabled={isBusy} onClick={older}>
                {isBusy ? text.loading : words.older}
              </button>
            </p>
          )}
        </section>
      )}
      {isAsking ? (
        <DiscardDialog
          title={words.confirm.titleAll}
          what={words.confirm.filter(device, code === '' ? '' : codeWords(code), sought)}
          discard={async () => {
            const upTo = rows[0]?.id;
            const { limit: _limit, ...filter } = ask;
            const { discarded } = await api.delete('/v1/quarantine', { query: { ...filter, upTo } });
            setNote(words.discarded(discarded, formatNumber(discarded)));
            setSeen(null);
            refresh();
            onHandled();
          }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}

const nameOf = (row: QuarantineView): string => `${codeWords(row.code)}, ${row.device}, ${row.id}`;
