// Failed credentials, counted by where they come from: beyond the limit a failure is answered 429. Who has a valid token or key never asks
// here. Passwords are few enough to guess, so they are asked about before they are hashed, by address and by user.

import { isIPv4, isIPv6 } from 'node:net';
import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface Throttle {
  /** Counts a failure. Over the limit: the seconds to wait; else 0. */
  fail(key: string): number;
  /** The seconds to wait before a guess will be looked at; 0 when it may be. */
  waitSeconds(key: string): number;
}

export interface ThrottleOptions {
  readonly perMinute: number;
  readonly burst: number;
  /** Never jumps, as the wall clock does. */
  readonly steadyMs: () => number;
}

const SWEEP_SIZE = 10_000;

/** `burst` failures at once, `perMinute` in the long run. */
export function createThrottle({ perMinute, burst, steadyMs }: ThrottleOptions): Throttle {
  // the library answers in a promise, always already settled; what it said last is kept, so that the policy stays a plain function
  const windowMs = (burst / perMinute) * 60_000;
  const limiter = new RateLimiterMemory({ points: burst, duration: windowMs / 1000 });
  const spentUntilMs = new Map<string, number>();

  function waitSeconds(key: string): number {
    const untilMs = spentUntilMs.get(key);
    if (untilMs === undefined) return 0;
    const waitMs = untilMs - steadyMs();
    if (waitMs <= 0) {
      spentUntilMs.delete(key);
      return 0;
    }
    // spread, so that those who were refused together do not come back together
    return Math.ceil((waitMs / 1000) * (1 + Math.random() / 4));
  }
  return {
    waitSeconds,
    fail(key) {
      const wait = waitSeconds(key);
      if (wait > 0) return wait;
      if (spentUntilMs.size > SWEEP_SIZE) for (const spent of spentUntilMs.keys()) waitSeconds(spent);
      void limiter.penalty(key).then(({ remainingPoints, msBeforeNext }) => {
        // the library goes by the wall clock, which may have been set back in the middle of a window
        if (remainingPoints <= 0) spentUntilMs.set(key, steadyMs() + Math.min(msBeforeNext, windowMs));
      });
      return 0;
    },
  };
}

/** One key for all that one peer can freely choose: an IPv4 address (also in its IPv6 form), or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return 'unknown';
  const groups = expand(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isMapped)
    return `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')}::/64`;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

function expand(address: string): readonly number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${pair(a, b)}:${pair(c, d)}`);
  const [head = '', tail] = hex.split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [front, back] = [parse(head), parse(tail ?? '')];
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function pair(high: string, low: string): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}
