// The writer's part in a backup: pages are copied by its own connection in steps of some milliseconds, between commits. So what it commits
// meanwhile is in the copy too, and the copy never has to begin anew.

import type Database from 'better-sqlite3';

/** What the database had when the copy was complete: the copy must have the same. */
export interface CopyFacts {
  readonly store: string;
  readonly position: number;
  readonly sealed: number;
  readonly trimmed: number;
  readonly series: number;
  readonly streams: number;
  /** Over all streams. */
  readonly acked: number;
  readonly readings: number;
}
export interface CopyState {
  readonly pages: number;
  readonly left: number;
  /** Null while it is being copied. */
  readonly facts: CopyFacts | null;
}
export interface StoreCopy {
  begin(file: string): void;
  /** Throws when copying failed. */
  state(): CopyState;
  /** So many pages of the copy are on the disk. It goes no further ahead than that its last sync, in which commits wait, is a short one. */
  synced(pages: number): void;
  /** Ends a copy before its time. */
  stop(): void;
}

/** Of the table `backup` that a copy gets. */
export const BACKUP_FORMAT = 1;
const STEP_MS = 3;
const FIRST_PAGES = 16;
/** However busy the thread is, it goes on. */
const LEAST_PAGES = 8;
const MOST_PAGES = 256;
/** 8 MiB. */
const AHEAD_PAGES = 1024;
/** A commit that comes in the middle of it waits as long. */
const NAP_MS = 2;

export function createStoreCopy(db: Database.Database): StoreCopy {
  let state: CopyState = { pages: 0, left: 0, facts: null };
  let failure: Error | null = null;
  let run = 0;
  let syncedPages = 0;
  const bed = new Int32Array(new SharedArrayBuffer(4));

  async function copy(file: string, its: number): Promise<void> {
    let pages = FIRST_PAGES;
    // a turn of the loop goes by between two steps, so what else the thread was asked meanwhile counts as if it were the step's
    let sinceMs = performance.now();
    await db.backup(file, {
      progress({ totalPages, remainingPages }) {
        if (its !== run) throw new Error('the copy was stopped');
        state = { pages: totalPages, left: remainingPages, facts: null };
        if (totalPages - remainingPages - syncedPages > AHEAD_PAGES) {
          Atomics.wait(bed, 0, 0, NAP_MS);
          sinceMs = performance.now();
          return 0;
        }
        const nowMs = performance.now();
        const took = nowMs - sinceMs;
        sinceMs = nowMs;
        pages = Math.max(LEAST_PAGES, Math.min(MOST_PAGES, took > STEP_MS ? pages >> 1 : pages * 2));
        return pages;
      },
    });
    if (its === run) state = { ...state, left: 0, facts: copyFacts(db) };
  }

  return {
    begin(file) {
      run++;
      const its = run;
      failure = null;
      syncedPages = 0;
      state = { pages: 0, left: 0, facts: null };
      copy(file, its).catch((error: unknown) => {
        if (its === run) failure = error as Error;
      });
    },
    state() {
      if (failure !== null) throw failure;
      return state;
    },
    synced(pages) {
      syncedPages = pages;
    },
    stop() {
      run++;
    },
  };
}

export function copyFacts(db: Database.Database): CopyFacts {
  const meta = db.prepare('SELECT content FROM meta WHERE key = ?').pluck();
  const numberOf = (key: string): number => Number(meta.get(key) ?? 0);
  const streams = db.prepare('SELECT count(*) AS streams, total(acked) AS acked, total(readings) AS readings FROM streams').get() as {
    streams: number;
    acked: number;
    readings: number;
  };
  return {
    store: String(meta.get('store')),
    position: numberOf('position'),
    sealed: numberOf('sealed'),
    trimmed: numberOf('trimmed'),
    series: db.prepare('SELECT count(*) FROM series').pluck().get() as number,
    ...streams,
  };
}
