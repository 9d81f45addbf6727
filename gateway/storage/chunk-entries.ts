// What the index knows of each chunk: where it lies in time, and the sums by which a chart over years is drawn without decoding it. The
// entries of one index row are packed as docs/chunk-format.md says.

import { crc32 } from 'node:zlib';
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from './chunk-bytes.ts';
import type { ChunkKind, ChunkSummary } from './chunk-format.ts';

export interface ChunkEntry extends ChunkSummary {
  /** Of the chunk that holds the readings. */
  readonly id: number;
  readonly kind: ChunkKind;
  /** Of its content. */
  readonly bytes: number;
  /** The highest position among its readings. */
  readonly position: number;
  /** When it was sealed, so no reading of it arrived later. */
  readonly sealedUs: number;
}

/** The id of none: the readings are gone, and what is left of them are their sums. */
const GONE = 0;
/** Of an entry that was read from an index: a chunk to come has no id yet either. */
export const isGone = ({ id }: ChunkEntry): boolean => id === GONE;
export const goneEntry = (entry: ChunkEntry): ChunkEntry => ({ ...entry, id: GONE, bytes: 0 });
/** Readings that are still there. */
export const readingsOf = (entries: readonly ChunkEntry[]): number =>
  entries.reduce((sum, entry) => sum + (isGone(entry) ? 0 : entry.count), 0);

/** Entries of an index row, at most: all of them are rewritten when one changes. */
export const ROW_ENTRIES = 64;
const VERSION = 1;
const CRC_BYTES = 4;

export function packEntries(entries: readonly ChunkEntry[]): Uint8Array {
  const to = createByteWriter();
  to.byte(VERSION);
  to.varint(entries.length);
  let timeUs = 0;
  let sealedUs = 0;
  for (const entry of entries) {
    to.varint(entry.id);
    to.byte(entry.kind);
    to.varint(entry.bytes);
    to.varint(entry.count);
    to.signed(entry.startUs - timeUs);
    to.varint(entry.endUs - entry.startUs);
    timeUs = entry.endUs;
    to.varint(entry.position);
    to.signed(entry.sealedUs - sealedUs);
    sealedUs = entry.sealedUs;
    for (const name of NUMBERS) writeNumber(to, entry[name]);
  }
  const packed = to.bytes();
  const whole = new Uint8Array(packed.length + CRC_BYTES);
  whole.set(packed);
  new DataView(whole.buffer).setUint32(packed.length, crc32(packed), true);
  return whole;
}

/** Throws when they are not what was packed. */
export function unpackEntries(whole: Uint8Array): ChunkEntry[] {
  const packed = whole.subarray(0, -CRC_BYTES);
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  if (packed.length === 0 || view.getUint32(packed.length, true) !== crc32(packed)) throw new Error('a row of the chunk index is damaged');
  const from = createByteReader(packed);
  if (from.byte() !== VERSION) throw new Error('a row of the chunk index is of a newer version');
  const entries: ChunkEntry[] = [];
  let timeUs = 0;
  let sealedUs = 0;
  for (let left = from.varint(); left > 0; left--) {
    const id = from.varint();
    const kind = from.byte() as ChunkKind;
    const bytes = from.varint();
    const count = from.varint();
    const startUs = timeUs + from.signed();
    const endUs = startUs + from.varint();
    timeUs = endUs;
    const position = from.varint();
    sealedUs += from.signed();
    const min = readNumber(from);
    const max = readNumber(from);
    const sum = readNumber(from);
    const lost = readNumber(from);
    const first = readNumber(from);
    const last = readNumber(from);
    entries.push({ id, kind, bytes, count, startUs, endUs, position, sealedUs, min, max, sum, lost, first, last });
  }
  return entries;
}

const NUMBERS = ['min', 'max', 'sum', 'lost', 'first', 'last'] as const;
/** Most values are decimals of a few places: a whole number of up to 2^46 and an exponent take less than eight bytes. */
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6] as const;
const LARGEST = 2 ** 46;
const AS_DOUBLE = 255;

function writeNumber(to: ByteWriter, value: number): void {
  const isMinusZero = Object.is(value, -0);
  for (const [exponent, power] of POWERS.entries()) {
    const whole = Math.round(value * power);
    if (isMinusZero || Math.abs(whole) > LARGEST) break;
    if (!Object.is(whole / power, value)) continue;
    to.byte(exponent);
    to.signed(whole);
    return;
  }
  to.byte(AS_DOUBLE);
  to.double(value);
}

function readNumber(from: ByteReader): number {
  const exponent = from.byte();
  if (exponent === AS_DOUBLE) return from.double();
  const power = POWERS[exponent];
  if (power === undefined) throw new Error('a row of the chunk index is damaged');
  return from.signed() / power;
}
