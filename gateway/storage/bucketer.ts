// N buckets over [fromUs, toUs): bucket i starts at fromUs + floor(i·(toUs − fromUs)/N), all in integer µs. Readings come in any order
// of time but in commit order, so that of equal times the later commit is the last.

import type { Value } from '../protocol/messages.ts';
import type { Bucket } from './store.ts';

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

  return {
    add(seriesId: number, timeUs: number, value: Value): void {
      let cells = series.get(seriesId);
      if (cells === undefined) {
        cells = new Array(points);
        series.set(seriesId, cells);
      }
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
