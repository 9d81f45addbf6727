// A column of doubles that are no decimals: the eight bytes of each, or of its difference from the one before, in byte planes.

import type { ByteWriter } from './chunk-bytes.ts';
import { FORM } from './chunk-format.ts';
import { estimateBytes } from './chunk-sections.ts';

const WIDTH = 8;
/** From so many at the beginning it is told whether differences are shorter. */
const SAMPLES = 256;

export function encodeDoubles(values: Float64Array, count: number, writer: ByteWriter): readonly Uint8Array[] {
  const halves = new Uint32Array(Float64Array.from(values.subarray(0, count)).buffer);
  const some = Math.min(count, SAMPLES);
  const isSmooth = estimateBytes(planesOf(differencesOf(halves, some), some)) < estimateBytes(planesOf(halves, some));
  writer.byte(isSmooth ? FORM.differences : FORM.doubles);
  return planesOf(isSmooth ? differencesOf(halves, count) : halves, count);
}

/** `planes` holds 8 × count bytes. */
export function decodeDoubles(planes: Uint8Array, count: number, areDifferences: boolean): Float64Array {
  const values = new Float64Array(count);
  const bytes = new Uint8Array(values.buffer);
  for (let plane = 0; plane < WIDTH; plane++) {
    const from = plane * count;
    for (let i = 0; i < count; i++) bytes[i * WIDTH + plane] = planes[from + i]!;
  }
  if (areDifferences) addUp(new Uint32Array(values.buffer), count);
  return values;
}

/** Bit patterns taken as 64-bit numbers: neighbours differ little in them when they differ little as doubles. Zigzag, modulo 2^64. */
function differencesOf(halves: Uint32Array, count: number): Uint32Array {
  const out = new Uint32Array(2 * count);
  let lowBefore = 0;
  let highBefore = 0;
  for (let i = 0; i < 2 * count; i += 2) {
    const low = halves[i]! - lowBefore;
    const high = (halves[i + 1]! - highBefore - (low < 0 ? 1 : 0)) | 0;
    lowBefore = halves[i]!;
    highBefore = halves[i + 1]!;
    const sign = high >> 31;
    out[i] = (low << 1) ^ sign;
    out[i + 1] = ((high << 1) | ((low | 0) >>> 31)) ^ sign;
  }
  return out;
}

function addUp(halves: Uint32Array, count: number): void {
  let lowBefore = 0;
  let highBefore = 0;
  for (let i = 0; i < 2 * count; i += 2) {
    const sign = -(halves[i]! & 1);
    const low = (((halves[i]! >>> 1) | (halves[i + 1]! << 31)) ^ sign) >>> 0;
    const high = (halves[i + 1]! >>> 1) ^ sign;
    const sum = low + lowBefore;
    halves[i] = sum;
    halves[i + 1] = highBefore + high + (sum > 0xffff_ffff ? 1 : 0);
    lowBefore = halves[i]!;
    highBefore = halves[i + 1]!;
  }
}

function planesOf(halves: Uint32Array, count: number): Uint8Array[] {
  const bytes = new Uint8Array(halves.buffer);
  return Array.from({ length: WIDTH }, (_, plane) => {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = bytes[i * WIDTH + plane]!;
    return out;
  });
}
