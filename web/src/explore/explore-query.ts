// What is explored, as it stands in the address: the series in their order, which of them are hidden, the span of time, chart or table.
import { seriesName } from '../chart/chart-series.ts';
import { readTimeQuery, writeTimeQuery } from '../chart/time-query.ts';
import type { TimeView } from '../chart/time-axis.ts';

export interface ExploreQuery {
  /** `DEVICE/METRIC`, each once. */
  readonly series: readonly string[];
  readonly hidden: readonly string[];
  /** Null: not chosen. */
  readonly view: TimeView | null;
  readonly isTable: boolean;
}

/** A gateway follows at most so many for one page, and their names must fit into an address. */
export const MOST_SERIES = 100;
export const MOST_ADDRESS = 6000;

export function readExploreQuery(url: string): ExploreQuery {
  const query = new URLSearchParams(url.replace(/^[^?]*/, ''));
  const series = [...new Set(query.getAll('s'))].filter((key) => seriesName(key) !== null).slice(0, MOST_SERIES);
  return {
    series,
    hidden: query.getAll('hide').filter((key) => series.includes(key)),
    view: readTimeQuery(query),
    isTable: query.get('view') === 'table',
  };
}

export function writeExploreQuery({ series, hidden, view, isTable }: ExploreQuery): string {
  const query = new URLSearchParams();
  for (const key of series) query.append('s', key);
  for (const key of hidden) if (series.includes(key)) query.append('hide', key);
  writeTimeQuery(query, view);
  if (isTable) query.set('view', 'table');
  // a slash in a query needs no escape, and an address with it can be read
  return query.size === 0 ? '/explore' : `/explore?${query.toString().replaceAll('%2F', '/')}`;
}

export const isFull = (query: ExploreQuery): boolean =>
  query.series.length >= MOST_SERIES || writeExploreQuery(query).length > MOST_ADDRESS;
