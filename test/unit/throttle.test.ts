// The throttle measures waits, and a clock that is set while it does must neither lengthen nor lift them.

import { expect, test, vi } from 'vitest';
import { createThrottle } from '../../gateway/identity/throttle.ts';

const HOUR_MS = 3_600_000;
/** 20 failures at 10 a minute, and what is added so that not all come back together. */
const LONGEST_SECONDS = 120 * 1.25;

function withClock() {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  let steadyMs = 0;
  const throttle = createThrottle({ perMinute: 10, burst: 20, steadyMs: () => steadyMs });
  return {
    throttle,
    setClock: (byMs: number) => vi.setSystemTime(Date.now() + byMs),
    pass: (ms: number) => {
      steadyMs += ms;
    },
    async fail(times: number): Promise<void> {
      for (let i = 0; i < times; i++) {
        throttle.fail('192.0.2.1');
        await Promise.resolve();
        await Promise.resolve();
      }
    },
    [Symbol.dispose]: () => void vi.useRealTimers(),
  };
}

test.each([
  ['back', -HOUR_MS],
  ['ahead', HOUR_MS],
])('a clock that is set %s by an hour changes nothing of a wait', async (_, byMs) => {
  using house = withClock();
  await house.fail(20);
  house.setClock(byMs);
  const wait = house.throttle.waitSeconds('192.0.2.1');
  expect(wait).toBeGreaterThanOrEqual(119);
  expect(wait).toBeLessThanOrEqual(LONGEST_SECONDS);
  house.pass(120_000);
  expect(house.throttle.waitSeconds('192.0.2.1')).toBe(0);
});

test('a clock that is set back between two failures makes no wait longer than the window', async () => {
  using house = withClock();
  await house.fail(10);
  house.setClock(-HOUR_MS);
  await house.fail(10);
  const wait = house.throttle.waitSeconds('192.0.2.1');
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(LONGEST_SECONDS);
});
