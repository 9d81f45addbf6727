// The sessions of a device: since when, how long, and why each ended.
import { useMemo } from 'preact/hooks';
import type { EventView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatFull, formatMoment, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import { usePages } from '../parts/use-pages.ts';
import '../styles/device-panels.css';

const EVERY_MS = 10_000;
const EVENTS = 24;

export interface SessionSpan {
  readonly id: number;
  readonly fromMs: number;
  readonly address: string;
  /** null: it is open. */
  readonly toMs: number | null;
  readonly reason: string;
}

/** Newest first, from events that are too; an end whose beginning is not among them is left out. */
export function sessionsOf(events: readonly EventView[]): readonly SessionSpan[] {
  const sessions: SessionSpan[] = [];
  let end: EventView | null = null;
  for (const event of events) {
    if (event.type === 'offline') end = event;
    else if (event.type === 'online') {
      const { address } = event.detail ?? {};
      // without an end before the next beginning the gateway itself was gone
      const isOpen = end === null && sessions.length === 0;
      sessions.push({
        id: event.id,
        fromMs: event.atMs,
        address: typeof address === 'string' ? address : '',
        toMs: end === null ? (isOpen ? null : (sessions.at(-1)?.fromMs ?? null)) : end.atMs,
        reason: end === null ? (isOpen ? '' : 'gateway-lost') : end.reason,
      });
      end = null;
    }
  }
  return sessions;
}

export function SessionsPanel({ id }: { id: string }) {
  const words = text.device.sessions;
  const ask = { device: id, type: ['online', 'offline'], limit: EVENTS };
  const { phase, items, isBusy, older } = usePages({
    key: id,
    page: (next) => api.get('/v1/events', { query: { ...ask, next } }),
    everyMs: EVERY_MS,
  });
  const sessions = useMemo(() => sessionsOf(items), [items]);
  const now = nowMs.value;
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      {sessions.length === 0 ? (
        <p class="panel-note">{phase === 'loading' ? text.loading : words.empty}</p>
      ) : (
        <ul class="sessions">
          {sessions.map(({ id: key, fromMs, toMs, address, reason }) => (
            <li key={key} class={toMs === null ? 'is-open' : ''}>
              <time title={formatFull(fromMs)} dateTime={new Date(fromMs).toISOString()}>
                {formatMoment(fromMs, now)}
              </time>
              <b>{words.for(formatSpan(Math.max(0, Math.round(((toMs ?? now) - fromMs) / 1000) * 1000)))}</b>
              <bdi class="dim">{toMs === null ? words.open : (text.reasons[reason] ?? reason)}</bdi>
              <span class="faint mono">{address}</span>
            </li>
          ))}
        </ul>
      )}
      {older === null ? null : (
        <p class="panel-more">
          <button type="button" class="btn small" disabled={isBusy} onClick={older}>
            {text.device.events.more}
          </button>
        </p>
      )}
    </section>
  );
}
