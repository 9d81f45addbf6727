// Which point of a series is meant by a moment, and which comes before or after it. Times in ms.
import type { SeriesWindow } from './series-window.ts';

const EDGE_MS = 0.001;

/** −1: there is none. Of states the one that holds; of numbers the nearest, a bucket being where its middle is. */
export function nearestPoint(window: SeriesWindow, atMs: number, isState: boolean): number {
  const { times, bucketMs } = window;
  const before = window.after(isState ? atMs : atMs - bucketMs / 2) - 1;
  if (isState) return before;
  const middle = (index: number): number => (times[index] ?? Number.POSITIVE_INFINITY) + bucketMs / 2;
  if (before < 0) return times.length > 0 ? 0 : -1;
  return before + 1 < times.length && middle(before + 1) - atMs < atMs - middle(before) ? before + 1 : before;
}

/**
 * The moment of the point that is `by` points away from `atMs`, over all windows; infinite: the first or the last that is shown. Without a
 * moment it begins at the near end. Null when nothing is shown.
 */
export function steppedMs(windows: readonly SeriesWindow[], atMs: number | null, by: number, fromMs: number, toMs: number): number | null {
  const isEnd = !Number.isFinite(by);
  const isForward = isEnd ? by < 0 : by > 0;
  // a point on the edge counts too
  let fromHereMs = isEnd || atMs === null ? (isForward ? fromMs - EDGE_MS : toMs + EDGE_MS) : atMs;
  let found = isEnd ? null : atMs;
  for (let left = isEnd ? 1 : Math.abs(by); left > 0; left--) {
    const next = neighbourMs(windows, fromHereMs, isForward);
    if (next === null || next < fromMs || next > toMs) break;
    fromHereMs = found = next;
  }
  return found;
}

function neighbourMs(windows: readonly SeriesWindow[], atMs: number, isForward: boolean): number | null {
  let best: number | null = null;
  for (const window of windows) {
    const half = window.bucketMs / 2;
    let index = window.after(atMs - half);
    if (!isForward) {
      index--;
      while (index >= 0 && (window.times[index] ?? 0) + half >= atMs) index--;
    }
    const timeMs = window.times[index];
    if (timeMs === undefined) continue;
    const middleMs = timeMs + half;
    if (best === null || (isForward ? middleMs < best : middleMs > best)) best = middleMs;
  }
  return best;
}
