// kill -9 under load, again and again; and that it would be seen if an ack came before the commit.

import { expect, test } from 'vitest';
import { freshSeed } from '../support/seeded-random.ts';
import { runKills } from './kill.ts';

const seed = freshSeed();

test(`every acked reading survives 20 kills under load, once, in order, and the books balance (seed ${seed})`, {
  timeout: 240_000,
}, async () => {
  const { judgement, struck, frames, connects, slowestStartMs } = await runKills({ seed, kills: 20 });
  expect(judgement.examples).toStrictEqual([]);
  expect(judgement).toMatchObject({ isClean: true, counts: { ok: frames * 5 } });
  console.log(`${JSON.stringify(struck)}, ${frames} frames, ${connects} connections, slowest start ${slowestStartMs.toFixed(0)} ms`);
});

test(`and so does what is sealed all the while (seed ${seed})`, { timeout: 240_000 }, async () => {
  const { judgement, frames, sealed } = await runKills({ seed, kills: 6, isSealing: true });
  expect(judgement.examples).toStrictEqual([]);
  expect(judgement).toMatchObject({ isClean: true, counts: { ok: frames * 5 } });
  expect(sealed.chunks).toBeGreaterThan(0);
  expect(sealed.trimmed).toBeGreaterThan(0);
  console.log(JSON.stringify({ frames, ...sealed }));
});

test('canary: a gateway that acknowledges before the commit is caught losing readings', { timeout: 240_000 }, async () => {
  const { judgement } = await runKills({ seed, kills: 5, canary: 'ack-before-commit' });
  expect(judgement.counts.lost).toBeGreaterThan(0);
});
