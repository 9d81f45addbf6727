// A series' sealed readings in buckets: a row of the index that lies in one bucket is taken by its sums, else an entry that does by its
// own, and only what a border cuts is decoded.

import { isSummed } from './bucket-cell.ts';
import { type Bucketer, CUT, OUTSIDE } from './bucketer.ts';
import { type LaterReadings, readingsAsOf } from './chunk-as-of.ts';
import { type ChunkEntry, type EntryColumns, entryAt, FIELD, FIELDS, isGone } from './chunk-entries.ts';
import type { ChunkKind } from './chunk-format.ts';
import { type ChunkSource, FETCHED, type SourceRow } from './chunk-source.ts';
import { GROUP } from './entry-groups.ts';
import type { HotLog } from './hot-log.ts';
import type { RowSums } from './row-sums.ts';

/** A row, and where it or each of its entries goes. */
type Planned =
  | { readonly sums: RowSums; readonly bucket: number }
  | { readonly sums: null; readonly entries: EntryColumns; readonly groups: EntryColumns; readonly buckets: Int32Array };
/** Added to the bucket of a whole group, in the place of its first entry. */
const GROUPED = 2 ** 24;

export interface SeriesAsk {
  readonly source: ChunkSource;
  readonly hot: HotLog;
  readonly bucketer: Bucketer;
  readonly series: readonly number[];
  readonly fromUs: number;
  readonly toUs: number;
  /** What was committed later is left out, be it sealed or not. */
  readonly upTo: number;
}

/** Some series, in one read transaction. */
export function addSeries({ source, hot, bucketer, series, fromUs, toUs, upTo }: SeriesAsk): void {
  // sealing went on since the position was asked for
  const later = hot.laterThan(upTo, series, fromUs, toUs);
  for (const id of series) {
    const its = later.get(id);
    if (its === undefined) addSealed(source, bucketer, id, fromUs, toUs);
    else addSealedAsOf(source, bucketer, id, { fromUs, toUs, upTo, later: its });
  }
  hot.scan(series, fromUs, toUs, upTo, bucketer.add);
}

export function addSealed(source: ChunkSource, bucketer: Bucketer, series: number, fromUs: number, toUs: number): void {
  const cut: ChunkEntry[] = [];
  const planned = source.rowsBetween(series, fromUs, toUs, bucketer.leastUs).map((row) => plan(row, bucketer, fromUs, toUs, cut));
  let next = 0;
  let fetched = 0;
  for (const row of planned) {
    if (row === null) continue;
    if (row.sums !== null) {
      bucketer.addSums(series, row.bucket, row.sums.kind, row.sums);
      continue;
    }
    const { entries, groups, buckets } = row;
    for (let e = 0; e < buckets.length; e++) {
      const bucket = buckets[e] as number;
      if (bucket >= GROUPED) {
        bucketer.addEntry(series, bucket - GROUPED, groups, e / GROUP);
        e += GROUP - 1;
      } else if (bucket >= 0) bucketer.addEntry(series, bucket, entries, e);
      else if (bucket === CUT) {
        // they are asked for in this order, and decoded some at once
        if (next === fetched) source.fetch(cut.slice(next, (fetched += FETCHED)));
        const readings = source.readings(cut[next++] as ChunkEntry);
        if (readings !== null) bucketer.addReadings(series, readings);
      }
    }
  }
}

/** Null: it is damaged. */
function plan(row: SourceRow, bucketer: Bucketer, fromUs: number, toUs: number, cut: ChunkEntry[]): Planned | null {
  if (row.sums !== null) {
    const bucket = bucketer.bucketOf(row.sums.startUs, row.sums.endUs);
    if (bucket !== CUT) return { sums: row.sums, bucket };
  }
  const columns = row.columns();
  if (columns === null) return null;
  const { entries, groups } = columns;
  const buckets = new Int32Array(entries.length / FIELDS);
  for (let e = 0; e < buckets.length; e++) {
    const grouped = e % GROUP === 0 ? groupBucket(groups, (e / GROUP) * FIELDS, bucketer) : CUT;
    if (grouped !== CUT) {
      buckets[e] = GROUPED + grouped;
      e += GROUP - 1;
      continue;
    }
    const at = e * FIELDS;
    const startUs = entries[at + FIELD.startUs] as number;
    const endUs = entries[at + FIELD.endUs] as number;
    let bucket = OUTSIDE;
    if (entries[at + FIELD.id] === 0) bucket = bucketer.bucketOfGone(startUs);
    else if (endUs >= fromUs && startUs < toUs)
      bucket = isSummed(entries[at + FIELD.kind] as ChunkKind) ? bucketer.bucketOf(startUs, endUs) : CUT;
    if (bucket === CUT) cut.push(entryAt(entries, e));
    buckets[e] = bucket;
  }
  return { sums: null, entries, groups, buckets };
}

function groupBucket(groups: EntryColumns, at: number, bucketer: Bucketer): number {
  if (at >= groups.length || !isSummed(groups[at + FIELD.kind] as ChunkKind)) return CUT;
  const startUs = groups[at + FIELD.startUs] as number;
  const endUs = groups[at + FIELD.endUs] as number;
  return endUs - startUs > bucketer.leastUs + 1 ? CUT : bucketer.bucketOf(startUs, endUs);
}

/** Of a series of which readings behind the position have been sealed: entry by entry, without any sums that may have them. */
function addSealedAsOf(
  source: ChunkSource,
  bucketer: Bucketer,
  series: number,
  { fromUs, toUs, upTo, later }: { fromUs: number; toUs: number; upTo: number; later: LaterReadings },
): void {
  const entries = source.entriesBetween(series, fromUs, toUs);
  for (const entry of entries) {
    if (isGone(entry)) {
      const bucket = bucketer.bucketOfGone(entry.startUs);
      if (bucket !== OUTSIDE) bucketer.addSums(series, bucket, entry.kind, entry);
      continue;
    }
    const bucket = entry.position <= upTo && isSummed(entry.kind) ? bucketer.bucketOf(entry.startUs, entry.endUs) : CUT;
    if (bucket !== CUT) {
      bucketer.addSums(series, bucket, entry.kind, entry);
      continue;
    }
    const readings = readingsAsOf(source, entries, entry, upTo, later);
    if (readings !== null && readings.count > 0) bucketer.addReadings(series, readings);
  }
}
