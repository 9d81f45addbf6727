// What a bucket knows of the readings in it so far. Sums keep what rounding took from them, so that the order in which parts are added
// up does not matter.

import type { Value } from '../protocol/messages.ts';
import { type EntryColumns, FIELD } from './chunk-entries.ts';
import type { ChunkKind, ChunkSummary } from './chunk-format.ts';
import { type Bucket, KIND } from './store.ts';

export interface Cell {
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

export const isSummed = (kind: ChunkKind): boolean => kind === KIND.number || kind === KIND.boolean;

export function newCell(timeUs: number, value: Value): Cell {
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

export function cellOf(kind: ChunkKind, part: ChunkSummary): Cell {
  const { count, min, max, sum, lost, startUs: firstUs, endUs: lastUs } = part;
  return { count, min, max, sum, lost, firstUs, lastUs, first: asValue(kind, part.first), last: asValue(kind, part.last), isNumeric: true };
}

/** Of a kind that is summed. */
export function addPart(cell: Cell, kind: ChunkKind, part: ChunkSummary): void {
  addSum(cell, part.count, part.min, part.max, part.sum, part.lost);
  addEnds(cell, kind, part.startUs, part.endUs, part.first, part.last);
}

/** The same of an entry, which begins at `at`. */
export function addEntry(cell: Cell, columns: EntryColumns, at: number): void {
  const of = (field: number): number => columns[at + field] as number;
  addSum(cell, of(FIELD.count), of(FIELD.min), of(FIELD.max), of(FIELD.sum), of(FIELD.lost));
  addEnds(cell, of(FIELD.kind) as ChunkKind, of(FIELD.startUs), of(FIELD.endUs), of(FIELD.first), of(FIELD.last));
}

function addSum(cell: Cell, count: number, min: number, max: number, part: number, lost: number): void {
  cell.count += count;
  if (min < cell.min) cell.min = min;
  if (max > cell.max) cell.max = max;
  const sum = cell.sum + part;
  cell.lost += (Math.abs(cell.sum) >= Math.abs(part) ? cell.sum - sum + part : part - sum + cell.sum) + lost;
  cell.sum = sum;
}

function addEnds(cell: Cell, kind: ChunkKind, startUs: number, endUs: number, first: number, last: number): void {
  if (startUs < cell.firstUs) {
    cell.firstUs = startUs;
    cell.first = asValue(kind, first);
  }
  if (endUs >= cell.lastUs) {
    cell.lastUs = endUs;
    cell.last = asValue(kind, last);
  }
}

export function addValue(cell: Cell, timeUs: number, value: Value): void {
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

export function bucketRow(i: number, cell: Cell): Bucket {
  const { count, min, max, sum, lost, first, last, isNumeric } = cell;
  return isNumeric ? [i, count, min, max, (sum + lost) / count, first, last] : [i, count, null, null, null, first, last];
}

const asValue = (kind: ChunkKind, number: number): Value => (kind === KIND.boolean ? number === 1 : number);
