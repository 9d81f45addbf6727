// Readings of one series put together and cut up again: what sealing does with chunks that are opened once more. Equal times keep commit
// order, so what was committed first is always the left one.

import { type ChunkReadings, MIXED } from './chunk-format.ts';
import type { Value } from '../protocol/messages.ts';
import { KIND } from './store.ts';

/** Both by time, `left` committed before `right` where times are equal. */
export function mergeReadings(left: ChunkReadings, right: ChunkReadings): ChunkReadings {
  const count = left.count + right.count;
  const timeUs = new Float64Array(count);
  if (left.kind === right.kind && (left.kind === KIND.number || left.kind === KIND.boolean)) {
    const value = new Float64Array(count);
    weave(left, right, timeUs, (to, from, at) => {
      value[to] = from.value[at] as number;
    });
    return { kind: left.kind, count, timeUs, value };
  }
  const value = new Array<Value>(count);
  weave(left, right, timeUs, (to, from, at) => {
    value[to] = valueAt(from, at);
  });
  return narrowed(timeUs, value);
}

function weave(
  left: ChunkReadings,
  right: ChunkReadings,
  timeUs: Float64Array,
  put: (to: number, from: ChunkReadings, at: number) => void,
): void {
  let l = 0;
  let r = 0;
  for (let to = 0; to < timeUs.length; to++) {
    const isLeft = r >= right.count || (l < left.count && (left.timeUs[l] as number) <= (right.timeUs[r] as number));
    const from = isLeft ? left : right;
    const at = isLeft ? l++ : r++;
    timeUs[to] = from.timeUs[at] as number;
    put(to, from, at);
  }
}

/** From `from` to before `to`; of values of several kinds each part is of as few as it can be. */
export function partOf(readings: ChunkReadings, from: number, to: number): ChunkReadings {
  const timeUs = readings.timeUs.subarray(from, to);
  const count = to - from;
  switch (readings.kind) {
    case KIND.number:
    case KIND.boolean:
      return { kind: readings.kind, count, timeUs, value: readings.value.subarray(from, to) };
    case KIND.string:
      return { kind: readings.kind, count, timeUs, value: readings.value.slice(from, to) };
    case MIXED:
      return narrowed(timeUs, readings.value.slice(from, to));
  }
}

export function valueAt(readings: ChunkReadings, at: number): Value {
  const value = readings.value[at] as Value;
  return readings.kind === KIND.boolean ? value === 1 : value;
}

/** Values of whatever kind as readings of the one kind that they all have, or mixed. */
export function narrowed(timeUs: Float64Array, value: readonly Value[]): ChunkReadings {
  const count = value.length;
  const type = typeof value[0];
  if (value.some((one) => typeof one !== type)) return { kind: MIXED, count, timeUs, value };
  if (type === 'string') return { kind: KIND.string, count, timeUs, value: value as readonly string[] };
  return { kind: type === 'number' ? KIND.number : KIND.boolean, count, timeUs, value: Float64Array.from(value, Number) };
}
