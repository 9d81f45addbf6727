// How fast a counter rises, over the last seconds: for the figures that people look at.

export interface Rate {
  readonly perSecond: number;
  close(): void;
}

const SAMPLE_MS = 1_000;
const SAMPLES = 5;

export function createRate(read: () => number): Rate {
  const samples = [{ atMs: performance.now(), value: read() }];
  const timer = setInterval(() => {
    samples.push({ atMs: performance.now(), value: read() });
    if (samples.length > SAMPLES + 1) samples.shift();
  }, SAMPLE_MS);
  return {
    get perSecond() {
      const first = samples[0];
      const last = samples[samples.length - 1];
      return last.atMs === first.atMs ? 0 : ((last.value - first.value) * 1000) / (last.atMs - first.atMs);
    },
    close: () => clearInterval(timer),
  };
}
