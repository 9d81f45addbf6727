// One tile a metric: its value now, with unit, age and the shape of the last hour. Pressing a tile puts its chart on or off the page.
import { judgedAtMs } from '../clock.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice, LiveMetric } from '../live-device.ts';
import { Spark } from '../parts/spark.tsx';
import { Age, MetricValue, metricLabel } from '../parts/value.tsx';

interface MetricTilesProps {
  readonly device: LiveDevice;
  readonly chosen: readonly LiveMetric[];
  readonly onToggle: (metric: string) => void;
}

export function MetricTiles({ device, chosen, onToggle }: MetricTilesProps) {
  device.changed.value;
  return (
    <div class="tiles" role="group" aria-label={text.device.metrics}>
      {[...device.metrics.values()].map((metric) => (
        <Tile key={metric.name} device={device} metric={metric} index={chosen.indexOf(metric)} onToggle={onToggle} />
      ))}
    </div>
  );
}

function Tile({
  device,
  metric,
  index,
  onToggle,
}: {
  device: LiveDevice;
  metric: LiveMetric;
  index: number;
  onToggle(metric: string): void;
}) {
  device.changed.value;
  const isStale = device.isStale(metric, judgedAtMs.value);
  const isLong = typeof metric.value === 'string' && metric.value.length > 12;
  return (
    <button
      type="button"
      class={`panel tile ${index >= 0 ? `s${(index % 8) + 1}` : ''} ${isStale ? 'is-stale' : ''}`}
      aria-pressed={index >= 0}
      data-metric={metric.name}
      title={text.device.pick(metricLabel(metric.name))}
      onClick={() => onToggle(metric.name)}
    >
      <span class="tile-head">
        <bdi>{metricLabel(metric.name)}</bdi>
        <Age atMs={metric.heardMs} />
      </span>
      <strong class={isLong ? 'long' : ''}>
        <MetricValue metric={metric} />
      </strong>
      {typeof metric.value === 'string' ? null : <Spark metric={metric} />}
    </button>
  );
}
