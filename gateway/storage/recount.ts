// The books counted again from the rows themselves: frames, gaps, quarantine and log, each read once. The running totals are only looked
// at to say by how much they differ.

import type Database from 'better-sqlite3';
import { unpackCounts } from './frame-run.ts';
import type { StreamAccount, StreamState } from './store.ts';

/** What belongs to the same moment as the totals: rows up to these ids (both tables only grow), and quarantine, which also shrinks. */
export interface RecountEnds {
  readonly frame: number;
  readonly gap: number;
  /** Rows of settled frames, by stream. */
  readonly quarantined: ReadonlyMap<number, number>;
}

type Count = 'framesStored' | 'framesQuarantined' | 'framesGap' | 'readings' | 'refused';
type Counted = { [K in Count]: number } & {
  /** What the frames say was refused of them; `refused` is what quarantine has of it. */
  refusedOfFrames: number;
};
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

/** Runs a read transaction: a long count must not hold back the checkpoint. */
const RUNS = 10_000;

export function recountEnds(db: Database.Database): RecountEnds {
  const last = (table: string): number => (db.prepare(`SELECT max(id) FROM ${table}`).pluck().get() as number | null) ?? 0;
  const rows = db.prepare('SELECT stream, count(*) FROM quarantine INDEXED BY quarantine_of_device WHERE seq > 0 GROUP BY stream').raw();
  return { frame: last('frames'), gap: last('gaps'), quarantined: new Map(rows.all() as [number, number][]) };
}

/** Frames up to `acked` that are in no count; below 0: too many are. */
export function framesMissing({ acked, framesStored, framesQuarantined, framesGap }: StreamState): number {
  return acked - framesStored - framesQuarantined - framesGap;
}

export function recount(db: Database.Database, streams: readonly StreamState[], ends: RecountEnds): StreamAccount[] {
  const counted = new Map<number, Counted>();
  const devices = new Map<number, string>();
  for (const { id, device, evicted, discarded } of streams) {
    const refused = (ends.quarantined.get(id) ?? 0) + evicted + discarded;
    counted.set(id, { framesStored: 0, framesQuarantined: 0, framesGap: 0, readings: 0, refused, refusedOfFrames: 0 });
    devices.set(id, device);
  }
  countFrames(db, counted, devices, ends.frame);

  const gaps = db.prepare('SELECT stream, sum(last_seq - first_seq + 1) FROM gaps WHERE id <= ? GROUP BY stream').raw();
  for (const [stream, frames] of gaps.all(ends.gap) as [number, number][]) {
    const books = counted.get(stream);
    if (books !== undefined) books.framesGap = frames;
  }
  return streams.map((books) => {
    const { refusedOfFrames, ...rows } = counted.get(books.id) as Counted;
    const account = { ...books, ...rows };
    return { ...account, unexplained: framesMissing(account) || difference(books, rows, refusedOfFrames) };
  });
}

/** The greatest of the differences between books and rows; 0 when they agree. */
function difference(books: StreamState, rows: Record<Count, number>, refusedOfFrames: number): number {
  const names = Object.keys(rows) as Count[];
  return Math.max(Math.abs(refusedOfFrames - rows.refused), ...names.map((name) => Math.abs(books[name] - rows[name])));
}

function countFrames(db: Database.Database, counted: Map<number, Counted>, devices: Map<number, string>, end: number): void {
  const runs = db
    .prepare(
      'SELECT id, stream, first_seq, last_seq, first_position, readings, refused, counts FROM frames WHERE id > ? AND id <= ? ORDER BY id LIMIT ?',
    )
    .raw();
  // only readings in a series of the frame's own device count as its readings
  const logged = db
    .prepare('SELECT count(*) FROM log JOIN series ON series.id = log.series WHERE position BETWEEN ? AND ? AND series.device = ?')
    .pluck();
  const inLog = (position: number, size: number, stream: number): number =>
    size === 0 ? 0 : (logged.get(position, position + size - 1, devices.get(stream)) as number);

  for (let last = 0; ; ) {
    const some = runs.all(last, end, RUNS) as Run[];
    for (const [id, stream, firstSeq, lastSeq, position, size, refused, counts] of some) {
      last = id;
      const books = counted.get(stream);
      if (books === undefined) continue;
      const found = inLog(position, size, stream);
      books.readings += found;
      books.refusedOfFrames += refused;
      let at = position;
      for (const readings of unpackCounts(counts, lastSeq - firstSeq + 1, size)) {
        // a frame that the log has only a part of is neither: it stays unexplained
        if (readings === 0) books.framesQuarantined++;
        else if (found === size || inLog(at, readings, stream) === readings) books.framesStored++;
        at += readings;
      }
    }
    if (some.length < RUNS) return;
  }
}
