// A value with its unit, and its age: the two that every number on this console comes with.
import { nowMs } from '../clock.ts';
import { formatAge, formatValue } from '../format.ts';
import type { LiveMetric } from '../live-device.ts';

export function MetricValue({ metric }: { metric: LiveMetric }) {
  return (
    <>
      <bdi>{formatValue(metric.value, metric.scale, metric.name)}</bdi>
      {metric.unit === '' ? null : <span class="unit">{metric.unit}</span>}
    </>
  );
}

export function Age({ atMs }: { atMs: number }) {
  return <span class="age">{formatAge(nowMs.value - atMs)}</span>;
}

/** `flow-temp`, `air_temperature` → `Flow temp`, `Air temperature`; codes and addresses stay as they are. */
export function metricLabel(name: string): string {
  if (!/^[a-z][a-z0-9]*([-_ ][a-z0-9]+)*$/.test(name)) return name;
  const words = name.replace(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
