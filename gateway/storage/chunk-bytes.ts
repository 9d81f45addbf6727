// The small primitives of a chunk's header: whole numbers as unsigned LEB128, doubles as eight bytes, little-endian.

import { damage } from './chunk-format.ts';

export interface ByteWriter {
  byte(value: number): void;
  /** A whole number from 0 to 2^53 − 1. */
  varint(value: number): void;
  /** A whole number within ±(2^52 − 1). */
  signed(value: number): void;
  double(value: number): void;
  bytes(): Uint8Array;
}

export interface ByteReader {
  byte(): number;
  varint(): number;
  signed(): number;
  double(): number;
  /** A view, no copy. */
  take(length: number): Uint8Array;
  readonly left: number;
}

/** Longest number: eight groups of seven bits hold 2^53. */
const MAX_GROUPS = 8;

export function createByteWriter(): ByteWriter {
  const written: number[] = [];
  const scratch = new DataView(new ArrayBuffer(8));
  const varint = (value: number): void => {
    let rest = value;
    while (rest >= 128) {
      written.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    written.push(rest);
  };
  return {
    byte: (value) => void written.push(value),
    varint,
    signed: (value) => varint(zigzag(value)),
    double(value) {
      scratch.setFloat64(0, value, true);
      for (let i = 0; i < 8; i++) written.push(scratch.getUint8(i));
    },
    bytes: () => Uint8Array.from(written),
  };
}

export function createByteReader(bytes: Uint8Array): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const advance = (length: number): number => {
    if (length > bytes.length - at) damage(`it ends at byte ${bytes.length}, in the middle of what byte ${at} begins`);
    at += length;
    return at - length;
  };
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let group = 0; group < MAX_GROUPS; group++) {
      const byte = view.getUint8(advance(1));
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : damage(`the number before byte ${at} is too large`);
      scale *= 128;
    }
    return damage(`the number before byte ${at} does not end`);
  };
  return {
    byte: () => view.getUint8(advance(1)),
    varint,
    signed: () => unzigzag(varint()),
    double: () => view.getFloat64(advance(8), true),
    take: (length) => bytes.subarray(advance(length), at),
    get left() {
      return bytes.length - at;
    },
  };
}

/** 0, −1, 1, −2 … as 0, 1, 2, 3 …: what is near 0 stays small. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(code: number): number {
  const half = Math.floor(code / 2);
  return half * 2 === code ? half : -half - 1;
}
