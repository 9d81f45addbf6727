// The log sealed into chunks, against a list of everything that was ever appended: whatever is asked, and however far sealing is, the
// answers are those of the list. Over 150 lines because the list and its questions are one model.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import type { StreamEntry } from '../../gateway/ingest/streams.ts';
import type { Value } from '../../gateway/protocol/messages.ts';
import { createBucketer } from '../../gateway/storage/bucketer.ts';
import type { SealBounds } from '../../gateway/storage/sealing.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { KIND, type RangePlace, type ReadingStore } from '../../gateway/storage/store.ts';
import { until } from '../support/until.ts';

interface Reading {
  readonly series: number;
  readonly timeUs: number;
  readonly value: Value;
}

const T0 = 1_700_000_000_000_000;
const SERIES = [1, 2, 3];
/** Sealed as soon as there is anything, in rounds of a few hundred, and nothing is kept for replay. */
const EAGER: SealBounds = { rows: 1, ms: 0, roundRows: 400, replayRows: 0, replayMs: 0 };

async function folder(): Promise<AsyncDisposable & { readonly file: string }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'fieldgate-sealing-'));
  return { file: path.join(dir, 'fieldgate.db'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
const openStore = (file: string, sealing: SealBounds = EAGER): Promise<ReadingStore> =>
  openSqliteStore({ file, walCheckpointBytes: 2 ** 20, readers: 1, sealing });

function createWriter(store: () => ReadingStore) {
  const stream: StreamEntry = {
    id: 1,
    device: 'pump-1',
    stream: 'stream-0001',
    createdAtUs: T0,
    acked: 0,
    bodyHash: '',
    retired: false,
    lastUsedAtUs: T0,
    markSerial: 0,
    markIndex: 0,
  };
  const batcher = new Batcher(() => undefined);
  let isFirst = true;
  return async (readings: readonly Reading[]): Promise<number> => {
    if (isFirst) {
      for (const id of SERIES) batcher.addSeries({ id, device: 'pump-1', metric: `m${id}`, unit: '' });
      batcher.addStream(stream);
    }
    isFirst = false;
    batcher.beginFrame();
    for (const { series, timeUs, value } of readings) {
      if (typeof value === 'number') batcher.add(series, timeUs, KIND.number, value);
      else if (typeof value === 'boolean') batcher.add(series, timeUs, KIND.boolean, value ? 1 : 0);
      else batcher.add(series, timeUs, KIND.string, batcher.addString(value));
    }
    batcher.endFrame(stream, ++stream.acked, 0, T0);
    return store().append(batcher.seal().batch);
  };
}

/** Everything is in chunks and the log is empty. */
async function allSealed(file: string, position: number): Promise<void> {
  const db = new Database(file, { readonly: true });
  const left = db.prepare('SELECT count(*) FROM log').pluck();
  const mark = db.prepare(`SELECT content FROM meta WHERE key = 'sealed'`).pluck();
  await until(
    () => Number(mark.get() ?? 0) === position && left.get() === 0,
    () => `sealed to ${mark.get()} of ${position}, ${left.get()} left in the log`,
  );
  db.close();
}

async function pages(store: ReadingStore, series: readonly number[], fromUs: number, toUs: number, limit: number, upTo?: number) {
  const found: Reading[] = [];
  let after: RangePlace | undefined;
  for (;;) {
    const held = upTo === undefined ? {} : { upTo };
    const page = await store.read('range', { series, fromUs, toUs, limit, ...held, ...(after && { after }) });
    for (const [i, id] of page.seriesId.entries())
      found.push({ series: id, timeUs: page.timeUs[i] as number, value: page.value[i] as Value });
    if (page.next === null) return found;
    expect(page.seriesId).toHaveLength(limit);
    after = page.next;
  }
}
const inOrder = (list: readonly Reading[]): Reading[] => list.toSorted((a, b) => a.timeUs - b.timeUs || a.series - b.series);

async function answersAs(store: ReadingStore, list: readonly Reading[], fromUs: number, toUs: number, points: number, limit: number) {
  for (const series of [[1], [3, 1], SERIES]) {
    const wanted = list.filter((one) => series.includes(one.series) && one.timeUs >= fromUs && one.timeUs < toUs);
    expect(await pages(store, series, fromUs, toUs, limit)).toStrictEqual(inOrder(wanted));
    if (toUs === fromUs) continue;
    const model = createBucketer(fromUs, toUs, points);
    for (const { series: id, timeUs, value } of wanted) model.add(id, timeUs, value);
    const { buckets } = await store.read('buckets', { series, fromUs, toUs, points });
    const byId = (rows: typeof buckets) => rows.filter((one) => one.rows.length > 0).toSorted((a, b) => a.seriesId - b.seriesId);
    const [found, expected] = [byId(buckets), byId(model.finish())];
    // sums are added up in another order: the mean may differ in its last bits
    const parts = (rows: typeof buckets) =>
      rows.map(({ seriesId, rows: own }) => ({
        seriesId,
        own: own.map(([i, n, min, max, , first, last]) => [i, n, min, max, first, last]),
      }));
    expect(parts(found)).toStrictEqual(parts(expected));
    for (const [s, { rows }] of expected.entries())
      for (const [b, row] of rows.entries()) {
        const mean = found[s]?.rows[b]?.[4] ?? null;
        if (row[4] === null || mean === null) expect(mean).toBe(row[4]);
        else expect(Math.abs(mean - row[4])).toBeLessThanOrEqual(Math.abs(row[4]) * 1e-12 + 1e-12);
      }
  }
}

const time = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10_000_000 })).map((us) => T0 + us);
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1000, max: 1000 }).map((n) => n / 100) },
  { weight: 1, arbitrary: fc.constantFrom<Value>(-0, 1e308, 5e-324, 1 / 3) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constantFrom('', 'idle', 'ünï🌡') },
);
const reading = fc.record({ series: fc.constantFrom(...SERIES), timeUs: time, value }, { noNullPrototype: true });
const batches = fc.array(fc.array(reading, { minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 });

test('whatever was appended in whatever order is answered as if it had never been sealed', async () => {
  await fc.assert(
    fc.asyncProperty(
      batches,
      time,
      time,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 50 }),
      async (all, a, b, points, limit) => {
        await using place = await folder();
        let store = await openStore(place.file);
        const append = createWriter(() => store);
        const list: Reading[] = [];
        let position = 0;
        for (const batch of all) {
          position = await append(batch);
          list.push(...batch);
          // sealing is somewhere, nobody knows where
          await answersAs(store, list, Math.min(a, b), Math.max(a, b), points, limit);
        }
        await store.close();
        store = await openStore(place.file);
        await allSealed(place.file, position);
        await answersAs(store, list, Math.min(a, b), Math.max(a, b), points, limit);
        await answersAs(store, list, T0, T0 + 10_000_001, points, 1000);
        const { items } = await store.read('accounting', { device: '', verify: true });
        expect(items).toMatchObject([{ readings: list.length, unexplained: 0 }]);
        await store.close();
      },
    ),
    { numRuns: 12 },
  );
}, 240_000);
