// Bad serial lines at a size for every day; `npm run test:faults -- --suite serial` has the full one.

import { expect, test } from 'vitest';
import { runEndlessLine, runGarbage } from './serial.ts';

test('garbage at full speed on eight ports costs a good port nothing, and the gateway little', { timeout: 120_000 }, async () => {
  const result = await runGarbage('short', 6);
  expect(result.faults, JSON.stringify(result)).toEqual([]);
});

test('a line of megabytes that does not end leaves the memory flat', { timeout: 120_000 }, async () => {
  const result = await runEndlessLine(5);
  expect(result.faults, JSON.stringify(result)).toEqual([]);
});
