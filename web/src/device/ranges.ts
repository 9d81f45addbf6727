// The spans a chart can show, and which one a page opens with.
export const RANGES = { '5m': 300_000, '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const;
export type RangeName = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as RangeName[];

const YOUNG_MS = 15 * 60_000;

export interface DeviceQuery {
  /** Null: not chosen yet. */
  readonly range: RangeName | null;
  readonly metrics: readonly string[];
}

export function readDeviceQuery(url: string): DeviceQuery {
  const query = new URL(url, location.origin).searchParams;
  return { range: RANGE_NAMES.find((name) => name === query.get('range')) ?? null, metrics: query.getAll('metric') };
}

export function writeDeviceQuery(id: string, query: DeviceQuery): string {
  const search = new URLSearchParams();
  if (query.range !== null) search.set('range', query.range);
  for (const metric of query.metrics) search.append('metric', metric);
  const path = `/devices/${encodeURIComponent(id)}`;
  return search.size === 0 ? path : `${path}?${search}`;
}

/** An hour, or five minutes where there is hardly more to see. */
export function defaultRange(firstMs: number | null, nowMs: number): RangeName {
  return firstMs !== null && nowMs - firstMs < YOUNG_MS ? '5m' : '1h';
}
