// How much of its value axis a series takes, in charts and sparklines: never so little that noise in the last digits looks like a drama.

/** At least this part of the value's size … */
const LEAST_PART = 0.02;
/** … but a large value that moves in small steps (a meter, an air pressure) keeps its shape. */
const MOST_STEPS = 40;
const LEAST_STEPS = 10;
const ROOM = 0.12;

/** `decimals`: of the values as they are shown; one step is one of the last. */
export function leastSpan(low: number, high: number, decimals: number): number {
  const size = Math.max(Math.abs(low), Math.abs(high));
  const step = 10 ** -decimals;
  // whole numbers are counts and flags: each step of theirs matters
  return Math.max(Math.min(size * LEAST_PART, step * MOST_STEPS), decimals > 0 ? step * LEAST_STEPS : 0);
}

/** With room above and below. */
export function paddedRange(low: number | null, high: number | null, decimals: number): [number, number] {
  if (low === null || high === null) return [0, 1];
  const least = leastSpan(low, high, decimals);
  const span = high - low;
  if (span >= least && span > 0) return [low - span * ROOM, high + span * ROOM];
  const half = (least > 0 ? least : 2) * (0.5 + ROOM);
  const middle = (low + high) / 2;
  // no room below zero for what has never been there
  const bottom = low > 0 ? Math.max(0, middle - half) : middle - half;
  return [bottom, bottom + 2 * half];
}
