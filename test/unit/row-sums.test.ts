// The second level of sums: what a row of the index says of all its chunks, and charts that are drawn from it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketStartsUs } from '../../gateway/storage/bucketer.ts';
import { summarizePart } from '../../gateway/storage/chunk-blocks.ts';
import type { ChunkEntry } from '../../gateway/storage/chunk-entries.ts';
import { type ChunkKind, MIXED } from '../../gateway/storage/chunk-format.ts';
import { summarize } from '../../gateway/storage/chunk-summary.ts';
import { packSums, unpackSums } from '../../gateway/storage/row-sums.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { KIND, type ReadingStore } from '../../gateway/storage/store.ts';
import { numbersAt, timesFrom } from '../support/chunk-readings.ts';
import { sumsAreTrue } from '../support/row-sums.ts';
import { createBatches, EAGER, type Reading, T0 } from '../support/store-model.ts';

/** As it is written in Neumaier's paper, with the branch. */
function neumaier(values: readonly number[]): [sum: number, lost: number] {
  let [sum, lost] = [values[0]!, 0];
  for (const one of values.slice(1)) {
    const next = sum + one;
    lost += Math.abs(sum) >= Math.abs(one) ? sum - next + one : one - next + sum;
    sum = next;
  }
  return [sum, lost];
}

test('a sum and what rounding took from it are bit for bit those of the method that the format names', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(fc.oneof(double, fc.integer(), fc.constantFrom(-0, 1e308, -1e308, 5e-324)), { minLength: 1 }), (values) => {
      const { sum, lost } = summarize(numbersAt(timesFrom(0, values.length), Float64Array.from(values)));
      expect([sum, lost]).toStrictEqual(neumaier(values));
    }),
    { numRuns: 500 },
  );
});

test('a part of a chunk is summed up from blocks as from its readings', () => {
  const value = fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1000);
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 1500, size: 'max' }), fc.nat(), fc.nat(), (values, a, b) => {
      const readings = numbersAt(timesFrom(5, values.length), Float64Array.from(values));
      const [from, last] = [a % values.length, b % values.length].sort((x, y) => x - y) as [number, number];
      for (let time = 0; time < 2; time++) {
        const { sum, lost, ...part } = summarizePart(readings, from, last + 1);
        const { sum: itsSum, lost: itsLost, ...whole } = summarize(readings, from, last + 1);
        expect({ ...part, min: part.min + 0, max: part.max + 0 }).toStrictEqual({ ...whole, min: whole.min + 0, max: whole.max + 0 });
        expect(Math.abs(sum + lost - itsSum - itsLost)).toBeLessThanOrEqual(Math.abs(itsSum) * 1e-15 + 1e-12);
      }
    }),
  );
});

test('buckets begin where whole numbers of any size say', () => {
  const far = fc.maxSafeInteger();
  fc.assert(
    fc.property(far, far, fc.integer({ min: 1, max: 10_000 }), (a, b, points) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b) + 1];
      const exact = (i: number): number => Number(BigInt(from) + (BigInt(i) * (BigInt(to) - BigInt(from))) / BigInt(points));
      const starts = bucketStartsUs(from, to, points);
      for (const i of [0, 1, points >> 1, points - 1]) if (i < points) expect(starts[i]).toBe(exact(i));
    }),
    { numRuns: 300 },
  );
});

const entry = (n: number, kind: ChunkKind, more: Partial<ChunkEntry> = {}): ChunkEntry => ({
  ...{ id: n + 1, kind, bytes: 100, position: n, sealedUs: 0, count: 10, startUs: n * 100, endUs: n * 100 + 90 },
  ...{ min: n, max: n + 1, sum: n * 10 + 0.1, lost: 1e-17, first: n, last: n + 1 },
  ...more,
});

const EIGHT = Array.from({ length: 8 }, (_, n) => entry(n, KIND.number));

test('the sums of a row are those of its entries; a row of texts, or of few entries, has none', () => {
  const entries = [...EIGHT, entry(8, KIND.number, { id: 0, bytes: 0 }), entry(9, KIND.number, { min: -5 })];
  const packed = packSums(entries);
  expect(unpackSums(packed, 0, 990)).toMatchObject({
    ...{ kind: KIND.number, count: 100, startUs: 0, endUs: 990 },
    ...{ min: -5, max: 10, first: 0, last: 10 },
  });
  const { sum, lost } = unpackSums(packed, 0, 990) as { sum: number; lost: number };
  expect(sum + lost).toBeCloseTo(451, 12);
  for (const other of [KIND.string, KIND.boolean, MIXED] as const) expect(packSums([...entries, entry(10, other)])).toHaveLength(0);
  expect(packSums(EIGHT.slice(1))).toHaveLength(0);
  expect(packSums(EIGHT.map((one) => ({ ...one, kind: KIND.string })))).toHaveLength(0);
  const booleans = EIGHT.map((one) => ({ ...one, kind: KIND.boolean, first: 1, last: 0 }));
  expect(unpackSums(packSums(booleans), 0, 790)).toMatchObject({ kind: KIND.boolean, first: 1, last: 0 });
});

test('sums that are damaged, empty or newer are none', () => {
  const packed = packSums(EIGHT);
  for (let i = 0; i < packed.length; i++) expect(unpackSums(packed.with(i, packed[i]! ^ 1), 0, 90)).toBeNull();
  for (let length = 0; length < packed.length; length++) expect(unpackSums(packed.subarray(0, length), 0, 90)).toBeNull();
});

const SECOND_US = 1_000_000;
const LENGTH = 300_000;

/** A chart of series 1 as numbers that can be compared. */
async function chart(store: ReadingStore, from: number, to: number, points: number): Promise<unknown[]> {
  const ask = { series: [1], fromUs: T0 + from * SECOND_US, toUs: T0 + to * SECOND_US, points };
  const { buckets } = await store.read('buckets', ask);
  return buckets.flatMap(({ rows }) => rows.map(([i, n, min, max, avg, first, last]) => [i, n, min, max, avg?.toFixed(9), first, last]));
}

test('charts are the same with the sums of rows, without them, and with damaged ones; late readings change both', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-sums-'));
  const file = path.join(folder, 'fieldgate.db');
  const open = () =>
    openSqliteStore({ file, walCheckpointBytes: 2 ** 22, readers: 1, sealing: { ...EAGER, rows: 1e9, ms: 1e9, roundRows: 1e6 } });
  await using over = new AsyncDisposableStack();
  over.defer(async () => rmSync(folder, { recursive: true }));
  let store = await open();
  over.defer(() => store.close());
  const batchOf = createBatches();
  for (let from = 0; from < LENGTH; from += 50_000) {
    const some = Array.from(
      { length: 50_000 },
      (_, i): Reading => ({ series: 1, timeUs: T0 + (from + i) * SECOND_US, value: Math.round(1e4 * Math.sin((from + i) / 999)) / 100 }),
    );
    await store.append(batchOf(some));
  }
  await store.compact(() => undefined);
  expect(sumsAreTrue(file)).toBeGreaterThan(4);
  const asks = [
    [0, LENGTH, 1],
    [-5, LENGTH + 5, 2],
    [-5, LENGTH + 5, 3],
    [1000, LENGTH - 70_000, 2],
    [0, LENGTH, 1000],
  ] as const;
  const all = async (): Promise<unknown[]> => {
    const charts: unknown[] = [];
    for (const [from, to, points] of asks) charts.push(await chart(store, from, to, points));
    return charts;
  };
  const before = await all();
  expect((before[0] as unknown[][])[0]?.[1]).toBe(LENGTH);
  for (const harm of ['sums = NULL', `sums = x'00112233445566'`]) {
    await store.close();
    const db = new Database(file);
    db.exec(`UPDATE chunk_index SET ${harm}`);
    db.close();
    store = await open();
    expect(await all(), harm).toStrictEqual(before);
  }
  await store.append(batchOf([{ series: 1, timeUs: T0 + 70_000.5 * SECOND_US, value: 1e6 }]));
  await store.compact(() => undefined);
  const [[whole]] = (await all()) as [[unknown[]]];
  expect(whole.slice(1, 4)).toStrictEqual([LENGTH + 1, -100, 1e6]);
});
