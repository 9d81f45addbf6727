// How long this process's event loop was busy without a break. Processor time, not time of day: a machine that is busy elsewhere blocks nothing.

const LOOK_EVERY_MS = 5;

export interface LoopWatch extends Disposable {
  /** The longest so far. */
  readonly longestMs: number;
}

export function watchLoop(): LoopWatch {
  let longestMs = 0;
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const now = process.threadCpuUsage();
    longestMs = Math.max(longestMs, (now.user - last.user + (now.system - last.system)) / 1000);
    last = now;
  }, LOOK_EVERY_MS);
  return {
    get longestMs() {
      return longestMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
