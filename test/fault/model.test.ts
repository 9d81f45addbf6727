// 200 random lives of a device against a model of the gateway; and that a gateway without de-duplication is caught.

import { expect, test } from 'vitest';
import { freshSeed } from '../support/seeded-random.ts';
import { runModel, runWeakModel } from './model.ts';

const seed = freshSeed();

test(`after 200 random lives of a device, books and rows are as the model has them (seed ${seed})`, { timeout: 300_000 }, async () => {
  const { runs, commands } = await runModel({ seed, runs: 200 });
  expect(runs).toBe(200);
  for (const name of [
    'send',
    'drop the ack',
    'take over',
    'gap',
    'poison frame',
    'reboot, counter kept',
    'reboot, new stream',
    'post next',
  ])
    expect(commands[name], name).toBeGreaterThan(0);
  console.log(JSON.stringify(commands));
});

test(`and after 30 more while what they send is sealed all the time (seed ${seed})`, { timeout: 300_000 }, async () => {
  expect((await runModel({ seed: `${seed}s`, runs: 30, isSealing: true })).runs).toBe(30);
});

test('canary: a gateway without de-duplication doubles what a model has once', { timeout: 60_000 }, async () => {
  const { doubled, surprises } = await runWeakModel('no-dedupe');
  expect(doubled).toBeGreaterThan(0);
  expect(surprises.join('\n')).toContain('books of');
});
