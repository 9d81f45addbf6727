// Sealing, for one series: which chunks new readings go into, what those become, and the rows of the index that change with them. Pure:
// what is on disk comes in through a source, what shall be goes out as a change.

import { cut, isFull } from './chunk-cut.ts';
import { type ChunkEntry, ROW_ENTRIES } from './chunk-entries.ts';
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
  entries(key: IndexKey): ChunkEntry[];
  /** Null: what was there is damaged. */
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
const NUMBER_STEP = 2 ** 20;

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
    change.dropRows.push({ series, startUs: key.startUs, number: key.number });
    const merged = mergeRow(ask, change, entries, partOf(fresh, from, to), k === keys.length - 1);
    writeRows(ask, change, merged, before, keys[k + 1] ?? null);
    before = change.addRows.at(-1) as SeriesRow;
  }
  return change;
}

/** A row of the index with its chunks cut and written anew; null when one of them is damaged. */
export function recutRow({ series, source }: Pick<SealAsk, 'series' | 'source'>, key: IndexKey): SeriesChange | null {
  const entries = source.entries(key);
  let whole: ChunkReadings | null = null;
  for (const entry of entries) {
    const readings = source.readings(entry);
    if (readings === null) return null;
    whole = whole === null ? readings : mergeReadings(whole, readings);
  }
  if (whole === null) return null;
  const { startUs, number } = key;
  const change: SeriesChange = {
    dropChunks: entries.map(({ id }) => id),
    addChunks: [],
    dropRows: [{ series, startUs, number }],
    addRows: [],
  };
  const ask = {
    series,
    source,
    fresh: whole,
    position: Math.max(...entries.map((entry) => entry.position)),
    sealedUs: Math.max(...entries.map((entry) => entry.sealedUs)),
  };
  // the same start and number: it stays between its neighbours
  writeRows(ask, change, sealed(ask, change, whole), { startUs, number: number - NUMBER_STEP }, null);
  return change;
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
    // it stays where it is, for whoever can still read it
    if (before === null) return [entry, ...sealed(ask, change, part)];
    change.dropChunks.push(entry.id);
    return sealed(ask, change, mergeReadings(before, part), entry.position);
  });
}

/** Readings of any number as chunks that are each worth a row. */
function sealed(ask: SealAsk, change: SeriesChange, readings: ChunkReadings, position = 0): ChunkEntry[] {
  const entries: ChunkEntry[] = [];
  for (const { part, content } of cut(readings)) {
    const facts = { id: 0, kind: part.kind, bytes: content.length, position: Math.max(position, ask.position), sealedUs: ask.sealedUs };
    const entry = { ...facts, ...summarize(part), ...exactSum(part) };
    change.addChunks.push({ entry, content });
    entries.push(entry);
  }
  return entries;
}

function writeRows(
  ask: SealAsk,
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
