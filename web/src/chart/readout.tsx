// What the series of a chart say at the moment that is read: values with their units, and the time in full.
import { serverNowMs } from '../clock.ts';
import { formatInstant, formatMoment, formatNumber, formatSpan, formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { ChartSeries } from './chart-series.ts';
import { SeriesMark } from './series-mark.tsx';
import type { SeriesWindow } from './series-window.ts';

export interface ReadPoint {
  readonly series: ChartSeries;
  readonly window: SeriesWindow;
  readonly index: number;
}

const MOST_ROWS = 10;

export function Readout({
  points,
  atMs,
  leftPx,
  hostPx,
}: {
  points: readonly ReadPoint[];
  /** Null: nothing is read. */
  atMs: number | null;
  leftPx: number;
  hostPx: number;
}) {
  const [first] = points;
  if (atMs === null || first === undefined) return <output class="readout" hidden />;
  const isAlone = points.length === 1;
  const timeMs = isAlone ? (first.window.times[first.index] ?? atMs) : atMs;
  const isFine = points.some(({ window, index }) => window.countAt(index) === 1);
  return (
    <output
      class={isAlone ? 'readout' : 'readout is-several'}
      style={{ transform: `translateX(${leftPx > hostPx / 2 ? `calc(${leftPx - 10}px - 100%)` : `${leftPx + 10}px`})` }}
    >
      {isAlone ? null : <ReadTime timeMs={timeMs} isFine={isFine} />}
      {points.slice(0, MOST_ROWS).map((point) => (
        <PointText key={point.series.key} point={point} isAlone={isAlone} />
      ))}
      {points.length > MOST_ROWS ? <span>{text.chart.moreSeries(points.length - MOST_ROWS)}</span> : null}
      {isAlone ? <ReadTime timeMs={timeMs} isFine={isFine} widthMs={first.window.bucketMs} /> : null}
    </output>
  );
}

function PointText({ point: { series, window, index }, isAlone }: { point: ReadPoint; isAlone: boolean }) {
  const count = window.countAt(index);
  const last = window.lasts[index] ?? '';
  const isFolded = count > 1 && !series.isState;
  const said = (value: number | string | boolean): string => formatValue(value, series.scale, series.metric);
  return (
    <>
      <span class={`read-row s${(series.slot % 8) + 1}`}>
        {isAlone ? null : (
          <>
            <SeriesMark slot={series.slot} />
            <bdi>{series.label}</bdi>
          </>
        )}
        <b>
          {said(isFolded ? (window.averages[index] ?? 0) : last)}
          {series.unit === '' ? null : <span class="unit">{series.unit}</span>}
        </b>
      </span>
      {isFolded && isAlone ? (
        <span>
          {said(window.mins[index] ?? 0)}–{said(window.maxs[index] ?? 0)} {text.chart.of(formatNumber(count))}
        </span>
      ) : null}
    </>
  );
}

function ReadTime({ timeMs, isFine, widthMs = 0 }: { timeMs: number; isFine: boolean; widthMs?: number }) {
  const day = formatMoment(timeMs, serverNowMs());
  return (
    <time>
      {day.includes(':') ? '' : `${day}, `}
      {formatInstant(timeMs, isFine)}
      {widthMs > 0 && !isFine ? ` + ${formatSpan(widthMs)}` : ''}
    </time>
  );
}
