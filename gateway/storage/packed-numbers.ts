// How the chunk index writes what it knows: numbers of sensors in few bytes, a checksum at the end. Read by the thousand for one chart, so
// the reader looks for the end of the bytes only once, after the checksum has said that they are what was written.

import { crc32 } from 'node:zlib';
import { type ByteWriter, unzigzag } from './chunk-bytes.ts';

export interface PackedReader {
  byte(): number;
  varint(): number;
  signed(): number;
  double(): number;
  /** Bytes that were not read; below 0: more was read than there is. */
  readonly left: number;
}

const CRC_BYTES = 4;

export function closePacked(to: ByteWriter): Uint8Array {
  const packed = to.bytes();
  const whole = new Uint8Array(packed.length + CRC_BYTES);
  whole.set(packed);
  new DataView(whole.buffer).setUint32(packed.length, crc32(packed), true);
  return whole;
}

/** Throws when it is not what was packed; whether all of it was read, and no more, is for the caller to see. */
export function openPacked(whole: Uint8Array, what: string): PackedReader {
  const end = whole.length - CRC_BYTES;
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  if (end <= 0 || view.getUint32(end, true) !== crc32(whole.subarray(0, end))) throw new Error(`${what} is damaged`);
  let at = 0;
  const byte = (): number => whole[at++] ?? 0;
  const varint = (): number => {
    let one = byte();
    if (one < 128) return one;
    let value = one & 127;
    for (let scale = 128; ; scale *= 128) {
      one = byte();
      value += (one & 127) * scale;
      if (one < 128) return value;
    }
  };
  return {
    byte,
    varint,
    signed: () => unzigzag(varint()),
    double() {
      at += 8;
      return at <= end ? view.getFloat64(at - 8, true) : 0;
    },
    get left() {
      return end - at;
    },
  };
}

export const NUMBERS = ['min', 'max', 'sum', 'lost', 'first', 'last'] as const;
/** Most values are decimals of a few places: a whole number of up to 2^46 and an exponent take less than eight bytes. */
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6] as const;
const LARGEST = 2 ** 46;
const AS_DOUBLE = 255;

export function writeNumber(to: ByteWriter, value: number): void {
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

export function readNumber(from: PackedReader): number {
  const exponent = from.byte();
  if (exponent === AS_DOUBLE) return from.double();
  const power = POWERS[exponent];
  if (power === undefined) throw new Error('a row of the chunk index is damaged');
  return from.signed() / power;
}
