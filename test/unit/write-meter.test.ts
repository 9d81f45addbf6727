// What is written to the disk, counted by pages: held against the write-ahead log's own file.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createWriteMeter } from '../../gateway/storage/write-meter.ts';
import { readProcessBytes, wearOf } from '../../gateway/storage/write-wear.ts';

const WAL_HEAD_BYTES = 32;
const FRAME_BYTES = 8192 + 24;

function openFile() {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-meter-'));
  const file = path.join(folder, 'some.db');
  const db = new Database(file);
  db.pragma('page_size = 8192');
  db.pragma('journal_mode = WAL');
  db.pragma('wal_autocheckpoint = 0');
  db.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, content BLOB)');
  db.pragma('wal_checkpoint(TRUNCATE)');
  return {
    db,
    put: (bytes: number): void => void db.prepare('INSERT INTO things(content) VALUES (randomblob(?))').run(bytes),
    walBytes: () => statSync(`${file}-wal`).size - WAL_HEAD_BYTES,
    [Symbol.dispose]() {
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

test('what goes into the write-ahead log is counted as it is on disk, over its new beginnings, too', () => {
  using at = openFile();
  const meter = createWriteMeter(at.db);
  expect(meter.written).toStrictEqual({ logBytes: 0, databaseBytes: 0 });
  for (let i = 0; i < 20; i++) at.put(20_000);
  expect(meter.look()).toBe((at.walBytes() / FRAME_BYTES) * 8192);
  const first = at.walBytes();
  expect(meter.written).toStrictEqual({ logBytes: first, databaseBytes: 0 });

  meter.checkpoint('PASSIVE');
  const pages = first / FRAME_BYTES;
  expect(meter.written).toStrictEqual({ logBytes: first, databaseBytes: pages * 8192 });
  // the log's file stays as long as it was and is written from its beginning
  at.put(20_000);
  meter.look();
  const second = meter.written.logBytes - first;
  expect(second).toBeGreaterThanOrEqual(3 * FRAME_BYTES);
  expect(second).toBeLessThan(first / 2);

  meter.checkpoint('TRUNCATE');
  expect(meter.written).toStrictEqual({ logBytes: first + second, databaseBytes: (pages + second / FRAME_BYTES) * 8192 });
  for (let i = 0; i < 3; i++) at.put(100);
  meter.look();
  expect(meter.written.logBytes).toBe(first + second + at.walBytes());
});

test('a reader that holds the log back is no reason to count it twice', () => {
  using at = openFile();
  const meter = createWriteMeter(at.db);
  const reader = new Database(at.db.name, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM things').get();
  at.put(50_000);
  meter.checkpoint('PASSIVE');
  expect(meter.written.databaseBytes).toBe(0);
  reader.exec('COMMIT');
  reader.close();
  meter.checkpoint('PASSIVE');
  meter.checkpoint('PASSIVE');
  expect(meter.written.databaseBytes).toBe((at.walBytes() / FRAME_BYTES) * 8192);
});

test('a day is told by the larger count, once the start is over', () => {
  const written = { logBytes: 3_000_000, databaseBytes: 1_000_000 };
  expect(wearOf(written, 59_999, 0).bytesPerDay).toBeNull();
  expect(wearOf(written, 86_400_000, 9_000_000)).toStrictEqual({ ...written, processBytes: 9_000_000, bytesPerDay: 9_000_000 });
  expect(wearOf(written, 43_200_000, null)).toStrictEqual({ ...written, processBytes: null, bytesPerDay: 8_000_000 });
  if (process.platform === 'linux') expect(readProcessBytes()).toBeGreaterThanOrEqual(0);
});
