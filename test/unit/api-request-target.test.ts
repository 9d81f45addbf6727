// The paths that are taken as they are written, and those that are not taken at all.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultOfTarget } from '../../gateway/api/gate.ts';

test.each([
  '/',
  '/v1/devices',
  '/v1/devices/a.b-c_d',
  '/v1/devices/..a',
  '/v1/users/M%C3%BCller',
  '/v1/users/a%40b',
  '/v1/readings?device=a//b;c&x=%2e%2f',
  '/v1/devices/a:b',
])('%s is taken', (target) => {
  expect(faultOfTarget(target)).toBeNull();
});

test.each([
  ['', 'bad-request'],
  ['v1', 'bad-request'],
  ['http://x/', 'bad-request'],
  ['/%', 'bad-request'],
  ['/?q=%', 'bad-request'],
  ['/%g0', 'bad-request'],
  ['/%C3', 'bad-request'],
  ['/%C0%AF', 'bad-request'],
  ['/ä', 'bad-request'],
  ['/a b', 'bad-request'],
  ['//', 'not-found'],
  ['/a//b', 'not-found'],
  ['/.', 'not-found'],
  ['/..', 'not-found'],
  ['/a/../b', 'not-found'],
  ['/a\\b', 'not-found'],
  ['/a;b', 'not-found'],
  ['/%2f', 'not-found'],
  ['/%5C', 'not-found'],
  ['/%2e', 'not-found'],
  ['/%00', 'not-found'],
  ['/%1f', 'not-found'],
  ['/%7f', 'not-found'],
  ['/%61', 'not-found'],
  ['/%25', 'not-found'],
] as const)('%s is refused as %s', (target, fault) => {
  expect(faultOfTarget(target)).toBe(fault);
});

test('a path that is taken is the same to every reader of URLs', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\/[a-gA-Gz0-9%./\\;?#-]{0,24}$/), (target) => {
      if (faultOfTarget(target) !== null) return;
      expect(new URL(`http://x${target}`).pathname).toBe(target.replace(/\?.*$/s, ''));
    }),
    { numRuns: 2000 },
  );
});
