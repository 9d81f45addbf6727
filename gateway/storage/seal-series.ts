// Sealing, for one series: which chunks new readings go into, what those become, and the rows of the index that change with them. Pure:
// what is on disk comes in through a source, what shall be goes out as a change.

import { cut, isFull, type PageFill } from './chunk-cut.ts';
import { type ChunkEntry, isGone, ROW_ENTRIES } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { mergeReadings, partOf } from './chunk-merge.ts';
import { exactSum, summarize } from './chunk-summary.ts';

export interface IndexKey {
  readonly startUs: number;
  readonly number: number;
}
export interface IndexRow extends IndexKey {
  readonly entries: readonly ChunkEntry[];
}
export interface SeriesRow extends IndexRow {
  readonly series: number;
}
/** A chunk to come: its entry gets its id when its place among others is known. */
export interface NewChunk {
  readonly entry: { -readonly [K in keyof ChunkEntry]: ChunkEntry[K] };
  readonly content: Uint8Array;
  readonly isFitted?: boolean;
}
export interface SeriesChange {
  readonly dropChunks: number[];
  readonly addChunks: NewChunk[];
  readonly dropRows: (IndexKey & { readonly series: number })[];
  readonly addRows: SeriesRow[];
}

/** One series as it is on disk. */
export interface SealedSeries {
  /** Of its rows in the order of time: from the last one that begins at or before `timeUs` (else from the first) to the end. */
  keysFrom(timeUs: number): IndexKey[];
  /** Null: the row is damaged. */
  entries(key: IndexKey): ChunkEntry[] | null;
  /** Null: what was there is gone or damaged. */
  readings(entry: ChunkEntry): ChunkReadings | null;
}

export interface SealAsk {
  readonly series: number;
  /** New readings, by time. */
  readonly fresh: ChunkReadings;
  /** The highest position among them. */
  readonly position: number;
  readonly sealedUs: number;
  readonly source: SealedSeries;
}

/** Room between the numbers of rows that begin at the same time. */
export const NUMBER_STEP = 2 ** 20;

export function sealSeries(ask: SealAsk): SeriesChange {
  const { series, fresh, source } = ask;
  const change: SeriesChange = { dropChunks: [], addChunks: [], dropRows: [], addRows: [] };
  const keys = source.keysFrom(fresh.timeUs[0] as number);
  if (keys.length === 0) {
    writeRows(ask, change, sealed(ask, change, fresh), null, null);
    return change;
  }
  const borders = spans(fresh, keys);
  let before: IndexKey | null = null;
  for (const [k, key] of keys.entries()) {
    const [from, to] = borders[k] as readonly [number, number];
    if (from === to) {
      before = key;
      continue;
    }
    const entries = source.entries(key);
    const part = partOf(fresh, from, to);
    const after = keys[k + 1] ?? null;
    if (entries === null) {
      // it stays as it is, for whoever can still mend it; what would go into it gets rows before and after it
      const earlier = countBefore(part, key.startUs);
      if (earlier > 0) writeRows(ask, change, sealed(ask, change, partOf(part, 0, earlier)), before, key);
      const isBehind = earlier < part.count;
      if (isBehind) writeRows(ask, change, sealed(ask, change, partOf(part, earlier, part.count)), key, after);
      before = isBehind ? (change.addRows.at(-1) as SeriesRow) : key;
      continue;
    }
    change.dropRows.push({ series, startUs: key.startUs, number: key.number });
    writeRows(ask, change, mergeRow(ask, change, entries, part, k === keys.length - 1), before, after);
    before = change.addRows.at(-1) as SeriesRow;
  }
  return change;
}

/** A row of the index with its chunks cut and written anew, those between two whose readings are gone by themselves; null when one is damaged. */
export function recutRow({ series, source }: Pick<SealAsk, 'series' | 'source'>, key: IndexKey, fill: PageFill): SeriesChange | null {
  const entries = source.entries(key);
  if (entries === null) return null;
  const { startUs, number } = key;
  const change: SeriesChange = { dropChunks: [], addChunks: [], dropRows: [{ series, startUs, number }], addRows: [] };
  const anew: ChunkEntry[] = [];
  for (const some of runsOf(entries)) {
    if (isGone(some[0] as ChunkEntry)) {
      anew.push(...some);
      continue;
    }
    let whole: ChunkReadings | null = null;
    for (const entry of some) {
      const readings = source.readings(entry);
      if (readings === null) return null;
      whole = whole === null ? readings : mergeReadings(whole, readings);
      change.dropChunks.push(entry.id);
    }
    const position = Math.max(...some.map((entry) => entry.position));
    const sealedUs = Math.max(...some.map((entry) => entry.sealedUs));
    if (whole !== null) anew.push(...sealed({ series, source, fresh: whole, position, sealedUs }, change, whole, 0, fill.cut));
  }
  if (change.dropChunks.length === 0) return null;
  // the same start and number: it stays between its neighbours
  writeRows({ series }, change, anew, { startUs, number: number - NUMBER_STEP }, null);
  return change;
}

/** Entries beside each other, by whether their readings are gone. */
export function runsOf(entries: readonly ChunkEntry[]): ChunkEntry[][] {
  const runs: ChunkEntry[][] = [];
  for (const entry of entries) {
    const last = runs.at(-1);
    if (last !== undefined && isGone(last[0] as ChunkEntry) === isGone(entry)) last.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

/** For each of the parts, which begin at rising times, the new readings that belong to it: the first takes what is earlier, too. */
function spans(fresh: ChunkReadings, parts: readonly { readonly startUs: number }[]): (readonly [number, number])[] {
  let from = 0;
  return parts.map((_, p) => {
    const next = parts[p + 1];
    let to = from;
    if (next === undefined) to = fresh.count;
    else while (to < fresh.count && (fresh.timeUs[to] as number) < next.startUs) to++;
    const span = [from, to] as const;
    from = to;
    return span;
  });
}

function mergeRow(
  ask: SealAsk,
  change: SeriesChange,
  entries: readonly ChunkEntry[],
  fresh: ChunkReadings,
  isLastRow: boolean,
): ChunkEntry[] {
  const borders = spans(fresh, entries);
  return entries.flatMap((entry, e) => {
    const [from, to] = borders[e] as readonly [number, number];
    if (from === to) return [entry];
    const part = partOf(fresh, from, to);
    const isBehind = (part.timeUs[0] as number) >= entry.endUs;
    const isTail = isLastRow && e === entries.length - 1;
    if (isTail && isBehind && isFull(entry)) return [entry, ...sealed(ask, change, part)];
    const before = ask.source.readings(entry);
    // damaged, or gone: its entry stays where it is, between what is earlier and what is later
    if (before === null) return beside(ask, change, entry, part);
    change.dropChunks.push(entry.id);
    return sealed(ask, change, mergeReadings(before, part), entry.position);
  });
}

function beside(ask: SealAsk, change: SeriesChange, entry: ChunkEntry, part: ChunkReadings): ChunkEntry[] {
  const earlier = countBefore(part, entry.startUs);
  const all = (from: number, to: number): ChunkEntry[] => (from === to ? [] : sealed(ask, change, partOf(part, from, to)));
  return [...all(0, earlier), entry, ...all(earlier, part.count)];
}

/** Readings that are older. */
function countBefore({ timeUs: times, count }: ChunkReadings, timeUs: number): number {
  let n = 0;
  while (n < count && (times[n] as number) < timeUs) n++;
  return n;
}

/** Readings of any number as chunks that are each worth a row. */
function sealed(ask: SealAsk, change: SeriesChange, readings: ChunkReadings, position = 0, cutting = cut): ChunkEntry[] {
  const entries: ChunkEntry[] = [];
  for (const { part, content, isFitted = false } of cutting(readings)) {
    const facts = { id: 0, kind: part.kind, bytes: content.length, position: Math.max(position, ask.position), sealedUs: ask.sealedUs };
    const entry = { ...facts, ...summarize(part), ...exactSum(part) };
    change.addChunks.push({ entry, content, isFitted });
    entries.push(entry);
  }
  return entries;
}

function writeRows(
  ask: Pick<SealAsk, 'series'>,
  change: SeriesChange,
  entries: readonly ChunkEntry[],
  before: IndexKey | null,
  after: IndexKey | null,
): void {
  let previous = before;
  for (let from = 0; from < entries.length; from += ROW_ENTRIES) {
    const some = entries.slice(from, from + ROW_ENTRIES);
    const startUs = (some[0] as ChunkEntry).startUs;
    const row = {
      series: ask.series,
      startUs,
      number: numberBetween(startUs, previous, after),
      entries: some,
    };
    change.addRows.push(row);
    previous = row;
  }
}

function numberBetween(startUs: number, before: IndexKey | null, after: IndexKey | null): number {
  const low = before?.startUs === startUs ? before.number : null;
  const high = after?.startUs === startUs ? after.number : null;
  if (low === null) return high === null ? 0 : high - NUMBER_STEP;
  return high === null ? low + NUMBER_STEP : Math.floor((low + high) / 2);
}
