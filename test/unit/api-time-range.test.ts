// Moments in queries, exact to the microsecond.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketStartMs, formatTimeUs, parseTimeUs, TIME_BOUND_US } from '../../gateway/api/time-range.ts';

const NOW = 1_700_000_000_000.25;

test.each([
  ['0', 0],
  ['1700000000123.456', 1_700_000_000_123_456],
  ['-0.001', -1],
  ['-1.5', -1500],
  ['1.0001', 1001],
  ['-1.0009', -1000],
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01t00:00:00.000001z', 1],
  ['1969-12-31T23:59:59.999999Z', -1],
  ['2023-11-14T22:13:20.123456Z', 1_700_000_000_123_456],
  ['2023-11-15T00:13:20.123456+02:00', 1_700_000_000_123_456],
  ['2023-11-15T00:13:20.123456 02:00', 1_700_000_000_123_456],
  ['2023-11-14T16:43:20.1-05:30', 1_700_000_000_100_000],
  ['2023-11-14 22:13:20Z', 1_700_000_000_000_000],
  ['2016-12-31T23:59:60Z', 1_483_228_800_000_000],
  ['2024-02-29T00:00:00Z', 1_709_164_800_000_000],
  ['1700-01-01T00:00:00Z', -8_520_336_000_000_000],
  ['2023-11-14T22:13:20.1234567Z', 1_700_000_000_123_457],
  ['now', 1_700_000_000_000_250],
  ['now-6h', 1_700_000_000_000_250 - 6 * 3_600_000_000],
  ['now-90s', 1_700_000_000_000_250 - 90_000_000],
  ['now-1m', 1_700_000_000_000_250 - 60_000_000],
  ['now-2d', 1_700_000_000_000_250 - 172_800_000_000],
  ['now-1w', 1_700_000_000_000_250 - 604_800_000_000],
  ['9007199254740.992', TIME_BOUND_US],
  ['-9007199254740.992', -TIME_BOUND_US],
])('%s is %d µs', (text, us) => {
  expect(parseTimeUs(text, NOW)).toBe(us);
});

test.each([
  '',
  ' 1',
  '1 ',
  '+1',
  '1e3',
  '.5',
  '5.',
  '1,5',
  'NaN',
  'now-',
  'now-6',
  'now-h',
  'now+6h',
  'NOW',
  '2023-02-29T00:00:00Z',
  '2023-1-1T00:00:00Z',
  '2023-01-01T25:00:00Z',
  '2023-01-01T00:60:00Z',
  '2023-01-01T00:00:61Z',
  '2023-01-01T00:00:00+24:00',
  '2023-01-01',
  '0001-01-01T00:00:00Z',
  '9999-01-01T00:00:00Z',
  '9007199254740.993',
  '99999999999999999',
  'now-999999999w',
])('%j is no time', (text) => {
  expect(parseTimeUs(text, NOW)).toBeNull();
});

test('what an answer says in milliseconds, and what it says as text, names the same microsecond when it is sent back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 42) * 1000, max: 2 ** 42 * 1000 }), (us) => {
      expect(parseTimeUs(String(us / 1000), NOW)).toBe(us === 0 ? 0 : us);
      expect(parseTimeUs(formatTimeUs(us), NOW)).toBe(us);
    }),
  );
});

test('no text takes long or throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 300 }), fc.stringMatching(/^[0-9TZ:.+-]{0,300}$/)), (text) => {
      const us = parseTimeUs(text, NOW);
      expect(us === null || Number.isSafeInteger(us) || Math.abs(us) === TIME_BOUND_US).toBe(true);
    }),
  );
});

test('buckets are next to each other, without a hole and without an overlap, for any range', () => {
  const bound = fc.maxSafeInteger();
  fc.assert(
    fc.property(bound, bound, fc.integer({ min: 1, max: 10_000 }), (a, b, points) => {
      const range = { fromUs: Math.min(a, b), toUs: Math.max(a, b) };
      const startUs = (i: number): bigint =>
        BigInt(range.fromUs) + (BigInt(i) * (BigInt(range.toUs) - BigInt(range.fromUs))) / BigInt(points);
      for (const i of [0, 1, points >> 1, points - 1, points]) expect(bucketStartMs(range, points, i)).toBe(Number(startUs(i)) / 1000);
    }),
  );
});
