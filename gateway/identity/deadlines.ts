// Things that end at a point in time (tokens with an expiry, sessions), behind one timer.

import { whileNobodyAsks } from './asked-from.ts';

export interface Deadlines {
  /** Replaces the one of the same id. `end` runs once, at `atMs` or soon after. */
  set(id: string, atMs: number, end: () => void): void;
  clear(id: string): void;
  close(): void;
}

/** The wall clock may be set while we wait (a box without a battery gets its time from the network): look at least this often. */
const LOOK_MS = 30_000;

export function createDeadlines(nowMs: () => number): Deadlines {
  const entries = new Map<string, { atMs: number; end: () => void }>();
  let timer: NodeJS.Timeout | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let isClosed = false;

  function arm(atMs: number): void {
    if (isClosed || (timer !== null && timerAtMs <= atMs)) return;
    if (timer !== null) clearTimeout(timer);
    timerAtMs = atMs;
    timer = whileNobodyAsks(() => setTimeout(look, Math.min(Math.max(atMs - nowMs(), 0), LOOK_MS)));
  }
  function look(): void {
    timer = null;
    const now = nowMs();
    for (const [id, entry] of [...entries]) {
      if (entry.atMs > now || entries.get(id) !== entry) continue;
      entries.delete(id);
      entry.end();
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of entries.values()) nextMs = Math.min(nextMs, entry.atMs);
    if (nextMs < Number.POSITIVE_INFINITY) arm(nextMs);
  }
  return {
    set(id, atMs, end) {
      entries.set(id, { atMs, end });
      arm(atMs);
    },
    clear(id) {
      entries.delete(id);
    },
    close() {
      isClosed = true;
      entries.clear();
      if (timer !== null) clearTimeout(timer);
    },
  };
}
