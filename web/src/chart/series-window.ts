// The readings of one series around what is shown, as columns that ascend by time (ms): every reading, or buckets. Live readings join where
// they belong: between the others, or in the bucket of their time, so that history and live have no seam. When more come than are worth a
// point each, readings are folded into buckets here too.
import type { Value } from '../../../gateway/protocol/messages.ts';
import type { BucketRow, Point } from '../../../gateway/protocol/rest.ts';

export interface SeriesWindow {
  readonly times: readonly number[];
  /** Numbers as they are, booleans as 0 and 1, texts as 0. Where every reading is a point, the three are the same column. */
  readonly mins: readonly number[];
  readonly maxs: readonly number[];
  readonly averages: readonly number[];
  /** What the series said first and last in the bucket. */
  readonly firsts: readonly Value[];
  readonly lasts: readonly Value[];
  /** 0 where every reading is a point. */
  readonly bucketMs: number;
  countAt(index: number): number;
  /** The index of the first point later than `timeMs`. */
  after(timeMs: number): number;
  /** Longer than this without a reading is a gap. */
  gapMs(expectedMs: number | null): number;
  add(timeMs: number, value: Value): void;
  /** Drops what lies before; one point older is kept so that the line reaches the edge. */
  dropBefore(timeMs: number): void;
}

/** When more readings than `most` are kept, they become buckets of `bucketMs`. */
export interface Folding {
  readonly most: number;
  readonly bucketMs: number;
}
const NEVER: Folding = { most: Number.POSITIVE_INFINITY, bucketMs: 0 };

const GAP_INTERVALS = 5;
const GAP_BUCKETS = 2.5;
const LEAST_GAP_MS = 1000;
const FALLBACK_INTERVAL_MS = 60_000;
/** So many points are dropped together: each drop moves all others. */
const DROP_TOGETHER = 64;

export const asNumber = (value: Value): number => (typeof value === 'string' ? 0 : Number(value));

interface Columns {
  times: number[];
  mins: number[];
  maxs: number[];
  averages: number[];
  counts: number[] | null;
  firsts: Value[];
  lasts: Value[];
}

export function windowOfReadings(points: readonly Point[], folding = NEVER): SeriesWindow {
  const lasts = points.map(([, value]) => value);
  const sizes = lasts.map(asNumber);
  return createWindow({ times: points.map(([timeMs]) => timeMs), ...plain(sizes, lasts) }, 0, 0, folding);
}

export function windowOfBuckets(buckets: readonly BucketRow[], originMs: number, bucketMs: number): SeriesWindow {
  const lasts = buckets.map((row) => row[6]);
  const columns: Columns = {
    times: buckets.map(([timeMs]) => timeMs),
    mins: buckets.map(([, , min, , , , last]) => min ?? asNumber(last)),
    maxs: buckets.map(([, , , max, , , last]) => max ?? asNumber(last)),
    averages: buckets.map(([, , , , average, , last]) => average ?? asNumber(last)),
    counts: buckets.map(([, count]) => count),
    firsts: buckets.map((row) => row[5]),
    lasts,
  };
  return createWindow(columns, originMs, bucketMs, NEVER);
}

/** The columns of readings: one array in several roles. */
function plain(sizes: number[], values: Value[]): Omit<Columns, 'times'> {
  return { mins: sizes, maxs: sizes, averages: sizes, counts: null, firsts: values, lasts: values };
}

function createWindow(columns: Columns, gridOriginMs: number, gridMs: number, folding: Folding): SeriesWindow {
  let { times, mins, maxs, averages, counts, firsts, lasts } = columns;
  let originMs = gridOriginMs;
  let bucketMs = gridMs;
  let typicalMs: number | null = null;

  function after(timeMs: number): number {
    // what comes live comes at the end
    if ((times.at(-1) ?? Number.NEGATIVE_INFINITY) <= timeMs) return times.length;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] ?? 0) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function addReading(timeMs: number, value: Value): void {
    const at = after(timeMs);
    insert(times, at, timeMs);
    insert(averages, at, asNumber(value));
    insert(lasts, at, value);
    if (times.length > folding.most) fold();
  }

  function addToBucket(timeMs: number, value: Value): void {
    if (counts === null) return;
    const startMs = originMs + Math.floor((timeMs - originMs) / bucketMs) * bucketMs;
    // by halves of a bucket: the grid's floats may differ from the gateway's by a fraction of a microsecond
    const at = after(startMs + bucketMs / 2);
    const i = at - 1;
    const size = asNumber(value);
    if (i >= 0 && startMs - (times[i] ?? 0) < bucketMs / 2) {
      const count = (counts[i] ?? 0) + 1;
      counts[i] = count;
      averages[i] = (averages[i] ?? 0) + (size - (averages[i] ?? 0)) / count;
      mins[i] = Math.min(mins[i] ?? size, size);
      maxs[i] = Math.max(maxs[i] ?? size, size);
      lasts[i] = value;
      return;
    }
    for (const [column, cell] of [
      [times, startMs],
      [mins, size],
      [maxs, size],
      [averages, size],
      [counts, 1],
    ] as const)
      insert(column, at, cell);
    insert(firsts, at, value);
    insert(lasts, at, value);
  }

  function fold(): void {
    const raw = { times, lasts };
    bucketMs = folding.bucketMs;
    originMs = raw.times[0] ?? 0;
    times = [];
    mins = [];
    maxs = [];
    averages = [];
    counts = [];
    firsts = [];
    lasts = [];
    typicalMs = null;
    for (const [index, timeMs] of raw.times.entries()) addToBucket(timeMs, raw.lasts[index] ?? 0);
  }

  return {
    get times() {
      return times;
    },
    get mins() {
      return mins;
    },
    get maxs() {
      return maxs;
    },
    get averages() {
      return averages;
    },
    get firsts() {
      return firsts;
    },
    get lasts() {
      return lasts;
    },
    get bucketMs() {
      return bucketMs;
    },
    countAt: (index) => counts?.[index] ?? 1,
    after,
    gapMs(expectedMs) {
      typicalMs ??= typicalInterval(times);
      return Math.max(GAP_INTERVALS * (expectedMs ?? typicalMs), GAP_BUCKETS * bucketMs, LEAST_GAP_MS);
    },
    add(timeMs, value) {
      if (times.length % 50 === 0) typicalMs = null;
      if (bucketMs === 0) addReading(timeMs, value);
      else addToBucket(timeMs, value);
    },
    dropBefore(timeMs) {
      const drop = after(timeMs) - 1;
      if (drop < DROP_TOGETHER && drop < times.length / 8) return;
      for (const column of new Set<unknown[]>([times, mins, maxs, averages, firsts, lasts])) column.splice(0, drop);
      counts?.splice(0, drop);
    },
  };
}

function insert<T>(column: T[], at: number, cell: T): void {
  if (at === column.length) column.push(cell);
  else column.splice(at, 0, cell);
}

/** The median distance of the newest neighbours. */
function typicalInterval(times: readonly number[]): number {
  if (times.length < 3) return FALLBACK_INTERVAL_MS;
  const distances: number[] = [];
  for (let i = Math.max(1, times.length - 500); i < times.length; i++) distances.push((times[i] ?? 0) - (times[i - 1] ?? 0));
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? FALLBACK_INTERVAL_MS;
}
