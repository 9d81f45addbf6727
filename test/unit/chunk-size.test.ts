// How many bytes a reading takes: on the data by which the storage engine is judged, and where a device leaves the straight path.

import { expect, test } from 'vitest';
import { encodeChunk } from '../../gateway/storage/chunk-codec.ts';
import type { ChunkReadings } from '../../gateway/storage/chunk-format.ts';
import { KIND } from '../../gateway/storage/store.ts';
import { cutIntoChunks, everyShape, numbersAt, timesFrom } from '../support/chunk-readings.ts';
import { STORAGE_DATA, type StorageDataOptions, storageColumns } from '../support/storage-data.ts';

/** What a row around a chunk takes, with its summary. */
const ROW_BYTES = 80;
const SERIES = 20;

function bytesPerReading(readings: readonly ChunkReadings[], rowBytes = ROW_BYTES): number {
  const count = readings.reduce((sum, one) => sum + one.count, 0);
  return readings.reduce((sum, one) => sum + encodeChunk(one).length + rowBytes, 0) / count;
}

function sizeOf(options: Partial<StorageDataOptions>): number {
  const columns = storageColumns({ ...STORAGE_DATA, series: SERIES, readingsPerSeries: 2048, ...options });
  return bytesPerReading(columns.flatMap(({ timeUs, value }) => cutIntoChunks(timeUs, value, 1024)));
}

test('a reading of two decimals with ±5 ms of jitter takes at most 1.07 bytes, its row included', () => {
  expect(sizeOf({})).toBeLessThan(1.07);
});

test('on a regular grid it takes at most 0.62 bytes', () => {
  expect(sizeOf({ jitterMs: 0 })).toBeLessThan(0.62);
});

test('a random double takes at most 6.97 bytes on a grid, and 7.45 with jitter', () => {
  expect(sizeOf({ values: 'noise', jitterMs: 0 })).toBeLessThan(6.97);
  expect(sizeOf({ values: 'noise' })).toBeLessThan(7.45);
});

test('what stands still takes next to nothing', () => {
  const timeUs = timesFrom(0, 1024).map((i) => i * 1_000_000);
  expect(encodeChunk(numbersAt(timeUs, new Float64Array(1024).fill(21.5))).length).toBeLessThan(60);
  const door: ChunkReadings = { kind: KIND.boolean, count: 1024, timeUs, value: new Float64Array(1024) };
  expect(encodeChunk(door).length).toBeLessThan(70);
  const mode: ChunkReadings = { kind: KIND.string, count: 1024, timeUs, value: new Array<string>(1024).fill('running') };
  expect(encodeChunk(mode).length).toBeLessThan(80);
});

test('an hour without readings costs a chunk a few bytes, not its times', () => {
  const [column] = storageColumns({ ...STORAGE_DATA, series: 1, readingsPerSeries: 1024 });
  const gap = column!.timeUs.map((time, i) => (i < 500 ? time : time + 3_600_000_000));
  const [whole, torn] = [column!.timeUs, gap].map((timeUs) => encodeChunk(numbersAt(timeUs, column!.value)).length);
  expect(torn! - whole!).toBeLessThan(0.2 * 1024);
});

test('a hair beside its decimal, or a minus before a zero, does not make a value eight bytes', () => {
  const sizes = everyShape(1024).map(({ name, readings }) => [name, encodeChunk(readings).length / 1024] as const);
  const of = (name: string): number => sizes.find((one) => one[0] === name)![1];
  expect(of('decimals with a hair')).toBeLessThan(1);
  expect(of('zeros of both signs')).toBeLessThan(1);
});

test('random bits are kept as they are, in not much more than their own size', () => {
  const value = Float64Array.from({ length: 1024 }, (_, i) => Math.sin(i * i) * 10 ** (i % 40));
  expect(encodeChunk(numbersAt(timesFrom(0, 1024), value)).length).toBeLessThan(8 * 1024 + 100);
});
