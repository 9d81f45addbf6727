// A column of numbers in a chunk: whole numbers, decimals as whole numbers over a power of ten, doubles, or bits. The first byte of its
// header says which.

import type { ByteReader, ByteWriter } from './chunk-bytes.ts';
import { encodeDecimals, readDecimals } from './chunk-decimals.ts';
import { decodeDoubles, encodeDoubles } from './chunk-doubles.ts';
import { damage, FORM, type ReadColumn } from './chunk-format.ts';

/** Gives back every double bit for bit; writes the header and returns the planes. */
export function encodeNumbers(values: Float64Array, count: number, writer: ByteWriter): readonly Uint8Array[] {
  return encodeDecimals(values, count, writer) ?? encodeDoubles(values, count, writer);
}

export function encodeBits(values: Float64Array, count: number, writer: ByteWriter): readonly Uint8Array[] {
  writer.byte(FORM.bits);
  const plane = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) if (values[i] !== 0) plane[i >> 3]! |= 1 << (i & 7);
  return [plane];
}

export function readColumn(reader: ByteReader, count: number): ReadColumn {
  const form = reader.byte();
  if (form < FORM.doubles) return readDecimals(form, reader, count);
  if (form === FORM.doubles || form === FORM.differences)
    return { bytes: 8 * count, decode: (planes) => decodeDoubles(planes, count, form === FORM.differences) };
  if (form === FORM.bits) return { bytes: Math.ceil(count / 8), decode: (planes) => decodeBits(planes, count) };
  return damage(`a column of the unknown form ${form}`);
}

function decodeBits(plane: Uint8Array, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = (plane[i >> 3]! >> (i & 7)) & 1;
  return values;
}
