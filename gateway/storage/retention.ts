// When retention runs: now and then, one run at a time, and not by a clock that has just jumped.

import type { Expiry, ExpiryAsk, ExpiryReason, RetentionRule } from './retention-run.ts';

/** What went by one rule in one run. */
export interface Expired {
  readonly rule: RetentionRule;
  readonly reason: ExpiryReason;
  readonly readings: number;
  /** Of compressed readings. */
  readonly bytes: number;
}
export interface RetentionSettings {
  readonly rules: readonly RetentionRule[];
  /** Told of readings as they go. */
  readonly onGone?: (readings: number) => void;
  /** Told at the end of a run, of each rule that let something go. */
  readonly onExpired?: (expired: Expired) => void;
  /** A run broke off; the next one goes on. */
  readonly onFailed?: (error: unknown) => void;
  readonly everyMs?: number;
  readonly nowMs?: () => number;
  /** Never jumps. */
  readonly steadyMs?: () => number;
}
export interface Retention {
  run(): Promise<void>;
  /** From now on these hold: a run under way stops with its next step, and one by them begins. */
  replace(rules: readonly RetentionRule[]): void;
  close(): void;
}
export interface RetentionOptions extends RetentionSettings {
  expire(ask: ExpiryAsk, told: (step: Expiry) => void): Promise<void>;
}

const EVERY_MS = 10 * 60_000;
const CLOCK_LOOK_MS = 60_000;

export function createRetention(options: RetentionOptions): Retention {
  const { expire, onGone, onExpired, onFailed, everyMs = EVERY_MS, nowMs = Date.now, steadyMs = () => performance.now() } = options;
  const clock = createClockDoubt(nowMs, steadyMs);
  let { rules } = options;
  let running: Promise<void> | null = null;
  let isClosed = false;

  async function once(): Promise<void> {
    const held = rules;
    const gone = new Map<string, Expired>();
    const ask = { rules: held, nowUs: nowMs() * 1000, isClockDoubtful: clock.isDoubtful() };
    try {
      await expire(ask, ({ rule, reason, readings, bytes }) => {
        if (readings > 0) {
          onGone?.(readings);
          const key = `${rule} ${reason}`;
          const before = gone.get(key) ?? { rule: held[rule] as RetentionRule, reason, readings: 0, bytes: 0 };
          gone.set(key, { ...before, readings: before.readings + readings, bytes: before.bytes + bytes });
        }
        // what the old rules would still let go may stay by the new ones
        if (held !== rules) throw new RulesReplaced();
      });
    } catch (error) {
      if (!(error instanceof RulesReplaced)) throw error;
    } finally {
      for (const one of gone.values()) onExpired?.(one);
    }
  }
  function run(): Promise<void> {
    if (rules.length === 0) return Promise.resolve();
    running ??= once().finally(() => {
      running = null;
    });
    return running;
  }

  const runAndTell = (): Promise<void> => run().catch((error: unknown) => onFailed?.(error));

  const timers = [setInterval(() => void runAndTell(), everyMs), setInterval(() => clock.isDoubtful(), Math.min(CLOCK_LOOK_MS, everyMs))];
  return {
    run,
    replace(next) {
      rules = next;
      const before = running ?? Promise.resolve();
      const again = (): void => {
        if (!isClosed && rules === next) void runAndTell();
      };
      void before.then(again, again);
    },
    close() {
      isClosed = true;
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** Ends a run whose rules hold no more. */
class RulesReplaced extends Error {}

/** Ahead of where it should be by more: somebody set it, or it is broken. */
const JUMP_MS = 60 * 60_000;
/** A new time counts when it has stood for so long. */
const CERTAIN_MS = 6 * 60 * 60_000;

/** A clock that jumps ahead makes everything old at once. A device that slept, and woke up, jumps as well, and is believed later. */
export function createClockDoubt(nowMs: () => number, steadyMs: () => number): { isDoubtful(): boolean } {
  let offsetMs = nowMs() - steadyMs();
  let jumpedAtMs: number | null = null;
  return {
    isDoubtful() {
      const steady = steadyMs();
      const offset = nowMs() - steady;
      // a clock that is put back, or drifts, makes nothing old
      if (offset - offsetMs <= JUMP_MS) {
        offsetMs = offset;
        jumpedAtMs = null;
        return false;
      }
      jumpedAtMs ??= steady;
      if (steady - jumpedAtMs < CERTAIN_MS) return true;
      offsetMs = offset;
      jumpedAtMs = null;
      return false;
    },
  };
}
