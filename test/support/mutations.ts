// Frames that were right once: bits flipped, ends cut, parts doubled or taken from another frame, lengths and brackets changed.

import { Encoder } from 'cbor-x';
import { encodeCbor, type CborValue } from '../../gateway/protocol/cbor-encoder.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Longest frame that comes out: what a device socket lets through. */
export const FRAME_BYTES = 65_536;

const MODELS: readonly CborValue[] = [
  [{ n: 'temperature', u: 'Cel', v: 21.5 }],
  [
    { bn: 'urn:dev:ow:10e2073a01080063/', bt: 1700000000.25, bu: 'V', bver: 10, n: 'voltage', v: 120.1 },
    { n: 'current', t: -5, u: 'A', v: 1.2 },
  ],
  [
    { n: 'door', vb: true },
    { n: 'label', vs: 'ü 水 𐅑 \u202e' },
    { n: 'x', v: -1e300, foo: { bar: [[[]], null] } },
  ],
  { type: 'hello', stream: '8f3ac2d19b', oldest: 1, next: 42, acked: 40, software: 'acme 1.2' },
  { type: 'readings', seq: 41, readings: Array.from({ length: 20 }, (_, i) => ({ n: `m${i}`, u: 'Cel', v: i / 7, t: 1.7e9 + i })) },
  { type: 'gap', from: 30, to: 35, reason: 'buffer-full' },
  { type: 'later', deep: { a: [{ b: [{ c: 1 }] }] }, constructors: 1, _proto_: 2 },
  Array.from({ length: 300 }, (_, i) => ({ n: `metric-${i % 30}`, v: i })),
];
const oracle = new Encoder({ useRecords: false, mapsAsObjects: false });
const LABELS = new Map(['n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut'].map((label, i) => [label, i]));
function numbered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numbered);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([label, one]) => [LABELS.get(label) ?? label, numbered(one)]));
}

export const JSON_FRAMES: readonly Buffer[] = MODELS.map((model) => Buffer.from(JSON.stringify(model)));
export const CBOR_FRAMES: readonly Buffer[] = MODELS.flatMap((model) => [
  Buffer.from(encodeCbor(model)),
  Buffer.from(oracle.encode(numbered(model))),
]);

/** Bytes that mean something to a parser, put where it may not expect them. */
const JSON_WORDS = [
  '"__proto__":{},',
  '{"constructor":1}',
  '[[[[[[[[[',
  '{"a":',
  '\\ud800',
  '\\u0000',
  '1e999',
  '-0',
  'null',
  '"',
  '\\',
  ']',
  '}',
  ',',
];
const CBOR_WORDS = ['9bffffffffffffffff', '5affffffff', '7f', '9f', 'bf', 'ff', 'c1', 'd81c', 'f7', 'f97e00', 'fb7ff0000000000001'];
const WORDS: readonly Buffer[] = [
  ...JSON_WORDS.map((word) => Buffer.from(word)),
  ...[...CBOR_WORDS, '69', '695f5f70726f746f5f5f', '818181818181818181', '1bffffffffffffffff', 'bb0000000100000000'].map((word) =>
    Buffer.from(word, 'hex'),
  ),
];

/** One to three changes to one of `frames`. */
export function mutated(random: SeededRandom, frames: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(frames));
  for (let changes = random.pick([1, 1, 1, 2, 3]); changes > 0; changes--) bytes = changed(bytes, random, frames);
  return bytes.subarray(0, FRAME_BYTES);
}

function changed(bytes: Buffer, random: SeededRandom, frames: readonly Buffer[]): Buffer {
  const place = (): number => random.whole(0, bytes.length);
  const [from, to] = [place(), place()].sort((a, b) => a - b);
  switch (random.whole(0, 13)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      // a bit
      if (bytes.length === 0) return bytes;
      bytes[from % bytes.length] ^= 1 << random.whole(0, 7);
      return bytes;
    }
    case 4:
    case 5:
    case 6:
    case 7: {
      // a byte, often a length
      if (bytes.length === 0) return bytes;
      bytes[from % bytes.length] = random.whole(0, 255);
      return bytes;
    }
    case 8: // the end
      return bytes.subarray(0, from);
    case 9: // the beginning
      return bytes.subarray(from);
    case 10: // a part more than once
      return Buffer.concat([
        bytes.subarray(0, to),
        ...Array<Buffer>(random.whole(1, 40)).fill(bytes.subarray(from, to)),
        bytes.subarray(to),
      ]);
    case 11: {
      // a part of another
      const other = random.pick(frames);
      const start = random.whole(0, other.length);
      return Buffer.concat([bytes.subarray(0, from), other.subarray(start, random.whole(start, other.length)), bytes.subarray(to)]);
    }
    case 12: // a word
      return Buffer.concat([bytes.subarray(0, from), random.pick(WORDS), bytes.subarray(from)]);
    default: // the same word again and again
      return Buffer.concat([bytes.subarray(0, from), ...Array<Buffer>(random.whole(2, 2000)).fill(random.pick(WORDS)), bytes.subarray(to)]);
  }
}
