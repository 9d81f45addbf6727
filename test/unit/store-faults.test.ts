// A SQLite store after an append that failed: opened anew, looked through, and never written again when it is damaged.

import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import { diskFaultOf } from '../../gateway/storage/disk-fault.ts';
import { openSqliteStore, type StoreChecked } from '../../gateway/storage/sqlite-store.ts';
import type { Batch } from '../../gateway/storage/store.ts';

const PAGE_BYTES = 8192;

async function openStore() {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-faults-'));
  const file = path.join(folder, 'fieldgate.db');
  const checks: StoreChecked[] = [];
  const open = () => openSqliteStore({ file, walCheckpointBytes: 2 ** 22, readers: 1, onChecked: (checked) => void checks.push(checked) });
  let store = await open();
  return {
    file,
    checks,
    get store() {
      return store;
    },
    async restart() {
      await store.close();
      store = await open();
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function batchOf(fill: (batcher: Batcher) => void): Batch {
  const batcher = new Batcher(() => undefined);
  fill(batcher);
  return batcher.seal().batch;
}
const event = (type: string): Batch =>
  batchOf((batcher) => batcher.addEvent({ atUs: Date.now() * 1000, device: '', type: type as never, reason: 'x', detail: '' }));
/** The same number twice: the database refuses it. */
const refused = (): Batch =>
  batchOf((batcher) => {
    for (const stream of ['stream-00001', 'stream-00002']) batcher.addStream({ id: 1, device: 'pump-1', stream, createdAtUs: 1 });
  });

test('after a failed append the catalogue opens the database anew and looks through it, and storing goes on', async () => {
  await using house = await openStore();
  const { store, checks } = house;
  await store.append(event('before'));
  await expect(store.append(refused())).rejects.toThrow(/UNIQUE/);
  const { streams } = await store.catalogue();
  expect(streams).toStrictEqual([]);
  expect(checks).toMatchObject([{ outcome: 'sound', detail: '' }]);
  await store.append(event('after'));
  const { items } = await store.read('events', { device: '', limit: 10 });
  expect(items.map(({ type }) => type)).toStrictEqual(['after', 'before']);
});

test('a database that turns out to be damaged is never written again, and is still read', async () => {
  await using house = await openStore();
  await house.store.append(
    batchOf((batcher) => {
      for (let i = 0; i < 2000; i++)
        batcher.addEvent({ atUs: i, device: '', type: `needle-${i}-` as never, reason: 'x'.repeat(50), detail: '' });
    }),
  );
  await house.restart();
  const { store, file, checks } = house;
  await store.append(event('before'));
  const page = Math.floor(readFileSync(file).indexOf('needle-1000-') / PAGE_BYTES);
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(200, 0xff), 0, 200, page * PAGE_BYTES);
  closeSync(handle);

  await expect(store.append(refused())).rejects.toThrow(/UNIQUE/);
  for (let i = 0; i < 2; i++) await expect(store.catalogue()).rejects.toMatchObject({ fault: 'damaged' });
  expect(checks).toMatchObject([{ outcome: 'damaged' }]);
  await expect(store.append(event('after'))).rejects.toMatchObject({ fault: 'damaged' });
  const { items } = await store.read('events', { device: '', limit: 1 });
  expect(items.map(({ type }) => type)).toStrictEqual(['before']);
  expect((await store.catalogue('pump-1')).series).toStrictEqual([]);
});

test('errors of the disk are told from others by their code', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['SQLITE_FULL', 'full'],
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['SQLITE_READONLY_DBMOVED', 'read-only'],
    ['EROFS', 'read-only'],
    ['SQLITE_IOERR_FSYNC', 'failing'],
    ['SQLITE_CANTOPEN', 'failing'],
    ['EIO', 'failing'],
    ['SQLITE_CORRUPT_VTAB', 'damaged'],
    ['SQLITE_NOTADB', 'damaged'],
    ['SQLITE_CONSTRAINT_UNIQUE', null],
    ['', null],
  ];
  expect(cases.map(([code]) => [code, diskFaultOf(code)])).toStrictEqual(cases.map((row) => [...row]));
});
