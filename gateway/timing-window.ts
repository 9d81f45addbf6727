// Durations of the last minute in bounded memory: twelve slots of five seconds, each a histogram with 32 steps an octave (2 % wide), and
// a plain cumulative histogram for Prometheus. Milliseconds.

export interface TimingWindow {
  observe(ms: number): void;
  percentile(p: number): number;
  /** Since the start; `counts[i]` is how many were at most `bounds[i]`. */
  histogram(): { bounds: readonly number[]; counts: readonly number[]; sum: number; count: number };
}

const SLOTS = 12;
const SLOT_MS = 5000;
const STEPS_AN_OCTAVE = 32;
/** From a microsecond to 2^17 ms (131 s); what is outside counts at the edge. */
const SMALLEST_OCTAVE = -10;
const BUCKETS = 27 * STEPS_AN_OCTAVE;
const BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

export function createTimingWindow(now: () => number): TimingWindow {
  const slots = Array.from({ length: SLOTS }, () => ({ number: -1, counts: new Uint32Array(BUCKETS) }));
  const cumulative = new Float64Array(BOUNDS_MS.length + 1);
  let sum = 0;
  let count = 0;
  const currentSlot = (): (typeof slots)[number] => {
    const number = Math.floor(now() / SLOT_MS);
    const slot = slots[number % SLOTS] as (typeof slots)[number];
    if (slot.number !== number) {
      slot.counts.fill(0);
      slot.number = number;
    }
    return slot;
  };
  return {
    observe(ms) {
      const bucket = Math.floor((Math.log2(ms) - SMALLEST_OCTAVE) * STEPS_AN_OCTAVE);
      const { counts } = currentSlot();
      // a duration of 0 has no logarithm, and a clock can step back
      const index = bucket >= 0 ? Math.min(bucket, BUCKETS - 1) : 0;
      counts[index] = (counts[index] ?? 0) + 1;
      let bound = 0;
      while (bound < BOUNDS_MS.length && ms > (BOUNDS_MS[bound] ?? 0)) bound += 1;
      cumulative[bound] = (cumulative[bound] ?? 0) + 1;
      sum += ms;
      count += 1;
    },
    percentile(p) {
      const oldest = Math.floor(now() / SLOT_MS) - SLOTS;
      const recent = slots.filter(({ number }) => number > oldest);
      let total = 0;
      for (const { counts } of recent) for (const n of counts) total += n;
      if (total === 0) return Number.NaN;
      let left = Math.max(1, Math.ceil(p * total));
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        for (const { counts } of recent) left -= counts[bucket] ?? 0;
        if (left <= 0) return 2 ** (SMALLEST_OCTAVE + (bucket + 0.5) / STEPS_AN_OCTAVE);
      }
      return Number.NaN;
    },
    histogram() {
      let running = 0;
      const counts = BOUNDS_MS.map((_, i) => (running += cumulative[i] ?? 0));
      return { bounds: BOUNDS_MS, counts, sum, count };
    },
  };
}
