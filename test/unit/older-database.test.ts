// Databases that earlier versions wrote: opened at once, copied before, answered as they are, and sealed in the background.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openMigrated } from '../../gateway/storage/migrate.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { sumsAreTrue } from '../support/row-sums.ts';
import { answersAs, createBatches, EAGER, type Reading, SERIES, T0, tailAndBooksAs } from '../support/store-model.ts';
import { until } from '../support/until.ts';

const MIGRATIONS = path.join(import.meta.dirname, '../../migrations/readings');
const FILES = ['0001_log.sql', '0002_quarantine-bounds.sql'];
const FRAMES = 40;
const END_US = T0 + 1e12;

function oldReadings(): Reading[] {
  return Array.from({ length: FRAMES * 100 }, (_, i): Reading => {
    const series = SERIES[i % 3]!;
    const value = series === 2 ? i % 2 === 0 : series === 3 && i % 9 === 0 ? `word ${i}` : i / 8;
    return { series, timeUs: T0 + (i - (i % 7 === 0 ? 500 : 0)) * 1000, value };
  });
}

/** As the first versions wrote it: rows in the log, frames in runs, and books. */
function writeOld(folder: string, schema: number): string {
  const migrations = path.join(folder, 'migrations');
  mkdirSync(migrations);
  for (const name of FILES.slice(0, schema)) copyFileSync(path.join(MIGRATIONS, name), path.join(migrations, name));
  const file = path.join(folder, 'fieldgate.db');
  const db = openMigrated({ file, migrationsDir: migrations });
  const readings = oldReadings();
  db.transaction(() => {
    db.exec(`INSERT INTO meta VALUES ('store', '0123456789abcdef'), ('position', ${readings.length})`);
    for (const id of SERIES) db.prepare(`INSERT INTO series(id, device, metric, unit) VALUES (?, 'pump-1', ?, '')`).run(id, `m${id}`);
    db.prepare(
      `INSERT INTO streams(id, device, stream, created_us, last_used_us, acked, frames_stored, readings) VALUES (1, 'pump-1', 'stream-0001', ?, ?, ?, ?, ?)`,
    ).run(T0, T0, FRAMES, FRAMES, readings.length);
    const log = db.prepare('INSERT INTO log VALUES (?, ?, ?, ?)');
    for (const [i, { series, timeUs, value }] of readings.entries())
      log.run(i + 1, series, timeUs, typeof value === 'boolean' ? BigInt(value) : value);
    for (let f = 0; f < FRAMES; f += 10)
      db.prepare(
        'INSERT INTO frames(stream, first_seq, last_seq, first_position, readings, refused, received_us) VALUES (1, ?, ?, ?, 1000, 0, ?)',
      ).run(f + 1, f + 10, f * 100 + 1, T0);
  })();
  db.close();
  return file;
}

test.each([1, 2])('a database of schema %i is copied, opened at once, and sealed behind its questions', async (schema) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-older-'));
  await using over = new AsyncDisposableStack();
  over.defer(async () => rmSync(folder, { recursive: true }));
  const file = writeOld(folder, schema);
  const open = (sealing = { ...EAGER, roundRows: 2000 }) => openSqliteStore({ file, walCheckpointBytes: 2 ** 20, readers: 1, sealing });

  // before anything is sealed
  const still = await open({ ...EAGER, rows: 1e9, ms: 1e9 });
  over.defer(still.close);
  const list = oldReadings();
  expect(still.unsealed()).toBe(list.length);
  await answersAs(still, list, T0 - 1e6, END_US, 30, 900);
  await tailAndBooksAs(still, list);
  await still.close();

  const copy = `${file}.before-000${schema + 1}`;
  expect(existsSync(copy)).toBe(true);
  const before = new Database(copy, { readonly: true });
  expect(before.prepare('SELECT count(*) FROM log').pluck().get()).toBe(list.length);
  expect(before.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'chunks'`).pluck().get()).toBe(0);
  before.close();

  const store = await open();
  over.defer(store.close);
  const more = Array.from({ length: 200 }, (_, i): Reading => ({ series: 1, timeUs: T0 + i * 9000, value: i }));
  await store.append(createBatches(FRAMES)(more));
  list.push(...more);
  const db = new Database(file, { readonly: true });
  over.defer(async () => void db.close());
  const left = db.prepare('SELECT count(*) FROM log').pluck();
  await until(
    () => store.unsealed() === 0 && left.get() === 0,
    () => `${store.unsealed()} readings are not sealed, ${left.get()} in the log`,
  );
  await answersAs(store, list, T0 - 1e6, END_US, 30, 900);
  await tailAndBooksAs(store, list);
});

/** The same database as schema 3 had it: an index without sums. */
function asSchema3(file: string, folder: string): string {
  const migrations = path.join(folder, 'migrations-3');
  mkdirSync(migrations);
  for (const name of [...FILES, '0003_chunks.sql']) copyFileSync(path.join(MIGRATIONS, name), path.join(migrations, name));
  const old = path.join(folder, 'old.db');
  const db = openMigrated({ file: old, migrationsDir: migrations });
  db.exec(`ATTACH '${file}' AS newer`);
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != 'migrations'`);
  for (const table of tables.pluck().all() as string[]) {
    const columns = (db.pragma(`main.table_info(${table})`) as { name: string }[]).map(({ name }) => name).join(', ');
    db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM newer.${table}`);
  }
  db.close();
  return old;
}

test('a database whose index has no sums answers at once, and gets them while nothing else is to be done', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-older-'));
  await using over = new AsyncDisposableStack();
  over.defer(async () => rmSync(folder, { recursive: true }));
  const fresh = path.join(folder, 'new.db');
  const still = { ...EAGER, rows: 1e9, ms: 1e9 };
  const open = (file: string) => openSqliteStore({ file, walCheckpointBytes: 2 ** 20, readers: 1, sealing: still });
  const list = oldReadings();
  const now = await open(fresh);
  over.defer(now.close);
  const batchOf = createBatches();
  for (let at = 0; at < list.length; at += 100) await now.append(batchOf(list.slice(at, at + 100)));
  await now.compact(() => undefined);
  await now.close();

  const file = asSchema3(fresh, folder);
  const store = await open(file);
  over.defer(store.close);
  await answersAs(store, list, T0 - 1e6, END_US, 30, 900);
  expect(existsSync(`${file}.before-0004`)).toBe(true);
  const db = new Database(file, { readonly: true });
  over.defer(async () => void db.close());
  const unsummed = db.prepare(`SELECT count(*) FROM meta WHERE key = 'unsummed'`).pluck();
  await until(
    () => unsummed.get() === 0,
    () => 'the rows of the index have no sums',
  );
  expect(sumsAreTrue(file)).toBe(3);
  await answersAs(store, list, T0 - 1e6, END_US, 1, 900);
  await tailAndBooksAs(store, list);
});
