// Full-jitter back-off (protocol, «Reconnecting»): the first wait is random in 0…5 s, then in 0…min(60 s, 1 s · 2^n). Milliseconds.

export const BACK_OFF = { firstMs: 5_000, baseMs: 1_000, maxMs: 60_000, stableMs: 30_000 } as const;

export interface BackOff {
  /** The wait before the next attempt; each call counts as one. */
  nextMs(): number;
  /** To be called once a session has been stable for `BACK_OFF.stableMs`. */
  reset(): void;
}

/** `random` gives numbers in [0, 1). */
export function createBackOff(random: () => number): BackOff {
  let attempts = 0;
  return {
    nextMs() {
      const ceilingMs = attempts === 0 ? BACK_OFF.firstMs : Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempts);
      attempts++;
      return random() * ceilingMs;
    },
    reset() {
      attempts = 0;
    },
  };
}
