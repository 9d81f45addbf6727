// N buckets over [fromUs, toUs): bucket i starts at fromUs + floor(i·(toUs − fromUs)/N), all in integer µs. Readings come in any order
// of time but in commit order, so that of equal times the later commit is the last.

import type { Value } from '../protocol/messages.ts';
import { addEntry, addPart, addValue, bucketRow, type Cell, cellOf, isSummed, newCell } from './bucket-cell.ts';
import { summarizePart } from './chunk-blocks.ts';
import { type EntryColumns, entryAt, FIELD, FIELDS } from './chunk-entries.ts';
import type { ChunkKind, ChunkReadings, ChunkSummary } from './chunk-format.ts';
import { valueAt } from './chunk-merge.ts';
import { firstAt } from './sealed-cursor.ts';
import type { Bucket } from './store.ts';

/** The N starts, exact, though i·(toUs − fromUs) can pass 2^53. */
export function bucketStartsUs(fromUs: number, toUs: number, points: number): Float64Array {
  const starts = new Float64Array(points);
  if (toUs - fromUs <= Number.MAX_SAFE_INTEGER) {
    const rest = (toUs - fromUs) % points;
    const whole = (toUs - fromUs - rest) / points;
    for (let i = 0; i < points; i++) starts[i] = fromUs + i * whole + Math.floor((i * rest) / points);
    return starts;
  }
  const span = BigInt(toUs) - BigInt(fromUs);
  for (let i = 0; i < points; i++) starts[i] = Number(BigInt(fromUs) + (BigInt(i) * span) / BigInt(points));
  return starts;
}

/** Of sealed readings. */
export const CUT = -1;
export const OUTSIDE = -2;

export type Bucketer = ReturnType<typeof createBucketer>;

export function createBucketer(fromUs: number, toUs: number, points: number) {
  const starts = bucketStartsUs(fromUs, toUs, points);
  const series = new Map<number, (Cell | undefined)[]>();
  const scale = points / (toUs - fromUs);

  function indexOf(timeUs: number): number {
    let i = Math.min(points - 1, Math.floor((timeUs - fromUs) * scale));
    while (i > 0 && starts[i] > timeUs) i--;
    while (i + 1 < points && starts[i + 1] <= timeUs) i++;
    return i;
  }
  let lastId: number | null = null;
  let lastCells: (Cell | undefined)[] = [];
  function cellsOf(seriesId: number): (Cell | undefined)[] {
    if (seriesId === lastId) return lastCells;
    let cells = series.get(seriesId);
    if (cells === undefined) {
      cells = new Array(points);
      series.set(seriesId, cells);
    }
    [lastId, lastCells] = [seriesId, cells];
    return cells;
  }

  return {
    /** No bucket is shorter. */
    leastUs: Math.floor((toUs - fromUs) / points),
    /** The bucket that all of it is in; `CUT` when a border cuts it. */
    bucketOf(startUs: number, endUs: number): number {
      if (startUs < fromUs || endUs >= toUs) return CUT;
      const i = indexOf(startUs);
      return endUs < (starts[i + 1] ?? toUs) ? i : CUT;
    },
    /** Of readings that are gone there is nothing to cut: all of them count where the first one was. */
    bucketOfGone: (startUs: number): number => (startUs >= fromUs && startUs < toUs ? indexOf(startUs) : OUTSIDE),
    /** Sums of readings that are all in one bucket. */
    addSums(seriesId: number, bucket: number, kind: ChunkKind, sums: ChunkSummary): void {
      const cells = cellsOf(seriesId);
      const cell = cells[bucket];
      if (cell === undefined) cells[bucket] = cellOf(kind, sums);
      else addPart(cell, kind, sums);
    },
    /** The same of an entry of the index. */
    addEntry(seriesId: number, bucket: number, columns: EntryColumns, e: number): void {
      const cells = cellsOf(seriesId);
      const cell = cells[bucket];
      if (cell !== undefined) addEntry(cell, columns, e * FIELDS);
      else cells[bucket] = cellOf(columns[e * FIELDS + FIELD.kind] as ChunkKind, entryAt(columns, e));
    },
    /** A chunk that a border cuts, or that has no sums. */
    addReadings(seriesId: number, readings: ChunkReadings): void {
      const end = firstAt(readings, toUs);
      for (let at = firstAt(readings, fromUs); at < end; ) {
        const timeUs = readings.timeUs[at] as number;
        if (!isSummed(readings.kind)) {
          this.add(seriesId, timeUs, valueAt(readings, at));
          at++;
          continue;
        }
        const i = indexOf(timeUs);
        const next = i + 1 < points ? firstAt(readings, starts[i + 1] as number) : end;
        this.addSums(seriesId, i, readings.kind, summarizePart(readings, at, next));
        at = next;
      }
    },
    add(seriesId: number, timeUs: number, value: Value): void {
      const cells = cellsOf(seriesId);
      const i = indexOf(timeUs);
      const cell = cells[i];
      if (cell === undefined) cells[i] = newCell(timeUs, value);
      else addValue(cell, timeUs, value);
    },
    finish(): { seriesId: number; rows: Bucket[] }[] {
      const finished: { seriesId: number; rows: Bucket[] }[] = [];
      for (const [seriesId, cells] of series) {
        const rows: Bucket[] = [];
        cells.forEach((cell, i) => {
          if (cell !== undefined) rows.push(bucketRow(i, cell));
        });
        finished.push({ seriesId, rows });
      }
      return finished;
    },
  };
}
