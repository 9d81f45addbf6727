// Chunks give back what was put into them, to the bit; how small they are is in chunk-size.test.ts.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeChunk, encodeChunk } from '../../gateway/storage/chunk-codec.ts';
import { type ChunkReadings, MAX_CHUNK_READINGS, MIXED } from '../../gateway/storage/chunk-format.ts';
import { KIND } from '../../gateway/storage/store.ts';
import { numbersAt, timesFrom } from '../support/chunk-readings.ts';

const RUNS = 300;
const LIMIT_US = 2 ** 53;

const instant = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }).map((ms) => ms * 1000),
  fc.maxSafeInteger(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-LIMIT_US, LIMIT_US, 0, -0),
);
const times = fc.oneof(
  fc.array(instant, { minLength: 1, maxLength: 300 }).map((list) => list.sort((a, b) => a - b)),
  fc
    .record({
      startUs: fc.integer({ min: 0, max: 2 ** 50 }),
      stepUs: fc.integer({ min: 0, max: 10_000_000 }),
      jitterUs: fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 300 }),
    })
    .map(({ startUs, stepUs, jitterUs }) => jitterUs.map((jitter, i) => startUs + stepUs * i + jitter).sort((a, b) => a - b)),
);
const decimal = fc.record({ digits: fc.integer(), exponent: fc.nat(15) }).map(({ digits, exponent }) => digits / Number(`1e${exponent}`));
const double = fc.oneof(
  fc.double({ noNaN: true }),
  fc.float({ noNaN: true }),
  fc.constantFrom(0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 2 ** 48, 0.1 + 0.2, 1e22),
);
// a sensor's values are alike; a mixture of them all is what nothing was made for
const numbers = fc.oneof(
  fc.array(fc.integer({ min: -500, max: 500 }).map((n) => n / 100)),
  fc.array(decimal),
  fc.array(double),
  fc.array(fc.oneof(decimal, double)),
  fc.array(fc.integer({ min: -500, max: 500 }).map((n) => n * 0.1)),
);
const texts = fc.array(
  fc.oneof(fc.constantFrom('', 'on', 'off'), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 50 })),
);

function expectSame(readings: ChunkReadings): void {
  const answer = decodeChunk(encodeChunk(readings));
  if (answer.outcome === 'damaged') throw new Error(answer.what);
  const { kind, count, timeUs, value } = answer.readings;
  expect([kind, count, timeUs.length, value.length]).toEqual([readings.kind, readings.count, readings.count, readings.count]);
  for (let i = 0; i < count; i++) {
    if (!Object.is(timeUs[i], readings.timeUs[i])) throw new Error(`time ${i}: ${timeUs[i]} instead of ${readings.timeUs[i]}`);
    if (!Object.is(value[i], readings.value[i])) throw new Error(`value ${i}: ${value[i]} instead of ${readings.value[i]}`);
  }
}

/** As many values as there are times, over and over. */
function repeated<T>(values: readonly T[], count: number, otherwise: T): T[] {
  return Array.from({ length: count }, (_, i) => values[i % values.length] ?? otherwise);
}

test('numbers come back bit for bit, with their times in order', () => {
  fc.assert(
    fc.property(times, numbers, (timeUs, values) => {
      const value = Float64Array.from(repeated(values, timeUs.length, 0));
      expectSame({ kind: KIND.number, count: timeUs.length, timeUs: Float64Array.from(timeUs), value });
    }),
    { numRuns: RUNS * 3 },
  );
});

test('doubles of any pattern come back, infinities among them', () => {
  const pattern = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1 }), (patterns) => {
      const value = new Float64Array(BigUint64Array.from(patterns).buffer).map((one) => (Number.isNaN(one) ? Infinity : one));
      expectSame(numbersAt(timesFrom(0, value.length), value));
    }),
    { numRuns: RUNS },
  );
});

test('booleans come back', () => {
  fc.assert(
    fc.property(times, fc.array(fc.boolean()), (timeUs, values) => {
      const value = Float64Array.from(repeated(values, timeUs.length, true), Number);
      expectSame({ kind: KIND.boolean, count: timeUs.length, timeUs: Float64Array.from(timeUs), value });
    }),
    { numRuns: RUNS },
  );
});

test('strings come back, whatever Unicode they are', () => {
  fc.assert(
    fc.property(times, texts, (timeUs, values) => {
      const value = repeated(values, timeUs.length, '');
      expectSame({ kind: KIND.string, count: timeUs.length, timeUs: Float64Array.from(timeUs), value });
    }),
    { numRuns: RUNS },
  );
});

test('values of several kinds come back in one chunk, each as what it was', () => {
  fc.assert(
    fc.property(times, fc.array(fc.oneof(double, fc.boolean(), fc.string({ unit: 'binary' })), { minLength: 1 }), (timeUs, values) => {
      const value = repeated(values, timeUs.length, false);
      expectSame({ kind: MIXED, count: timeUs.length, timeUs: Float64Array.from(timeUs), value });
    }),
    { numRuns: RUNS },
  );
});

test('readings of one time stay in the order in which they came', () => {
  const value = Float64Array.from({ length: 200 }, (_, i) => (i * 7919) % 200);
  expectSame(numbersAt(new Float64Array(200).fill(1_700_000_000_000_000), value));
});

test('arrays may be longer than the count says', () => {
  const answer = decodeChunk(encodeChunk({ ...numbersAt(timesFrom(5, 10), timesFrom(0, 10)), count: 3 }));
  expect(answer).toEqual({ outcome: 'readings', readings: { kind: KIND.number, count: 3, ...threeOf(5) } });
});

function threeOf(startUs: number) {
  return { timeUs: timesFrom(startUs, 3), value: timesFrom(0, 3) };
}

test('the largest chunk comes back', () => {
  const timeUs = timesFrom(0, MAX_CHUNK_READINGS);
  expectSame(numbersAt(timeUs, timeUs.map(Math.sin)));
});

test('an array of readings that is no chunk is refused with the reason', () => {
  const value = Float64Array.of(1, 2);
  expect(() => encodeChunk(numbersAt(new Float64Array(0), value))).toThrow('a chunk of 0 readings');
  const many = new Float64Array(MAX_CHUNK_READINGS + 1);
  expect(() => encodeChunk(numbersAt(many, many))).toThrow('a chunk of 65537 readings; it holds 1 to 65536');
  expect(() => encodeChunk(numbersAt(Float64Array.of(2, 1), value))).toThrow('time 1 is 1');
  expect(() => encodeChunk(numbersAt(Float64Array.of(1.5, 2), value))).toThrow('time 0 is 1.5');
  expect(() => encodeChunk(numbersAt(Float64Array.of(0, Number.NaN), value))).toThrow('time 1 is NaN');
  expect(() => encodeChunk(numbersAt(Float64Array.of(0, 2 ** 53 + 2), value))).toThrow('within ±2^53');
});

test('a string that UTF-8 cannot hold is refused and not altered', () => {
  const readings = { kind: KIND.string, count: 2, timeUs: timesFrom(0, 2), value: ['whole \u{1f600}', 'half \ud83d'] } as const;
  expect(() => encodeChunk(readings)).toThrow('string 1 has half a surrogate pair');
});
