// The books counted again from the rows themselves: frames, gaps, quarantine and log, each read once. The running totals are only looked
// at to say by how much they differ.

import type Database from 'better-sqlite3';
import { unpackCounts } from './frame-run.ts';
import type { StreamAccount, StreamState } from './store.ts';

/** What belongs to the same moment as the totals: rows up to these ids (both tables only grow), and quarantine, which also shrinks. */
export interface RecountEnds {
  readonly frame: number;
  /** The oldest that is still there; null: none is. */
  readonly firstFrame: number | null;
  readonly gap: number;
  /** What was counted of the frames whose rows are gone, by stream: stored, quarantined, readings, refused. */
  readonly folded: ReadonlyMap<number, readonly [number, number, number, number]>;
  /** By device: readings in chunks and in the log that no frame's row tells of any more. */
  readonly sealed: ReadonlyMap<string, number>;
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

/** Runs and readings a read transaction: a long count must not hold back the checkpoint. */
const RUNS = 10_000;
const READINGS = 200_000;

export function recountEnds(db: Database.Database): RecountEnds {
  const last = (table: string): number => (db.prepare(`SELECT max(id) FROM ${table}`).pluck().get() as number | null) ?? 0;
  const rows = db.prepare('SELECT stream, count(*) FROM quarantine INDEXED BY quarantine_of_device WHERE seq > 0 GROUP BY stream').raw();
  const folded = db.prepare('SELECT id, folded_stored, folded_quarantined, folded_readings, folded_refused FROM streams').raw();
  return {
    frame: last('frames'),
    firstFrame: db.prepare('SELECT min(id) FROM frames').pluck().get() as number | null,
    gap: last('gaps'),
    quarantined: new Map(rows.all() as [number, number][]),
    folded: new Map((folded.all() as [number, number, number, number, number][]).map(([id, ...sums]) => [id, sums])),
    sealed: sealedOf(db),
  };
}

/** Of what was sealed, the log still has the newest: those are counted with their frames. */
function sealedOf(db: Database.Database): Map<string, number> {
  const meta = db.prepare('SELECT coalesce((SELECT content FROM meta WHERE key = ?), 0)').pluck();
  const sealed = db.prepare('SELECT s.device, sum(c.readings) FROM chunk_index c JOIN series s ON s.id = c.series GROUP BY s.device').raw();
  const inBoth = db
    .prepare(
      `SELECT s.device, count(*) FROM log l JOIN series s ON s.id = l.series
       WHERE l.position <= max(?, coalesce((SELECT position FROM sealing WHERE sealing.series = l.series), 0)) GROUP BY s.device`,
    )
    .raw();
  const counts = new Map(sealed.all() as [string, number][]);
  for (const [device, count] of inBoth.all(Number(meta.get('sealed'))) as [string, number][])
    counts.set(device, (counts.get(device) ?? 0) - count);
  return counts;
}

/** Frames up to `acked` that are in no count; below 0: too many are. */
export function framesMissing({ acked, framesStored, framesQuarantined, framesGap }: StreamState): number {
  return acked - framesStored - framesQuarantined - framesGap;
}

/**
 * Null: rows that were still to be counted left the log meanwhile. `isHeld`: in a transaction with the totals that does not happen, and
 * rows that are not there are missing.
 */
export function recount(
  db: Database.Database,
  streams: readonly StreamState[],
  ends: RecountEnds,
  isHeld: boolean,
): StreamAccount[] | null {
  const counted = new Map<number, Counted>();
  const devices = new Map<number, string>();
  for (const { id, device, evicted, discarded } of streams) {
    const refused = (ends.quarantined.get(id) ?? 0) + evicted + discarded;
    const [framesStored, framesQuarantined, readings, refusedOfFrames] = ends.folded.get(id) ?? [0, 0, 0, 0];
    counted.set(id, { framesStored, framesQuarantined, framesGap: 0, readings, refused, refusedOfFrames });
    devices.set(id, device);
  }
  if (!countFrames(db, counted, devices, ends, isHeld)) return null;
  const lostOf = sealedDifference(streams, ends);

  const gaps = db.prepare('SELECT stream, sum(last_seq - first_seq + 1) FROM gaps WHERE id <= ? GROUP BY stream').raw();
  for (const [stream, frames] of gaps.all(ends.gap) as [number, number][]) {
    const books = counted.get(stream);
    if (books !== undefined) books.framesGap = frames;
  }
  return streams.map((books) => {
    const { refusedOfFrames, ...rows } = counted.get(books.id) as Counted;
    const account = { ...books, ...rows };
    return { ...account, unexplained: framesMissing(account) || difference(books, rows, refusedOfFrames) || (lostOf.get(books.id) ?? 0) };
  });
}

/** What a device's chunks have more or less than its frames told, on the stream that told most of it: a chunk knows no streams. */
function sealedDifference(streams: readonly StreamState[], { folded, sealed }: RecountEnds): Map<number, number> {
  const told = new Map<string, { readings: number; most: number; stream: number }>();
  for (const { id, device, expired } of streams) {
    const readings = (folded.get(id)?.[2] ?? 0) - expired;
    const one = told.get(device) ?? { readings: 0, most: -1, stream: id };
    one.readings += readings;
    if (readings > one.most) [one.most, one.stream] = [readings, id];
    told.set(device, one);
  }
  const differences = new Map<number, number>();
  for (const [device, { readings, stream }] of told) {
    const difference = readings - (sealed.get(device) ?? 0);
    if (difference !== 0) differences.set(stream, Math.abs(difference));
  }
  return differences;
}

/** The greatest of the differences between books and rows; 0 when they agree. */
function difference(books: StreamState, rows: Record<Count, number>, refusedOfFrames: number): number {
  const names = Object.keys(rows) as Count[];
  return Math.max(Math.abs(refusedOfFrames - rows.refused), ...names.map((name) => Math.abs(books[name] - rows[name])));
}

function countFrames(
  db: Database.Database,
  counted: Map<number, Counted>,
  devices: Map<number, string>,
  { frame: end, firstFrame }: RecountEnds,
  isHeld: boolean,
): boolean {
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

  let last = (firstFrame ?? end + 1) - 1;
  const countSome = db.transaction((): boolean => {
    let readingsLeft = READINGS;
    for (const [id, stream, firstSeq, lastSeq, position, size, refused, counts] of runs.iterate(last, end, RUNS) as IterableIterator<Run>) {
      // their numbers have no holes: what is missing went with the oldest of the log
      if (id !== last + 1 && !isHeld) return false;
      if (readingsLeft <= 0) return true;
      readingsLeft -= size;
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
    return true;
  });
  for (let before = last; last < end; before = last) {
    if (!countSome()) return false;
    if (last === before) return isHeld;
  }
  return true;
}
