// A column of whole numbers, as the difference from what one of four models foretells, in byte planes: all lowest bytes, then all second
// ones … Times go this way, and decimal numbers, and what strings need.

import type { ByteReader, ByteWriter } from './chunk-bytes.ts';
import { damage, MODEL } from './chunk-format.ts';

export interface WholeHeader {
  readonly model: number;
  /** Bytes a number takes in the planes; 0 when the model foretold everything. */
  readonly width: number;
  readonly first: number;
  /** What all differences from `first` are multiples of. */
  readonly unit: number;
  /** Added to each forecast. */
  readonly center: number;
  /** Of the line; with deltas of deltas, the step before the first. */
  readonly slope: number;
}

/** Further apart, doubles would round the differences of differences. */
const MAX_DISTANCE = 2 ** 48;
const MAX_WIDTH = 7;
/** Of a column, as many residuals tell the model, in runs of so many. */
const SAMPLES = 256;
const RUN = 32;
const MEDIAN_SAMPLES = 63;

/** Writes the header, `exponent` first, and gives the planes; null, with nothing written, when the numbers are too far apart. */
export function encodeWholeNumbers(
  values: Float64Array,
  count: number,
  exponent: number,
  writer: ByteWriter,
): readonly Uint8Array[] | null {
  // minus zero is no whole number
  const first = values[0]! + 0;
  const distance = new Float64Array(count);
  let farthest = 0;
  for (let i = 1; i < count; i++) {
    const far = values[i]! - first;
    distance[i] = far;
    farthest = Math.max(farthest, Math.abs(far));
  }
  if (!(farthest < MAX_DISTANCE)) return null;
  const unit = farthest === 0 ? 1 : commonDivisor(distance, count);
  if (unit > 1) for (let i = 1; i < count; i++) distance[i] = distance[i]! / unit;
  const { model, slope, center: median } = chooseModel(distance, count);
  const residuals = new Float64Array(count);
  let least = Infinity;
  let most = -Infinity;
  for (let i = 1; i < count; i++) {
    const residual = residualAt(distance, i, model, slope);
    residuals[i] = residual;
    if (residual < least) least = residual;
    if (residual > most) most = residual;
  }
  const center = centerOf(median, least, most);
  residuals[0] = center;
  const width = count === 1 ? 0 : Math.ceil(Math.max(bitsOf(least - center), bitsOf(most - center)) / 8);
  writer.byte(exponent);
  writer.byte(model + width * 4);
  writer.double(first);
  writer.varint(unit);
  writer.signed(center);
  if (model >= MODEL.deltaOfDelta) writer.double(slope);
  return planesOf(residuals, center, count, width);
}

/** The median, unless one plane is enough about the middle and not about the median. */
function centerOf(median: number, least: number, most: number): number {
  if (most - least > 255 || (median - least <= 128 && most - median <= 127)) return median;
  return least + Math.ceil((most - least) / 2);
}

export function readWholeHeader(reader: ByteReader): WholeHeader {
  const byte = reader.byte();
  const model = byte % 4;
  const width = byte >> 2;
  if (width > MAX_WIDTH) damage(`whole numbers of ${width} bytes`);
  const first = reader.double();
  if (!Number.isInteger(first)) damage(`a column of whole numbers begins with ${first}`);
  const unit = reader.varint();
  const center = reader.signed();
  return { model, width, first, unit, center, slope: model >= MODEL.deltaOfDelta ? reader.double() : 0 };
}

/** `planes` holds width × count bytes. */
export function decodeWholeNumbers(header: WholeHeader, planes: Uint8Array, count: number): Float64Array {
  const { model, width, first, unit, center, slope } = header;
  if (width === 1 && model !== MODEL.deltaOfDelta) return decodeBytes(header, planes, count);
  const values = residualsOf(planes, count, width);
  values[0] = first;
  if (model === MODEL.constant || model === MODEL.line) {
    for (let i = 1; i < count; i++) values[i] = first + (Math.floor(slope * i) + center + values[i]!) * unit;
    return values;
  }
  const carried = model === MODEL.delta ? 0 : 1;
  let value = 0;
  let step = slope;
  for (let i = 1; i < count; i++) {
    step = step * carried + center + values[i]!;
    value += step;
    values[i] = first + value * unit;
  }
  return values;
}

/** Most columns are one plane, and most of a query's time is spent here: all steps in one pass. */
function decodeBytes({ model, first, unit, center, slope }: WholeHeader, codes: Uint8Array, count: number): Float64Array {
  const values = new Float64Array(count);
  values[0] = first;
  if (model === MODEL.delta) {
    let value = 0;
    for (let i = 1; i < count; i++) {
      const code = codes[i]!;
      value += center + ((code >>> 1) ^ -(code & 1));
      values[i] = first + value * unit;
    }
    return values;
  }
  for (let i = 1; i < count; i++) {
    const code = codes[i]!;
    values[i] = first + (Math.floor(slope * i) + center + ((code >>> 1) ^ -(code & 1))) * unit;
  }
  return values;
}

interface Forecast {
  readonly model: number;
  readonly slope: number;
  readonly center: number;
  /** Bits of the sampled residuals together, sign included. */
  readonly cost: number;
}

function chooseModel(distance: Float64Array, count: number): Forecast {
  const places = sampledPlaces(count);
  const firstStep = count > 1 ? distance[1]! : 0;
  let best = forecast(MODEL.constant, 0, distance, places);
  for (const [model, slope] of [[MODEL.delta, 0] as const, [MODEL.deltaOfDelta, firstStep] as const]) {
    const other = forecast(model, slope, distance, places);
    if (other.cost < best.cost) best = other;
  }
  if (best.cost === 0) return best;
  const fitted = slopeOf(distance, count);
  const line = forecast(MODEL.line, fitted, distance, places);
  // A device means a whole period; the fit is a little off it, which would move the residuals by one half-way.
  const whole = forecast(MODEL.line, Math.round(fitted), distance, places);
  const straight = whole.cost <= line.cost * 1.02 ? whole : line;
  return straight.cost < best.cost ? straight : best;
}

/** Runs of neighbours, spread over the column; never the first number, which needs no forecast. */
function sampledPlaces(count: number): Int32Array {
  const places = new Int32Array(Math.min(count - 1, SAMPLES));
  const apart = count <= SAMPLES ? RUN : (count - 1 - RUN) / (SAMPLES / RUN - 1);
  for (let s = 0; s < places.length; s++) places[s] = 1 + Math.floor(Math.floor(s / RUN) * apart) + (s % RUN);
  return places;
}

function forecast(model: number, slope: number, distance: Float64Array, places: Int32Array): Forecast {
  const residuals = new Float64Array(places.length);
  for (let s = 0; s < places.length; s++) residuals[s] = residualAt(distance, places[s]!, model, slope);
  const center = medianOf(residuals);
  let cost = 0;
  for (let s = 0; s < residuals.length; s++) cost += bitsOf(residuals[s]! - center);
  return { model, slope, center, cost };
}

/** Of some of them: sorting is what takes longest here. */
function medianOf(residuals: Float64Array): number {
  if (residuals.length === 0) return 0;
  const some = new Float64Array(Math.min(residuals.length, MEDIAN_SAMPLES));
  for (let s = 0; s < some.length; s++) some[s] = residuals[Math.floor((s * residuals.length) / some.length)]!;
  return some.sort()[some.length >> 1]!;
}

function residualAt(distance: Float64Array, i: number, model: number, slope: number): number {
  const value = distance[i]!;
  if (model === MODEL.constant) return value;
  if (model === MODEL.line) return value - Math.floor(slope * i);
  const step = value - distance[i - 1]!;
  if (model === MODEL.delta) return step;
  return step - (i === 1 ? slope : distance[i - 1]! - distance[i - 2]!);
}

/** Of the number's zigzag code. */
function bitsOf(value: number): number {
  const code = value < 0 ? -2 * value - 1 : 2 * value;
  return code < 0x1_0000_0000 ? 32 - Math.clz32(code) : 64 - Math.clz32(code / 0x1_0000_0000);
}

/** By least squares. */
function slopeOf(distance: Float64Array, count: number): number {
  const middle = (count - 1) / 2;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (i - middle) * distance[i]!;
  return (sum * 12) / (count * (count * count - 1));
}

function commonDivisor(distance: Float64Array, count: number): number {
  let divisor = 0;
  for (let i = 1; i < count && divisor !== 1; i++) {
    let rest = Math.abs(distance[i]! - distance[i - 1]!);
    // most are multiples already, which a multiplication finds faster than the remainder of doubles
    if (divisor > 0 && Math.round(rest / divisor) * divisor === rest) continue;
    while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  }
  return divisor;
}

function planesOf(residuals: Float64Array, center: number, count: number, width: number): Uint8Array[] {
  const planes = Array.from({ length: width }, () => new Uint8Array(count));
  for (let i = 0; i < count; i++) {
    const value = residuals[i]! - center;
    let code = value < 0 ? -2 * value - 1 : 2 * value;
    let from = 0;
    if (width > 4) {
      const high = Math.floor(code / 0x1_0000_0000);
      for (let plane = 4; plane < width; plane++) planes[plane]![i] = high >>> ((plane - 4) * 8);
      code -= high * 0x1_0000_0000;
    }
    for (; from < width && from < 4; from++) planes[from]![i] = code >>> (from * 8);
  }
  return planes;
}

function residualsOf(planes: Uint8Array, count: number, width: number): Float64Array {
  const values = new Float64Array(count);
  if (width === 0) return values;
  let scale = 1;
  for (let from = 0; from < width * count; from += count) {
    for (let i = 0; i < count; i++) values[i] = values[i]! + planes[from + i]! * scale;
    scale *= 256;
  }
  for (let i = 0; i < count; i++) {
    const code = values[i]!;
    const half = Math.floor(code / 2);
    values[i] = half * 2 === code ? half : -half - 1;
  }
  return values;
}
