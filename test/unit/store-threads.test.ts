// The threads of the SQLite store: readers that die, a look through the database that takes its time, and a writer that was replaced.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import { openSqliteStore, type SqliteStoreOptions, type StoreChecked } from '../../gateway/storage/sqlite-store.ts';
import type { Batch } from '../../gateway/storage/store.ts';

const PATIENCE = { timeout: 20_000, interval: 100 };
const WIDE = { quarantineDeviceBytes: 1e9, quarantineBytes: 1e9, eventDays: 90, eventRows: 1e6 };

/** Sees every thread that is spoken to, and can keep what is said from arriving. */
const { postMessage } = Worker.prototype;
afterEach(() => {
  Worker.prototype.postMessage = postMessage;
});
function watchThreads() {
  const alive = new Set<Worker>();
  const held: (() => void)[] = [];
  const watch = { alive, holds: '', release: () => held.splice(0).forEach((say) => say()), held };
  Worker.prototype.postMessage = function (this: Worker, message: { op: string }) {
    if (message.op === 'open') {
      alive.add(this);
      this.on('exit', () => alive.delete(this));
    }
    const say = (): void => postMessage.call(this, message);
    if (message.op === watch.holds) held.push(say);
    else say();
  };
  return watch;
}

async function openStore(options: Partial<SqliteStoreOptions> = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-threads-'));
  const checks: StoreChecked[] = [];
  const open = (more: Partial<SqliteStoreOptions> = {}) =>
    openSqliteStore({
      file: path.join(folder, 'fieldgate.db'),
      walCheckpointBytes: 2 ** 22,
      onChecked: (checked) => void checks.push(checked),
      ...options,
      ...more,
    });
  let store = await open();
  return {
    checks,
    get store() {
      return store;
    },
    async restart(more: Partial<SqliteStoreOptions>) {
      await store.close();
      store = await open(more);
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
/** The same number twice: the database refuses it. */
const refused = (): Batch =>
  batchOf((batcher) => {
    for (const stream of ['stream-00001', 'stream-00002']) batcher.addStream({ id: 9, device: 'pump-1', stream, createdAtUs: 1 });
  });
const size = { device: '', limit: 1 };

test('readers that died are replaced one for one, however many ask at once', async () => {
  const threads = watchThreads();
  await using house = await openStore({ readers: 2 });
  const { store } = house;
  const [, ...readers] = threads.alive;
  expect(readers).toHaveLength(2);
  for (const reader of readers) await reader.terminate();
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => store.read('events', size)));
  expect(answers.filter(({ status }) => status === 'rejected')).toStrictEqual([]);
  await expect.poll(() => threads.alive.size).toBe(3);
  await store.close();
  expect(threads.alive.size).toBe(0);
});

test('a store that is closed while a reader is replaced leaves no thread behind', async () => {
  const threads = watchThreads();
  await using house = await openStore({ readers: 1 });
  const { store } = house;
  const [, reader] = threads.alive;
  await reader?.terminate();
  threads.holds = 'open';
  const question = store.read('events', size).then(
    () => 'answered',
    (error: Error) => error.message,
  );
  await expect.poll(() => threads.held.length).toBe(1);
  const closed = store.close();
  threads.release();
  await closed;
  expect(await question).toBe('the store is closed');
  await expect.poll(() => threads.alive.size).toBe(0);
});

test('who asks for a look through the database while one runs waits for the same one', async () => {
  const threads = watchThreads();
  await using house = await openStore();
  const { store, checks } = house;
  threads.holds = 'check';
  // this one waits as long as a look may hold up storing, and goes on
  await expect(store.append(refused())).rejects.toThrow(/UNIQUE/);
  await store.catalogue();
  await expect(store.append(refused())).rejects.toThrow(/UNIQUE/);
  const second = store.catalogue().then(() => 'opened anew');
  expect(await Promise.race([second, wait(1_500, 'still looking')])).toBe('still looking');
  expect(threads.held).toHaveLength(1);
  threads.release();
  expect(await second).toBe('opened anew');
  expect(checks).toMatchObject([{ outcome: 'sound' }]);
});

test('a writer whose append failed keeps house no more beside the one that takes over', async () => {
  const threads = watchThreads();
  await using house = await openStore({ bounds: WIDE });
  const rows = 3_000;
  const own = { id: 1, device: 'd', stream: 's', createdAtUs: 1, acked: 0, bodyHash: '', retired: false, lastUsedAtUs: 1 };
  await house.store.append(
    batchOf((batcher) => {
      const stream = { ...own, markSerial: 0, markIndex: 0 };
      batcher.addStream(stream);
      batcher.beginFrame();
      const row = { device: 'd', stream: 1, seq: 1, code: 'no-value', message: 'm', raw: 'x', base: '', encoding: 'utf8' } as const;
      for (let index = 0; index < rows; index++) batcher.addQuarantine({ ...row, index, receivedAtUs: 1 });
      batcher.endFrame(stream, 1, rows, 1);
    }),
  );
  const kept = 100;
  await house.restart({ bounds: { ...WIDE, quarantineDeviceBytes: kept * 129 } });
  const { store } = house;
  threads.holds = 'check';
  await expect(store.append(refused())).rejects.toThrow(/UNIQUE/);
  await expect(store.append(refused())).rejects.toThrow();
  const opened = store.catalogue();
  await expect.poll(() => threads.held.length, PATIENCE).toBe(1);
  await opened;
  threads.release();
  const left = async () => (await store.read('quarantine', { device: 'd', code: '', limit: 10_000 })).items.length;
  await expect.poll(left, PATIENCE).toBe(kept);
  for (const verify of [false, true]) {
    const { items } = await store.read('accounting', { device: 'd', verify });
    expect(items).toMatchObject([{ refused: rows, evicted: rows - kept, unexplained: 0 }]);
  }
});
