// Summaries of chunks and of their parts.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChunkReadings, MIXED } from '../../gateway/storage/chunk-format.ts';
import { exactSum, summarize } from '../../gateway/storage/chunk-summary.ts';
import { KIND } from '../../gateway/storage/store.ts';
import { numbersAt, timesFrom } from '../support/chunk-readings.ts';

test('a summary says what a walk over its readings says, of any part', () => {
  const values = fc.array(fc.integer(), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.nat(), fc.nat(), (list, a, b) => {
      const [from, last] = [a % list.length, b % list.length].sort((x, y) => x - y) as [number, number];
      const part = list.slice(from, last + 1);
      expect(summarize(numbersAt(timesFrom(100, list.length), Float64Array.from(list)), from, last + 1)).toEqual({
        count: part.length,
        startUs: 100 + from,
        endUs: 100 + last,
        min: Math.min(...part),
        max: Math.max(...part),
        sum: part.reduce((sum, one) => sum + one, 0),
        lost: 0,
        first: part[0],
        last: part.at(-1),
      });
    }),
  );
});

test('a mean keeps the small values beside a large one', () => {
  const { sum, lost, count } = summarize(numbersAt(timesFrom(0, 4), Float64Array.of(1, 1e100, 1, -1e100)));
  expect((sum + lost) / count).toBe(0.5);
});

test('booleans count as 0 and 1', () => {
  const value = Float64Array.of(1, 0, 1, 1);
  expect(summarize({ kind: KIND.boolean, count: 4, timeUs: timesFrom(0, 4), value })).toMatchObject({
    min: 0,
    max: 1,
    sum: 3,
    first: 1,
    last: 1,
  });
});

test('strings and mixed values have a count and times, and zeros for the rest', () => {
  const rest = { min: 0, max: 0, sum: 0, lost: 0, first: 0, last: 0 };
  const timeUs = timesFrom(7, 2);
  const expected = { count: 2, startUs: 7, endUs: 8, ...rest };
  expect(summarize({ kind: KIND.string, count: 2, timeUs, value: ['3', '4'] })).toEqual(expected);
  expect(summarize({ kind: MIXED, count: 2, timeUs, value: [3, '4'] })).toEqual(expected);
});

test('decimals of a few places have an exact sum, rounded once', () => {
  const tenths = numbersAt(timesFrom(0, 10), new Float64Array(10).fill(0.1));
  expect(exactSum(tenths)).toEqual({ sum: 1, lost: 0 });
  expect(exactSum(numbersAt(timesFrom(0, 2), Float64Array.of(0.1, Math.PI)))).toBeNull();
  expect(exactSum(numbersAt(timesFrom(0, 2), Float64Array.of(2 ** 53, 2 ** 53)))).toBeNull();
  expect(exactSum({ ...tenths, kind: KIND.boolean } as ChunkReadings)).toBeNull();
});
