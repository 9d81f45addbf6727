// What reads a device's bytes does work in proportion to them, whatever they say: steps are counted, not timed.

import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readCbor } from '../../gateway/ingest/cbor-frame.ts';
import { recordSlices } from '../../gateway/ingest/cbor-slices.ts';
import { readJson } from '../../gateway/ingest/json-frame.ts';
import { jsonRecordSlices } from '../../gateway/ingest/json-slices.ts';
import { countSteps } from '../support/step-counter.ts';
import { CBOR_FRAMES, JSON_FRAMES, mutated } from '../support/mutations.ts';
import { createRandom } from '../support/seeded-random.ts';

const counter = countSteps(/\/gateway\/(ingest|protocol)\/(cbor-\w+|json-\w+)\.ts/);
afterAll(() => counter[Symbol.dispose]());
const LIMITS = { depth: 8, keysPerObject: 64 };
const STEPS_PER_BYTE = 8;
const STEPS_PER_FRAME = 100;

const READERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  json: (bytes) => readJson(bytes, LIMITS),
  cbor: (bytes) => readCbor(bytes, LIMITS),
  slices: recordSlices,
  jsonSlices: jsonRecordSlices,
};

/** Those that take any bytes; JSON's slices are for what was readable. */
const READABLE = ['json', 'cbor', 'slices'];

function expectLinear(reader: string, bytes: Uint8Array): void {
  const steps = counter.count(() => READERS[reader](bytes));
  expect(steps, `${reader}: ${bytes.length} bytes`).toBeGreaterThan(0);
  expect(steps, `${reader}: ${bytes.length} bytes`).toBeLessThanOrEqual(STEPS_PER_FRAME + STEPS_PER_BYTE * bytes.length);
}

const KIB = 1024;
const filled = (hex: string, bytes: number): Buffer => Buffer.alloc(bytes, Buffer.from(hex, 'hex'));
const text = (string: string, bytes: number): Buffer => Buffer.alloc(bytes, string);

test.for([
  ['J3 brackets', 'json', (size: number) => text('[', size)],
  ['J3 objects in each other', 'json', (size: number) => text('{"a":', size)],
  [
    'J4 keys that look like numbers',
    'json',
    (size: number) => Buffer.from(`[{${Array.from({ length: size / 8 }, (_, i) => `"${i}":1`)}}]`),
  ],
  ['J26 white space', 'json', (size: number) => text(' ', size)],
  ['J26 white space before a pack', 'json', (size: number) => Buffer.concat([text(' \t\r\n', size), Buffer.from('[{"n":"a","v":1}]')])],
  ['quotes', 'json', (size: number) => text('"', size)],
  ['back-slashes', 'json', (size: number) => text('["\\', size)],
  ['colons', 'json', (size: number) => text(':', size)],
  ['records with keys that look forbidden', 'json', (size: number) => Buffer.from(`[${Array(size >> 4).fill('{"_a":1,"c":2}')}]`)],
  ['J19 arrays in each other', 'cbor', (size: number) => filled('81', size)],
  ['J19 maps in each other', 'cbor', (size: number) => filled('a101', size)],
  ['J20 arrays that claim all that is left', 'cbor', (size: number) => filled('9a00001000', size)],
  [
    'J20 a wide array of empty arrays',
    'cbor',
    (size: number) => Buffer.concat([Buffer.from([0x99, size >> 8, size & 255]), filled('80', size)]),
  ],
  ['maps that are full', 'cbor', (size: number) => fullMaps(size)],
  ['texts of one byte', 'cbor', (size: number) => Buffer.concat([Buffer.from([0x99, size >> 9, (size >> 1) & 255]), filled('6161', size)])],
  ['texts that fall into one place', 'cbor', (size: number) => collidingTexts(size)],
  ['slices of many records', 'slices', (size: number) => Buffer.concat([Buffer.from([0x99, size >> 8, size & 255]), filled('a0', size)])],
  ['slices of many JSON records', 'jsonSlices', (size: number) => Buffer.from(`[${Array(size >> 1).fill('{}')}]`)],
  ['slices of JSON brackets', 'jsonSlices', (size: number) => text('[', size)],
  ['slices of JSON quotes', 'jsonSlices', (size: number) => text('["', size)],
  ['slices of arrays in each other', 'slices', (size: number) => filled('81', size)],
  ['slices of a claim', 'slices', (size: number) => filled('9bffffffffffffffff', size)],
] as const)('%s cost steps in proportion to their bytes', ([, reader, make]) => {
  for (const size of [1 * KIB, 8 * KIB, 32 * KIB, 64 * KIB - 4]) expectLinear(reader, make(size));
});

test('whatever the bytes are, no reader does more than so many steps a byte', () => {
  const random = createRandom('linear-readers');
  for (let i = 0; i < 100; i++) {
    const frame = mutated(random, i % 2 === 0 ? JSON_FRAMES : CBOR_FRAMES);
    for (const reader of READABLE) expectLinear(reader, frame);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, times) => {
      for (const reader of READABLE) expectLinear(reader, filled(Buffer.from(bytes).toString('hex') || '00', times * 40));
    }),
    { numRuns: 40 },
  );
});

/** Records of 64 integer labels. */
function fullMaps(size: number): Buffer {
  const map = Buffer.from(`b840${Array.from({ length: 64 }, (_, i) => `18${(100 + i).toString(16)}00`).join('')}`, 'hex');
  const count = Math.floor(size / map.length);
  return Buffer.concat([Buffer.from([0x99, count >> 8, count & 255]), ...Array<Buffer>(count).fill(map)]);
}
/** Texts of 31 bytes that differ where the reader's memory of words does not look. */
function collidingTexts(size: number): Buffer {
  const count = Math.floor(size / 33);
  const texts = Array.from({ length: count }, (_, i) => Buffer.from(`\x78\x1fa${`${i}`.padStart(6, '0')}${'b'.repeat(24)}`));
  return Buffer.concat([Buffer.from([0x99, count >> 8, count & 255]), ...texts]);
}
