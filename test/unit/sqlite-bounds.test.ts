// What the SQLite store gives up for room and age, and an older database that learns to.

import Database from 'better-sqlite3';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import { openEventBook } from '../../gateway/storage/event-book.ts';
import { openMigrated } from '../../gateway/storage/migrate.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { Batch, ReadingStore } from '../../gateway/storage/store.ts';

const PATIENCE = { timeout: 20_000, interval: 100 };
const MIGRATIONS = fileURLToPath(new URL('../../migrations/readings', import.meta.url));
const DAY_US = 86_400_000_000;
const WIDE = { quarantineDeviceBytes: 1e9, quarantineBytes: 1e9, eventDays: 90, eventRows: 1e6 };

async function openFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-bounds-'));
  return {
    folder,
    file: path.join(folder, 'fieldgate.db'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
function batchOf(fill: (batcher: Batcher) => void): Batch {
  const batcher = new Batcher(() => undefined);
  fill(batcher);
  return batcher.seal().batch;
}
const eventsOf = async (store: ReadingStore): Promise<string[]> =>
  (await store.read('events', { device: '', limit: 10_000 })).items.map((event) => event.reason);
const event = (reason: string, atUs: number) => ({ atUs, device: '', type: 'act', reason, detail: '' }) as const;

test('events beyond their number go, the oldest first, and how many is told', async () => {
  await using at = await openFolder();
  const dropped = { quarantine: 0, events: 0 };
  const store = await openSqliteStore({
    file: at.file,
    walCheckpointBytes: 2 ** 22,
    readers: 1,
    bounds: { ...WIDE, eventRows: 5 },
    onDropped: (rows) => {
      dropped.quarantine += rows.quarantine;
      dropped.events += rows.events;
    },
  });
  const nowUs = Date.now() * 1000;
  await store.append(batchOf((b) => Array.from({ length: 1200 }, (_, n) => b.addEvent(event(`e${n}`, nowUs)))));
  await expect.poll(() => eventsOf(store), PATIENCE).toEqual(['e1199', 'e1198', 'e1197', 'e1196', 'e1195']);
  await store.append(batchOf((b) => b.addEvent(event('last', nowUs))));
  expect(dropped).toEqual({ quarantine: 0, events: 1195 });
  await store.close();
});

test('events beyond their age go, but not because the clock stands in the future for some minutes', async () => {
  await using at = await openFolder();
  const db = openMigrated({ file: at.file, migrationsDir: MIGRATIONS });
  let steadyMs = 0;
  const book = openEventBook(db, WIDE, () => steadyMs);
  const nowMs = 1_800_000_000_000;
  book.write([100, 91, 89, 0].map((days) => event(`${days}`, nowMs * 1000 - days * DAY_US)));
  const kept = () => db.prepare('SELECT reason FROM events ORDER BY id').pluck().all();
  const minute = (clockMs: number): void => {
    if (book.isOver(clockMs)) book.dropSome(clockMs);
    steadyMs += 60_000;
  };
  const tenYearsMs = 10 * 365 * 86_400_000;
  for (let i = 0; i < 50; i++) minute(nowMs + tenYearsMs);
  expect(kept()).toEqual(['100', '91', '89', '0']);
  for (let i = 0; i < 20; i++) minute(nowMs);
  expect(kept()).toEqual(['89', '0']);
  for (let i = 0; i < 50; i++) minute(nowMs + tenYearsMs);
  for (let i = 0; i < 50; i++) minute(nowMs);
  expect(kept()).toEqual(['89', '0']);
  db.close();
});

test('quarantine of the first version is brought within bounds in steps, and its books add up', async () => {
  await using at = await openFolder();
  const first = path.join(at.folder, 'first');
  await mkdir(first);
  await copyFile(new URL('../../migrations/readings/0001_log.sql', import.meta.url), path.join(first, '0001_log.sql'));
  const old = openMigrated({ file: at.file, migrationsDir: first });
  old.exec(`INSERT INTO streams(id, device, stream, created_us, last_used_us, acked, frames_quarantined, refused) VALUES (1, 'd', 's', 0, 0, 1, 1, 3000);
    INSERT INTO frames(stream, first_seq, last_seq, first_position, readings, refused, received_us, counts) VALUES (1, 1, 1, 1, 0, 3000, 0, x'00');
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
    INSERT INTO quarantine(device, stream, seq, record, code, message, raw, received_us) SELECT 'd', 1, 1, i, 'no-value', 'm', '{"n":"ü"}', 0 FROM n`);
  old.close();
  const rowBytes = 128 + 10;
  const store = await openSqliteStore({
    file: at.file,
    walCheckpointBytes: 2 ** 22,
    readers: 1,
    bounds: { ...WIDE, quarantineDeviceBytes: rowBytes * 100 },
  });
  const read = () => store.read('quarantine', { device: 'd', code: '', limit: 10_000 });
  await expect.poll(async () => (await read()).items.length, PATIENCE).toBe(100);
  expect((await read()).items.at(-1)).toMatchObject({ index: 2900, encoding: 'utf8', base: '' });
  for (const verify of [false, true]) {
    const { items } = await store.read('accounting', { device: '', verify });
    expect(items).toMatchObject([{ refused: 3000, evicted: 2900, unexplained: 0 }]);
  }
  await store.close();
});

test('lists of quarantine and events by device, and a recount of quarantine, use an index', async () => {
  await using at = await openFolder();
  const store = await openSqliteStore({ file: at.file, walCheckpointBytes: 2 ** 22, readers: 1 });
  await store.close();
  const db = new Database(at.file, { readonly: true });
  const plan = (sql: string): string =>
    (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map((step) => step.detail).join('; ');
  expect(plan(`SELECT * FROM quarantine WHERE device = 'd' AND id < 9 ORDER BY id DESC LIMIT 5`)).toBe(
    'SEARCH quarantine USING INDEX quarantine_of_device (device=? AND id<?)',
  );
  expect(plan(`SELECT * FROM quarantine WHERE code = 'c' AND id < 9 ORDER BY id DESC LIMIT 5`)).toContain('USING INDEX quarantine_of_code');
  expect(plan(`SELECT * FROM events WHERE device = 'd' AND id < 9 ORDER BY id DESC LIMIT 5`)).toContain('USING INDEX events_of_device');
  expect(plan('SELECT stream, count(*) FROM quarantine INDEXED BY quarantine_of_device WHERE seq > 0 GROUP BY stream')).toContain(
    'COVERING INDEX',
  );
  db.close();
});
