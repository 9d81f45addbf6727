// What of a device is in quarantine, with what can be done about it.
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { usePages } from '../parts/use-pages.ts';
import { writeQuarantineQuery } from '../quarantine/quarantine-query.ts';
import { RefusedRow } from '../quarantine/refused-row.tsx';
import { isSerialLine } from '../quarantine/refusal-words.ts';
import type { ReplayResult } from '../quarantine/replay-run.ts';
import { useSerialPorts } from '../quarantine/use-serial-ports.ts';
import '../styles/quarantine.css';

const ROWS = 8;
const EVERY_MS = 10_000;

export function RefusedPanel({ id }: { id: string }) {
  const words = text.quarantine.panel;
  const [open, setOpen] = useState<number | null>(null);
  const [results, setResults] = useState<ReadonlyMap<number, ReplayResult>>(new Map());
  const { phase, items, older, refresh } = usePages({
    key: id,
    page: () => api.get('/v1/quarantine', { query: { device: id, limit: ROWS } }),
    // what one looks at stays where it is
    everyMs: open === null ? EVERY_MS : null,
  });
  const ports = useSerialPorts(items.some(isSerialLine));
  return (
    <section class="panel refusals is-of-page" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        {items.length === 0 ? null : (
          <a class="text-link end" href={writeQuarantineQuery({ device: id, code: '', text: '', row: null })}>
            {words.all}
          </a>
        )}
      </header>
      {items.length === 0 ? (
        <p class="panel-note">{phase === 'loading' ? text.loading : words.empty}</p>
      ) : (
        <ul>
          {items.slice(0, ROWS).map((row) => (
            <RefusedRow
              key={row.id}
              row={row}
              isOfPage
              isOpen={row.id === open}
              ports={ports}
              result={results.get(row.id)}
              onToggle={() => setOpen(row.id === open ? null : row.id)}
              onResult={(result) => setResults((now) => new Map(now).set(row.id, result))}
              onGone={() => {
                setOpen(null);
                refresh();
              }}
            />
          ))}
        </ul>
      )}
      {older === null ? null : (
        <p class="refused-more">
          <a class="btn small" href={writeQuarantineQuery({ device: id, code: '', text: '', row: null })}>
            {words.all}
          </a>
        </p>
      )}
    </section>
  );
}
