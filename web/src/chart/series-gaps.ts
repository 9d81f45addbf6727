// Where a series says nothing for longer than its rhythm explains. Times in ms.
import type { SeriesWindow } from './series-window.ts';

/** Where readings come more seldom than now, a gap is that much longer than the steps around it. */
const GAP_STEPS = 3;
const LOOK_STEPS = 4;

/** Whether the step that ends at point `index` is a gap. */
export function isGapBefore({ times }: Pick<SeriesWindow, 'times'>, index: number, gapMs: number): boolean {
  const stepMs = stepTo(times, index);
  return stepMs > gapMs && stepMs > GAP_STEPS * stepAround(times, index);
}

/** All gaps of points `from` up to `to`. */
export function findGaps(window: Pick<SeriesWindow, 'times'>, gapMs: number, from = 0, to = window.times.length): [number, number][] {
  const found: [number, number][] = [];
  for (let i = Math.max(from, 1); i < to; i++)
    if (isGapBefore(window, i, gapMs)) found.push([window.times[i - 1] ?? 0, window.times[i] ?? 0]);
  return found;
}

const stepTo = (times: readonly number[], at: number): number => (times[at] ?? 0) - (times[at - 1] ?? 0);

/** The median step among the neighbours of the one that ends at `index`. */
function stepAround(times: readonly number[], index: number): number {
  const steps: number[] = [];
  for (let at = Math.max(1, index - LOOK_STEPS); at <= Math.min(times.length - 1, index + LOOK_STEPS); at++)
    if (at !== index) steps.push(stepTo(times, at));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 0;
}
