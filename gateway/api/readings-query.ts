// A question for readings, made of the URL's parameters: which series, which moments or which cursor, and in what form to answer.

import type { SeriesRow, RangePlace as StorePlace } from '../storage/store.ts';
import type { ApiDeps } from './api-deps.ts';
import type { PageTokens } from './page-token.ts';
import type { FieldFault } from './problem.ts';
import { allOf, pageSize, parameterFault } from './route-parts.ts';
import { parseTimeUs, TIME_BOUND_US, type TimeRange } from './time-range.ts';

export interface ReadingsParameters {
  readonly device?: string | readonly string[];
  readonly metric?: string | readonly string[];
  readonly series?: string | readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly points?: number;
  readonly limit?: number;
  readonly next?: string;
  readonly format?: 'json' | 'csv' | 'ndjson';
}

/** Where a page begins: `upTo` holds all pages to what was committed at the first one. */
export interface RangePlace {
  readonly fromUs: number;
  readonly toUs: number;
  readonly after: StorePlace;
  readonly upTo: number;
}

export interface SeriesChoice {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  /** The metrics asked for of each device, when pairs of them were named: then nothing else matches. */
  readonly pairs: ReadonlyMap<string, ReadonlySet<string>> | null;
  /** One device and one metric by name: the answer has its series at the top, unless there are several units. */
  readonly isNamed: boolean;
  readonly isOneDevice: boolean;
  /** Nothing was left out: all series there are. */
  readonly isAll: boolean;
}

export type ReadingsQuestion = {
  readonly choice: SeriesChoice;
  readonly key: unknown;
  readonly limit: number;
  readonly format: 'json' | 'csv' | 'ndjson';
} & (
  | { readonly kind: 'range'; readonly range: TimeRange; readonly place: RangePlace | null }
  | { readonly kind: 'since'; readonly position: number }
  | { readonly kind: 'buckets'; readonly range: TimeRange; readonly points: number }
);

export interface QuestionFault {
  readonly refused: string;
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
}

export function readQuestion(deps: ApiDeps, pageTokens: PageTokens, ask: ReadingsParameters): ReadingsQuestion | QuestionFault {
  const { format = 'json' } = ask;
  const limit = pageSize(deps, ask.limit);
  const pairs = ask.series === undefined ? null : pairsOf(allOf(ask.series));
  if (pairs === 'malformed') return { refused: 'bad-request', errors: [parameterFault('series', 'is written DEVICE/METRIC')] };
  const choice = choiceOf(ask, pairs);
  // `limit` may change between pages; everything else makes another query.
  const key = ['readings', choice.devices, choice.metrics, ask.series, ask.from, ask.to, ask.since];
  const common = { choice, key, limit, format };
  const clash = clashOf(ask);
  if (clash) return { refused: 'bad-request', errors: [parameterFault(...clash)] };

  if (ask.since !== undefined) {
    const cursor = /^([^.]+)\.(0|[1-9]\d{0,15})$/.exec(ask.since);
    if (!cursor || !Number.isSafeInteger(Number(cursor[2]))) return { refused: 'bad-cursor' };
    if (cursor[1] !== deps.catalogue.store)
      return { refused: 'bad-cursor', detail: 'it is of another store, or of this one before a restore' };
    const place = ask.next === undefined ? Number(cursor[2]) : pageTokens.redeem(key, ask.next);
    return typeof place === 'number' ? { ...common, kind: 'since', position: place } : { refused: 'bad-token' };
  }

  if (ask.next !== undefined) {
    const place = pageTokens.redeem(key, ask.next) as RangePlace | undefined;
    return place ? { ...common, kind: 'range', range: place, place } : { refused: 'bad-token' };
  }
  const range = rangeOf(ask, deps.nowMs());
  if ('refused' in range) return range;
  if (ask.points === undefined) return { ...common, kind: 'range', range, place: null };
  if (ask.from === undefined) return { refused: 'bad-range', errors: [parameterFault('from', 'points needs from')] };
  return { ...common, kind: 'buckets', range, points: ask.points };
}

export function matchSeries(deps: ApiDeps, choice: SeriesChoice): readonly SeriesRow[] {
  const { devices, metrics, pairs } = choice;
  const found = deps.catalogue.match(devices, metrics);
  return pairs === null ? found : found.filter(({ device, metric }) => pairs.get(device)?.has(metric));
}

/** `DEVICE/METRIC`: an id has no slash, a metric may. */
function pairsOf(series: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> | 'malformed' {
  const pairs = new Map<string, Set<string>>();
  for (const one of series) {
    const slash = one.indexOf('/');
    if (slash < 1 || slash === one.length - 1 || one.includes('*')) return 'malformed';
    const device = one.slice(0, slash);
    const metrics = pairs.get(device) ?? new Set();
    pairs.set(device, metrics.add(one.slice(slash + 1)));
  }
  return pairs;
}

function choiceOf(ask: ReadingsParameters, pairs: SeriesChoice['pairs']): SeriesChoice {
  const devices = pairs === null ? allOf(ask.device) : [...pairs.keys()];
  const metrics = pairs === null ? allOf(ask.metric) : [...new Set([...pairs.values()].flatMap((some) => [...some]))];
  const isName = (list: readonly string[]): boolean => list.length === 1 && !(list[0] as string).includes('*');
  const isEvery = (list: readonly string[]): boolean => list.length === 0 || list.includes('*');
  return {
    devices: devices.length === 0 ? ['*'] : devices,
    metrics: metrics.length === 0 ? ['*'] : metrics,
    pairs,
    isNamed: isName(devices) && isName(metrics),
    isOneDevice: isName(devices),
    isAll: isEvery(devices) && isEvery(metrics),
  };
}

/** Two parameters that cannot both mean something are refused, never one of them ignored. */
function clashOf(ask: ReadingsParameters): [name: string, detail: string] | null {
  if (ask.series !== undefined)
    for (const other of ['device', 'metric'] as const)
      if (ask[other] !== undefined) return [other, 'series names the devices and their metrics already'];
  const isStreamed = ask.format !== undefined && ask.format !== 'json';
  if (ask.since !== undefined && (ask.from !== undefined || ask.to !== undefined)) return ['since', 'takes neither from nor to'];
  if (ask.points !== undefined) {
    for (const other of ['since', 'next', 'limit'] as const)
      if (ask[other] !== undefined) return [other, 'points answers all buckets at once'];
    if (isStreamed) return ['format', 'buckets come as JSON'];
  }
  if (isStreamed)
    for (const other of ['limit', 'next'] as const)
      if (ask[other] !== undefined) return [other, 'csv and ndjson answer everything at once'];
  return null;
}

function rangeOf(ask: ReadingsParameters, nowMs: number): TimeRange | QuestionFault {
  const fromUs = ask.from === undefined ? -TIME_BOUND_US : parseTimeUs(ask.from, nowMs);
  // Buckets end now unless told otherwise: one reading with a clock far ahead would squeeze all others into the first bucket.
  const openEndUs = ask.points === undefined ? TIME_BOUND_US : Math.max(fromUs ?? 0, Math.round(nowMs * 1000));
  const toUs = ask.to === undefined ? openEndUs : parseTimeUs(ask.to, nowMs);
  const isTime = 'RFC 3339, epoch milliseconds, or now-6h (s m h d w)';
  if (fromUs === null) return { refused: 'bad-range', errors: [parameterFault('from', isTime)] };
  if (toUs === null) return { refused: 'bad-range', errors: [parameterFault('to', isTime)] };
  if (fromUs > toUs) return { refused: 'bad-range', errors: [parameterFault('from', 'is after to')] };
  return { fromUs, toUs };
}
