// What of a device is shown, as it stands in the address: the metrics with a chart, those with a table in its place, and the span of time.
import { readTimeQuery, writeTimeQuery } from '../chart/time-query.ts';
import type { TimeView } from '../chart/time-axis.ts';

export interface DeviceQuery {
  /** Null: not chosen yet. */
  readonly view: TimeView | null;
  readonly metrics: readonly string[];
  readonly tables: readonly string[];
}

export function readDeviceQuery(url: string): DeviceQuery {
  const query = new URL(url, location.origin).searchParams;
  return { view: readTimeQuery(query), metrics: query.getAll('metric'), tables: query.getAll('table') };
}

export function writeDeviceQuery(id: string, { view, metrics, tables }: DeviceQuery): string {
  const query = new URLSearchParams();
  writeTimeQuery(query, view);
  for (const metric of metrics) query.append('metric', metric);
  for (const metric of tables) query.append('table', metric);
  const path = `/devices/${encodeURIComponent(id)}`;
  return query.size === 0 ? path : `${path}?${query}`;
}
