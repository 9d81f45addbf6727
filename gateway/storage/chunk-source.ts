// Sealed readings as they are found: the rows of a series' index, their entries, and the chunks behind those. What is decoded is kept for
// a while, by numbers that are never given to another content.

import type Database from 'better-sqlite3';
import { decodeChunks } from './chunk-codec.ts';
import { type ChunkEntry, unpackEntries } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { createKept } from './kept.ts';
import type { IndexKey, SealedSeries } from './seal-series.ts';

export interface ChunkSource {
  of(series: number): SealedSeries;
  /** Entries of chunks that have something in [fromUs, toUs), by time. */
  entriesBetween(series: number, fromUs: number, toUs: number): ChunkEntry[];
  /** Null: damaged, and named in `damaged`. */
  readings(entry: ChunkEntry): ChunkReadings | null;
  /** Decodes several at once, for `readings` to find them: cheaper than one by one. At most `FETCHED`. */
  fetch(entries: readonly ChunkEntry[]): void;
  /** Chunks that were found damaged: what is wrong, by id. */
  readonly damaged: ReadonlyMap<number, string>;
}

/** Chunks that are decoded at once, at most. */
export const FETCHED = 128;
/** Readings that are kept decoded, 16 bytes each. */
const KEPT_READINGS = 1_000_000;
/** Entries that are kept, some 150 bytes each. */
const KEPT_ENTRIES = 65_536;

export function openChunkSource(db: Database.Database): ChunkSource {
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
  const keptEntries = createKept<ChunkEntry[]>(KEPT_ENTRIES);
  const keptReadings = createKept<ChunkReadings>(KEPT_READINGS);
  const damaged = new Map<number, string>();

  function entriesOf(series: number, startUs: number, number: number, its: number): ChunkEntry[] {
    let entries = keptEntries.get(its);
    if (entries === undefined) {
      entries = unpackEntries(packed.get(series, startUs, number) as Buffer);
      keptEntries.set(its, entries, entries.length);
    }
    return entries;
  }

  function fetch(entries: readonly ChunkEntry[]): void {
    const missing = entries.filter(({ id }) => keptReadings.get(id) === undefined).map(({ id }) => id);
    if (missing.length === 0) return;
    const found = contents.all(JSON.stringify(missing)) as [id: number, content: Buffer][];
    const decoded = decodeChunks(found.map(([, content]) => content));
    const there = new Set<number>();
    for (const [i, [id]] of found.entries()) {
      const one = decoded[i] as (typeof decoded)[number];
      there.add(id);
      if (one.outcome === 'damaged') damaged.set(id, one.what);
      else keptReadings.set(id, one.readings, one.readings.count);
    }
    for (const id of missing) if (!there.has(id)) damaged.set(id, 'it is not there');
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
        for (const entry of entriesOf(series, startUs, number, its)) if (entry.endUs >= fromUs && entry.startUs < toUs) found.push(entry);
      return found;
    },
    readings,
    fetch,
    damaged,
  };
}
