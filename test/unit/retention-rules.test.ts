// Rules of retention that are replaced while a run by the old ones is under way.

import { expect, test } from 'vitest';
import { createRetention } from '../../gateway/storage/retention.ts';
import type { ExpiryAsk, RetentionRule } from '../../gateway/storage/retention-run.ts';
import { until } from '../support/until.ts';

const rule = (device: string): RetentionRule => ({ device, metric: '*', rawMs: 1000, maxBytes: null, summariesMs: null });

function openRetention(rules: readonly RetentionRule[]) {
  const asks: { readonly device: string | undefined; steps: number }[] = [];
  const told: [string, number][] = [];
  const failed: unknown[] = [];
  /** Ends the step at hand. */
  let step: (() => void) | null = null;
  const retention = createRetention({
    rules,
    onExpired: ({ rule: { device }, readings }) => told.push([device, readings]),
    onFailed: (error) => failed.push(error),
    async expire(ask: ExpiryAsk, tell) {
      const mine = { device: ask.rules[0]?.device, steps: 0 };
      asks.push(mine);
      for (; mine.steps < 3; mine.steps++) {
        await new Promise<void>((resolve) => {
          step = resolve;
        });
        tell({ slice: null, rule: 0, reason: 'age', readings: 10, bytes: 1 });
      }
    },
  });
  const next = async (): Promise<void> => {
    await until(
      () => step !== null,
      () => 'no step is under way',
    );
    const end = step;
    step = null;
    end?.();
  };
  return { retention, asks, told, failed, next };
}

test('a run by rules that hold no more ends with its step, what it let go is told, and one by the new rules begins', async () => {
  const { retention, asks, told, failed, next } = openRetention([rule('old')]);
  const run = retention.run();
  retention.replace([rule('new')]);
  await next();
  await run;
  expect(told).toEqual([['old', 10]]);
  for (let i = 0; i < 3; i++) await next();
  await until(
    () => told.length === 2,
    () => JSON.stringify(told),
  );
  expect(told[1]).toEqual(['new', 30]);
  expect(asks.map(({ device }) => device)).toEqual(['old', 'new']);
  expect(failed).toEqual([]);
  retention.close();
});

test('rules that are replaced by none let nothing go, and after the close nothing begins', async () => {
  const { retention, asks } = openRetention([rule('old')]);
  retention.replace([]);
  await retention.run();
  expect(asks).toEqual([]);
  retention.replace([rule('new')]);
  retention.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(asks).toEqual([]);
});
