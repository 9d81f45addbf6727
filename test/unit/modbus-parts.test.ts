// The parts of a Modbus master against what is written independently of them: registers to values, points to requests, and any bytes in
// any chunks to answers.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeReadRequest, modbusCrc } from '../../gateway/transports/serial/framing-modbus.ts';
import { type AnswerSink, createAnswerReader } from '../../gateway/transports/serial/modbus-answer.ts';
import { planRequests } from '../../gateway/transports/serial/modbus-plan.ts';
import {
  MODBUS_FUNCTIONS,
  type ModbusFunction,
  type ModbusGroup,
  type ModbusPoint,
} from '../../gateway/transports/serial/modbus-settings.ts';
import { readValues } from '../../gateway/transports/serial/modbus-values.ts';
import { crcOf, exception, registers, sealed } from '../support/modbus-bus.ts';

const groupOf = (points: readonly ModbusPoint[], more: Partial<ModbusGroup> = {}): ModbusGroup => ({
  slave: 1,
  function: 'holding-registers',
  address: 0,
  everyMs: 1000,
  joinGap: 0,
  wordOrder: 'big',
  byteOrder: 'big',
  points,
  ...more,
});

const NUMBERS = {
  u16: { words: 1, any: fc.integer({ min: 0, max: 0xffff }) },
  i16: { words: 1, any: fc.integer({ min: -0x8000, max: 0x7fff }) },
  u32: { words: 2, any: fc.integer({ min: 0, max: 0xffff_ffff }) },
  i32: { words: 2, any: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }) },
  u64: { words: 4, any: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }) },
  i64: { words: 4, any: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }) },
  f32: { words: 2, any: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  f64: { words: 4, any: fc.double({ noNaN: true, noDefaultInfinity: true }) },
} as const;
type NumberType = keyof typeof NUMBERS;

/** The registers of a value, as a device would fill them: from its digits, not from its bytes in memory. */
function wordsOf(type: NumberType, value: number): number[] {
  const { words } = NUMBERS[type];
  let whole: bigint;
  if (type === 'f32') whole = floatBits(value, 8, 23);
  else if (type === 'f64') whole = floatBits(value, 11, 52);
  else whole = BigInt.asUintN(words * 16, BigInt(value));
  return Array.from({ length: words }, (_, i) => Number((whole >> BigInt(16 * (words - 1 - i))) & 0xffffn));
}

/** IEEE 754 by its definition: sign, exponent, fraction. */
function floatBits(value: number, exponentBits: number, fractionBits: number): bigint {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = value < 0 || Object.is(value, -0) ? 1n : 0n;
  const size = Math.abs(value);
  let exponent = 1 - bias;
  let scaled = size / 2 ** exponent;
  while (scaled >= 2) {
    exponent++;
    scaled = size / 2 ** exponent;
  }
  const isNormal = scaled >= 1;
  const fraction = BigInt((isNormal ? scaled - 1 : scaled) * 2 ** fractionBits);
  const head = isNormal ? BigInt(exponent + bias) : 0n;
  return (sign << BigInt(exponentBits + fractionBits)) | (head << BigInt(fractionBits)) | fraction;
}

test('a number of any type, in any word and byte order, is read as what a device put there', () => {
  const any = fc.constantFrom(...(Object.keys(NUMBERS) as NumberType[])).chain((type) =>
    fc.record({
      type: fc.constant(type),
      value: NUMBERS[type].any as fc.Arbitrary<number>,
      wordOrder: fc.constantFrom('big', 'little') as fc.Arbitrary<'big' | 'little'>,
      byteOrder: fc.constantFrom('big', 'little') as fc.Arbitrary<'big' | 'little'>,
      isOfGroup: fc.boolean(),
      before: fc.nat(5),
    }),
  );
  fc.assert(
    fc.property(any, ({ type, value, wordOrder, byteOrder, isOfGroup, before }) => {
      const words = wordsOf(type, value);
      const inOrder = wordOrder === 'big' ? words : words.toReversed();
      const onWire = inOrder.map((word) => (byteOrder === 'big' ? word : ((word & 0xff) << 8) | (word >> 8)));
      const orders = { wordOrder, byteOrder };
      const point: ModbusPoint = { metric: 'v', address: before, type, ...(isOfGroup ? {} : orders) };
      const [request] = planRequests([
        groupOf([{ metric: 'a', address: 0, type: 'u16', scale: 0 }, point], { joinGap: 5, ...(isOfGroup ? orders : {}) }),
      ]);
      const data = Buffer.alloc(request!.count * 2);
      onWire.forEach((word, i) => data.writeUInt16BE(word, 2 * (before + i)));
      const { records } = readValues(request!, data);
      expect(records.find(({ n }) => n === 'v')?.v).toBe(value + 0);
    }),
    { numRuns: 2000 },
  );
});

test('scale and offset, absent values, booleans and what is no number', () => {
  const [request] = planRequests([
    groupOf([
      { metric: 'scaled', address: 0, type: 'i16', scale: 0.1, offset: 5, unit: 'Cel' },
      { metric: 'gone', address: 1, type: 'u16', absent: 0xffff, scale: 2 },
      { metric: 'low', address: 2, type: 'bool' },
      { metric: 'high', address: 2, type: 'bool', bit: 15 },
      { metric: 'swapped', address: 2, type: 'bool', bit: 7, byteOrder: 'little' },
      { metric: 'nan', address: 3, type: 'f32' },
    ]),
  ]);
  const data = Buffer.from('ff38ffff80007fc00000', 'hex');
  expect(readValues(request!, data)).toEqual({
    records: [
      { n: 'scaled', u: 'Cel', v: -15 },
      { n: 'low', vb: false },
      { n: 'high', vb: true },
      { n: 'swapped', vb: true },
    ],
    absent: 1,
    notNumbers: 1,
  });
});

test('coils come in the order of their bits, eight a byte, the lowest first', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 64 }), (states) => {
      const points = states.map((_, i): ModbusPoint => ({ metric: `c${i}`, address: i, type: 'bool' }));
      const [request, ...more] = planRequests([groupOf(points, { function: 'coils', address: 30 })]);
      expect(more).toEqual([]);
      expect(request).toMatchObject({ code: 1, address: 30, count: states.length });
      const data = Buffer.alloc(Math.ceil(states.length / 8));
      states.forEach((isOn, i) => {
        if (isOn) data[Math.floor(i / 8)]! += 2 ** (i % 8);
      });
      expect(readValues(request!, data).records.map(({ vb }) => vb)).toEqual(states);
    }),
  );
});

test('every point is in one request whole, requests keep their limits, and neighbours share one', () => {
  const types = fc.constantFrom(...(Object.keys(NUMBERS) as NumberType[]));
  const anyGroup = fc.record({
    name: fc.constantFrom(...(Object.keys(MODBUS_FUNCTIONS) as ModbusFunction[])),
    joinGap: fc.constantFrom(0, 0, 3, 100),
    places: fc.array(fc.record({ address: fc.oneof(fc.nat(40), fc.nat(60_000)), type: types }), { minLength: 1, maxLength: 60 }),
  });
  fc.assert(
    fc.property(anyGroup, ({ name, joinGap, places }) => {
      const { isBits, most } = MODBUS_FUNCTIONS[name];
      const points = places.map(({ address, type }, i): ModbusPoint => ({ metric: `m${i}`, address, type: isBits ? 'bool' : type }));
      const wordsAt = (type: ModbusPoint['type']): number => (type === 'bool' ? 1 : NUMBERS[type as NumberType].words);
      const requests = planRequests([groupOf(points, { function: name, joinGap })]);
      const needed = new Set(points.flatMap(({ address, type }) => Array.from({ length: wordsAt(type) }, (_, i) => address + i)));
      for (const { address, count, points: own } of requests) {
        expect(count).toBeLessThanOrEqual(most);
        for (const { at, type } of own) expect(at + wordsAt(type)).toBeLessThanOrEqual(count);
        let idle = 0;
        for (let at = address; at < address + count; at++) {
          idle = needed.has(at) ? 0 : idle + 1;
          expect(idle).toBeLessThanOrEqual(joinGap);
        }
      }
      expect(requests.flatMap(({ points: own }) => own.map(({ metric }) => metric)).sort()).toEqual(
        points.map(({ metric }) => metric).sort(),
      );
      expect(requests.flatMap(({ address, points: own }) => own.map(({ at, metric }) => `${metric} ${address + at}`)).sort()).toEqual(
        points.map(({ metric, address }) => `${metric} ${address}`).sort(),
      );
    }),
  );
  const row = (count: number): ModbusPoint[] => Array.from({ length: count }, (_, i) => ({ metric: `r${i}`, address: i, type: 'u16' }));
  expect(planRequests([groupOf(row(300))]).map(({ address, count }) => [address, count])).toEqual([
    [0, 125],
    [125, 125],
    [250, 50],
  ]);
});

test('the checksum is that of the specification, and a request carries it', () => {
  expect(Buffer.from(encodeReadRequest({ slave: 0x11, code: 3, address: 0x6b, count: 3 })).toString('hex')).toBe('1103006b00037687');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => modbusCrc(bytes) === crcOf(bytes)));
});

/** Everything that a reader finds, as text. */
function findings(): { readonly sink: AnswerSink; readonly all: string[]; bytes: number } {
  const all: string[] = [];
  const found = {
    all,
    bytes: 0,
    sink: {
      answer: (frame: Uint8Array, data: Uint8Array) => note(`answer ${hex(data)}`, frame),
      exception: (frame: Uint8Array, number: number) => note(`exception ${number}`, frame),
      late: (frame: Uint8Array, slave: number) => note(`late ${slave}`, frame),
      fault: (code: string, bytes: Uint8Array) => note(code, bytes),
    },
  };
  const note = (what: string, bytes: Uint8Array): void => {
    all.push(what);
    found.bytes += bytes.length;
  };
  return found;
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const asked = { slave: 1, code: 3, address: 0, count: 2, atMs: 0 };
const owed = { slave: 2, code: 4, address: 0, count: 1, atMs: 0 };
const ANSWER = registers(asked, (i) => 0x0103 + i);
const LATE = registers(owed, () => 7);
/** Many bytes with which an answer begins. */
const anyByte = fc.oneof({ arbitrary: fc.constantFrom(0, 1, 2, 3, 4, 0x83, 0x84), weight: 3 }, { arbitrary: fc.nat(255), weight: 1 });
const noise = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.array(anyByte, { maxLength }).map((list) => Uint8Array.from(list));
const isQuiet = (bytes: Uint8Array): boolean => !hex(bytes).includes(hex(ANSWER)) && !hex(bytes).includes(hex(LATE));

function reading() {
  const found = findings();
  const reader = createAnswerReader();
  reader.expect(owed, Buffer.alloc(0), found.sink);
  reader.giveUp();
  reader.expect(asked, encodeReadRequest(asked), found.sink);
  return { found, reader };
}
function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

test('any bytes in any chunks never throw, are all accounted for, and find the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(noise(80), fc.constantFrom(ANSWER, LATE, exception(asked, 2))), { maxLength: 12 }),
      fc.array(fc.nat(2000)),
      (parts, cuts) => {
        const bytes = Buffer.concat(parts);
        const whole = reading();
        whole.reader.push(bytes, whole.found.sink);
        whole.reader.settle(whole.found.sink);
        const cut = reading();
        for (const chunk of chunksOf(bytes, cuts)) cut.reader.push(chunk, cut.found.sink);
        cut.reader.settle(cut.found.sink);
        expect(cut.found.all).toEqual(whole.found.all);
        expect(cut.found.bytes).toBe(bytes.length);
        expect(cut.reader.isPending).toBe(false);
      },
    ),
    { numRuns: 1000 },
  );
});

test('an answer is found behind any noise, and that of another slave beside it', () => {
  fc.assert(
    fc.property(
      noise(700).filter(isQuiet),
      noise(100).filter(isQuiet),
      fc.boolean(),
      fc.array(fc.nat(1000)),
      (before, between, isLateFirst, cuts) => {
        const { found, reader } = reading();
        const [one, other] = isLateFirst ? [LATE, ANSWER] : [ANSWER, LATE];
        const bytes = Buffer.concat([before, one, between, other]);
        for (const chunk of chunksOf(bytes, cuts)) reader.push(chunk, found.sink);
        reader.settle(found.sink);
        const hits = found.all.filter((what) => what.startsWith('answer') || what.startsWith('late'));
        const exceptions = found.all.filter((what) => what.startsWith('exception'));
        // made-up noise may hold a refusal with a right checksum: then that was the answer
        if (exceptions.length === 0) expect(hits.toSorted()).toEqual([`answer ${hex(ANSWER.subarray(3, -2))}`, 'late 2']);
      },
    ),
    { numRuns: 1000 },
  );
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('10 MB of noise leave nothing behind in memory, and cost little for each byte', () => {
  const { found, reader } = reading();
  const sink: AnswerSink = { ...found.sink, fault: (_code, bytes) => void (found.bytes += bytes.length) };
  // the worst: an answer might begin at every third byte
  const chunk = Buffer.alloc(4096, Buffer.from([1, 3, 4]));
  for (let i = 0; i < 50; i++) reader.push(chunk, sink);
  collect();
  const before = process.memoryUsage();
  const startedAtMs = performance.now();
  for (let i = 0; i < 2500; i++) reader.push(chunk, sink);
  const tookMs = performance.now() - startedAtMs;
  collect();
  expect(found.bytes).toBeGreaterThan(10e6);
  const after = process.memoryUsage();
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(4 * 1024 * 1024);
  expect(tookMs).toBeLessThan(5000);
});

test('an answer of a length that was asked for by nobody is named so, and an exception is one in any case', () => {
  const { found, reader } = reading();
  reader.push(sealed(1, 3, 6, 0, 1, 0, 2, 0, 3), found.sink);
  reader.settle(found.sink);
  reader.push(exception(asked, 11), found.sink);
  reader.push(ANSWER, found.sink);
  reader.settle(found.sink);
  expect(found.all).toEqual(['wrong-length', 'exception 11', 'unasked']);
});
