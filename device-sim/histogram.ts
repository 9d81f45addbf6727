// Durations in logarithmic steps of 2 %: cheap to add to, and good enough for percentiles. Milliseconds.

const SMALLEST_MS = 0.01;
const STEP = Math.log(1.02);
const STEPS = 1200;

export interface Histogram {
  add(ms: number): void;
  /** p in 0…1; NaN when nothing was added. */
  percentile(p: number): number;
  reset(): void;
}

export function createHistogram(): Histogram {
  const counts = new Uint32Array(STEPS);
  let total = 0;
  return {
    add(ms) {
      const step = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / STEP);
      counts[Math.min(step, STEPS - 1)]!++;
      total++;
    },
    percentile(p) {
      if (total === 0) return Number.NaN;
      let left = Math.max(1, Math.ceil(p * total));
      for (let step = 0; step < STEPS; step++) {
        left -= counts[step]!;
        if (left <= 0) return SMALLEST_MS * Math.exp(step * STEP);
      }
      return Number.NaN;
    },
    reset() {
      counts.fill(0);
      total = 0;
    },
  };
}
