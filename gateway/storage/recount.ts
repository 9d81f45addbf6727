// The books counted again from the rows themselves: frames, gaps, quarantine and log, each read once. Nothing here looks at the running
// totals, so that a difference is one.

import type Database from 'better-sqlite3';
import { unpackCounts } from './frame-run.ts';
import type { StreamState } from './store.ts';

/** Rows up to these ids belong to the same moment as the totals that the count is compared with; all four tables only grow. */
export interface RecountEnds {
  readonly frame: number;
  readonly gap: number;
  readonly quarantine: number;
}

type Counted = { -readonly [K in 'acked' | 'framesStored' | 'framesQuarantined' | 'framesGap' | 'readings' | 'refused']: StreamState[K] };
type Run = [id: number, stream: number, firstSeq: number, lastSeq: number, position: number, readings: number, counts: Buffer | null];

/** Runs a read transaction: a long count must not hold back the checkpoint. */
const RUNS = 10_000;

export function recountEnds(db: Database.Database): RecountEnds {
  const last = (table: string): number => (db.prepare(`SELECT max(id) FROM ${table}`).pluck().get() as number | null) ?? 0;
  return { frame: last('frames'), gap: last('gaps'), quarantine: last('quarantine') };
}

export function recount(db: Database.Database, streams: readonly StreamState[], ends: RecountEnds): StreamState[] {
  const counted = new Map<number, Counted>();
  const devices = new Map<number, string>();
  for (const stream of streams) {
    counted.set(stream.id, { acked: 0, framesStored: 0, framesQuarantined: 0, framesGap: 0, readings: 0, refused: 0 });
    devices.set(stream.id, stream.device);
  }
  countFrames(db, counted, devices, ends.frame);

  const gaps = db.prepare('SELECT stream, sum(last_seq - first_seq + 1), max(last_seq) FROM gaps WHERE id <= ? GROUP BY stream').raw();
  for (const [stream, frames, lastSeq] of gaps.all(ends.gap) as [number, number, number][]) {
    const books = counted.get(stream);
    if (books === undefined) continue;
    books.framesGap = frames;
    books.acked = Math.max(books.acked, lastSeq);
  }
  const refused = db.prepare('SELECT stream, count(*) FROM quarantine WHERE id <= ? AND seq > 0 GROUP BY stream').raw();
  for (const [stream, records] of refused.all(ends.quarantine) as [number, number][]) {
    const books = counted.get(stream);
    if (books !== undefined) books.refused = records;
  }
  return streams.map((stream) => ({ ...stream, ...counted.get(stream.id) }));
}

function countFrames(db: Database.Database, counted: Map<number, Counted>, devices: Map<number, string>, end: number): void {
  const runs = db
    .prepare(
      'SELECT id, stream, first_seq, last_seq, first_position, readings, counts FROM frames WHERE id > ? AND id <= ? ORDER BY id LIMIT ?',
    )
    .raw();
  // only readings in a series of the frame's own device count as its readings
  const logged = db
    .prepare('SELECT count(*) FROM log JOIN series ON series.id = log.series WHERE position BETWEEN ? AND ? AND series.device = ?')
    .pluck();
  for (let last = 0; ; ) {
    const some = runs.all(last, end, RUNS) as Run[];
    for (const [id, stream, firstSeq, lastSeq, position, size, counts] of some) {
      last = id;
      const books = counted.get(stream);
      if (books === undefined) continue;
      for (const readings of unpackCounts(counts, lastSeq - firstSeq + 1, size)) {
        if (readings > 0) books.framesStored++;
        else books.framesQuarantined++;
      }
      if (size > 0) books.readings += logged.get(position, position + size - 1, devices.get(stream)) as number;
      books.acked = Math.max(books.acked, lastSeq);
    }
    if (some.length < RUNS) return;
  }
}
