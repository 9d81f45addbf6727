// The readings of a page's charts: one feed, which lives as long as the page, for the series that are asked for now.
import { useEffect, useState } from 'preact/hooks';
import { useConnected } from '../connected.ts';
import { seriesKey } from './chart-series.ts';
import type { SeriesName } from './chart-series.ts';
import { createSeriesFeed } from './series-feed.ts';
import type { SeriesFeed } from './series-feed.ts';
import type { TimeAxis } from './time-axis.ts';

/** `version`: another one, and history is read again: a unit changed, and so the series did. */
export function useSeriesFeed(axis: TimeAxis, series: readonly SeriesName[], version = ''): SeriesFeed {
  const { live } = useConnected();
  const [feed] = useState(() => createSeriesFeed(live, axis));
  useEffect(() => () => feed.close(), [feed]);
  useEffect(() => feed.set(series), [feed, series.map(seriesKey).join(' ')]);
  useEffect(() => {
    if (feed.phase.peek() === 'ready') feed.retry();
  }, [feed, version]);
  return feed;
}
