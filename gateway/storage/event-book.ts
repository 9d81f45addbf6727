// Events, kept within an age and a number of rows: the oldest go first, a few at a time.

import type Database from 'better-sqlite3';
import type { EventRow } from './store.ts';

export interface EventBounds {
  readonly eventDays: number;
  readonly eventRows: number;
}
export interface EventBook {
  /** Inside a transaction. */
  write(events: readonly EventRow[]): void;
  /** The oldest event is past a bound. */
  isOver(nowMs: number): boolean;
  /** Inside a transaction: a step. Returns how many went. */
  dropSome(nowMs: number): number;
}

const STEP_ROWS = 500;
const CERTAIN_MS = 3_600_000;
const DAY_US = 86_400_000_000;

/** `steadyMs` never jumps. */
export function openEventBook(db: Database.Database, { eventDays, eventRows }: EventBounds, steadyMs = () => performance.now()): EventBook {
  const insert = db.prepare('INSERT INTO events(at_us, device, type, reason, detail) VALUES (?, ?, ?, ?, ?)');
  const ends = db
    .prepare(`SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events), (SELECT at_us FROM events ORDER BY id LIMIT 1)`)
    .raw();
  // ids are never given twice and only the oldest go, so that the distance of two of them is a number of rows
  const drop = db.prepare(
    `DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ${STEP_ROWS})
     AND (at_us < ? OR id <= (SELECT max(id) FROM events) - ?)`,
  );
  const horizonUs = (nowMs: number): number => nowMs * 1000 - eventDays * DAY_US;
  let oldSinceMs: number | null = null;

  /** Past its age for a while: a clock that stands in the future for some minutes must not empty the table. */
  function isAged(firstUs: number, nowMs: number): boolean {
    if (firstUs >= horizonUs(nowMs)) oldSinceMs = null;
    else oldSinceMs ??= steadyMs();
    return oldSinceMs !== null && steadyMs() - oldSinceMs >= CERTAIN_MS;
  }
  return {
    write(events) {
      for (const e of events) insert.run(e.atUs, e.device, e.type, e.reason, e.detail);
    },
    isOver(nowMs) {
      const [first, last, atUs] = ends.get() as [number | null, number, number];
      return first !== null && (last - first >= eventRows || isAged(atUs, nowMs));
    },
    dropSome(nowMs) {
      const [, , atUs] = ends.get() as [number, number, number];
      return drop.run(isAged(atUs, nowMs) ? horizonUs(nowMs) : Number.MIN_SAFE_INTEGER, eventRows).changes;
    },
  };
}
