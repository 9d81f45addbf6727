// The log sealed into chunks, against a list of everything that was ever appended: whatever is asked, and however far sealing is, the
// answers are those of the list (store-model.ts).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value } from '../../gateway/protocol/messages.ts';
import type { SealBounds } from '../../gateway/storage/sealing.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';
import { answersAs, createBatches, EAGER, type Reading, SERIES, T0 } from '../support/store-model.ts';
import { until } from '../support/until.ts';

async function folder(): Promise<AsyncDisposable & { readonly file: string }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'fieldgate-sealing-'));
  return { file: path.join(dir, 'fieldgate.db'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
const openStore = (file: string, sealing: SealBounds = EAGER): Promise<ReadingStore> =>
  openSqliteStore({ file, walCheckpointBytes: 2 ** 20, readers: 1, sealing });

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
        const batchOf = createBatches();
        const list: Reading[] = [];
        let position = 0;
        for (const batch of all) {
          position = await store.append(batchOf(batch));
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
