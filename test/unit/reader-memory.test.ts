// What a reader keeps of what it has decoded: used again at once, let go when nobody asks any more.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { memoryBudget } from '../../gateway/memory-budget.ts';
import { openChunkSource } from '../../gateway/storage/chunk-source.ts';
import { KEPT_BYTES } from '../../gateway/storage/reader-memory.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { createBatches, EAGER, type Reading, T0 } from '../support/store-model.ts';

const END_US = T0 + 1e9;

test('chunks that were decoded are kept while they are asked for, within a bound, and let go some seconds after', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-kept-'));
  await using over = new AsyncDisposableStack();
  over.defer(async () => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'fieldgate.db');
  const store = await openSqliteStore({ file, walCheckpointBytes: 2 ** 20, readers: 1, sealing: { ...EAGER, rows: 1e9, ms: 1e9 } });
  over.defer(store.close);
  const batchOf = createBatches();
  await store.append(batchOf(Array.from({ length: 9000 }, (_, i): Reading => ({ series: 1, timeUs: T0 + i * 1000, value: i }))));
  await store.compact(() => undefined);
  const db = new Database(file, { readonly: true });
  over.defer(async () => void db.close());
  const source = openChunkSource(db, { keptReadings: 3000 });
  expect(source.forgetUnused(performance.now())).toBe(false);
  const entries = source.entriesBetween(1, T0, END_US);
  expect(entries.length).toBeGreaterThan(5);
  const [first, second, ...others] = entries as [(typeof entries)[0], (typeof entries)[0], ...typeof entries];
  const decoded = source.readings(first);
  expect(source.readings(first)).toBe(decoded);
  const kept = source.readings(second);
  // beyond the bound what was not used for the longest time goes
  for (const other of others) {
    source.readings(other);
    expect(source.readings(second)).toBe(kept);
  }
  expect(source.readings(first)).not.toBe(decoded);
  expect(source.forgetUnused(performance.now() + 14_000)).toBe(false);
  expect(source.readings(second)).toBe(kept);
  expect(source.forgetUnused(performance.now() + 16_000)).toBe(true);
  expect(source.forgetUnused(performance.now() + 16_000)).toBe(false);
  expect(source.readings(second)).not.toBe(kept);
  expect(source.readings(second)).toStrictEqual(kept);
});

test('what all readers keep together is within the share of the budget that caches have', () => {
  expect(KEPT_BYTES).toBeLessThan(memoryBudget(DEFAULTS.limits).caches);
});
