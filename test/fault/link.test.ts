// A link set down in a network namespace, with liveness at 5 and 2 seconds (the default's turn is in the long size). Needs root.

import { expect, test } from 'vitest';
import { noticeLimitMs, runCutLink } from './link.ts';

const QUICK = { pingSeconds: 5, pongSeconds: 2 };

test('a link that is down is noticed in time, and the devices come back without a loss', { timeout: 120_000 }, async () => {
  const { noticedMs, run, verify } = await runCutLink({ seed: 'link', ...QUICK, seconds: 15 });
  expect(noticedMs).toBeLessThan(noticeLimitMs(QUICK));
  // by the default timing the same rule keeps the promise
  expect(noticeLimitMs({ pingSeconds: 25, pongSeconds: 10 })).toBeLessThanOrEqual(40_000);
  expect(run.code, run.stdout + run.stderr).toBe(0);
  expect(verify.code, verify.stdout + verify.stderr).toBe(0);
});

test('canary: a gateway that never cuts does not notice', { timeout: 120_000 }, async () => {
  const { noticedMs } = await runCutLink({ seed: 'canary', ...QUICK, seconds: 12, canary: 'no-cut' });
  expect(noticedMs).toBe(Number.POSITIVE_INFINITY);
});
