// A series as the columns that uPlot draws, with a hole where readings are missing.
import type { Sample } from './series-window.ts';

export interface ChartColumns {
  /** Times, averages, lows, highs. */
  readonly data: [times: number[], averages: (number | null)[], lows: (number | null)[], highs: (number | null)[]];
  /** The sample behind each column; null in a hole. */
  readonly samples: readonly (Sample | null)[];
  readonly gaps: readonly (readonly [fromMs: number, toMs: number])[];
}

/** `isStep`: states hold until the next reading, so only numbers have gaps. */
export function toColumns(samples: readonly Sample[], gapMs: number, isStep: boolean): ChartColumns {
  const times: number[] = [];
  const averages: (number | null)[] = [];
  const lows: (number | null)[] = [];
  const highs: (number | null)[] = [];
  const behind: (Sample | null)[] = [];
  const gaps: [number, number][] = [];
  let before: Sample | null = null;
  for (const sample of samples) {
    if (before !== null && !isStep && sample.timeMs - before.timeMs > gapMs) {
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
