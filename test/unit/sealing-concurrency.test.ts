// Sealing beside everything else: a query that goes page by page while its readings move, replay while the log is trimmed, the books counted
// again meanwhile, appends while chunks are cut anew, and a store that is closed, or whose sealer dies, in the middle of a round.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { openSqliteStore, type SqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { RangePlace, ReadingStore } from '../../gateway/storage/store.ts';
import { answersAs, createBatches, EAGER, inOrder, pages, type Reading, SERIES, T0, tailAndBooksAs } from '../support/store-model.ts';
import { until } from '../support/until.ts';

const KEEPING = { ...EAGER, roundRows: 1e6, replayRows: 1e6 };
const END_US = T0 + 1e12;

const { postMessage } = Worker.prototype;
afterEach(() => {
  Worker.prototype.postMessage = postMessage;
});

async function openHouse(sealing = EAGER) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-beside-'));
  const failures: unknown[] = [];
  const open = (): Promise<SqliteStore> =>
    openSqliteStore({
      file: path.join(folder, 'fieldgate.db'),
      walCheckpointBytes: 2 ** 20,
      readers: 1,
      sealing,
      onSealFailed: (error) => void failures.push(error),
    });
  let store = await open();
  let batchOf = createBatches();
  const list: Reading[] = [];
  return {
    failures,
    list,
    get store() {
      return store;
    },
    async append(readings: readonly Reading[]): Promise<number> {
      list.push(...readings);
      return store.append(batchOf(readings));
    },
    sealed: () =>
      until(
        () => store.unsealed() === 0,
        () => `${store.unsealed()} readings are not sealed, ${failures.map(String).join()}`,
      ),
    async restart(): Promise<void> {
      await store.close();
      store = await open();
      batchOf = createBatches((await store.catalogue()).streams[0]!.acked);
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
const some = (count: number, from: number): Reading[] =>
  Array.from({ length: count }, (_, i) => ({ series: SERIES[i % 3]!, timeUs: T0 + (from + i) * 1000, value: ((from + i) % 90) / 10 }));

test('a query that goes page by page sees what was there when it began, however its readings move meanwhile', async () => {
  await using house = await openHouse(KEEPING);
  const { store } = house;
  await house.append(some(3000, 0));
  const upTo = await house.append(some(2000, 1000));
  const wanted = inOrder(house.list);
  const found: Reading[] = [];
  let after: RangePlace | undefined;
  for (let page = 0; ; page++) {
    const answer = await store.read('range', { series: SERIES, fromUs: T0, toUs: END_US, limit: 400, upTo, ...(after && { after }) });
    for (const [i, series] of answer.seriesId.entries()) found.push({ series, timeUs: answer.timeUs[i]!, value: answer.value[i]! });
    if (answer.next === null) break;
    after = answer.next;
    // late readings, before the place and after it, and all of it sealed under the query
    await house.append(some(500, page * 300));
    if (page % 3 === 0) await house.sealed();
  }
  expect(found).toStrictEqual(wanted);
});

test('many readings of one time, as of a clock that stands still, are paged as they were though more of that time are sealed', async () => {
  await using house = await openHouse(KEEPING);
  const still = (count: number, from: number): Reading[] =>
    Array.from({ length: count }, (_, i) => ({ series: 1, timeUs: T0, value: from + i }));
  await house.append(still(1500, 0));
  await house.sealed();
  const upTo = await house.append([...still(1000, 1500), { series: 1, timeUs: T0 + 1, value: 1 }]);
  const wanted = inOrder(house.list);
  await house.append(still(3000, 2500));
  await house.sealed();
  expect(await pages(house.store, [1], T0, END_US, 700, upTo)).toStrictEqual(wanted);
  expect(await pages(house.store, [1], T0, END_US, 700)).toStrictEqual(inOrder(house.list));
});

test('replay gives every reading after a cursor or says that it is too old, and the books add up, while the log is trimmed', async () => {
  await using house = await openHouse({ ...EAGER, roundRows: 1e6 });
  const { store } = house;
  let isOver = false;
  const answers = { pages: 0, tooOld: 0, recounts: 0 };
  const replay = (async () => {
    while (!isOver) {
      const end = house.list.length;
      const from = Math.max(0, end - 4000);
      const answer = await store.since(from, null, 10_000);
      if (answer.outcome === 'too-old') answers.tooOld++;
      if (answer.outcome !== 'page') continue;
      answers.pages++;
      const { position } = answer.page;
      expect([...position]).toStrictEqual(Array.from({ length: position.length }, (_, i) => from + 1 + i));
    }
  })();
  const recount = (async () => {
    while (!isOver) {
      const { items } = await store.read('accounting', { device: 'pump-1', verify: true });
      if (items.length > 0) expect(items).toMatchObject([{ unexplained: 0 }]);
      answers.recounts++;
    }
  })();
  const feed = (async () => {
    for (let i = 0; i < 60; i++) {
      await house.append(some(400, i * 400));
      if (i % 10 === 9) await store.compact(() => undefined);
    }
    isOver = true;
  })();
  await Promise.all([replay, recount, feed]);
  expect(answers.pages).toBeGreaterThan(0);
  expect(answers.tooOld).toBeGreaterThan(0);
  expect(answers.recounts).toBeGreaterThan(5);
  await tailAndBooksAs(store, house.list);
});

test('appends go on while chunks are cut anew, and nothing of them is missing', async () => {
  await using house = await openHouse();
  for (let i = 0; i < 5; i++) {
    await house.append(some(900, i * 100));
    await house.sealed();
  }
  let isOver = false;
  const compacted = house.store
    .compact(() => undefined)
    .finally(() => {
      isOver = true;
    });
  for (let i = 0; !isOver || i < 5; i++) await house.append(some(50, i * 37));
  await compacted;
  await answersAs(house.store, house.list, T0, END_US, 9, 1000);
  await tailAndBooksAs(house.store, house.list);
});

test('a store closed in the middle of a round goes on with it when it is opened again', async () => {
  await using house = await openHouse();
  let hears: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    hears = resolve;
  });
  let seals = 0;
  Worker.prototype.postMessage = function (this: Worker, message: { op: string }) {
    if (message.op === 'seal' && ++seals === 2) hears();
    postMessage.call(this, message);
  };
  for (let i = 0; i < 6; i++) await house.append(some(300, i * 250));
  await begun;
  await house.restart();
  await answersAs(house.store, house.list, T0, END_US, 9, 1000);
  await house.append(some(300, 0));
  await house.sealed();
  await answersAs(house.store, house.list, T0, END_US, 9, 1000);
  await tailAndBooksAs(house.store, house.list);
});

test('a sealer that dies in a round is replaced, and the round is gone through once', async () => {
  await using house = await openHouse();
  let isDead = false;
  let asked = 0;
  Worker.prototype.postMessage = function (this: Worker, message: { op: string }) {
    postMessage.call(this, message);
    // between what it has made and what it is to make
    if (message.op === 'next' && ++asked === 2) {
      isDead = true;
      void this.terminate();
    }
  };
  for (let i = 0; i < 6; i++) await house.append(some(300, i * 250));
  await until(
    () => isDead,
    () => `asked ${asked} times`,
  );
  await answersAs(house.store, house.list, T0, END_US, 9, 1000);
  await house.store.compact(() => undefined).catch(() => house.store.compact(() => undefined));
  expect(house.store.unsealed()).toBe(0);
  await answersAs(house.store, house.list, T0, END_US, 9, 1000);
  await tailAndBooksAs(house.store, house.list);
});

test('a store opened anew after an append that failed goes on with the round that was under way', async () => {
  await using house = await openHouse();
  const { store } = house;
  for (let i = 0; i < 4; i++) await house.append(some(300, i * 250));
  const broken = createBatches()(some(3, 0)); // its series and its stream are there already
  await expect(store.append(broken)).rejects.toThrow(/UNIQUE/);
  await expect(store.append(broken)).rejects.toThrow();
  const seen = async (of: ReadingStore): Promise<void> => answersAs(of, house.list, T0, END_US, 9, 1000);
  await seen(store);
  await store.catalogue();
  await house.append(some(300, 0));
  await store.compact(() => undefined);
  await seen(store);
  await tailAndBooksAs(store, house.list);
});
