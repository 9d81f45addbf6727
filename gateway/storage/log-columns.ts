// A stretch of the log in columns, grouped by series: what a round of sealing works on.

import type Database from 'better-sqlite3';
import type { Value } from '../protocol/messages.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { narrowed } from './chunk-merge.ts';
import { KIND } from './store.ts';

export interface LogColumns {
  /** Reads (from, to] without what is sealed already; returns the number of readings. */
  read(from: number, to: number, sealedTo: ReadonlyMap<number, number>): number;
  /** Those that have readings here, rising. */
  series(): readonly number[];
  /** Readings of a series by time, equal times in commit order, and the highest position among them. */
  take(series: number): { readonly fresh: ChunkReadings; readonly position: number };
  /** Lets the columns go; until then the next round gets the same. */
  release(): void;
}

type Row = [position: number, series: number, timeUs: number, value: number | string, isBoolean: number];
/** A read transaction. */
const SLICE_ROWS = 20_000;

export function openLogColumns(db: Database.Database): LogColumns {
  const rows = db
    .prepare(
      `SELECT position, series, time_us, value, typeof(value) = 'integer' FROM log WHERE position > ? AND position <= ? ORDER BY position LIMIT ${SLICE_ROWS}`,
    )
    .raw();
  let count = 0;
  let seriesOf = new Int32Array(0);
  let positions = new Float64Array(0);
  let timeUs = new Float64Array(0);
  let numbers = new Float64Array(0);
  /** What is no number, by row. */
  let others = new Map<number, string | boolean>();
  /** Rows in the order of series, and where each series begins there. */
  let order = new Int32Array(0);
  let starts = new Map<number, readonly [from: number, to: number]>();
  let ids: number[] = [];

  function clear(): void {
    count = 0;
    others = new Map();
    starts = new Map();
    ids = [];
  }

  function read(from: number, to: number, sealedTo: ReadonlyMap<number, number>): number {
    clear();
    const room = to - from;
    if (room > seriesOf.length) {
      [seriesOf, order] = [new Int32Array(room), new Int32Array(room)];
      [positions, timeUs, numbers] = [new Float64Array(room), new Float64Array(room), new Float64Array(room)];
    }
    for (let at = from; ; ) {
      let some = 0;
      // one by one: an array of all of them outlives the nursery, and the heap grows by it
      for (const [position, series, time, value, isBoolean] of rows.iterate(at, to) as IterableIterator<Row>) {
        at = position;
        some++;
        if (sealedTo.size > 0 && position <= (sealedTo.get(series) ?? 0)) continue;
        seriesOf[count] = series;
        positions[count] = position;
        timeUs[count] = time;
        if (isBoolean === 1) others.set(count, value === 1);
        else if (typeof value === 'string') others.set(count, value);
        else numbers[count] = value;
        count++;
      }
      if (some < SLICE_ROWS) break;
    }
    group();
    return count;
  }

  function group(): void {
    const counts = new Map<number, number>();
    for (let i = 0; i < count; i++) counts.set(seriesOf[i] as number, (counts.get(seriesOf[i] as number) ?? 0) + 1);
    ids = [...counts.keys()].sort((a, b) => a - b);
    const ends = new Map<number, number>();
    let at = 0;
    for (const id of ids) {
      const size = counts.get(id) as number;
      starts.set(id, [at, at + size]);
      ends.set(id, at);
      at += size;
    }
    for (let i = 0; i < count; i++) {
      const id = seriesOf[i] as number;
      const place = ends.get(id) as number;
      order[place] = i;
      ends.set(id, place + 1);
    }
  }

  return {
    read,
    series: () => ids,
    take(series) {
      const [from, to] = starts.get(series) as readonly [number, number];
      const own = order.subarray(from, to);
      const position = positions[own[own.length - 1] as number] as number;
      for (let i = 1; i < own.length; i++) {
        if ((timeUs[own[i] as number] as number) >= (timeUs[own[i - 1] as number] as number)) continue;
        // rows of a series lie in commit order, so the row decides where times are equal
        own.sort((a, b) => (timeUs[a] as number) - (timeUs[b] as number) || a - b);
        break;
      }
      const times = Float64Array.from(own, (row) => timeUs[row] as number);
      if (others.size === 0 || !own.some((row) => others.has(row)))
        return {
          fresh: { kind: KIND.number, count: own.length, timeUs: times, value: Float64Array.from(own, (row) => numbers[row] as number) },
          position,
        };
      return {
        fresh: narrowed(
          times,
          Array.from(own, (row): Value => others.get(row) ?? (numbers[row] as number)),
        ),
        position,
      };
    },
    release() {
      clear();
      seriesOf = order = new Int32Array(0);
      positions = timeUs = numbers = new Float64Array(0);
    },
  };
}
