// A column of decimal numbers, as whole numbers over a power of ten. What arithmetic has left a hair beside its decimal (0.1 + 0.2), and −0,
// is mended by a second column: how many doubles further the value lies.

import type { ByteReader, ByteWriter } from './chunk-bytes.ts';
import { damage, FORM, MAX_EXPONENT, type ReadColumn } from './chunk-format.ts';
import { decodeWholeNumbers, encodeWholeNumbers, readWholeHeader } from './chunk-whole-numbers.ts';

const POWERS = Array.from({ length: MAX_EXPONENT + 1 }, (_, exponent) => Number(`1e${exponent}`));
/** How far beside its decimal a value may lie: some doubles. */
const HAIR = 2 ** -50;
/** With more digits there would be a decimal beside any double. */
const MAX_MENDED = 2 ** 47;
const SIGN = 2n ** 63n;

/** Null, with nothing written, when the values are no decimals, or not ones that make a short column. */
export function encodeDecimals(values: Float64Array, count: number, writer: ByteWriter): readonly Uint8Array[] | null {
  const exponent = exponentOf(values, count);
  if (exponent === null) return null;
  const power = POWERS[exponent]!;
  const whole = new Float64Array(count);
  let inexact = 0;
  let largest = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const scaled = Math.round(value * power);
    whole[i] = scaled;
    largest = Math.max(largest, Math.abs(scaled));
    if (scaled / power !== value || (value === 0 && Object.is(value, -0))) inexact++;
  }
  if (inexact === 0) return encodeWholeNumbers(whole, count, exponent, writer);
  if (largest > MAX_MENDED) return null;
  const planes = encodeWholeNumbers(whole, count, exponent + FORM.corrected, writer);
  return planes && [...planes, ...encodeWholeNumbers(correctionsOf(values, whole, count, power), count, 0, writer)!];
}

export function readDecimals(form: number, reader: ByteReader, count: number): ReadColumn {
  const power = POWERS[form % FORM.corrected]!;
  const header = readWholeHeader(reader);
  const wholeBytes = header.width * count;
  const decode = (planes: Uint8Array): Float64Array => {
    const values = decodeWholeNumbers(header, planes, count);
    if (power > 1) for (let i = 0; i < count; i++) values[i] = values[i]! / power;
    return values;
  };
  if (form < FORM.corrected) return { bytes: wholeBytes, decode };
  const mending = reader.byte();
  if (mending !== 0) damage(`corrections of the form ${mending}`);
  const corrections = readWholeHeader(reader);
  return {
    bytes: wholeBytes + corrections.width * count,
    decode(planes) {
      const values = decode(planes);
      correct(values, decodeWholeNumbers(corrections, planes.subarray(wholeBytes), count));
      return values;
    },
  };
}

/** The smallest power of ten with which each value is a whole number, but for a hair. */
function exponentOf(values: Float64Array, count: number): number | null {
  let exponent = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const hair = Math.abs(value) * HAIR;
    // the negation is for infinities, whose difference is no number
    for (let power = POWERS[exponent]!; !(Math.abs(Math.round(value * power) / power - value) <= hair); power = POWERS[exponent]!) {
      if (exponent === MAX_EXPONENT) return null;
      exponent++;
    }
  }
  return exponent;
}

/** Doubles numbered in their order: 0 is 0, −0 is −1, and neighbours are one apart. */
function orderOf(bits: bigint): bigint {
  return bits < 0n ? -1n - (bits + SIGN) : bits;
}

function correctionsOf(values: Float64Array, whole: Float64Array, count: number, power: number): Float64Array {
  const corrections = new Float64Array(count);
  const pair = new Float64Array(2);
  const bits = new BigInt64Array(pair.buffer);
  for (let i = 0; i < count; i++) {
    pair[0] = values[i]!;
    pair[1] = whole[i]! / power;
    // whole numbers come back from their column without the sign of a zero
    if (pair[1] === 0) pair[1] = 0;
    if (!Object.is(pair[0], pair[1])) corrections[i] = Number(orderOf(bits[0]!) - orderOf(bits[1]!));
  }
  return corrections;
}

function correct(values: Float64Array, corrections: Float64Array): void {
  const bits = new BigInt64Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    if (corrections[i] === 0) continue;
    const order = orderOf(bits[i]!) + BigInt(corrections[i]!);
    bits[i] = order < 0n ? -1n - (order + SIGN) : order;
  }
}
