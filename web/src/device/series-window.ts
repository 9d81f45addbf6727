// The readings of one series inside a moving window, ready to draw: history as it was answered (every reading, or buckets), then live
// readings folded into the same grid, so that there is no seam. Columns ascend by time; times in ms.
import type { Value } from '../../../gateway/protocol/messages.ts';
import type { BucketRow, Point } from '../../../gateway/protocol/rest.ts';

/** One drawn point: a reading, or a bucket of several. */
export interface Sample {
  timeMs: number;
  count: number;
  min: number;
  max: number;
  average: number;
  first: Value;
  last: Value;
}

export interface SeriesWindow {
  readonly samples: readonly Sample[];
  /** 0 where every reading is a point. */
  readonly bucketMs: number;
  /** Longer than this without a reading is drawn as a gap. */
  gapMs(expectedMs: number | null): number;
  add(timeMs: number, value: Value): void;
  /** Drops what lies before; one sample older is kept so that the line reaches the edge. */
  dropBefore(timeMs: number): void;
}

const asNumber = (value: Value): number => (typeof value === 'string' ? 0 : Number(value));
const reading = (timeMs: number, value: Value): Sample => {
  const size = asNumber(value);
  return { timeMs, count: 1, min: size, max: size, average: size, first: value, last: value };
};

export function windowOfReadings(points: readonly Point[]): SeriesWindow {
  const samples = points.map(([timeMs, value]) => reading(timeMs, value));
  return createWindow(samples, 0, 0);
}

export function windowOfBuckets(buckets: readonly BucketRow[], fromMs: number, bucketMs: number): SeriesWindow {
  const samples = buckets.map(([timeMs, count, min, max, average, first, last]) => {
    const one = asNumber(last);
    return { timeMs, count, min: min ?? one, max: max ?? one, average: average ?? one, first, last };
  });
  return createWindow(samples, fromMs, bucketMs);
}

function createWindow(samples: Sample[], originMs: number, bucketMs: number): SeriesWindow {
  let typicalMs: number | null = null;

  /** The index of the first sample later than `timeMs`. */
  function after(timeMs: number): number {
    let low = 0;
    let high = samples.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((samples[middle]?.timeMs ?? 0) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    samples,
    bucketMs,
    gapMs(expectedMs) {
      typicalMs ??= typicalInterval(samples);
      return Math.max(5 * (expectedMs ?? typicalMs), 2.5 * bucketMs, 1000);
    },
    add(timeMs, value) {
      if (samples.length % 50 === 0) typicalMs = null;
      const size = asNumber(value);
      const startMs = bucketMs === 0 ? timeMs : originMs + Math.floor((timeMs - originMs) / bucketMs) * bucketMs;
      const at = after(startMs);
      const before = samples[at - 1];
      // in a bucket's half: the grid's floats may differ from the gateway's by a fraction of a microsecond
      if (bucketMs > 0 && before !== undefined && startMs - before.timeMs < bucketMs / 2) {
        before.average += (size - before.average) / (before.count + 1);
        before.count++;
        before.min = Math.min(before.min, size);
        before.max = Math.max(before.max, size);
        before.last = value;
        return;
      }
      const sample = reading(startMs, value);
      if (at === samples.length) samples.push(sample);
      else samples.splice(at, 0, sample);
    },
    dropBefore(timeMs) {
      const keepFrom = after(timeMs) - 1;
      if (keepFrom > 0) samples.splice(0, keepFrom);
    },
  };
}

/** The median distance of neighbouring samples. */
function typicalInterval(samples: readonly Sample[]): number {
  if (samples.length < 3) return 60_000;
  const from = Math.max(1, samples.length - 500);
  const distances: number[] = [];
  for (let i = from; i < samples.length; i++) distances.push((samples[i]?.timeMs ?? 0) - (samples[i - 1]?.timeMs ?? 0));
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 60_000;
}
