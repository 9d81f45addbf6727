// The writer's part in sealing: each slice is applied as one transaction, and what is sealed and old enough leaves the log. So a reading
// is at every moment either above the mark or in a chunk, and its frame's row goes in the same transaction as the reading itself.

import type Database from 'better-sqlite3';
import { unpackCounts } from './frame-run.ts';
import type { SealSlice } from './seal-slice.ts';

export interface ChunkBook {
  /** Inside a transaction. */
  apply(slice: SealSlice): void;
  /** Inside a transaction: rows of the log up to `limit` go, oldest first, in whole runs of frames and some `rows` at most. Returns how many rows went, runs included. */
  trim(limit: number, rows: number): number;
  /** Everything up to here is in chunks. */
  readonly mark: number;
  /** Everything up to here has left the log. */
  readonly trimmed: number;
  /** After a rollback. */
  reload(): void;
}

type Run = [
  id: number,
  stream: number,
  firstSeq: number,
  lastSeq: number,
  position: number,
  readings: number,
  refused: number,
  counts: Buffer | null,
];
const RUNS = 256;

export function openChunkBook(db: Database.Database): ChunkBook {
  const readMeta = db.prepare('SELECT content FROM meta WHERE key = ?').pluck();
  const writeMeta = db.prepare('INSERT OR REPLACE INTO meta(key, content) VALUES (?, ?)');
  const dropChunk = db.prepare('DELETE FROM chunks WHERE id = ?');
  const addChunk = db.prepare('INSERT INTO chunks(id, content) VALUES (?, ?)');
  const dropRow = db.prepare('DELETE FROM chunk_index WHERE series = ? AND start_us = ? AND number = ?');
  const addRow = db.prepare(
    'INSERT INTO chunk_index(series, start_us, number, end_us, readings, edition, sums, entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const setSums = db.prepare('UPDATE chunk_index SET sums = ? WHERE series = ? AND start_us = ? AND number = ? AND edition = ?');
  const allSummed = db.prepare(`DELETE FROM meta WHERE key = 'unsummed'`);
  const setSealing = db.prepare('INSERT OR REPLACE INTO sealing(series, position) VALUES (?, ?)');
  const clearSealing = db.prepare('DELETE FROM sealing');
  const runs = db
    .prepare('SELECT id, stream, first_seq, last_seq, first_position, readings, refused, counts FROM frames ORDER BY id LIMIT ?')
    .raw();
  const dropRuns = db.prepare('DELETE FROM frames WHERE id <= ?');
  // with no row left their ids begin anew, and the count of series goes on from the first one again (series-book.ts)
  const restartRuns = db.prepare(
    `UPDATE meta SET content = json_set(content, '$.frame', 0) WHERE key = 'counted' AND NOT EXISTS (SELECT 1 FROM frames)`,
  );
  const dropLog = db.prepare('DELETE FROM log WHERE position <= ?');
  const fold = db.prepare(
    `UPDATE streams SET folded_stored = folded_stored + ?, folded_quarantined = folded_quarantined + ?,
     folded_readings = folded_readings + ?, folded_refused = folded_refused + ? WHERE id = ?`,
  );
  let mark = 0;
  let trimmed = 0;
  reload();

  function reload(): void {
    mark = Number(readMeta.get('sealed') ?? 0);
    trimmed = Number(readMeta.get('trimmed') ?? 0);
  }

  return {
    apply({ series, upTo, isLast, lastId, dropChunks, addChunks, dropRows, addRows, addSums = [], isSummed = false }) {
      for (const id of dropChunks) dropChunk.run(id);
      for (const { id, content } of addChunks) addChunk.run(id, content);
      for (const row of dropRows) dropRow.run(row.series, row.startUs, row.number);
      for (const row of addRows)
        addRow.run(row.series, row.startUs, row.number, row.endUs, row.readings, row.edition, row.sums, row.entries);
      for (const row of addSums) setSums.run(row.sums, row.series, row.startUs, row.number, row.edition);
      if (isSummed) allSummed.run();
      writeMeta.run('chunk', lastId);
      if (isLast) {
        clearSealing.run();
        writeMeta.run('sealed', upTo);
        mark = upTo;
      } else for (const id of series) setSealing.run(id, upTo);
    },

    trim(limit, rows) {
      const end = Math.min(limit, mark);
      if (trimmed >= end) return 0;
      const books = new Map<number, [stored: number, quarantined: number, readings: number, refused: number]>();
      let lastRun = 0;
      let gone = 0;
      let to = trimmed;
      for (const [id, stream, firstSeq, lastSeq, position, readings, refused, counts] of runs.all(RUNS) as Run[]) {
        const last = readings === 0 ? to : position + readings - 1;
        if (last > end || (last - trimmed > rows && lastRun > 0)) break;
        lastRun = id;
        gone += 1;
        to = Math.max(to, last);
        const folded = books.get(stream) ?? [0, 0, 0, 0];
        for (const stored of unpackCounts(counts, lastSeq - firstSeq + 1, readings)) folded[stored > 0 ? 0 : 1]++;
        folded[2] += readings;
        folded[3] += refused;
        books.set(stream, folded);
      }
      if (lastRun === 0) return 0;
      for (const [stream, folded] of books) fold.run(...folded, stream);
      dropRuns.run(lastRun);
      restartRuns.run();
      dropLog.run(to);
      writeMeta.run('trimmed', to);
      gone += to - trimmed;
      trimmed = to;
      return gone;
    },

    get mark() {
      return mark;
    },
    get trimmed() {
      return trimmed;
    },
    reload,
  };
}
