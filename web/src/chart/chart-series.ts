// What a chart must know of a series to draw it: its names, its unit, how its values are written, and how it is told apart from others.
import type { Scale } from '../format.ts';

export interface SeriesName {
  readonly device: string;
  readonly metric: string;
}
export interface ChartSeries extends SeriesName {
  /** `DEVICE/METRIC` */
  readonly key: string;
  readonly label: string;
  /** As people write it, and as it is sent; '' without one. */
  readonly unit: string;
  readonly unitCode: string;
  /** Booleans and texts are drawn as bands. */
  readonly isState: boolean;
  /** Gives its colour, dash and shape: the same for as long as it is shown. */
  readonly slot: number;
  readonly scale: Scale;
  expectedMs(): number | null;
  /** Has it been silent for too long to be called the present value? */
  isStale(): boolean;
}

export const seriesKey = ({ device, metric }: SeriesName): string => `${device}/${metric}`;

/** An id has no slash, a metric may. */
export function seriesName(key: string): SeriesName | null {
  const slash = key.indexOf('/');
  return slash < 1 || slash === key.length - 1 ? null : { device: key.slice(0, slash), metric: key.slice(slash + 1) };
}
