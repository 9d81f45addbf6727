// How much work a chart is, counted: of a history many times as long only a little more.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createBucketer } from '../../gateway/storage/bucketer.ts';
import { type ChunkEntry, packEntries, ROW_ENTRIES } from '../../gateway/storage/chunk-entries.ts';
import { openChunkSource } from '../../gateway/storage/chunk-source.ts';
import { openMigrated } from '../../gateway/storage/migrate.ts';
import { packSums } from '../../gateway/storage/row-sums.ts';
import { addSealed } from '../../gateway/storage/sealed-buckets.ts';
import { KIND } from '../../gateway/storage/store.ts';
import { countSteps } from '../support/step-counter.ts';

const CHUNK_US = 1024e6;
const POINTS = 100;
const HISTORIES = [301, 3001];

test('a chart of a history ten times as long takes not twice the steps', { timeout: 60_000 }, () => {
  using steps = countSteps(/gateway\/storage\//);
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-chart-'));
  const db = openMigrated({
    file: path.join(folder, 'fieldgate.db'),
    migrationsDir: fileURLToPath(new URL('../../migrations/readings', import.meta.url)),
  });
  try {
    const add = db.prepare('INSERT INTO chunk_index VALUES (?, ?, 0, ?, ?, ?, ?, ?)');
    let edition = 0;
    db.transaction(() => {
      for (const [s, rows] of HISTORIES.entries())
        for (let r = 0; r < rows; r++) {
          // sums alone: what was decoded would be counted too, and is the same for both
          const entries = Array.from({ length: ROW_ENTRIES }, (_, e): ChunkEntry => {
            const startUs = (r * ROW_ENTRIES + e) * CHUNK_US;
            const facts = {
              id: 0,
              kind: KIND.number,
              bytes: 0,
              position: 1,
              sealedUs: 0,
              count: 1024,
              startUs,
              endUs: startUs + CHUNK_US - 1,
            };
            return { ...facts, min: r, max: r + e, sum: 1024 * r, lost: 0, first: r, last: r };
          });
          const { startUs } = entries[0]!;
          const { endUs } = entries.at(-1)!;
          add.run(s + 1, startUs, endUs, 0, ++edition, packSums(entries), packEntries(entries));
        }
    })();
    const chart = (series: number, rows: number): number => {
      const source = openChunkSource(db);
      // every border lies in the middle of a row
      const fromUs = (ROW_ENTRIES / 2) * CHUNK_US;
      const toUs = fromUs + (rows - 1) * ROW_ENTRIES * CHUNK_US;
      const bucketer = createBucketer(fromUs, toUs, POINTS);
      addSealed(source, bucketer, series, fromUs, toUs);
      return bucketer.finish()[0]!.rows.reduce((sum, row) => sum + row[1], 0);
    };
    let counts: number[] = [];
    const taken = HISTORIES.map((rows, s) =>
      steps.count(() => {
        counts = [...counts, chart(s + 1, rows)];
      }),
    );
    expect(counts).toStrictEqual(HISTORIES.map((rows) => (rows - 1) * ROW_ENTRIES * 1024));
    console.log(`${taken.join(' and ')} steps for ${HISTORIES.join(' and ')} rows`);
    expect(taken[1]! / taken[0]!).toBeLessThan(2);
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
});
