// Readings of one series as a chunk's bytes and back, bit for bit. Pure: no database, no thread, no clock. docs/chunk-format.md has the
// bytes one by one.

import { crc32 } from 'node:zlib';
import { createByteReader, createByteWriter } from './chunk-bytes.ts';
import { encodeNumbers, readColumn } from './chunk-columns.ts';
import { CHUNK_VERSION, ChunkDamage, type ChunkReadings, type DecodedChunk, damage, MAX_CHUNK_READINGS } from './chunk-format.ts';
import { encodeSections, type Frame, inflateAll, inflated, readSections } from './chunk-sections.ts';
import { encodeValues, readValues } from './chunk-values.ts';

const CHECKSUM_BYTES = 4;
const MAX_TIME_US = 2 ** 53;

/** Throws for what is no chunk: no reading or too many, times out of order or not whole, strings that are no Unicode. */
export function encodeChunk(readings: ChunkReadings): Uint8Array {
  const { kind, count, timeUs } = readings;
  if (!(count >= 1 && count <= MAX_CHUNK_READINGS))
    throw new RangeError(`a chunk of ${count} readings; it holds 1 to ${MAX_CHUNK_READINGS}`);
  checkTimes(timeUs, count);
  const writer = createByteWriter();
  writer.byte(CHUNK_VERSION);
  writer.byte(kind);
  writer.varint(count);
  const times = encodeNumbers(timeUs, count, writer);
  const values = encodeValues(readings, writer);
  const body = Buffer.concat([writer.bytes(), ...encodeSections([...times, ...values]), new Uint8Array(CHECKSUM_BYTES)]);
  const end = body.length - CHECKSUM_BYTES;
  body.writeUInt32LE(crc32(body.subarray(0, end)), end);
  return body;
}

/** Whatever the bytes are, it answers: with the readings that were written, or with what is wrong. */
export function decodeChunk(bytes: Uint8Array): DecodedChunk {
  return answered(() => {
    const chunk = openChunk(bytes);
    return chunk.finish(chunk.frames.map(inflated));
  });
}

/** The same for many, several times as fast as one after the other. */
export function decodeChunks(many: readonly Uint8Array[]): DecodedChunk[] {
  const opened = many.map((bytes) => {
    try {
      return openChunk(bytes);
    } catch (error) {
      if (error instanceof ChunkDamage) return null;
      throw error;
    }
  });
  const contents = inflateAll(opened.flatMap((chunk) => chunk?.frames ?? []));
  // one by one it shows which of them is damaged
  if (contents === null) return many.map(decodeChunk);
  let next = 0;
  return opened.map((chunk, i) => {
    if (chunk === null) return decodeChunk(many[i] as Uint8Array);
    const own = contents.slice(next, next + chunk.frames.length);
    next += chunk.frames.length;
    return answered(() => chunk.finish(own));
  });
}

function answered(read: () => ChunkReadings): DecodedChunk {
  try {
    return { outcome: 'readings', readings: read() };
  } catch (error) {
    if (error instanceof ChunkDamage) return { outcome: 'damaged', what: error.message };
    throw error;
  }
}

interface OpenedChunk {
  readonly frames: readonly Frame[];
  finish(inflated: readonly Uint8Array[]): ChunkReadings;
}

function openChunk(bytes: Uint8Array): OpenedChunk {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 1) damage(`${bytes.length} bytes are too few for a chunk`);
  // before the checksum, which a later version may keep elsewhere
  if (bytes[0] !== CHUNK_VERSION) damage(`format version ${bytes[0]}, and this program reads version ${CHUNK_VERSION}`);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (crc32(bytes.subarray(0, end)) !== checksum) damage('the checksum does not match');
  const reader = createByteReader(bytes.subarray(0, end));
  reader.byte();
  const kind = reader.byte();
  const count = reader.varint();
  if (count < 1 || count > MAX_CHUNK_READINGS) damage(`${count} readings; a chunk holds 1 to ${MAX_CHUNK_READINGS}`);
  const times = readColumn(reader, count);
  const values = readValues(kind, reader, count);
  const { frames, join } = readSections(reader, times.bytes + values.bytes);
  if (reader.left > 0) damage(`${reader.left} bytes more than it says`);
  return {
    frames,
    finish(inflated) {
      const planes = join(inflated);
      const timeUs = times.decode(planes);
      const value = values.decode(planes.subarray(times.bytes));
      return { kind, count, timeUs, value } as ChunkReadings;
    },
  };
}

function checkTimes(timeUs: Float64Array, count: number): void {
  let before = -Infinity;
  for (let i = 0; i < count; i++) {
    const time = timeUs[i]!;
    if (!(time >= before && Math.abs(time) <= MAX_TIME_US && Number.isInteger(time)))
      throw new RangeError(`time ${i} is ${time}: times are whole microseconds within ±2^53, in order`);
    before = time;
  }
}
