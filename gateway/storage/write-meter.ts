// What a writing connection puts on the disk, by SQLite's own counts of pages: a flash card wears by that. Pages go into the write-ahead
// log first, and from there into the database; a page that changed several times in between is written back once, so what goes into the
// database is at most what is counted.

import type Database from 'better-sqlite3';

export interface Written {
  readonly logBytes: number;
  readonly databaseBytes: number;
}

export interface WriteMeter {
  /** Counts what was added to the write-ahead log; how large that is now, in bytes. */
  look(): number;
  /** Writes the write-ahead log back, and counts that; at once where a reader does not let it, without its end. */
  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void;
  /** Since it was opened. */
  readonly written: Written;
}

interface WalState {
  readonly log: number;
  readonly checkpointed: number;
}
const FRAME_HEAD_BYTES = 24;

export function createWriteMeter(db: Database.Database): WriteMeter {
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  function stateOf(mode: string): WalState {
    const [{ log, checkpointed }] = db.pragma(`wal_checkpoint(${mode})`) as [WalState];
    // -1 before there is a log
    return { log: Math.max(0, log), checkpointed: Math.max(0, checkpointed) };
  }
  let logPages = stateOf('NOOP').log;
  let logged = 0;
  let backfilled = 0;

  function look(): WalState {
    const state = stateOf('NOOP');
    // all of it was written back, so it began anew from its first page
    logged += state.log >= logPages ? state.log - logPages : state.log;
    logPages = state.log;
    return state;
  }

  return {
    look: () => look().log * pageBytes,
    checkpoint(mode) {
      const before = look();
      const after = stateOf(mode);
      const isEmptied = after.log === 0;
      backfilled += (isEmptied ? before.log : after.checkpointed) - before.checkpointed;
      logPages = after.log;
    },
    get written() {
      return { logBytes: logged * (pageBytes + FRAME_HEAD_BYTES), databaseBytes: backfilled * pageBytes };
    },
  };
}
