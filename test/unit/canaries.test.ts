// The canaries of the fault suites still have a piece of source to take out, and say so when they have not.

import { expect, test } from 'vitest';
import { CANARIES, readCanarySource, withCanary } from '../support/canaries.ts';

test.each(Object.entries(CANARIES))('the canary %s finds its piece exactly once', (_name, canary) => {
  const source = readCanarySource(canary);
  expect(withCanary(canary, source)).not.toBe(source);
});

test('a canary whose piece is gone, or stands there twice, is an error that names the file', () => {
  const canary = { file: 'gateway/some.ts', piece: 'guard()', instead: '' };
  expect(() => withCanary(canary, 'nothing')).toThrow(/stands 0 times in gateway\/some\.ts/);
  expect(() => withCanary(canary, 'guard(); guard();')).toThrow(/stands 2 times/);
});
