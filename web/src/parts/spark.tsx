// A sparkline: the shape of the last values, without axes. States (booleans) are drawn as a step.
import type { RecentValues } from '../recent-values.ts';

const WIDTH = 120;
const HEIGHT = 28;
const PAD = 2;

function path(times: readonly number[], values: readonly number[], isStep: boolean): string {
  const from = times[0] ?? 0;
  const span = (times.at(-1) ?? 0) - from || 1;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const rise = high - low;
  const y = (value: number): string => (rise === 0 ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) / rise) * (HEIGHT - 2 * PAD)).toFixed(1);
  let drawn = '';
  for (let i = 0; i < values.length; i++) {
    const x = ((((times[i] ?? from) - from) / span) * WIDTH).toFixed(1);
    const at = y(values[i] ?? 0);
    if (i === 0) drawn = `M${x} ${at}`;
    else drawn += isStep ? `H${x}V${at}` : `L${x} ${at}`;
  }
  return drawn;
}

function Line({ drawn }: { drawn: string }) {
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={drawn} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

export function Spark({ recent, isStep = false }: { recent: RecentValues; isStep?: boolean }) {
  return <Line drawn={recent.times.length < 2 ? '' : path(recent.times, recent.values, isStep)} />;
}

/** Evenly spaced samples. */
export function SampleSpark({ values }: { values: readonly number[] }) {
  return <Line drawn={values.length < 2 ? '' : path([...values.keys()], values, false)} />;
}
