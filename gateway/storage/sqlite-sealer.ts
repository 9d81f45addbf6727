// A thread that seals: it reads the log above the mark, groups it by series, makes the chunks, and hands them over in slices for the
// writer to store. It writes nothing itself, so nothing that it does holds up a commit. It alone decides what becomes of a chunk.

import type Database from 'better-sqlite3';
import { type ChunkEntry, isGone, unpackEntries } from './chunk-entries.ts';
import { type DamagedChunk, openChunkSource } from './chunk-source.ts';
import { openLogColumns } from './log-columns.ts';
import { openForReading } from './migrate.ts';
import { createMemoryReturn } from './memory-return.ts';
import { createPageFill, isPoorlyCut, type PageFill } from './chunk-cut.ts';
import { type Expiry, type ExpiryAsk, openExpiry } from './retention-run.ts';
import { packSums } from './row-sums.ts';
import { createSliceBuilder, type SealSlice } from './seal-slice.ts';
import { recutRow, runsOf, sealSeries } from './seal-series.ts';
import { serveThread } from './thread.ts';

export interface BeginRound {
  /** Positions up to here and no further. */
  readonly upTo: number;
  /** Readings in a round, at most. */
  readonly rows: number;
  readonly nowUs: number;
}
export interface BegunRound {
  readonly readings: number;
  readonly series: number;
  readonly upTo: number;
}

export interface Recut {
  readonly left: number;
  readonly slice: SealSlice | null;
}
type Key = readonly [series: number, startUs: number, number: number];

/** What a round leaves at least, in columns and what became of them. */
const ROUND_BYTES = 24 * 1024 * 1024;
/** A slice is one transaction of the writer: some milliseconds. */
const SLICE_BYTES = 96 * 1024;
const SLICE_SERIES = 256;
/** A chunk is written anew once a round, and never looked at again before the next. */
const KEPT_READINGS = 131_072;
/** Nothing waits for these. */
const RECUT_BYTES = 1024 * 1024;
const RECUT_ROWS = 2000;
const FIRST: Key = [0, 0, 0];
/** Rows that get their sums in one transaction. */
const SUMMED_ROWS = 24;
/** Of a page of 8 KiB. */
const SPARSE_BYTES = 1400;

serveThread<{ file: string }>(({ file }, tell) => openSealer(openForReading(file), tell) as never);

function openSealer(db: Database.Database, tell: (damaged: DamagedChunk) => void) {
  const meta = db.prepare('SELECT content FROM meta WHERE key = ?').pluck();
  const progress = db.prepare('SELECT series, position FROM sealing').raw();
  const keys = db.prepare('SELECT series, start_us, number FROM chunk_index ORDER BY series, start_us, number').raw();
  const unsummed = db
    .prepare(
      `SELECT series, start_us, number, edition, entries FROM chunk_index
       WHERE (series, start_us, number) > (?, ?, ?) AND sums IS NULL ORDER BY series, start_us, number LIMIT ?`,
    )
    .raw();
  let summedTo: Key = FIRST;
  const source = openChunkSource(db, { onDamaged: tell, keptReadings: KEPT_READINGS });
  const returnMemory = createMemoryReturn(ROUND_BYTES);
  const log = openLogColumns(db);
  const numberOf = (key: string): number => Number(meta.get(key) ?? 0);
  let round: { upTo: number; nowUs: number; series: readonly number[]; next: number } | null = null;
  let recutting: { keys: readonly Key[]; next: number; sparse: ReadonlySet<number>; fill: PageFill } | null = null;
  let expiring: Iterator<Expiry> | null = null;

  return {
    /** Null: there is nothing to seal. What an earlier round did before it was broken off stays done. */
    begin({ upTo, rows, nowUs }: BeginRound): BegunRound | null {
      round = null;
      const mark = numberOf('sealed');
      const sealedTo = new Map(progress.all() as [number, number][]);
      // a round that was broken off is gone through to its own end first
      const end = sealedTo.size > 0 ? Math.max(...sealedTo.values()) : Math.min(upTo, mark + rows);
      if (end <= mark) return null;
      const readings = log.read(mark, end, sealedTo);
      round = { upTo: end, nowUs, series: log.series(), next: 0 };
      return { readings, series: round.series.length, upTo: end };
    },

    /** The next slice; null after the last one. Each must be stored before the next is asked for. */
    next(): SealSlice | null {
      if (round === null) return null;
      const { series, upTo, nowUs, next: first } = round;
      const slice = createSliceBuilder();
      for (; round.next < series.length && round.next - first < SLICE_SERIES && slice.bytes < SLICE_BYTES; round.next++) {
        const id = series[round.next] as number;
        slice.add(sealSeries({ series: id, ...log.take(id), sealedUs: nowUs, source: source.of(id) }));
      }
      const isLast = round.next === series.length;
      const done = slice.finish(numberOf('chunk'), { series: series.slice(first, round.next), upTo, isLast });
      if (isLast) {
        round = null;
        returnMemory();
      }
      return done;
    },

    /** There is no next round for a while: what rounds need of memory goes back. */
    rest(): void {
      log.release();
      db.pragma('shrink_memory');
      returnMemory();
    },

    /** Looks for what was cut while it grew, and for pages that are half empty; how many rows of the index there are to look at. */
    beginRecut(): number {
      recutting = { keys: keys.all() as Key[], next: 0, sparse: chunksInSparsePages(db), fill: createPageFill() };
      return recutting.keys.length;
    },

    /** The next slice, and how many rows are left; a slice of null: nothing was to be done with some. */
    nextRecut(): Recut | null {
      if (recutting === null || recutting.next === recutting.keys.length) return null;
      const slice = createSliceBuilder();
      const first = recutting.next;
      for (; recutting.next < recutting.keys.length && recutting.next - first < RECUT_ROWS && slice.bytes < RECUT_BYTES; recutting.next++) {
        const [series, startUs, number] = recutting.keys[recutting.next] as Key;
        const its = source.of(series);
        const entries = its.entries({ startUs, number });
        const { sparse } = recutting;
        if (entries === null) continue;
        if (!runsOf(entries).some(isRunPoor) && !entries.some(({ id }) => sparse.has(id))) continue;
        const change = recutRow({ series, source: its }, { startUs, number }, recutting.fill);
        if (change !== null) slice.add(change);
      }
      const end = { series: [], upTo: numberOf('sealed'), isLast: false };
      return { left: recutting.keys.length - recutting.next, slice: slice.isEmpty ? null : slice.finish(numberOf('chunk'), end) };
    },

    /** Rows that an earlier version wrote get their sums, some at a time; null when none is left. Each slice must be stored before the next is asked for. */
    nextSums(): SealSlice | null {
      if (numberOf('unsummed') === 0) return null;
      const rows = unsummed.all(...summedTo, SUMMED_ROWS) as [...Key, edition: number, entries: Buffer][];
      const addSums = rows.map(([series, startUs, number, edition, entries]) => ({
        series,
        startUs,
        number,
        edition,
        sums: sumsOf(entries),
      }));
      const last = rows.at(-1);
      summedTo = last === undefined ? FIRST : [last[0], last[1], last[2]];
      // a slice that was not stored has left some behind: then it begins anew
      const isSummed = last === undefined && unsummed.get(...FIRST, 1) === undefined;
      const end = { series: [], upTo: numberOf('sealed'), isLast: false };
      return { ...createSliceBuilder().finish(numberOf('chunk'), end), addSums, isSummed };
    },

    /** Begins to look for what retention lets go. */
    beginExpiry(ask: ExpiryAsk): void {
      expiring = openExpiry(db, ask);
    },

    /** The next step of it; null after the last one. Its slice must be stored before the next is asked for. */
    nextExpiry(): Expiry | null {
      const step = expiring?.next();
      if (step === undefined || step.done === true) {
        expiring = null;
        return null;
      }
      return step.value;
    },

    close(): void {
      db.close();
    },
  };
}

/** A row that is damaged has none. */
function sumsOf(packed: Buffer): Uint8Array {
  try {
    return packSums(unpackEntries(packed));
  } catch {
    return new Uint8Array(0);
  }
}

const isRunPoor = (run: readonly ChunkEntry[]): boolean => !isGone(run[0] as ChunkEntry) && isPoorlyCut(run);

/** Pages of chunks that were emptied in part: those that are left in them are better written again, one beside the other. */
function chunksInSparsePages(db: Database.Database): Set<number> {
  const pages = db.prepare(`SELECT ncell, unused FROM dbstat('main') WHERE name = 'chunks' AND pagetype = 'leaf' ORDER BY path`).raw();
  const ids = db.prepare('SELECT id FROM chunks ORDER BY id').pluck().all() as number[];
  const sparse = new Set<number>();
  let at = 0;
  for (const [cells, unused] of pages.all() as [number, number][]) {
    if (unused > SPARSE_BYTES) for (const id of ids.slice(at, at + cells)) sparse.add(id);
    at += cells;
  }
  return sparse;
}
