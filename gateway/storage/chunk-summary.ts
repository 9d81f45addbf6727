// What a bucket needs of readings when it holds all of them: of a whole chunk when it is sealed, of a part when a border cuts one.

import type { ChunkReadings, ChunkSummary } from './chunk-format.ts';
import { KIND } from './store.ts';

/** Of readings `from` to before `to`, at least one. */
export function summarize(readings: ChunkReadings, from = 0, to = readings.count): ChunkSummary {
  const { kind, timeUs, value } = readings;
  const count = to - from;
  const startUs = timeUs[from]!;
  const endUs = timeUs[to - 1]!;
  if (kind !== KIND.number && kind !== KIND.boolean) return { count, startUs, endUs, min: 0, max: 0, sum: 0, lost: 0, first: 0, last: 0 };
  const first = value[from]!;
  let min = first;
  let max = first;
  let sum = first;
  let lost = 0;
  for (let i = from + 1; i < to; i++) {
    const one = value[i]!;
    if (one < min) min = one;
    if (one > max) max = one;
    const next = sum + one;
    // what Neumaier's comparison gives, without the branch that nobody can foretell; beyond the largest double it gives something else
    const share = next - sum;
    lost += sum - (next - share) + (one - share);
    sum = next;
  }
  if (!Number.isFinite(sum + lost)) [sum, lost] = overflown(value, from, to);
  return { count, startUs, endUs, min, max, sum, lost, first, last: value[to - 1]! };
}

function overflown(value: ArrayLike<number>, from: number, to: number): readonly [sum: number, lost: number] {
  let sum = value[from]!;
  let lost = 0;
  for (let i = from + 1; i < to; i++) {
    const one = value[i]!;
    const next = sum + one;
    lost += Math.abs(sum) >= Math.abs(one) ? sum - next + one : one - next + sum;
    sum = next;
  }
  return [sum, lost];
}

/** Powers of ten below which decimals of sensors lie. */
const POWERS = [1, 10, 100, 1e3, 1e4] as const;

/** Where all of them are decimals of a few places their sum is known exactly, and rounded once: no `lost`, and fewer bytes in the index. */
export function exactSum({ kind, value, count }: ChunkReadings): { sum: number; lost: number } | null {
  if (kind !== KIND.number) return null;
  for (const power of POWERS) {
    let sum = 0;
    let i = 0;
    for (; i < count; i++) {
      const whole = Math.round(value[i]! * power);
      if (whole / power !== value[i]) break;
      sum += whole;
      if (sum > Number.MAX_SAFE_INTEGER || sum < -Number.MAX_SAFE_INTEGER) return null;
    }
    if (i === count) return { sum: sum / power, lost: 0 };
  }
  return null;
}
