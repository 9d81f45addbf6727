// A chart of more series than one read transaction takes is still of one moment: what is sealed between two of them is left out again.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createBucketer } from '../../gateway/storage/bucketer.ts';
import { openChunkSource } from '../../gateway/storage/chunk-source.ts';
import { openHotLog } from '../../gateway/storage/hot-log.ts';
import { addSeries } from '../../gateway/storage/sealed-buckets.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { createBatches, EAGER, type Reading, SERIES, T0 } from '../support/store-model.ts';
import { until } from '../support/until.ts';

const POINTS = 13;
const SPAN_US = 2_000_000;

test('a chart of an earlier moment is what was stored then, however much has been sealed since', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-moment-'));
  await using over = new AsyncDisposableStack();
  over.defer(async () => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'fieldgate.db');
  const store = await openSqliteStore({
    file,
    walCheckpointBytes: 2 ** 20,
    readers: 1,
    sealing: { ...EAGER, roundRows: 1500, replayRows: 1e6 },
  });
  over.defer(store.close);
  const batchOf = createBatches();
  const list: Reading[] = [];
  for (let b = 0; b < 12; b++) {
    // the same times again and again, some of them late, and of two kinds
    const some = Array.from({ length: 300 }, (_, i): Reading => {
      const series = SERIES[i % 3]!;
      return { series, timeUs: T0 + ((i * 7919 + b * 13) % 2000) * 1000, value: series === 2 ? i % 2 === 0 : (i + b) / 4 };
    });
    list.push(...some);
    await store.append(batchOf(some));
  }
  await until(
    () => store.unsealed() === 0,
    () => `${store.unsealed()} readings are not sealed`,
  );
  const db = new Database(file, { readonly: true });
  over.defer(async () => void db.close());
  const [source, hot] = [openChunkSource(db), openHotLog(db)];
  for (const upTo of [0, 1, 250, 300, 1499, 1500, 2222, 3599, 3600]) {
    const bucketer = createBucketer(T0, T0 + SPAN_US, POINTS);
    addSeries({ source, hot, bucketer, series: SERIES, fromUs: T0, toUs: T0 + SPAN_US, upTo });
    const model = createBucketer(T0, T0 + SPAN_US, POINTS);
    for (const { series, timeUs, value } of list.slice(0, upTo)) model.add(series, timeUs, value);
    const own = (of: typeof model): unknown[] =>
      of
        .finish()
        .filter(({ rows }) => rows.length > 0)
        .sort((a, b) => a.seriesId - b.seriesId);
    expect(own(bucketer), `up to ${upTo}`).toStrictEqual(own(model));
  }
});
