// A page of readings by time: sealed ones from their chunks, the newest from the log, woven together. Order is time, then series, then
// commit, so that a place in it stays the same place when readings move from the log into chunks.

import type { Value } from '../protocol/messages.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { valueAt } from './chunk-merge.ts';
import type { HotLog, HotRows } from './hot-log.ts';
import { createSealedCursor, type SealedCursor } from './sealed-cursor.ts';
import type { ChunkEntry } from './chunk-entries.ts';
import { type ChunkSource, FETCHED } from './chunk-source.ts';
import type { Queries, RangePage } from './store.ts';

export function readRange(source: ChunkSource, hot: HotLog, ask: Queries['range']['ask'], endOfStore: number): RangePage {
  const { series, fromUs, toUs, limit, after } = ask;
  const upTo = Math.min(ask.upTo ?? Number.MAX_SAFE_INTEGER, endOfStore);
  const startUs = after === undefined ? fromUs : after.timeUs;
  const taken = after?.taken ?? 0;
  /** Of sealed readings that came after `upTo`, as long as the log has them, too. */
  const later = hot.laterThan(upTo, series, startUs, toUs);
  const cursors: SealedCursor[] = [];
  for (const id of series) {
    const entries = source.entriesBetween(id, startUs, toUs);
    if (entries.length === 0) continue;
    let fetched = 0;
    const readings = (entry: ChunkEntry): ChunkReadings | null => {
      // of one series alone many will follow; of many series each gives a little
      const ahead = Math.max(1, Math.min(FETCHED, Math.ceil(limit / entry.count / series.length)));
      if (entry === entries[fetched]) source.fetch(entries.slice(fetched, (fetched += ahead)));
      const whole = source.readings(entry);
      return whole === null || entry.position <= upTo ? whole : without(whole, later.get(id));
    };
    cursors.push(createSealedCursor({ series: id, entries, fromUs: startUs, readings }));
  }
  const heap = createHeap(cursors);
  const rows = hot.rows({ series, fromUs: startUs, firstSeries: after?.series ?? 0, toUs, upTo, limit: limit + 1 + taken });

  const out = createPage(limit, after);
  let r = 0;
  while (!out.isFull) {
    const cursor = heap.top();
    const sealedUs = cursor?.nextUs ?? Number.POSITIVE_INFINITY;
    const isHot = r < rows.count && isBefore(rows, r, sealedUs, cursor?.series ?? Number.POSITIVE_INFINITY);
    if (isHot) {
      out.add(rows.series[r] as number, rows.timeUs[r] as number, rows.value[r] as Value);
      r++;
      continue;
    }
    if (cursor === undefined || sealedUs >= toUs) break;
    const current = cursor.current();
    if (current === null) {
      heap.pop();
      continue;
    }
    // until another series, or the log, is to come first
    const { readings } = current;
    let at = current.at;
    const second = heap.second();
    for (; at < readings.count && !out.isFull; at++) {
      const timeUs = readings.timeUs[at] as number;
      if (timeUs >= toUs) break;
      if (second !== undefined && (timeUs > second.nextUs || (timeUs === second.nextUs && cursor.series > second.series))) break;
      if (r < rows.count && isBefore(rows, r, timeUs, cursor.series)) break;
      out.add(cursor.series, timeUs, valueAt(readings, at));
    }
    cursor.advance(at);
    heap.sink();
  }
  return out.finish(upTo);
}

/** A row of the log comes before sealed readings of that time and series: where both are equal the sealed ones were committed first. */
function isBefore(rows: HotRows, r: number, timeUs: number, series: number): boolean {
  const rowUs = rows.timeUs[r] as number;
  return rowUs < timeUs || (rowUs === timeUs && (rows.series[r] as number) < series);
}

function without(readings: ChunkReadings, later: ReadonlyMap<number, number> | undefined): ChunkReadings {
  if (later === undefined) return readings;
  const left = new Map(later);
  const kept: number[] = [];
  // the newest of equal times are last
  for (let i = readings.count - 1; i >= 0; i--) {
    const timeUs = readings.timeUs[i] as number;
    const n = left.get(timeUs) ?? 0;
    if (n > 0) left.set(timeUs, n - 1);
    else kept.push(i);
  }
  kept.reverse();
  const timeUs = Float64Array.from(kept, (i) => readings.timeUs[i] as number);
  const value = kept.map((i) => readings.value[i]);
  return { kind: readings.kind, count: kept.length, timeUs, value } as unknown as ChunkReadings;
}

/** Columns of a page; passes over what the page before had. */
function createPage(limit: number, after: Queries['range']['ask']['after']) {
  const seriesId: number[] = [];
  const times: number[] = [];
  const values: Value[] = [];
  let skip = after?.taken ?? 0;
  let isFull = false;
  let sameUs = after?.timeUs;
  let sameSeries = after?.series;
  let same = after?.taken ?? 0;
  return {
    /** One more than the page takes was there. */
    get isFull() {
      return isFull;
    },
    add(series: number, timeUs: number, value: Value): void {
      if (after !== undefined && timeUs === after.timeUs && series <= after.series) {
        if (series < after.series) return;
        if (skip > 0) {
          skip--;
          return;
        }
      }
      if (times.length === limit) {
        isFull = true;
        return;
      }
      if (timeUs === sameUs && series === sameSeries) same++;
      else [sameUs, sameSeries, same] = [timeUs, series, 1];
      seriesId.push(series);
      times.push(timeUs);
      values.push(value);
    },
    finish(upTo: number): RangePage {
      const next = isFull && sameUs !== undefined && sameSeries !== undefined ? { timeUs: sameUs, series: sameSeries, taken: same } : null;
      // numbers alone go from thread to thread in one piece
      const value = values.every((one) => typeof one === 'number') ? Float64Array.from(values) : values;
      return { seriesId: Int32Array.from(seriesId), timeUs: Float64Array.from(times), value, next, upTo };
    },
  };
}

/** The cursor whose next reading comes first, on top. */
function createHeap(cursors: SealedCursor[]) {
  const heap = cursors;
  const comes = (a: SealedCursor, b: SealedCursor): boolean => a.nextUs < b.nextUs || (a.nextUs === b.nextUs && a.series < b.series);
  function sinkFrom(start: number): void {
    for (let i = start; ; ) {
      const left = 2 * i + 1;
      let first = i;
      for (const child of [left, left + 1])
        if (child < heap.length && comes(heap[child] as SealedCursor, heap[first] as SealedCursor)) first = child;
      if (first === i) return;
      const moved = heap[i] as SealedCursor;
      heap[i] = heap[first] as SealedCursor;
      heap[first] = moved;
      i = first;
    }
  }
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sinkFrom(i);
  return {
    top: () => heap[0],
    second(): SealedCursor | undefined {
      const [, left, right] = heap;
      return right !== undefined && left !== undefined && comes(right, left) ? right : left;
    },
    sink: () => sinkFrom(0),
    pop(): void {
      const last = heap.pop() as SealedCursor;
      if (heap.length === 0) return;
      heap[0] = last;
      sinkFrom(0);
    },
  };
}
