// A series as the columns that uPlot draws, with a hole where readings are missing.
import type { Sample } from './series-window.ts';

export interface ChartColumns {
  /** Times, averages, lows, highs. */
  readonly data: [times: number[], averages: (number | null)[], lows: (number | null)[], highs: (number | null)[]];
  /** The sample behind each column; null in a hole. */
  readonly samples: readonly (Sample | null)[];
  readonly gaps: readonly (readonly [fromMs: number, toMs: number])[];
}

/** Where readings come more seldom than now, a gap is that much longer than the steps around it. */
const GAP_STEPS = 3;
const LOOK_STEPS = 4;

/** `isStep`: states hold until the next reading, so only numbers have gaps. */
export function toColumns(samples: readonly Sample[], gapMs: number, isStep: boolean): ChartColumns {
  const times: number[] = [];
  const averages: (number | null)[] = [];
  const lows: (number | null)[] = [];
  const highs: (number | null)[] = [];
  const behind: (Sample | null)[] = [];
  const gaps: [number, number][] = [];
  let before: Sample | null = null;
  for (const [index, sample] of samples.entries()) {
    if (before !== null && !isStep && sample.timeMs - before.timeMs > Math.max(gapMs, GAP_STEPS * stepAround(samples, index, gapMs))) {
      times.push((before.timeMs + sample.timeMs) / 2);
      averages.push(null);
      lows.push(null);
      highs.push(null);
      behind.push(null);
      gaps.push([before.timeMs, sample.timeMs]);
    }
    times.push(sample.timeMs);
    averages.push(sample.average);
    lows.push(sample.min);
    highs.push(sample.max);
    behind.push(sample);
    before = sample;
  }
  return { data: [times, averages, lows, highs], samples: behind, gaps };
}

/** The median step among the neighbours of the one that ends at `index`; only asked where that one is long. */
function stepAround(samples: readonly Sample[], index: number, gapMs: number): number {
  const stepTo = (at: number): number => (samples[at]?.timeMs ?? 0) - (samples[at - 1]?.timeMs ?? 0);
  if (stepTo(index) <= gapMs) return 0;
  const steps: number[] = [];
  for (let at = Math.max(1, index - LOOK_STEPS); at <= Math.min(samples.length - 1, index + LOOK_STEPS); at++)
    if (at !== index) steps.push(stepTo(at));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 0;
}
