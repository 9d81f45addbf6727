// CBOR frames: the rows of what is refused, the examples of RFC 8949, another implementation as the oracle, and JSON as the twin.

import { readFileSync } from 'node:fs';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCbor } from '../../gateway/ingest/cbor-frame.ts';
import { recordSlices } from '../../gateway/ingest/cbor-slices.ts';
import { readJson } from '../../gateway/ingest/json-frame.ts';
import { type CborValue, encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { READER_LIMITS, recordsOf, validated } from '../support/validated.ts';

const oracle = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });
const mapsOracle = new Encoder({ useRecords: false, mapsAsObjects: false });
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (bytes: Uint8Array) => readCbor(bytes, READER_LIMITS);
const text = (string: string): string => (0x60 + string.length).toString(16) + Buffer.from(string).toString('hex');
/** A pack of one record with n and whatever `fields` are, in hex. */
const record = (pairs: number, fields: string): string => `81 ${(0xa0 + 1 + pairs).toString(16)} 00 6161 ${fields}`;
const repeated = (byte: number, times: number): string => Buffer.alloc(times, byte).toString('hex');

test.for([
  ['J19 100,000 arrays in each other', repeated(0x81, 100_000), 'too-deep'],
  ['J19 100,000 maps in each other', 'a101'.repeat(100_000), 'too-deep'],
  ['J19 nine levels', `${repeated(0x81, 9)}01`, 'too-deep'],
  ['J19 nine levels of which the last is a map', `${repeated(0x81, 8)}a0`, 'too-deep'],
  ['J20 an array of 2^32 items', '9b 0000000100000000 01', 'bad-cbor'],
  ['J20 an array of 2^64 - 1 items', '9b ffffffffffffffff', 'bad-cbor'],
  ['J20 an array of 2^32 - 1 items inside a record', record(1, '02 9affffffff'), 'bad-cbor'],
  ['J20 a map of 2^32 pairs', 'bb 0000000100000000 01 01', 'bad-cbor'],
  ['J20 a text of 2^53 bytes', '81 7b 0020000000000000 61', 'bad-cbor'],
  ['J20 a byte string of 2^32 - 1 bytes', '81 5affffffff 00', 'bad-cbor'],
  ['J20 an array one item longer than its bytes', '82 01', 'bad-cbor'],
  ['J21 an array without length', '9f 01', 'indefinite-not-allowed'],
  ['J21 an array without length that ends', '9f 01 ff', 'indefinite-not-allowed'],
  ['J21 a map without length', 'bf 00', 'indefinite-not-allowed'],
  ['J21 a text without length', record(1, '03 7f 6161'), 'indefinite-not-allowed'],
  ['J21 a byte string without length', record(1, '08 5f 4101'), 'indefinite-not-allowed'],
  ['J21 a label without length', '81 a1 7f 6161 ff 01', 'indefinite-not-allowed'],
  ['J22 a date', record(1, '06 c1 1a514b67b0'), 'tag-not-allowed'],
  ['J22 a bignum', record(1, '02 c2 49 010000000000000000'), 'tag-not-allowed'],
  ['J22 a shared value', 'd81c 81 01', 'tag-not-allowed'],
  ['J22 a reference to a shared value', '81 d81d 00', 'tag-not-allowed'],
  ['J22 a record extension', '81 d9dff8 8201 01', 'tag-not-allowed'],
  ['J22 what says of itself that it is CBOR', 'd9d9f7 81 a1 02 01', 'tag-not-allowed'],
  ['J22 a tagged label', '81 a1 c1 01 01', 'tag-not-allowed'],
  ['J22 undefined', record(1, '02 f7'), 'tag-not-allowed'],
  ['J22 a simple value in the head', record(1, '02 f0'), 'tag-not-allowed'],
  ['J22 a simple value in a byte of its own', record(1, '02 f8ff'), 'tag-not-allowed'],
  ['J22 a break where nothing is open', '81 ff', 'tag-not-allowed'],
  ['J23 a byte string as label', '81 a1 4161 01', 'bad-cbor'],
  ['J23 an array as label', '81 a1 80 01', 'bad-cbor'],
  ['J23 a float as label', '81 a1 f90000 01', 'bad-cbor'],
  ['J23 true as label', '81 a1 f5 01', 'bad-cbor'],
  ['J23 the same text twice', '81 a2 6161 01 6161 02', 'bad-cbor'],
  ['J23 the same integer twice', '81 a2 02 01 02 02', 'bad-cbor'],
  ['J23 the same integer twice, once in a longer head', '81 a2 02 01 1802 02', 'bad-cbor'],
  ['J23 the integer of a label and its text', '81 a2 00 6161 616e 6162', 'bad-cbor'],
  ['J23 the negative integer of a label and its text', '81 a2 21 6161 62626e 6162', 'bad-cbor'],
  ['J23 an integer and its digits', '81 a2 18ff 01 63323535 02', 'bad-cbor'],
  ['J23 __proto__', `81 a1 ${text('__proto__')} a0`, 'forbidden-key'],
  ['J23 constructor, deep inside', `81 a1 02 a1 03 81 a1 ${text('constructor')} 01`, 'forbidden-key'],
  ['J23 prototype in a message', `a1 ${text('prototype')} 01`, 'forbidden-key'],
  ['J25 a byte behind the pack', '81 a1 02 01 00', 'bad-cbor'],
  ['J25 two packs', '81 a1 02 01 81 a1 02 01', 'bad-cbor'],
  ['J25 half an item behind the pack', '81 a1 02 01 81', 'bad-cbor'],
  ['J4 65 keys', `81 b841 ${Array.from({ length: 65 }, (_, i) => `18${(i + 100).toString(16)}00`).join('')}`, 'too-many-keys'],
  ['J2 a number', '01', 'bad-shape'],
  ['J2 null', 'f6', 'bad-shape'],
  ['J2 a text', '6161', 'bad-shape'],
  ['J2 a byte string', '43 010203', 'bad-shape'],
  ['J2 an empty array', '80', 'bad-shape'],
  ['no bytes', '', 'empty-message'],
  ['an array that ends early', '82 a0', 'bad-cbor'],
  ['a map that ends before a value', '81 a1 02', 'bad-cbor'],
  ['a map that ends before a label', '82 a2 02 01', 'bad-cbor'],
  ['an argument that ends early', '81 1900', 'bad-cbor'],
  ['a float that ends early', '81 fb 00000000', 'bad-cbor'],
  ['a length of a kind that is not defined', '81 1c', 'bad-cbor'],
  ['an integer without length', '81 1f', 'bad-cbor'],
  ['a simple value of a kind that is not defined', '81 fc', 'bad-cbor'],
  ['a text that is no UTF-8', '81 62c328', 'bad-cbor'],
  ['a text of half a character', '81 61c3', 'bad-cbor'],
  ['a text with a surrogate', '81 63eda080', 'bad-cbor'],
  ['a label that is no UTF-8', '81 a1 61ff 01', 'bad-cbor'],
] as const)('%s is refused', ([, bytes, code]) => {
  const frame = read(hex(bytes));
  expect(frame).toMatchObject({ unreadable: code });
  if (code !== 'bad-shape' && code !== 'empty-message')
    expect(frame).toMatchObject({ detail: expect.stringMatching(/^Look at byte \d+\.$/) });
  expect(Object.keys(Object.prototype)).toStrictEqual([]);
});

test('the example of docs/protocol.md is what it says', () => {
  const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const [sent, heard] = [...text.matchAll(/^[→←] ([0-9a-f]{2}[0-9a-f ]+)$/gm)].map(([, bytes]) => hex(bytes));
  expect(read(sent)).toStrictEqual({ pack: [{ n: 'temperature', u: 'Cel', v: 21.5 }], isForbidden: false });
  expect(sent).toHaveLength(24);
  expect(JSON.stringify([{ n: 'temperature', u: 'Cel', v: 21.5 }])).toHaveLength(40);
  expect(Buffer.from(encodeCbor({ type: 'stored', readings: 1 }))).toStrictEqual(heard);
});

test('the fault is told by its place', () => {
  expect(read(hex('82 a1 00 6161 a1 02 c1 00'))).toStrictEqual({ unreadable: 'tag-not-allowed', detail: 'Look at byte 7.' });
  expect(read(hex('81 a1 02 01 00'))).toStrictEqual({ unreadable: 'bad-cbor', detail: 'Look at byte 4.' });
});

test.for([
  ['a quiet NaN', 'f97e00'],
  ['a NaN with a payload', 'fb7ff0000000000001'],
  ['a negative NaN with a payload', 'fbfff8dead0000beef'],
  ['a NaN of four bytes', 'fa7fc00001'],
  ['infinity in a half float', 'f97c00'],
  ['minus infinity in a half float', 'f9fc00'],
  ['infinity in a double', 'fb7ff0000000000000'],
] as const)('J24 %s is refused as a value, and moves neither a name nor a time', ([, bytes]) => {
  const codes = (records: string) => {
    const { faults, readings } = validated(recordsOf(read(hex(records))));
    return [faults.map((fault) => fault.code), readings.length];
  };
  expect(codes(record(1, `02 ${bytes}`))).toStrictEqual([['non-finite'], 0]);
  expect(codes(record(2, `24 ${bytes} 02 01`))).toStrictEqual([['non-finite'], 0]);
  expect(codes(record(2, `06 ${bytes} 02 01`))).toStrictEqual([[], 1]);
});

test('J24 an update time that is NaN is no number', () => {
  expect(validated(recordsOf(read(hex(record(2, '02 01 07 f97e00'))))).faults).toMatchObject([{ index: 0, code: 'wrong-type' }]);
});

// RFC 8949, appendix A: the diagnostic notation as JavaScript has it
const EXAMPLES: readonly (readonly [string, unknown])[] = [
  ['00', 0],
  ['01', 1],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1819', 25],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1000000],
  ['1b000000e8d4a51000', 1000000000000],
  ['1bffffffffffffffff', 2 ** 64],
  ['3bffffffffffffffff', -(2 ** 64)],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1000],
  ['f90000', 0],
  ['f98000', -0],
  ['f93c00', 1],
  ['fb3ff199999999999a', 1.1],
  ['f93e00', 1.5],
  ['f97bff', 65504],
  ['fa47c35000', 100000],
  ['fa7f7fffff', 3.4028234663852886e38],
  ['fb7e37e43c8800759c', 1.0e300],
  ['f90001', 5.960464477539063e-8],
  ['f90400', 0.00006103515625],
  ['f9c400', -4],
  ['fbc010666666666666', -4.1],
  ['f97c00', Infinity],
  ['f97e00', NaN],
  ['f9fc00', -Infinity],
  ['fa7f800000', Infinity],
  ['fa7fc00000', NaN],
  ['faff800000', -Infinity],
  ['fb7ff0000000000000', Infinity],
  ['fb7ff8000000000000', NaN],
  ['fbfff0000000000000', -Infinity],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['40', new Uint8Array([])],
  ['4401020304', new Uint8Array([1, 2, 3, 4])],
  ['60', ''],
  ['6161', 'a'],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', 'ü'],
  ['63e6b0b4', '水'],
  ['64f0908591', '𐅑'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['98190102030405060708090a0b0c0d0e0f101112131415161718181819', Array.from({ length: 25 }, (_, i) => i + 1)],
  ['a0', {}],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['826161a161626163', ['a', { b: 'c' }]],
  ['a56161614161626142616361436164614461656145', { a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }],
  // integers as labels are SenML's here
  ['a201020304', { u: 2, vs: 4 }],
];
const bare = (value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value);

test.for(EXAMPLES)('the example %s of the RFC is read as %o', ([bytes, value]) => {
  const frame = read(hex(`81${bytes}`));
  expect('pack' in frame && frame.pack.map(bare)).toStrictEqual([bare(value)]);
});

test.for([
  ...['c249010000000000000000', 'c349010000000000000000', 'f7', 'f0', 'f8ff', 'c11a514b67b0'],
  ...['c074323031332d30332d32315432303a30343a30305a', 'c1fb41d452d9e200000000', 'd74401020304', 'd818456449455446'],
  'd82076687474703a2f2f7777772e6578616d706c652e636f6d',
])('the example %s of the RFC has a tag or a value that is not taken', (bytes) => {
  expect(read(hex(`81${bytes}`))).toMatchObject({ unreadable: 'tag-not-allowed' });
});

test.for([
  ...['5f42010243030405ff', '7f657374726561646d696e67ff', '9fff', '9f018202039f0405ffff', '9f01820203820405ff', '83018202039f0405ff'],
  ...['83019f0203ff820405', '9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff', 'bf61610161629f0203ffff'],
  ...['826161bf61626163ff', 'bf6346756ef563416d7421ff'],
])('the example %s of the RFC has no length', (bytes) => {
  expect(read(hex(`81${bytes}`))).toMatchObject({ unreadable: 'indefinite-not-allowed' });
});

test('heads that are longer than they need to be are read', () => {
  const longer = hex('9b0000000000000002 ba00000002 1800 790001 61 1b0000000000000002 1900ff b90001 3801 1a00000001');
  expect(read(longer)).toStrictEqual({ pack: [{ n: 'a', v: 255 }, { bn: 1 }], isForbidden: false });
});

test('every integer label of SenML is its text, in every map; other integers are their digits', () => {
  const labels = ['24 01 25 02 23 03 22 04 21 05 20 06 00 07 01 08 02 09 03 0a 04 0b 05 0c 06 0d 07 0e 08 0f'];
  const expected = { bv: 1, bs: 2, bu: 3, bt: 4, bn: 5, bver: 6, n: 7, u: 8, v: 9, vs: 10, vb: 11, s: 12, t: 13, ut: 14, vd: 15 };
  expect(read(hex(`81 af ${labels}`))).toStrictEqual({ pack: [expected], isForbidden: false });
  expect(read(hex(`a1 00 a1 02 01`))).toStrictEqual({ message: { n: { v: 1 } }, isForbidden: false });
  const others = '81 a6 09 01 26 02 3903e7 03 1a000f4240 04 1bffffffffffffffff 05 3bffffffffffffffff 06';
  const digits = { '9': 1, '-7': 2, '-1000': 3, '1000000': 4, '18446744073709551615': 5, '-18446744073709551616': 6 };
  expect(read(hex(others))).toStrictEqual({ pack: [digits], isForbidden: false });
});

test('keys that every object inherits are keys like others', () => {
  const keys = ['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
  const frame = read(encodeCbor([Object.fromEntries(keys.map((key) => [key, 1]))]));
  expect('pack' in frame && Object.keys(frame.pack[0] as object)).toStrictEqual(keys);
});

test('J9 integers beyond 2^53 are the nearest double, and no seq', () => {
  const numbers = [9007199254740993n, 2n ** 64n - 1n, 2n ** 63n + 1025n, -9007199254740993n, -(2n ** 63n) - 1025n, -(2n ** 64n)];
  const frame = read(
    hex(`86${numbers.map((n) => (n < 0n ? '3b' : '1b') + (n < 0n ? -1n - n : n).toString(16).padStart(16, '0')).join('')}`),
  );
  expect(frame).toStrictEqual({ pack: numbers.map(Number), isForbidden: false });
  expect(numbers.map(Number).some(Number.isSafeInteger)).toBe(false);
});

test('opaque data is refused, and a byte string is no record, no name and no text', () => {
  const faults = (bytes: string) => validated(recordsOf(read(hex(bytes)))).faults.map((fault) => fault.code);
  expect(faults(record(1, '08 4101'))).toStrictEqual(['unsupported-value']);
  expect(faults('81 4101')).toStrictEqual(['wrong-type']);
  expect(faults('81 a2 00 4161 02 01')).toStrictEqual(['wrong-type']);
  expect(faults(record(1, '03 4161'))).toStrictEqual(['wrong-type']);
  expect(faults(record(2, '02 01 18ff 4161'))).toStrictEqual([]);
});

test('a text is its own although its bytes fall into the place of another', () => {
  const words = Array.from({ length: 3000 }, (_, i) => `w${i.toString(36)}${'xyzü\ufffd水'.slice(i % 6)}`);
  for (let round = 0; round < 2; round++) expect(read(encodeCbor(words))).toStrictEqual({ pack: words, isForbidden: false });
});

const key = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !['__proto__', 'constructor', 'prototype'].includes(text));
const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.double(),
  fc.float(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
);
const { value: model } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf.map((one): CborValue => one),
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(key, tie('value'), { maxKeys: 8, noNullPrototype: true }),
  ),
}));

/** cbor-x gives integers of eight bytes as BigInt. */
function numbered(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(numbered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([label, one]) => [label, numbered(one)]));
}

test('what cbor-x encodes is read as the model it was made of', () => {
  fc.assert(
    fc.property(fc.array(model, { minLength: 1, maxLength: 5 }), (pack) => {
      // as JSON has it: cbor-x writes 0 for −0
      const plain = JSON.parse(JSON.stringify(pack));
      expect(read(oracle.encode(plain))).toStrictEqual({ pack: plain, isForbidden: false });
      expect(read(oracle.encode({ type: 'x', plain }))).toStrictEqual({ message: { type: 'x', plain }, isForbidden: false });
    }),
    { numRuns: 250 },
  );
});

test('what we encode is the same to cbor-x and to us, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(model, { minLength: 1, maxLength: 5 }), (pack) => {
      const bytes = encodeCbor(pack);
      expect(read(bytes)).toStrictEqual({ pack, isForbidden: false });
      expect(numbered(oracle.decode(bytes))).toStrictEqual(pack);
    }),
    { numRuns: 250 },
  );
});

test('our encoding is the shortest one', () => {
  for (const [bytes, value] of EXAMPLES) {
    const isShortest = !/^(fa7f8|fa7fc|faff8|fb7ff|fbfff|f9|fa47c35|1bffff|3bffff|4)/.test(bytes) && bytes !== 'a201020304';
    if (isShortest) expect(Buffer.from(encodeCbor(value as CborValue)).toString('hex')).toBe(bytes);
  }
  expect(Buffer.from(encodeCbor([-0, 1.5, NaN, Infinity, 0.1, 1e300, 100000.5])).toString('hex')).toBe(
    '87f98000f93e00f97e00f97c00fb3fb999999999999afb7e37e43c8800759cfa47c35040',
  );
  expect(Buffer.from(encodeCbor({ type: 'error', expected: undefined })).toString('hex')).toBe('a16474797065656572726f72');
});

const SENML: Readonly<Record<string, number>> = {
  ...{ bver: -1, bn: -2, bt: -3, bu: -4, bv: -5, bs: -6 },
  ...{ n: 0, u: 1, v: 2, vs: 3, vb: 4, s: 5, t: 6, ut: 7, vd: 8 },
};
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const oneOf = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd });
const anything = fc.oneof(finite, fc.string(), fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({}));
const senmlRecord = fc.record(
  {
    ...{ bver: oneOf(fc.constant(10), anything), bn: oneOf(fc.constantFrom('', 'm/', 'urn:dev:'), anything), bt: oneOf(finite, anything) },
    ...{ bu: oneOf(fc.constantFrom('Cel', 'V'), anything), bv: oneOf(finite, anything) },
    ...{ n: oneOf(fc.constantFrom('a', 'b', 'temperature', 'a b', ''), anything), u: oneOf(fc.constantFrom('Cel', 'm/s', ''), anything) },
    ...{ v: oneOf(finite, anything), vs: oneOf(fc.string({ unit: 'binary' }), anything), vb: oneOf(fc.boolean(), anything) },
    ...{
      t: oneOf(fc.double({ min: 0, max: 2e9, noNaN: true }), anything),
      ut: finite,
      s: finite,
      vd: fc.string(),
      foo_: finite,
      foo: anything,
    },
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('JSON and CBOR of one model give the same readings and the same refusals', () => {
  fc.assert(
    fc.property(fc.array(senmlRecord, { minLength: 1, maxLength: 12 }), (models) => {
      const pack = models as CborValue[];
      const asMaps = models.map((one) => new Map(Object.entries(one).map(([label, value]) => [SENML[label] ?? label, value])));
      const fromJson = recordsOf(readJson(Buffer.from(JSON.stringify(pack)), READER_LIMITS));
      const expected = validated(fromJson);
      expect(validated(recordsOf(read(encodeCbor(pack))))).toStrictEqual(expected);
      expect(validated(recordsOf(read(oracle.encode(pack))))).toStrictEqual(expected);
      expect(validated(recordsOf(read(mapsOracle.encode(asMaps))))).toStrictEqual(expected);
      const message = { type: 'readings', seq: 1, readings: pack };
      expect(validated(recordsOf(read(encodeCbor(message))))).toStrictEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('the bytes of each record are found again, in a pack and in a message', () => {
  fc.assert(
    fc.property(fc.array(model, { minLength: 1, maxLength: 8 }), fc.dictionary(key, model, { maxKeys: 4 }), (records, others) => {
      const slices = (value: CborValue) => recordSlices(encodeCbor(value)).map((slice) => Buffer.from(slice).toString('hex'));
      const expected = records.map((one) => Buffer.from(encodeCbor(one)).toString('hex'));
      expect(slices(records)).toStrictEqual(expected);
      expect(slices({ ...others, type: 'readings', readings: records })).toStrictEqual(expected);
    }),
    { numRuns: 200 },
  );
  expect(recordSlices(hex('a1 69726561646f6e677373 01'))).toStrictEqual([]);
  expect(recordSlices(hex('01'))).toStrictEqual([]);
});
