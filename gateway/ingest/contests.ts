// Two holders of one identity take it from each other again and again: five times in a minute, and the device is kept out for a while.

export interface Contests {
  /** One connection took the seat of another that was alive; true when that makes it a fight. */
  add(device: string): boolean;
  /** Seconds for which the device is still kept out; 0: it may come. */
  penaltySeconds(device: string): number;
}

const CONTESTS = 5;
const WINDOW_MS = 60_000;
const PENALTY_MS = 60_000;

/** `nowMs` is monotonic: a clock that jumps neither starts nor ends a penalty. */
export function createContests(nowMs: () => number = () => performance.now()): Contests {
  const recent = new Map<string, number[]>();
  const penalties = new Map<string, number>();

  return {
    add(device) {
      const now = nowMs();
      const times = (recent.get(device) ?? []).filter((at) => at > now - WINDOW_MS);
      times.push(now);
      if (times.length < CONTESTS) {
        recent.set(device, times);
        return false;
      }
      recent.delete(device);
      penalties.set(device, now + PENALTY_MS);
      return true;
    },
    penaltySeconds(device) {
      const until = penalties.get(device);
      if (until === undefined) return 0;
      const leftMs = until - nowMs();
      if (leftMs <= 0) penalties.delete(device);
      return Math.max(0, Math.ceil(leftMs / 1000));
    },
  };
}
