// History by REST for several series at once: every reading of those that have few in the span, buckets of the others. Each part says up to
// which cursor it is complete, so that live readings follow on without a seam. Times in ms.
import type { Point } from '../../../gateway/protocol/rest.ts';
import { ApiError, getBuckets, getReadings } from '../api.ts';
import { serverNowMs } from '../clock.ts';
import { seriesKey } from './chart-series.ts';
import type { SeriesName } from './chart-series.ts';
import { windowOfBuckets, windowOfReadings } from './series-window.ts';
import type { Folding, SeriesWindow } from './series-window.ts';
import { edgesOf, spanOf } from './time-axis.ts';
import type { TimeView } from './time-axis.ts';

export interface History {
  /** What is known of: a little more than what is shown. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Readings that come later go on from it. */
  readonly isLive: boolean;
  /** Of a bucket, where there are buckets. */
  readonly bucketMs: number;
  readonly windows: ReadonlyMap<string, SeriesWindow>;
  readonly parts: readonly { readonly series: readonly SeriesName[]; readonly cursor: string }[];
}

/** Buckets in what is shown, of one series; many series get fewer each, so that a picture of all of them stays quick to draw. */
const POINTS = { most: 720, least: 200, together: 24_000 };
/** So many readings are drawn one by one; more are a thick line that hides what the band tells. */
const RAW = { most: 3000, least: 400, together: 60_000 };
/** Beyond each edge, in shares of what is shown: a small move needs no new answer. */
const MARGIN = 0.25;
/** Readings of a clock that is ahead are committed before the cursor too: they are read now and drawn when their time comes. */
const AHEAD_MS = 600_000;
const PAGE_ROWS = 5000;

const share = ({ most, least, together }: typeof RAW, series: number): number =>
  Math.min(most, Math.max(least, Math.floor(together / Math.max(series, 1))));

/** The bucket that a view is drawn with when it has too many readings. */
export function bucketFor(view: TimeView, series: number): number {
  return spanOf(view) / share(POINTS, series);
}

export async function readHistory(series: readonly SeriesName[], view: TimeView, abort: AbortSignal): Promise<History> {
  const spanMs = spanOf(view);
  const bucketMs = bucketFor(view, series.length);
  const [shownFromMs, shownToMs] = edgesOf(view);
  const isLive = view.kind === 'live';
  const fromMs = Math.floor(shownFromMs - MARGIN * spanMs);
  const points = Math.ceil((shownToMs + MARGIN * spanMs - fromMs) / bucketMs);
  const toMs = fromMs + Math.max(Math.round(points * bucketMs), 1);
  const windows = new Map<string, SeriesWindow>();
  const named = new Map(series.map((one) => [seriesKey(one), one]));

  const folded = await getBuckets({ series: [...named.keys()], from: fromMs, to: toMs, points }, abort);
  const few = new Map(named);
  const many: SeriesName[] = [];
  for (const [key, answer] of present(folded.series, ({ buckets }) => buckets.at(-1)?.[0])) {
    const one = named.get(key);
    if (one === undefined) continue;
    const count = answer.buckets.reduce((sum, bucket) => sum + bucket[1], 0);
    if (count <= share(RAW, series.length)) continue;
    few.delete(key);
    many.push(one);
    windows.set(key, windowOfBuckets(answer.buckets, fromMs, (toMs - fromMs) / points));
  }
  const parts: History['parts'][number][] = [];
  if (many.length > 0) parts.push({ series: many, cursor: folded.cursor });
  if (few.size === 0) return { fromMs, toMs, isLive, bucketMs, windows, parts };

  // a view of the past has no clock that is ahead of it
  const rawToMs = isLive ? Math.max(toMs, Math.ceil(serverNowMs() + AHEAD_MS)) : toMs;
  const raw = await readAll([...few.keys()], fromMs, rawToMs, abort);
  const folding: Folding = { most: 2 * share(RAW, series.length), bucketMs };
  for (const key of few.keys()) windows.set(key, windowOfReadings(raw.readings.get(key) ?? [], folding));
  parts.push({ series: [...few.values()], cursor: raw.cursor });
  return { fromMs, toMs: many.length === 0 ? rawToMs : toMs, isLive, bucketMs, windows, parts };
}

/** Every reading, by series. */
export async function readAll(
  keys: readonly string[],
  fromMs: number,
  toMs: number,
  abort: AbortSignal,
): Promise<{ readings: ReadonlyMap<string, readonly Point[]>; cursor: string }> {
  const byUnit = new Map<string, { device: string; metric: string; readings: Point[] }>();
  let limit: number | undefined = PAGE_ROWS;
  let next: string | undefined;
  for (;;) {
    const query = { series: keys, from: fromMs, to: toMs, limit, next };
    const answer = await getReadings(query, abort).catch((error: unknown) => {
      // this gateway is set to smaller pages
      if (limit === undefined || !(error instanceof ApiError) || error.code !== 'bad-limit') throw error;
      limit = undefined;
      return null;
    });
    if (answer === null) continue;
    for (const { device, metric, unit, readings } of answer.series) {
      const id = `${device}/${metric} ${unit}`;
      const known = byUnit.get(id);
      if (known === undefined) byUnit.set(id, { device, metric, readings: [...readings] });
      else for (const reading of readings) known.readings.push(reading);
    }
    if (answer.next === null) {
      const newest = present([...byUnit.values()], ({ readings }) => readings.at(-1)?.[0]);
      return { readings: new Map([...newest].map(([key, { readings }]) => [key, readings])), cursor: answer.cursor };
    }
    next = answer.next;
  }
}

/** Another unit is another series, and not the same line: a chart shows the one that goes on. */
function present<S extends SeriesName>(series: readonly S[], lastMs: (one: S) => number | undefined): ReadonlyMap<string, S> {
  const found = new Map<string, S>();
  for (const one of series) {
    const key = seriesKey(one);
    const before = found.get(key);
    if (before === undefined || (lastMs(before) ?? Number.NEGATIVE_INFINITY) <= (lastMs(one) ?? Number.NEGATIVE_INFINITY))
      found.set(key, one);
  }
  return found;
}
