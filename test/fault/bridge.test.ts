// A bridge among kills and cuts (the long size has five of each); and that it would be seen if it gave a port credit for what it has not kept.

import { expect, test } from 'vitest';
import { freshSeed } from '../support/seeded-random.ts';
import { runBridgeFaults } from './bridge.ts';

const seed = freshSeed();
const ROUNDS = 3;

test(`gateways and bridges that are killed and links that are cut cost no line that was buffered (seed ${seed})`, {
  timeout: 180_000,
}, async () => {
  const result = await runBridgeFaults({ seed, rounds: ROUNDS });
  expect(result.faults).toEqual([]);
  expect(result).toMatchObject({ gatewayKills: ROUNDS, bridgeKills: ROUNDS, cuts: ROUNDS });
  console.log(JSON.stringify(result));
});

test('canary: a bridge that gives credit for what it has not kept is caught losing lines', { timeout: 180_000 }, async () => {
  const { faults } = await runBridgeFaults({ seed, rounds: 1, canary: 'credit-before-buffer' });
  expect(faults.join('\n')).toMatch(/was not in the buffer|is in the buffer|are lost/);
});
