// A sparkline: the shape of the last values, without axes. States (booleans) are drawn as a step.
import { scaleDecimals } from '../format.ts';
import type { LiveMetric } from '../live-device.ts';
import { leastSpan } from '../value-range.ts';

const WIDTH = 120;
const HEIGHT = 28;
const PAD = 2;

function path(times: readonly number[], values: readonly number[], isStep: boolean, decimals: number | null): string {
  const from = times[0] ?? 0;
  const span = (times.at(-1) ?? 0) - from || 1;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const rise = Math.max(high - low, decimals === null ? 0 : leastSpan(low, high, decimals)) || 1;
  const middle = (low + high) / 2;
  const y = (value: number): string => (HEIGHT / 2 - ((value - middle) / rise) * (HEIGHT - 2 * PAD)).toFixed(1);
  let drawn = '';
  for (let i = 0; i < values.length; i++) {
    const x = ((((times[i] ?? from) - from) / span) * WIDTH).toFixed(1);
    const at = y(values[i] ?? 0);
    if (i === 0) drawn = `M${x} ${at}`;
    else drawn += isStep ? `H${x}V${at}` : `L${x} ${at}`;
  }
  return drawn;
}

function Line({ drawn, isWaiting = false }: { drawn: string; isWaiting?: boolean }) {
  return (
    <svg class={isWaiting ? 'spark is-waiting' : 'spark'} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={drawn} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

export function Spark({ metric }: { metric: LiveMetric }) {
  const { times, values } = metric.recent;
  const isStep = typeof metric.value === 'boolean';
  return <Line drawn={times.length < 2 ? '' : path(times, values, isStep, isStep ? null : scaleDecimals(metric.scale))} />;
}

/** Evenly spaced samples; a pale line keeps their place until there are two. */
export function SampleSpark({ values }: { values: readonly number[] }) {
  const isWaiting = values.length < 2;
  return <Line isWaiting={isWaiting} drawn={isWaiting ? `M0 ${HEIGHT / 2}H${WIDTH}` : path([...values.keys()], values, false, null)} />;
}
