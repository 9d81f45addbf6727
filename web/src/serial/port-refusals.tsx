// What of a port's device went to quarantine last, and why: lines that no rule could read, and records that a rule made and that could not
// be stored. For operators, who may see it.
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatFull } from '../format.ts';
import { text } from '../i18n/en.ts';
import { usePages } from '../parts/use-pages.ts';
import { writeQuarantineQuery } from '../quarantine/quarantine-query.ts';
import { codeWords } from '../quarantine/refusal-words.ts';

const ROWS = 3;
const EVERY_MS = 5000;

export function PortRefusals({ device }: { device: string }) {
  const words = text.quarantine.panel;
  const { items } = usePages({
    key: device,
    page: () => api.get('/v1/quarantine', { query: { device, limit: ROWS } }),
    everyMs: EVERY_MS,
  });
  if (items.length === 0) return null;
  return (
    <section class="counts port-refusals" aria-label={words.title}>
      <h2>{words.title}</h2>
      <ul>
        {items.slice(0, ROWS).map(({ id, atMs, code, message }) => (
          <li key={id}>
            <a href={writeQuarantineQuery({ device, code: '', text: '', row: id })}>
              <b>{codeWords(code)}</b> <bdi class="dim">{message}</bdi>
            </a>
            <time class="dim" title={formatFull(atMs)} dateTime={new Date(atMs).toISOString()}>
              {formatAge(nowMs.value - atMs)}
            </time>
          </li>
        ))}
      </ul>
      <a class="text-link" href={writeQuarantineQuery({ device, code: '', text: '', row: null })}>
        {words.all}
      </a>
    </section>
  );
}
