// The chart of one metric: its head, the plot, the readout, and what to say while there is nothing to draw.
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { serverNowMs } from '../clock.ts';
import { formatInstant, formatMoment, formatNumber, formatSpan, formatValue, scaleDecimals } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice, LiveMetric } from '../live-device.ts';
import { metricLabel } from '../parts/value.tsx';
import { paletteVersion } from '../theme.ts';
import { toColumns } from './chart-columns.ts';
import { readPalette } from './chart-palette.ts';
import { createPlot } from './plot.ts';
import type { Plot } from './plot.ts';
import { RANGES } from './ranges.ts';
import type { RangeName } from './ranges.ts';
import type { Sample } from './series-window.ts';
import { useSeries } from './use-series.ts';
import type { SeriesFollowed } from './use-series.ts';

interface SeriesChartProps {
  readonly device: LiveDevice;
  readonly metric: LiveMetric;
  readonly range: RangeName;
  /** Its place among the charts, which gives its colour. */
  readonly index: number;
}

export function SeriesChart({ device, metric, range, index }: SeriesChartProps) {
  const isState = typeof metric.value !== 'number';
  const followed = useSeries(device.id, metric.name, RANGES[range], isState);
  const window = followed.window.value;
  const isEmpty = window !== null && window.samples.length === 0 && followed.changed.value >= 0;
  const made =
    window === null
      ? ''
      : isState
        ? text.chart.states
        : window.bucketMs > 0
          ? text.chart.bucket(formatSpan(window.bucketMs))
          : text.chart.raw;
  return (
    <section class={`panel chart-panel s${(index % 4) + 1}`} data-metric={metric.name} data-phase={followed.phase.value}>
      <header>
        <i class="swatch" aria-hidden="true" />
        <h2>
          <bdi>{metricLabel(metric.name)}</bdi>
        </h2>
        <span class="dim">
          {metric.unit === '' ? '' : `${metric.unit} · `}
          {made}
        </span>
      </header>
      <figure class={isState ? 'chart is-states' : 'chart'}>
        {window !== null && !isEmpty ? <Drawing {...{ device, metric, range, index, isState, followed }} /> : null}
        {followed.phase.value === 'loading' && window === null ? <p class="chart-note">{text.chart.loading}</p> : null}
        {followed.phase.value === 'failed' ? (
          <p class="chart-note">
            {text.chart.failed}
            <button type="button" class="btn small" onClick={followed.retry}>
              {text.chart.again}
            </button>
          </p>
        ) : null}
        {isEmpty && followed.phase.value === 'ready' ? <p class="chart-note">{text.chart.empty}</p> : null}
      </figure>
    </section>
  );
}

function Drawing({ device, metric, range, index, isState, followed }: SeriesChartProps & { isState: boolean; followed: SeriesFollowed }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [point, setPoint] = useState<{ sample: Sample; leftPx: number } | null>(null);
  const rangeMs = RANGES[range];
  const palette = paletteVersion.value;
  const columns = () => {
    const window = followed.window.peek();
    return toColumns(window?.samples ?? [], window?.gapMs(device.expectedMs) ?? 0, isState);
  };

  useEffect(() => {
    if (host.current === null) return;
    const mine = createPlot({
      host: host.current,
      isState,
      decimals: () => scaleDecimals(metric.scale),
      stateWord: (value) => formatValue(value, metric.scale, metric.name),
      rangeMs,
      palette: readPalette(host.current, index),
      columns: columns(),
      nowMs: serverNowMs,
      onPoint: (sample, leftPx) => setPoint(sample === null ? null : { sample, leftPx }),
    });
    plot.current = mine;
    // the window slides by about a pixel at a time
    const slide = setInterval(() => document.visibilityState === 'visible' && mine.show(columns()), Math.max(250, rangeMs / 1000));
    return () => {
      clearInterval(slide);
      plot.current = null;
      mine.close();
    };
  }, [isState, rangeMs, index, palette]);

  useSignalEffect(() => {
    followed.window.value;
    followed.changed.value;
    plot.current?.show(columns());
  });

  const samples = followed.window.value?.samples ?? [];
  return (
    <div
      class="plot"
      tabIndex={0}
      role="group"
      aria-label={describe(metric, range, samples, isState)}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
        if (event.key === 'Escape') plot.current?.leave();
        if (by === undefined) return;
        event.preventDefault();
        plot.current?.step(by);
      }}
      onBlur={() => plot.current?.leave()}
    >
      <div ref={host} />
      <Readout metric={metric} point={point} hostPx={host.current?.clientWidth ?? 0} />
    </div>
  );
}

function Readout({ metric, point, hostPx }: { metric: LiveMetric; point: { sample: Sample; leftPx: number } | null; hostPx: number }) {
  if (point === null) return <output class="readout" hidden />;
  const { sample, leftPx } = point;
  const now = serverNowMs();
  const value = sample.count > 1 && typeof sample.last === 'number' ? sample.average : sample.last;
  const isToday = formatMoment(sample.timeMs, now).includes(':');
  return (
    <output
      class="readout"
      style={{ transform: `translateX(${leftPx > hostPx / 2 ? `calc(${leftPx - 10}px - 100%)` : `${leftPx + 10}px`})` }}
    >
      <b>
        {formatValue(value, metric.scale, metric.name)}
        {metric.unit === '' ? null : <span class="unit">{metric.unit}</span>}
      </b>
      {sample.count > 1 && typeof sample.last === 'number' ? (
        <span>
          {formatValue(sample.min, metric.scale, metric.name)}–{formatValue(sample.max, metric.scale, metric.name)}{' '}
          {text.chart.of(formatNumber(sample.count))}
        </span>
      ) : null}
      <time>
        {isToday ? '' : `${formatMoment(sample.timeMs, now)}, `}
        {formatInstant(sample.timeMs, sample.count === 1)}
      </time>
    </output>
  );
}

function describe(metric: LiveMetric, range: RangeName, samples: readonly Sample[], isState: boolean): string {
  const name = metricLabel(metric.name);
  if (isState) return text.chart.labelStates(name, range);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { min, max } of samples) {
    low = Math.min(low, min);
    high = Math.max(high, max);
  }
  const said = (value: number): string => `${formatValue(value, metric.scale, metric.name)} ${metric.unit}`.trim();
  return text.chart.label(name, range, said(low), said(high));
}
