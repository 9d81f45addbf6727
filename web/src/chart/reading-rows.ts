// What the charts of a page show, as rows: one a point, newest first. The table is made of them, and the file of what is drawn.
import type { Value } from '../../../gateway/protocol/messages.ts';
import type { ChartSeries } from './chart-series.ts';
import type { SeriesWindow } from './series-window.ts';

/** Which point of which series; its cells are read when it is shown, so that a hundred thousand rows cost little. */
export interface ReadingRows {
  readonly count: number;
  /** Is some of it folded into buckets? */
  readonly hasBuckets: boolean;
  at(row: number): ReadingRow;
}
export interface ReadingRow {
  readonly series: ChartSeries;
  readonly timeMs: number;
  /** The reading, or the average of the bucket; of states the last. */
  readonly value: Value;
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** What of a feed is asked here. */
export interface Windows {
  window(key: string): SeriesWindow | null;
}

export function rowsOf(feed: Windows, series: readonly ChartSeries[], fromMs: number, toMs: number): ReadingRows {
  const parts = series.flatMap((one) => {
    const window = feed.window(one.key);
    return window === null ? [] : [{ series: one, ...copyOf(window, fromMs, toMs) }];
  });
  const order: [part: number, index: number][] = [];
  for (const [part, { times }] of parts.entries()) for (let i = 0; i < times.length; i++) order.push([part, i]);
  const timeOf = ([part, index]: readonly [number, number]): number => parts[part]?.times[index] ?? 0;
  // later points of the same time came later
  order.reverse();
  order.sort((a, b) => timeOf(b) - timeOf(a));
  return {
    count: order.length,
    hasBuckets: parts.some(({ bucketMs }) => bucketMs > 0),
    at(row) {
      const [part = 0, index = 0] = order[row] ?? [];
      const found = parts[part];
      if (found === undefined) throw new RangeError(`row ${row} of ${order.length}`);
      const count = found.counts[index] ?? 1;
      const isFolded = count > 1 && !found.series.isState;
      return {
        series: found.series,
        timeMs: found.times[index] ?? 0,
        value: isFolded ? (found.averages[index] ?? 0) : (found.lasts[index] ?? ''),
        count,
        min: found.mins[index] ?? 0,
        max: found.maxs[index] ?? 0,
      };
    },
  };
}

/** Live readings change a window while a table of it is read. */
function copyOf(window: SeriesWindow, fromMs: number, toMs: number) {
  let from = window.after(fromMs);
  while (from > 0 && window.times[from - 1] === fromMs) from--;
  let to = window.after(toMs);
  while (to > from && window.times[to - 1] === toMs) to--;
  return {
    bucketMs: window.bucketMs,
    times: window.times.slice(from, to),
    averages: window.averages.slice(from, to),
    mins: window.mins.slice(from, to),
    maxs: window.maxs.slice(from, to),
    lasts: window.lasts.slice(from, to),
    counts: Array.from({ length: to - from }, (_, i) => window.countAt(from + i)),
  };
}
