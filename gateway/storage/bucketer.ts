// N buckets over [fromUs, toUs): bucket i starts at fromUs + floor(i·(toUs − fromUs)/N), all in integer µs. Readings come in any order
// of time but in commit order, so that of equal times the later commit is the last.

import type { Value } from '../protocol/messages.ts';
import type { ChunkKind, ChunkReadings, ChunkSummary } from './chunk-format.ts';
import { valueAt } from './chunk-merge.ts';
import { summarize } from './chunk-summary.ts';
import { firstAt } from './sealed-cursor.ts';
import { type Bucket, KIND } from './store.ts';

interface Cell {
  count: number;
  min: number;
  max: number;
  sum: number;
  /** What rounding took from the sum so far (Neumaier's compensation). */
  lost: number;
  firstUs: number;
  lastUs: number;
  first: Value;
  last: Value;
  isNumeric: boolean;
}

/** The N starts, exact: the product can pass 2^53, hence the bigints. */
export function bucketStartsUs(fromUs: number, toUs: number, points: number): Float64Array {
  const starts = new Float64Array(points);
  const span = BigInt(toUs) - BigInt(fromUs);
  for (let i = 0; i < points; i++) starts[i] = Number(BigInt(fromUs) + (BigInt(i) * span) / BigInt(points));
  return starts;
}

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

  function cellsOf(seriesId: number): (Cell | undefined)[] {
    let cells = series.get(seriesId);
    if (cells === undefined) {
      cells = new Array(points);
      series.set(seriesId, cells);
    }
    return cells;
  }
  function addSummary(cells: (Cell | undefined)[], i: number, kind: ChunkKind, summary: ChunkSummary): void {
    const cell = cells[i];
    const first = kind === KIND.boolean ? summary.first === 1 : summary.first;
    const last = kind === KIND.boolean ? summary.last === 1 : summary.last;
    const { count, min, max, sum, lost, startUs: firstUs, endUs: lastUs } = summary;
    if (cell === undefined) cells[i] = { count, min, max, sum, lost, firstUs, lastUs, first, last, isNumeric: true };
    else addWhole(cell, summary, first, last);
  }

  /** The bucket that all of a chunk is in, or null when a border cuts it. */
  function bucketOf({ startUs, endUs }: ChunkSummary): number | null {
    if (startUs < fromUs || endUs >= toUs) return null;
    const i = indexOf(startUs);
    return endUs < (starts[i + 1] ?? toUs) ? i : null;
  }
  /** Of readings that are gone there is nothing to cut: all of them count where the first one was. */
  function bucketOfGone({ startUs }: ChunkSummary): number | null {
    return startUs >= fromUs && startUs < toUs ? indexOf(startUs) : null;
  }
  const isNumber = (kind: ChunkKind): boolean => kind === KIND.number || kind === KIND.boolean;

  return {
    /** Its sums are not enough: it has to be decoded. */
    isCut: (kind: ChunkKind, summary: ChunkSummary): boolean => !isNumber(kind) || bucketOf(summary) === null,
    /** Sealed readings: a chunk that lies in one bucket is taken by its sums, else it is decoded. */
    addChunk(seriesId: number, kind: ChunkKind, summary: ChunkSummary, decode: () => ChunkReadings | null): void {
      const cells = cellsOf(seriesId);
      const isNumeric = isNumber(kind);
      const bucket = isNumeric ? bucketOf(summary) : null;
      if (bucket !== null) {
        addSummary(cells, bucket, kind, summary);
        return;
      }
      const readings = decode();
      if (readings === null) return;
      const end = firstAt(readings, toUs);
      for (let at = firstAt(readings, fromUs); at < end; ) {
        if (!isNumeric) {
          this.add(seriesId, readings.timeUs[at] as number, valueAt(readings, at));
          at++;
          continue;
        }
        const i = indexOf(readings.timeUs[at] as number);
        const next = i + 1 < points ? firstAt(readings, starts[i + 1] as number) : end;
        addSummary(cells, i, kind, summarize(readings, at, next));
        at = next;
      }
    },
    /** Sums whose readings are gone. */
    addGone(seriesId: number, kind: ChunkKind, summary: ChunkSummary): void {
      const bucket = bucketOfGone(summary);
      if (bucket !== null) addSummary(cellsOf(seriesId), bucket, kind, summary);
    },
    add(seriesId: number, timeUs: number, value: Value): void {
      const cells = cellsOf(seriesId);
      const i = indexOf(timeUs);
      const cell = cells[i];
      if (cell === undefined) cells[i] = newCell(timeUs, value);
      else addTo(cell, timeUs, value);
    },
    finish(): { seriesId: number; rows: Bucket[] }[] {
      const finished: { seriesId: number; rows: Bucket[] }[] = [];
      for (const [seriesId, cells] of series) {
        const rows: Bucket[] = [];
        cells.forEach((c, i) => {
          if (c === undefined) return;
          const avg = (c.sum + c.lost) / c.count;
          rows.push(c.isNumeric ? [i, c.count, c.min, c.max, avg, c.first, c.last] : [i, c.count, null, null, null, c.first, c.last]);
        });
        finished.push({ seriesId, rows });
      }
      return finished;
    },
  };
}

function newCell(timeUs: number, value: Value): Cell {
  const number = Number(value);
  const isNumeric = typeof value !== 'string';
  return {
    count: 1,
    min: number,
    max: number,
    sum: number,
    lost: 0,
    firstUs: timeUs,
    lastUs: timeUs,
    first: value,
    last: value,
    isNumeric,
  };
}

function addWhole(cell: Cell, { count, min, max, sum: part, lost, startUs, endUs }: ChunkSummary, first: Value, last: Value): void {
  cell.count += count;
  if (min < cell.min) cell.min = min;
  if (max > cell.max) cell.max = max;
  const sum = cell.sum + part;
  cell.lost += (Math.abs(cell.sum) >= Math.abs(part) ? cell.sum - sum + part : part - sum + cell.sum) + lost;
  cell.sum = sum;
  if (startUs < cell.firstUs) {
    cell.firstUs = startUs;
    cell.first = first;
  }
  if (endUs >= cell.lastUs) {
    cell.lastUs = endUs;
    cell.last = last;
  }
}

function addTo(cell: Cell, timeUs: number, value: Value): void {
  cell.count++;
  if (typeof value === 'string') cell.isNumeric = false;
  else {
    const number = Number(value);
    if (number < cell.min) cell.min = number;
    if (number > cell.max) cell.max = number;
    const sum = cell.sum + number;
    cell.lost += Math.abs(cell.sum) >= Math.abs(number) ? cell.sum - sum + number : number - sum + cell.sum;
    cell.sum = sum;
  }
  if (timeUs < cell.firstUs) {
    cell.firstUs = timeUs;
    cell.first = value;
  }
  if (timeUs >= cell.lastUs) {
    cell.lastUs = timeUs;
    cell.last = value;
  }
}
