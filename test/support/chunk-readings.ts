// Readings as the chunk codec takes them.

import { type ChunkReadings, MIXED } from '../../gateway/storage/chunk-format.ts';
import { KIND } from '../../gateway/storage/store.ts';

const START_US = Date.UTC(2026, 0, 1) * 1000;

export function numbersAt(timeUs: Float64Array, value: Float64Array): ChunkReadings {
  return { kind: KIND.number, count: timeUs.length, timeUs, value };
}

/** Whole numbers, one after the other. */
export function timesFrom(start: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => start + i);
}

/** The columns of a series as full chunks and what is left. */
export function cutIntoChunks(timeUs: Float64Array, value: Float64Array, length: number): ChunkReadings[] {
  return Array.from({ length: Math.ceil(timeUs.length / length) }, (_, i) =>
    numbersAt(timeUs.slice(i * length, (i + 1) * length), value.slice(i * length, (i + 1) * length)),
  );
}

/** A chunk's readings for each way in which a column can be written. */
export function everyShape(count: number): { readonly name: string; readonly readings: ChunkReadings }[] {
  const jitteredUs = Float64Array.from({ length: count }, (_, i) => START_US + i * 1_000_000 + ((i * 7919) % 11) * 1000);
  const numbers = (at: (i: number) => number): ChunkReadings =>
    numbersAt(
      jitteredUs,
      Float64Array.from({ length: count }, (_, i) => at(i)),
    );
  const noise = (i: number): number => Math.sin(i * i) * 1e3;
  return [
    { name: 'a constant', readings: numbers(() => 21.5) },
    { name: 'two decimals', readings: numbers((i) => Math.round(noise(i)) / 100) },
    { name: 'a slow walk', readings: numbers((i) => 20 + Math.round(3 * Math.sin(i / 9)) / 10) },
    { name: 'a counter with a drift', readings: numbers((i) => i * 1234 + (i % 7)) },
    { name: 'a parabola', readings: numbers((i) => i * i * 50_000) },
    { name: 'large whole numbers', readings: numbers((i) => Math.round(2 ** 46 * Math.sin(i))) },
    { name: 'decimals with a hair', readings: numbers((i) => (i % 9) * 0.1 + 0.2) },
    { name: 'zeros of both signs', readings: numbers((i) => (i % 3 === 0 ? -0 : (i % 2) / 10)) },
    { name: 'smooth doubles', readings: numbers((i) => Math.PI + Math.sin(i / 100) / 1000) },
    { name: 'noise', readings: numbers(noise) },
    {
      name: 'the ends of what there is',
      readings: numbers((i) => [5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308][i % 4]!),
    },
    { name: 'times at both ends', readings: numbersAt(Float64Array.of(-(2 ** 53), -1, 2 ** 53), Float64Array.of(1, 2, 3)) },
    { name: 'one reading', readings: numbersAt(Float64Array.of(-7), Float64Array.of(1e20)) },
    { name: 'booleans', readings: { ...numbers((i) => (i % 5 === 0 ? 1 : 0)), kind: KIND.boolean } as ChunkReadings },
    {
      name: 'strings',
      readings: {
        kind: KIND.string,
        count,
        timeUs: jitteredUs,
        value: Array.from({ length: count }, (_, i) => ['', 'running', 'stopped, "really"', 'grün', '\u{1f600}', `pack ${i}`][i % 6]!),
      },
    },
    {
      name: 'several kinds',
      readings: {
        kind: MIXED,
        count,
        timeUs: jitteredUs,
        value: Array.from({ length: count }, (_, i) => [i / 4, i % 3 === 0, 'starting', `step ${i}`][i % 4]!),
      },
    },
  ];
}
