// A page of readings by time: sealed ones from their chunks, the newest from the log, woven together. Order is time, then series, then
// commit, so that a place in it stays the same place when readings move from the log into chunks.

import type { Value } from '../protocol/messages.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { valueAt } from './chunk-merge.ts';
import type { HotLog, HotRows } from './hot-log.ts';
import { readingsAsOf } from './chunk-as-of.ts';
import { createSealedCursor, type SealedCursor } from './sealed-cursor.ts';
import { type ChunkEntry, isGone } from './chunk-entries.ts';
import { type ChunkSource, FETCHED } from './chunk-source.ts';
import type { Queries, RangePage } from './store.ts';

const FIRST_ROWS = 1024;
/** A page of long texts ends here, whatever its limit says: a reading's text can have a thousand characters. */
const PAGE_TEXT_CHARS = 8 * 2 ** 20;

export function readRange(source: ChunkSource, hot: HotLog, ask: Queries['range']['ask'], endOfStore: number): RangePage {
  const { series, fromUs, toUs, limit, after } = ask;
  const upTo = Math.min(ask.upTo ?? Number.MAX_SAFE_INTEGER, endOfStore);
  const startUs = after === undefined ? fromUs : after.timeUs;
  const taken = after?.taken ?? 0;
  /** Of sealed readings that came after `upTo`, as long as the log has them, too. */
  const later = hot.laterThan(upTo, series, startUs, toUs);
  const cursors: SealedCursor[] = [];
  for (const id of series) {
    const entries = source.entriesBetween(id, startUs, toUs).filter((entry) => !isGone(entry));
    if (entries.length === 0) continue;
    let fetched = 0;
    const readings = (entry: ChunkEntry): ChunkReadings | null => {
      // of one series alone many will follow; of many series each gives a little
      const ahead = Math.max(1, Math.min(FETCHED, Math.ceil(limit / entry.count / series.length)));
      if (entry === entries[fetched]) source.fetch(entries.slice(fetched, (fetched += ahead)));
      return readingsAsOf(source, entries, entry, upTo, later.get(id));
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
      if (timeUs > second.nextUs || (timeUs === second.nextUs && cursor.series > second.series)) break;
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

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Columns of a page; passes over what the page before had. */
function createPage(limit: number, after: Queries['range']['ask']['after']) {
  let seriesId = new Int32Array(FIRST_ROWS);
  let times = new Float64Array(FIRST_ROWS);
  let numbers = new Float64Array(FIRST_ROWS);
  /** Of the page as a whole, once one of them is no number. */
  let values: Value[] | null = null;
  let count = 0;
  let textChars = 0;
  let skip = after?.taken ?? 0;
  let isFull = false;
  function grow(): void {
    seriesId = grown(seriesId, new Int32Array(count * 2));
    times = grown(times, new Float64Array(count * 2));
    numbers = grown(numbers, new Float64Array(count * 2));
  }
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
      if (count === limit || textChars > PAGE_TEXT_CHARS) {
        isFull = true;
        return;
      }
      if (timeUs === sameUs && series === sameSeries) same++;
      else [sameUs, sameSeries, same] = [timeUs, series, 1];
      if (count === times.length) grow();
      seriesId[count] = series;
      times[count] = timeUs;
      if (values === null && typeof value !== 'number') values = Array.from(numbers.subarray(0, count));
      if (values !== null) values.push(value);
      else numbers[count] = value as number;
      if (typeof value === 'string') textChars += value.length;
      count++;
    },
    finish(upTo: number): RangePage {
      const next = isFull && sameUs !== undefined && sameSeries !== undefined ? { timeUs: sameUs, series: sameSeries, taken: same } : null;
      // numbers alone go from thread to thread in one piece; what is not used of a column does not go with it
      return { seriesId: seriesId.slice(0, count), timeUs: times.slice(0, count), value: values ?? numbers.slice(0, count), next, upTo };
    },
  };
}

const ALONE = { nextUs: Number.POSITIVE_INFINITY, series: 0 };

/** The cursor whose next reading comes first, on top. Their times are kept beside them: of thousands of series each row asks for some tens. */
function createHeap(cursors: SealedCursor[]) {
  const heap = cursors;
  const nextUs = Float64Array.from(cursors, (cursor) => cursor.nextUs);
  const comes = (a: number, b: number): boolean => {
    const [aUs, bUs] = [nextUs[a] as number, nextUs[b] as number];
    return aUs < bUs || (aUs === bUs && (heap[a] as SealedCursor).series < (heap[b] as SealedCursor).series);
  };
  function sinkFrom(start: number): void {
    for (let i = start; ; ) {
      const left = 2 * i + 1;
      let first = i;
      if (left < heap.length && comes(left, first)) first = left;
      if (left + 1 < heap.length && comes(left + 1, first)) first = left + 1;
      if (first === i) return;
      const moved = heap[i] as SealedCursor;
      const movedUs = nextUs[i] as number;
      heap[i] = heap[first] as SealedCursor;
      nextUs[i] = nextUs[first] as number;
      heap[first] = moved;
      nextUs[first] = movedUs;
      i = first;
    }
  }
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sinkFrom(i);
  return {
    top: () => heap[0],
    /** What the top has to stay before; Infinity when it is alone. */
    second(): { readonly nextUs: number; readonly series: number } {
      const at = heap.length > 2 && comes(2, 1) ? 2 : 1;
      return at < heap.length ? { nextUs: nextUs[at] as number, series: (heap[at] as SealedCursor).series } : ALONE;
    },
    sink(): void {
      nextUs[0] = (heap[0] as SealedCursor).nextUs;
      sinkFrom(0);
    },
    pop(): void {
      const last = heap.pop() as SealedCursor;
      if (heap.length === 0) return;
      heap[0] = last;
      nextUs[0] = nextUs[heap.length] as number;
      sinkFrom(0);
    },
  };
}
