// Sealed readings as they are found: the rows of a series' index, their entries, and the chunks behind those. What is decoded is kept for
// a while, by numbers that are never given to another content.

import type Database from 'better-sqlite3';
import { decodeChunks } from './chunk-codec.ts';
import { type ChunkEntry, isGone, unpackEntries } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { createKept } from './kept.ts';
import type { IndexKey, SealedSeries } from './seal-series.ts';

export interface ChunkSource {
  of(series: number): SealedSeries;
  /** Entries of chunks that have something in [fromUs, toUs), by time. */
  entriesBetween(series: number, fromUs: number, toUs: number): ChunkEntry[];
  /** Null: gone, or damaged and named in `damaged`. */
  readings(entry: ChunkEntry): ChunkReadings | null;
  /** Decodes several at once, for `readings` to find them: cheaper than one by one. At most `FETCHED`. */
  fetch(entries: readonly ChunkEntry[]): void;
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
}

/** Chunks that are decoded at once, at most. */
export const FETCHED = 128;
/** Readings that are kept decoded, 16 bytes each: a chunk of each of 2,000 series, which an export of all needs from page to page. */
const KEPT_READINGS = 2_500_000;
/** Entries that are kept, some 150 bytes each. */
const KEPT_ENTRIES = 65_536;

export function openChunkSource(db: Database.Database, { onDamaged }: ChunkSourceOptions = {}): ChunkSource {
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
      `SELECT start_us, number, edition FROM chunk_index WHERE series = @series AND start_us >= coalesce(${BEFORE}, @fromUs)
       AND start_us < @toUs AND end_us >= @fromUs ORDER BY start_us, number`,
    )
    .raw();
  const contents = db.prepare('SELECT id, content FROM chunks WHERE id IN (SELECT value FROM json_each(?))').raw();
  const rowFacts = db.prepare(
    'SELECT start_us AS startUs, end_us AS endUs, readings FROM chunk_index WHERE series = ? AND start_us = ? AND number = ?',
  );
  const rowsAround = db.prepare('SELECT series, entries FROM chunk_index WHERE start_us <= ? AND end_us >= ?').raw();
  const keptEntries = createKept<ChunkEntry[]>(KEPT_ENTRIES);
  const keptReadings = createKept<ChunkReadings>(KEPT_READINGS);
  const damaged = new Map<number, string>();
  const damagedRows = new Set<string>();

  /** Null: the row is damaged. */
  function entriesOf(series: number, startUs: number, number: number, its: number): ChunkEntry[] | null {
    const known = keptEntries.get(its);
    if (known !== undefined) return known;
    // what the disk can't give is no damage: only what it gave is looked at
    const row = packed.get(series, startUs, number) as Buffer;
    let entries: ChunkEntry[];
    try {
      entries = unpackEntries(row);
    } catch (error) {
      setRowAside(series, startUs, number, (error as Error).message);
      return null;
    }
    keptEntries.set(its, entries, entries.length);
    return entries;
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
      entries: ({ startUs, number }) => entriesOf(series, startUs, number, edition.get(series, startUs, number) as number),
      readings,
    }),
    entriesBetween(series, fromUs, toUs) {
      const found: ChunkEntry[] = [];
      for (const [startUs, number, its] of between.all({ series, fromUs, toUs }) as [number, number, number][])
        for (const entry of entriesOf(series, startUs, number, its) ?? [])
          if (entry.endUs >= fromUs && entry.startUs < toUs) found.push(entry);
      return found;
    },
    readings,
    fetch,
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
