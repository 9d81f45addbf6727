// The floods at a size for every day; `npm run test:faults -- --suite floods` has the full one.

import { expect, test } from 'vitest';
import { floodFaults, runFloods } from './floods.ts';

test('every flood leaves a good device served, and the memory within its budget', { timeout: 240_000 }, async () => {
  const results = await runFloods({ sockets: 50, seconds: 0.7, settleSeconds: 0 });
  expect(results.flatMap((result) => floodFaults(result))).toStrictEqual([]);
});
