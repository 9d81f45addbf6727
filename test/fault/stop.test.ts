// A gateway that stands still for 15 s, devices that stand still; and that it would be seen if a standstill cost connections.

import { expect, test } from 'vitest';
import { runFrozenDevices, runFrozenGateway } from './stop.ts';

test('a standstill of 15 s costs none of 500 healthy connections, and what came meanwhile is answered', { timeout: 180_000 }, async () => {
  expect(await runFrozenGateway({ connections: 500, stopSeconds: 15 })).toStrictEqual({ lost: 0, offline: 0, answered: 500 });
});

test('a gateway that is busy for longer than its deadlines costs none either', { timeout: 120_000 }, async () => {
  expect(await runFrozenGateway({ connections: 100, stopSeconds: 6, isBusy: true })).toStrictEqual({ lost: 0, offline: 0, answered: 100 });
});

test('canary: without the stall guard a busy gateway costs connections', { timeout: 120_000 }, async () => {
  const { lost, offline } = await runFrozenGateway({ connections: 100, stopSeconds: 6, isBusy: true, canary: 'no-stall-guard' });
  expect(lost).toBeGreaterThan(0);
  expect(offline).toBe(lost);
});

test('devices that stand still are noticed by their pings, come back and have lost nothing', { timeout: 120_000 }, async () => {
  const { noticedMs, run, verify } = await runFrozenDevices('stop', 10, 10);
  expect(noticedMs).toBeLessThan(7_000);
  expect(run.code, run.stdout + run.stderr).toBe(0);
  expect(verify.code, verify.stdout + verify.stderr).toBe(0);
});
