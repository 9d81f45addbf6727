// A run of retention, step by step on the sealer's connection: first what is too old, by series, then for each rule with a size the oldest
// chunks beyond it. A step looks at a part and may have a slice for the writer; nothing is written here.

import type Database from 'better-sqlite3';
import { compilePattern } from '../protocol/pattern.ts';
import { type ChunkEntry, isGone, unpackEntries } from './chunk-entries.ts';
import { type ExpiredRow, type ExpiryLimits, expireRow, roomUpTo } from './retention-plan.ts';
import { type IndexKey, NUMBER_STEP, type SeriesChange } from './seal-series.ts';
import { createSliceBuilder, type ExpiredReadings, type SealSlice } from './seal-slice.ts';

/** The first rule that matches a series holds for it; what is null is not bounded. */
export interface RetentionRule {
  /** Patterns with `*`. */
  readonly device: string;
  readonly metric: string;
  readonly rawMs: number | null;
  readonly maxBytes: number | null;
  /** 0: the sums go with their readings. */
  readonly summariesMs: number | null;
}
export interface ExpiryAsk {
  readonly rules: readonly RetentionRule[];
  readonly nowUs: number;
  /** The clock may be wrong: nothing goes for its age. */
  readonly isClockDoubtful: boolean;
}
export type ExpiryReason = 'age' | 'size';
export interface Expiry {
  /** Null: this part had nothing to go. */
  readonly slice: SealSlice | null;
  readonly rule: number;
  readonly reason: ExpiryReason;
  readonly readings: number;
  readonly bytes: number;
}

interface SeriesOfRule {
  readonly id: number;
  readonly rule: number;
}
type Row = [startUs: number, number: number, entries: Buffer];
interface RowExpiry {
  readonly change: SeriesChange;
  readonly expired: ExpiredReadings;
  readonly bytes: number;
}

/** What a rule's chunks take in the file. */
interface RuleSize {
  readonly chunks: [endUs: number, bytes: number][];
  bytes: number;
  readings: number;
}

/** A slice is one transaction of the writer: some milliseconds. */
const SLICE_CHUNKS = 48;
const SLICE_ROWS = 24;
/** Series and rows that a step looks at without finding anything. */
const STEP_SERIES = 256;
const STEP_ROWS = 256;
/** Of a chunk, and of a row of the index, beside what is in them. */
const CHUNK_ROW_BYTES = 18;
const INDEX_ROW_BYTES = 30;
const NEVER_US = Number.NEGATIVE_INFINITY;

export function* openExpiry(db: Database.Database, { rules, nowUs, isClockDoubtful }: ExpiryAsk): Generator<Expiry, undefined> {
  const rows = db
    .prepare(
      `SELECT start_us, number, entries FROM chunk_index WHERE series = @series AND start_us < max(@endUs, @sumsUs)
       AND start_us < iif(readings > 0, @endUs, @sumsUs) ORDER BY start_us, number`,
    )
    .raw();
  const rowsWithReadings = db
    .prepare(
      `SELECT start_us, number, entries FROM chunk_index WHERE series = @series AND readings > 0
       AND (start_us, number) > (@startUs, @number) ORDER BY start_us, number LIMIT @limit`,
    )
    .raw();
  const firstNumber = db.prepare('SELECT min(number) FROM chunk_index WHERE series = ? AND start_us = ?').pluck();
  const meta = db.prepare('SELECT coalesce((SELECT content FROM meta WHERE key = ?), 0)').pluck();
  const matched = matchSeries(db, rules);
  let hot: ReadonlyMap<number, number> | null = null;
  let unsealed: ReadonlyMap<number, number> | null = null;

  for (const [r, rule] of rules.entries()) {
    const own = matched.filter((one) => one.rule === r).map(({ id }) => id);
    const beforeUs = (ms: number | null): number => (ms === null || isClockDoubtful ? NEVER_US : nowUs - ms * 1000);
    const sumsBeforeUs = rule.summariesMs === 0 ? Number.POSITIVE_INFINITY : beforeUs(rule.summariesMs);
    yield* drop(r, 'age', own, { rawBeforeUs: beforeUs(rule.rawMs), roomUpToUs: NEVER_US, sumsBeforeUs });
    if (rule.maxBytes === null) continue;
    const size: RuleSize = { chunks: [], bytes: 0, readings: 0 };
    for (const series of own) yield* measure(r, series, size);
    const roomUpToUs = roomUpTo(size.chunks, rule.maxBytes - unsealedBytes(own, size));
    if (roomUpToUs > NEVER_US) yield* drop(r, 'size', own, { rawBeforeUs: NEVER_US, roomUpToUs, sumsBeforeUs });
  }

  function* drop(rule: number, reason: ExpiryReason, own: readonly number[], limits: ExpiryLimits): Generator<Expiry, undefined> {
    let builder = createSliceBuilder();
    let waiting: RowExpiry[] = [];
    let chunks = 0;
    let looked = 0;
    const step = (): Expiry => {
      const end = { series: [], upTo: Number(meta.get('sealed')), isLast: false };
      const slice = builder.isEmpty ? null : { ...builder.finish(Number(meta.get('chunk')), end), expired: bySeries(waiting) };
      const sum = (of: (one: RowExpiry) => number): number => waiting.reduce((total, one) => total + of(one), 0);
      const done: Expiry = { slice, rule, reason, readings: sum((one) => one.expired.readings), bytes: sum((one) => one.bytes) };
      builder = createSliceBuilder();
      waiting = [];
      chunks = looked = 0;
      return done;
    };
    for (const series of own) {
      for (const one of expireSeries(series, limits)) {
        builder.add(one.change);
        waiting.push(one);
        chunks += one.change.dropChunks.length;
        if (chunks >= SLICE_CHUNKS || waiting.length >= SLICE_ROWS) yield step();
      }
      if (++looked >= STEP_SERIES) yield step();
    }
    if (waiting.length > 0) yield step();
  }

  /** Row by row; the last one tells what is the first of the series from then on. */
  function expireSeries(series: number, limits: ExpiryLimits): RowExpiry[] {
    const { rawBeforeUs, roomUpToUs, sumsBeforeUs } = limits;
    const sumsUs = Math.min(sumsBeforeUs, nowUs);
    const endUs = Math.max(rawBeforeUs, roomUpToUs + 1, sumsBeforeUs === Number.POSITIVE_INFINITY ? NEVER_US : sumsBeforeUs);
    if (Math.max(endUs, sumsUs) === NEVER_US) return [];
    const changes: RowExpiry[] = [];
    let firstUs: number | null = null;
    let last: IndexKey = { startUs: Number.MIN_SAFE_INTEGER, number: 0 };
    for (const [startUs, number, packed] of rows.all({ series, endUs, sumsUs }) as Row[]) {
      const entries = unpacked(packed);
      if (firstOf(entries) !== null) last = { startUs, number };
      const row = expireRow(entries, limits);
      firstUs ??= firstOf(row?.entries ?? entries);
      if (row !== null) changes.push({ ...changed(series, { startUs, number }, row), bytes: row.bytes });
    }
    const end = changes.at(-1);
    if (end === undefined) return [];
    for (; firstUs === null; ) {
      const next = (rowsWithReadings.all({ series, ...last, limit: 1 }) as Row[])[0];
      if (next === undefined) break;
      last = { startUs: next[0], number: next[1] };
      firstUs = firstOf(unpacked(next[2]));
    }
    hot ??= firstOfHot(db);
    const leftUs = Math.min(firstUs ?? Number.POSITIVE_INFINITY, hot.get(series) ?? Number.POSITIVE_INFINITY);
    changes[changes.length - 1] = { ...end, expired: { ...end.expired, firstUs: leftUs } };
    return changes;
  }

  function changed(series: number, key: IndexKey, { entries, dropChunks, readings }: ExpiredRow): Omit<RowExpiry, 'bytes'> {
    const first = entries[0];
    const change: SeriesChange = { dropChunks: [...dropChunks], addChunks: [], dropRows: [{ series, ...key }], addRows: [] };
    if (first !== undefined) change.addRows.push({ series, ...keyOf(series, key, first.startUs), entries });
    return { change, expired: { series, readings, firstUs: null } };
  }
  /** A row that begins later than it did must still come before those that begin at that time. */
  function keyOf(series: number, key: IndexKey, startUs: number): IndexKey {
    if (startUs === key.startUs) return key;
    const next = firstNumber.get(series, startUs) as number | null;
    return { startUs, number: next === null ? 0 : next - NUMBER_STEP };
  }

  function* measure(rule: number, series: number, size: RuleSize): Generator<Expiry, undefined> {
    for (let last: IndexKey = { startUs: Number.MIN_SAFE_INTEGER, number: 0 }; ; ) {
      const some = rowsWithReadings.all({ series, ...last, limit: STEP_ROWS }) as Row[];
      for (const [startUs, number, packed] of some) {
        last = { startUs, number };
        const entries = unpacked(packed);
        // what the file has for it beside the content
        const beside = CHUNK_ROW_BYTES + (packed.length + INDEX_ROW_BYTES) / entries.length;
        for (const entry of entries) {
          if (isGone(entry)) continue;
          size.chunks.push([entry.endUs, entry.bytes + beside]);
          size.bytes += entry.bytes + beside;
          size.readings += entry.count;
        }
      }
      if (some.length < STEP_ROWS) return;
      yield { slice: null, rule, reason: 'size', readings: 0, bytes: 0 };
    }
  }

  /** Of readings that are in no chunk yet, as much as they will take in one, and not what they take in the log: that passes. */
  function unsealedBytes(own: readonly number[], { bytes, readings }: RuleSize): number {
    if (readings === 0) return 0;
    unsealed ??= unsealedOf(db);
    let waiting = 0;
    for (const series of own) waiting += unsealed.get(series) ?? 0;
    return waiting * (bytes / readings);
  }
}

/** Of a series all that goes in one slice, as one. */
function bySeries(rows: readonly RowExpiry[]): ExpiredReadings[] {
  const found = new Map<number, ExpiredReadings>();
  for (const { expired } of rows) {
    const before = found.get(expired.series)?.readings ?? 0;
    found.set(expired.series, { ...expired, readings: before + expired.readings });
  }
  return [...found.values()];
}

function matchSeries(db: Database.Database, rules: readonly RetentionRule[]): SeriesOfRule[] {
  const matches = rules.map(({ device, metric }) => [compilePattern(device), compilePattern(metric)] as const);
  const found: SeriesOfRule[] = [];
  for (const [id, device, metric] of db.prepare('SELECT id, device, metric FROM series ORDER BY id').raw().all() as [
    number,
    string,
    string,
  ][]) {
    const rule = matches.findIndex(([isDevice, isMetric]) => isDevice(device) && isMetric(metric));
    if (rule >= 0) found.push({ id, rule });
  }
  return found;
}

/** A row that is damaged stays as it is: nobody knows what it tells of. */
function unpacked(packed: Buffer): ChunkEntry[] {
  try {
    return unpackEntries(packed);
  } catch {
    return [];
  }
}

function firstOf(entries: readonly ChunkEntry[]): number | null {
  return entries.find((entry) => !isGone(entry))?.startUs ?? null;
}

const UNSEALED = `position > coalesce((SELECT content FROM meta WHERE key = 'sealed'), 0)
  AND position > coalesce((SELECT position FROM sealing WHERE sealing.series = log.series), 0)`;

/** How many readings are in no chunk yet, by series. */
function unsealedOf(db: Database.Database): ReadonlyMap<number, number> {
  const rows = db.prepare(`SELECT series, count(*) FROM log WHERE ${UNSEALED} GROUP BY series`).raw();
  return new Map(rows.all() as [number, number][]);
}

/** The first of the readings that are in no chunk yet, by series; some may be sealed beyond the mark, by a round that was broken off. */
function firstOfHot(db: Database.Database): ReadonlyMap<number, number> {
  const rows = db.prepare(`SELECT series, min(time_us) FROM log WHERE ${UNSEALED} GROUP BY series`).raw();
  return new Map(rows.all() as [number, number][]);
}
