// Bytes that are no chunk, or not the one that was written: each is named, none is taken for readings, none is too much to hold.

import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createByteWriter } from '../../gateway/storage/chunk-bytes.ts';
import { decodeChunk, encodeChunk } from '../../gateway/storage/chunk-codec.ts';
import { MAX_CHUNK_READINGS } from '../../gateway/storage/chunk-format.ts';
import { everyShape } from '../support/chunk-readings.ts';

const RUNS = 2000;
const chunks = everyShape(40).map(({ readings }) => Buffer.from(encodeChunk(readings)));

const mutation = fc.record({
  chunk: fc.constantFrom(...chunks),
  at: fc.nat(),
  remove: fc.nat(12),
  insert: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constantFrom(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f), new Uint8Array(8))),
});

function mutated(chunk: Buffer, at: number, remove: number, insert: Uint8Array): Buffer {
  const from = at % chunk.length;
  return Buffer.concat([chunk.subarray(0, from), insert, chunk.subarray(from + remove)]);
}

/** With the checksum that goes with the bytes. */
function signed(body: Uint8Array): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(crc32(body));
  return Buffer.concat([body, end]);
}

function whatOf(bytes: Uint8Array): string {
  const answer = decodeChunk(bytes);
  return answer.outcome === 'damaged' ? answer.what : `${answer.readings.count} readings`;
}

test('a chunk with other bytes in it is never taken for readings', () => {
  fc.assert(
    fc.property(mutation, ({ chunk, at, remove, insert }) => {
      const bytes = mutated(chunk, at, remove, insert);
      if (!bytes.equals(chunk)) expect(decodeChunk(bytes).outcome).toBe('damaged');
    }),
    { numRuns: RUNS },
  );
});

test('every single bit that flips is noticed, and every byte that is missing', () => {
  for (const chunk of chunks) {
    for (let bit = 0; bit < chunk.length * 8; bit++) {
      const bytes = Uint8Array.from(chunk);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeChunk(bytes).outcome).toBe('damaged');
    }
    for (let length = 0; length < chunk.length; length++) expect(decodeChunk(chunk.subarray(0, length)).outcome).toBe('damaged');
  }
});

test('nonsense under a right checksum is answered all the same', () => {
  fc.assert(
    fc.property(mutation, ({ chunk, at, remove, insert }) => {
      const bytes = signed(mutated(chunk.subarray(0, -4), at, remove, insert));
      const answer = decodeChunk(bytes);
      if (answer.outcome === 'damaged') expect(answer.what).not.toBe('');
      else expect(answer.readings.count).toBeLessThanOrEqual(MAX_CHUNK_READINGS);
    }),
    { numRuns: RUNS * 3 },
  );
});

test('what is wrong with a chunk is named', () => {
  const chunk = chunks[0]!;
  expect(whatOf(new Uint8Array(0))).toBe('0 bytes are too few for a chunk');
  expect(whatOf(Buffer.concat([Uint8Array.of(9), chunk.subarray(1)]))).toBe('format version 9, and this program reads version 1');
  expect(whatOf(Buffer.concat([chunk, Uint8Array.of(0)]))).toBe('the checksum does not match');
  expect(whatOf(signed(Buffer.concat([chunk.subarray(0, -4), Uint8Array.of(0)])))).toBe('1 bytes more than it says');
  expect(whatOf(signed(Uint8Array.of(1, 7, 1)))).toMatch(/^it ends at byte 3/);
  expect(whatOf(signed(Uint8Array.of(1, 0, 0)))).toBe('0 readings; a chunk holds 1 to 65536');
  expect(whatOf(signed(Uint8Array.of(1, 0, 1, 77)))).toBe('a column of the unknown form 77');
});

test('a count that is a lie reserves nothing', () => {
  const writer = createByteWriter();
  for (const byte of [1, 0]) writer.byte(byte);
  writer.varint(2 ** 40);
  expect(whatOf(signed(writer.bytes()))).toBe(`${2 ** 40} readings; a chunk holds 1 to 65536`);
});

test('a frame that would give more than it may is stopped', () => {
  const writer = createByteWriter();
  for (const byte of [1, 0]) writer.byte(byte);
  writer.varint(MAX_CHUNK_READINGS);
  // times and values as doubles: a mebibyte from a section of three bytes
  for (const byte of [32, 32, 1]) writer.byte(byte);
  writer.varint(MAX_CHUNK_READINGS * 16);
  writer.varint(3);
  for (const byte of [1, 2, 3]) writer.byte(byte);
  expect(whatOf(signed(writer.bytes()))).toBe('a frame of 3 bytes for 1048576');
});
