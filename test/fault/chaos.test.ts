// Devices behind links that break in every way; and that it would be seen if the gateway took a frame twice.

import { expect, test } from 'vitest';
import { freshSeed } from '../support/seeded-random.ts';
import { runChaos } from './chaos.ts';

const seed = freshSeed();

test.each(['auto', 'off'] as const)(
  `behind links that break everything arrives once and in order, tls %s (seed ${seed})`,
  { timeout: 180_000 },
  async (tls) => {
    const { judgement, frames, links, struck } = await runChaos({ seed, seconds: 15, tls });
    expect(judgement.examples).toStrictEqual([]);
    expect(judgement).toMatchObject({ isClean: true, counts: { ok: frames * 6 } });
    expect(links).toBeGreaterThan(15);
    console.log(`${links} links, ${frames} frames, faults ${JSON.stringify(struck)}`);
  },
);

test('canary: a gateway that believes what a device says to be acked is caught doubling readings', { timeout: 180_000 }, async () => {
  const { judgement } = await runChaos({ seed, seconds: 8, tls: 'auto', canary: 'no-dedupe' });
  expect(judgement.counts.doubled).toBeGreaterThan(0);
});
