// The bytes of an export against the plain way to write them.

import { expect, test } from 'vitest';
import { createRowWriter } from '../../gateway/api/row-writer.ts';
import { createRandom } from '../support/seeded-random.ts';

const SERIES = { id: 1, device: 'pump-1', metric: 'm', unit: '' };

function written(format: 'csv' | 'ndjson', timeUs: readonly number[], value: readonly (number | string | boolean)[]): string[] {
  const writer = createRowWriter({ format, withDevice: false, series: () => SERIES });
  const bytes = writer.write({ seriesId: timeUs.map(() => 1), timeUs, value }, 0, timeUs.length, null);
  return Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1);
}

test('numbers are written as the language writes them', () => {
  const random = createRandom('row-writer').next;
  const bits = new DataView(new ArrayBuffer(8));
  const numbers = [
    0,
    1e15,
    -1e15,
    1e21,
    5e-324,
    0.1 + 0.2,
    1e-6,
    1e-7,
    123456789.123456,
    999999999999999,
    0.30000000000000004,
    4.35,
    1.005,
    -0.5,
  ];
  for (let i = 0; i < 20_000; i++) {
    const u = random() - 0.5;
    for (const scale of [1, 10, 1e3, 1e6, 1e9]) numbers.push(Math.round(u * scale * 1e3) / scale, u * scale);
    bits.setUint32(0, random() * 2 ** 32);
    bits.setUint32(4, random() * 2 ** 32);
    if (Number.isFinite(bits.getFloat64(0))) numbers.push(bits.getFloat64(0));
  }
  const cells = written(
    'csv',
    numbers.map(() => 0),
    numbers,
  ).map((row) => row.slice(row.lastIndexOf(',') + 1));
  expect(cells.filter((cell, i) => cell !== String(numbers[i]))).toEqual([]);
});

test('times are written to the microsecond, before 1970 too', () => {
  const random = createRandom('times').next;
  const times = [0, -1, 1, 999, -999, 1000, -1000, -86_400_000_000, 2 ** 53 - 1, -(2 ** 53) + 1, 1.7e15];
  for (let i = 0; i < 5000; i++) times.push(Math.round((random() - 0.5) * 2 ** 54 * 0.999), Math.round(1.7e15 + random() * 1e9));
  const rows = written(
    'csv',
    times,
    times.map(() => true),
  ).map((row) => row.split(','));
  for (const [i, timeUs] of times.entries()) {
    const ms = Math.floor(timeUs / 1000);
    const us = timeUs - ms * 1000;
    const [text = '', millis = ''] = rows[i] ?? [];
    expect(text).toBe(new Date(ms).toISOString().replace('Z', us === 0 ? 'Z' : `${String(us).padStart(3, '0')}Z`));
    expect(BigInt(Math.round(Number(`${millis}e3`)))).toBe(BigInt(timeUs));
  }
  const seconds = written(
    'ndjson',
    times,
    times.map(() => true),
  ).map((line) => JSON.parse(line) as { bt?: number; t: number });
  expect(seconds.map(({ bt = 0, t }) => Math.round(bt * 1e6) + Math.round(t * 1e6))).toEqual(times);
});
