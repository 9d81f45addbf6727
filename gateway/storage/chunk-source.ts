// Sealed readings as they are found: the rows of a series' index, their entries, and the chunks behind those. What is decoded is kept for
// a while, by numbers that are never given to another content.

import type Database from 'better-sqlite3';
import { decodeChunks } from './chunk-codec.ts';
import { type ChunkEntry, type EntryColumns, entryAt, FIELD, FIELDS, isGone, unpackColumns, unpackEntries } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { groupEntries } from './entry-groups.ts';
import { createKept } from './kept.ts';
import { KEPT_ENTRIES, KEPT_READINGS } from './reader-memory.ts';
import { type RowSums, unpackSums } from './row-sums.ts';
import type { IndexKey, SealedSeries } from './seal-series.ts';

/** A row of the index. */
export interface SourceRow {
  /** Null: it has none, or is longer than was asked for. */
  readonly sums: RowSums | null;
  /** Null: the row is damaged. */
  columns(): RowColumns | null;
}
export interface RowColumns {
  readonly entries: EntryColumns;
  readonly groups: EntryColumns;
}
export interface ChunkSource {
  of(series: number): SealedSeries;
  /** Rows that may have something in [fromUs, toUs), by time; with their sums when they are no longer than `summedUs`. */
  rowsBetween(series: number, fromUs: number, toUs: number, summedUs: number): SourceRow[];
  /** Entries of chunks that have something in [fromUs, toUs), by time. */
  entriesBetween(series: number, fromUs: number, toUs: number): ChunkEntry[];
  /** Null: gone, or damaged and named in `damaged`. */
  readings(entry: ChunkEntry): ChunkReadings | null;
  /** Decodes several at once, for `readings` to find them: cheaper than one by one. At most `FETCHED`. */
  fetch(entries: readonly ChunkEntry[]): void;
  /** Lets go what is kept when none of it was used for a while; true when there was something. */
  forgetUnused(nowMs: number): boolean;
  /** Chunks that were found damaged: what is wrong, by id. */
  readonly damaged: ReadonlyMap<number, string>;
}

/** What can't be read any more, and so is in no answer. */
export interface DamagedChunk {
  /** Of the chunk; 0: a row of the index, and with it the chunks it tells of. */
  readonly id: number;
  readonly series: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly readings: number;
  readonly what: string;
}
export interface ChunkSourceOptions {
  /** Told once of each. */
  readonly onDamaged?: (damaged: DamagedChunk) => void;
  /** Readings that are kept decoded; left out: as many as a reader's. */
  readonly keptReadings?: number;
}

type Row = [startUs: number, number: number, edition: number, endUs: number, sums: Buffer | null];

const NO_ENTRIES: EntryColumns = new Float64Array(0);
/** Chunks that are decoded at once, at most. */
export const FETCHED = 128;
/** After the last use of any of it. */
const KEPT_MS = 15_000;

export function openChunkSource(
  db: Database.Database,
  { onDamaged, keptReadings: room = KEPT_READINGS }: ChunkSourceOptions = {},
): ChunkSource {
  const FROM = '(SELECT max(start_us) FROM chunk_index WHERE series = @series AND start_us <= @timeUs)';
  const keys = db.prepare(
    `SELECT start_us AS startUs, number FROM chunk_index WHERE series = @series AND start_us >= coalesce(${FROM}, @timeUs)
     ORDER BY start_us, number`,
  );
  const packed = db.prepare('SELECT entries FROM chunk_index WHERE series = ? AND start_us = ? AND number = ?').pluck();
  const edition = db.prepare('SELECT edition FROM chunk_index WHERE series = ? AND start_us = ? AND number = ?').pluck();
  // a row that begins before `fromUs` can end after it; the ones before that one cannot, for no two rows overlap
  const BEFORE = '(SELECT max(start_us) FROM chunk_index WHERE series = @series AND start_us < @fromUs)';
  const between = db
    .prepare(
      `SELECT start_us, number, edition, end_us, iif(end_us - start_us < @summedUs, sums, NULL) FROM chunk_index
       WHERE series = @series AND start_us >= coalesce(${BEFORE}, @fromUs)
       AND start_us < @toUs AND end_us >= @fromUs ORDER BY start_us, number`,
    )
    .raw();
  const contents = db.prepare('SELECT id, content FROM chunks WHERE id IN (SELECT value FROM json_each(?))').raw();
  const rowFacts = db.prepare(
    'SELECT start_us AS startUs, end_us AS endUs, readings FROM chunk_index WHERE series = ? AND start_us = ? AND number = ?',
  );
  const rowsAround = db.prepare('SELECT series, entries FROM chunk_index WHERE start_us <= ? AND end_us >= ?').raw();
  const keptEntries = createKept<RowColumns>(KEPT_ENTRIES);
  const keptReadings = createKept<ChunkReadings>(room);
  const damaged = new Map<number, string>();
  const damagedRows = new Set<string>();
  let usedAtMs = 0;
  let keepsAny = false;

  /** Null: the row is damaged. */
  function columnsOf(series: number, startUs: number, number: number, its: number): RowColumns | null {
    const known = keptEntries.get(its);
    if (known !== undefined) return known;
    // what the disk can't give is no damage: only what it gave is looked at
    const row = packed.get(series, startUs, number) as Buffer;
    let columns: RowColumns;
    try {
      const entries = unpackColumns(row);
      columns = { entries, groups: groupEntries(entries) };
    } catch (error) {
      setRowAside(series, startUs, number, (error as Error).message);
      return null;
    }
    keptEntries.set(its, columns, columns.entries.length / FIELDS);
    return columns;
  }
  function entriesOf(series: number, { startUs, number }: IndexKey): ChunkEntry[] | null {
    const columns = columnsOf(series, startUs, number, edition.get(series, startUs, number) as number);
    if (columns === null) return null;
    return Array.from({ length: columns.entries.length / FIELDS }, (_, e) => entryAt(columns.entries, e));
  }
  /** Every question begins here. */
  function rowsOf(series: number, fromUs: number, toUs: number, summedUs: number): Row[] {
    usedAtMs = performance.now();
    keepsAny = true;
    return between.all({ series, fromUs, toUs, summedUs }) as Row[];
  }

  function setRowAside(series: number, startUs: number, number: number, what: string): void {
    const key = `${series} ${startUs} ${number}`;
    if (damagedRows.has(key)) return;
    damagedRows.add(key);
    const facts = rowFacts.get(series, startUs, number) as { startUs: number; endUs: number; readings: number };
    onDamaged?.({ id: 0, series, ...facts, what });
  }

  function setAside({ id, startUs, endUs, count }: ChunkEntry, what: string): void {
    if (damaged.has(id)) return;
    damaged.set(id, what);
    if (onDamaged === undefined) return;
    // rare enough to look through the index for whose it is, and an entry stays as small as it is
    for (const [series, entries] of rowsAround.iterate(startUs, endUs) as IterableIterator<[number, Buffer]>) {
      if (!holds(entries, id)) continue;
      onDamaged({ id, series, startUs, endUs, readings: count, what });
      return;
    }
  }

  function fetch(entries: readonly ChunkEntry[]): void {
    const missing = entries.filter((entry) => !isGone(entry) && keptReadings.get(entry.id) === undefined);
    if (missing.length === 0) return;
    const byId = new Map(missing.map((entry) => [entry.id, entry]));
    const found = contents.all(JSON.stringify([...byId.keys()])) as [id: number, content: Buffer][];
    const decoded = decodeChunks(found.map(([, content]) => content));
    for (const [i, [id]] of found.entries()) {
      const one = decoded[i] as (typeof decoded)[number];
      if (one.outcome === 'damaged') setAside(byId.get(id) as ChunkEntry, one.what);
      else keptReadings.set(id, one.readings, one.readings.count);
      byId.delete(id);
    }
    for (const entry of byId.values()) setAside(entry, 'it is not there');
  }

  function readings(entry: ChunkEntry): ChunkReadings | null {
    if (keptReadings.get(entry.id) === undefined) fetch([entry]);
    return keptReadings.get(entry.id) ?? null;
  }

  return {
    of: (series) => ({
      keysFrom: (timeUs) => keys.all({ series, timeUs }) as IndexKey[],
      entries: (key) => entriesOf(series, key),
      readings,
    }),
    rowsBetween: (series, fromUs, toUs, summedUs) =>
      rowsOf(series, fromUs, toUs, summedUs).map(([startUs, number, its, endUs, sums]) => ({
        sums: sums === null ? null : unpackSums(sums, startUs, endUs),
        columns: () => columnsOf(series, startUs, number, its),
      })),
    entriesBetween(series, fromUs, toUs) {
      const found: ChunkEntry[] = [];
      for (const [startUs, number, its] of rowsOf(series, fromUs, toUs, 0)) {
        const columns = columnsOf(series, startUs, number, its)?.entries ?? NO_ENTRIES;
        for (let e = 0; e * FIELDS < columns.length; e++) {
          const at = e * FIELDS;
          if ((columns[at + FIELD.endUs] as number) >= fromUs && (columns[at + FIELD.startUs] as number) < toUs)
            found.push(entryAt(columns, e));
        }
      }
      return found;
    },
    readings,
    fetch,
    forgetUnused(nowMs) {
      if (!keepsAny || nowMs - usedAtMs < KEPT_MS) return false;
      keepsAny = false;
      keptReadings.clear();
      keptEntries.clear();
      return true;
    },
    damaged,
  };
}

function holds(entries: Buffer, id: number): boolean {
  try {
    return unpackEntries(entries).some((entry) => entry.id === id);
  } catch {
    return false; // another row, damaged too
  }
}
