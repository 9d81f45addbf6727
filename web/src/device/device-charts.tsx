// The charts of a device's chosen metrics, one below the other over one time axis, each with its table and its files.
import { useState } from 'preact/hooks';
import { AxisBar } from '../chart/axis-bar.tsx';
import type { ChartSeries } from '../chart/chart-series.ts';
import { ChartBox } from '../chart/chart-box.tsx';
import { ExportDialog } from '../chart/export-dialog.tsx';
import type { SeriesFeed } from '../chart/series-feed.ts';
import type { TimeAxis, TimeView } from '../chart/time-axis.ts';
import { useSeriesFeed } from '../chart/use-series-feed.ts';
import { useTimeAxis } from '../chart/use-time-axis.ts';
import { judgedAtMs } from '../clock.ts';
import { formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice, LiveMetric } from '../live-device.ts';
import { Icon } from '../parts/icon.tsx';
import { metricLabel } from '../parts/value.tsx';

interface ChartsProps {
  readonly device: LiveDevice;
  readonly chosen: readonly LiveMetric[];
  readonly asked: TimeView | null;
  readonly home: TimeView;
  readonly tables: readonly string[];
  onView(view: TimeView | null): void;
  onTable(metric: string): void;
}

export function DeviceCharts({ device, chosen, asked, home, tables, onView, onTable }: ChartsProps) {
  const axis = useTimeAxis(asked, home, onView);
  const series = chosen.map((metric, slot) => seriesOf(device, metric, slot));
  const feed = useSeriesFeed(axis, series, series.map(({ unit }) => unit).join(' '));
  const search = new URLSearchParams(series.map(({ key }) => ['s', key]));
  return (
    <>
      <div class="charts-head">
        <AxisBar axis={axis} />
        <a class="btn" href={`/explore?${search}`}>
          <Icon name="explore" />
          {text.chart.explore}
        </a>
      </div>
      {series.map((one) => (
        <MetricChart
          key={one.key}
          series={one}
          feed={feed}
          axis={axis}
          isTable={tables.includes(one.metric)}
          onTable={() => onTable(one.metric)}
        />
      ))}
    </>
  );
}

function MetricChart({
  series,
  feed,
  axis,
  isTable,
  onTable,
}: {
  series: ChartSeries;
  feed: SeriesFeed;
  axis: TimeAxis;
  isTable: boolean;
  onTable(): void;
}) {
  const [isExporting, setExporting] = useState(false);
  return (
    <section class={`panel chart-panel s${(series.slot % 8) + 1}`} data-metric={series.metric} data-phase={feed.phase.value}>
      <header>
        <i class="swatch" aria-hidden="true" />
        <h2 title={series.label}>
          <bdi>{series.label}</bdi>
        </h2>
        <Grain series={series} feed={feed} />
        <div class="chart-actions">
          <button
            type="button"
            class="btn quiet square"
            aria-pressed={isTable}
            aria-label={text.chart.table(series.label)}
            title={isTable ? text.chart.asChart : text.chart.asTable}
            onClick={onTable}
          >
            <Icon name={isTable ? 'chart' : 'table'} />
          </button>
          <button
            type="button"
            class="btn quiet square"
            aria-label={text.chart.take(series.label)}
            title={text.export.title}
            onClick={() => setExporting(true)}
          >
            <Icon name="download" />
          </button>
        </div>
      </header>
      <ChartBox
        feed={feed}
        axis={axis}
        axes={series.isState ? [] : [[series]]}
        state={series.isState ? series : undefined}
        label={text.chart.label(series.label)}
        isTable={isTable}
      />
      {isExporting ? <ExportDialog feed={feed} axis={axis} series={[series]} onClose={() => setExporting(false)} /> : null}
    </section>
  );
}

/** What a point stands for. */
function Grain({ series, feed }: { series: ChartSeries; feed: SeriesFeed }) {
  feed.changed.value;
  const window = feed.window(series.key);
  const made =
    window === null
      ? ''
      : series.isState
        ? text.chart.states
        : window.bucketMs > 0
          ? text.chart.bucket(formatSpan(window.bucketMs))
          : text.chart.raw;
  return (
    <span class="dim" title={made}>
      {series.unit === '' ? '' : `${series.unit} · `}
      {made}
    </span>
  );
}

function seriesOf(device: LiveDevice, metric: LiveMetric, slot: number): ChartSeries {
  return {
    device: device.id,
    metric: metric.name,
    key: `${device.id}/${metric.name}`,
    label: metricLabel(metric.name),
    unit: metric.unit,
    unitCode: device.view.latest[metric.name]?.[2] ?? '',
    isState: typeof metric.value !== 'number',
    slot,
    scale: metric.scale,
    expectedMs: () => device.expectedMs,
    isStale: () => device.isStale(metric, judgedAtMs.peek()),
  };
}
