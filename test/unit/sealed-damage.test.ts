// What is sealed and can't be read any more: a chunk with another byte, a chunk that is gone, a row of the index. It is named once, left out
// of answers and left where it is; everything else is answered, and sealing, cutting anew and trimming go on around it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { unpackEntries } from '../../gateway/storage/chunk-entries.ts';
import type { DamagedChunk } from '../../gateway/storage/chunk-source.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { createBatches, EAGER, inOrder, pages, type Reading, SERIES, T0 } from '../support/store-model.ts';

const SECOND_US = 1_000_000;
const END_US = T0 + 100_000 * SECOND_US;
const FROM_US = T0 - 1000 * SECOND_US;

async function openHouse() {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-damage-'));
  const file = path.join(folder, 'fieldgate.db');
  const damaged: DamagedChunk[] = [];
  const failures: unknown[] = [];
  const open = () =>
    openSqliteStore({
      file,
      walCheckpointBytes: 2 ** 20,
      readers: 1,
      sealing: { ...EAGER, rows: 1e9, ms: 1e9 },
      onChunkDamaged: (one) => void damaged.push(one),
      onSealFailed: (error) => void failures.push(error),
    });
  let store = await open();
  const batchOf = createBatches();
  return {
    damaged,
    failures,
    get store() {
      return store;
    },
    async append(readings: readonly Reading[]): Promise<void> {
      await store.append(batchOf(readings));
      await store.compact(() => undefined);
    },
    /** Changes the file while nobody has it open. */
    async tamper(how: (db: Database.Database) => unknown): Promise<void> {
      await store.close();
      const db = new Database(file);
      how(db);
      db.close();
      store = await open();
    },
    all: (series: readonly number[] = SERIES) => pages(store, series, FROM_US, END_US, 500),
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
const every = (series: number, from: number, to: number, value: (i: number) => Reading['value'] = (i) => (i % 70) / 10): Reading[] =>
  Array.from({ length: to - from }, (_, i) => ({ series, timeUs: T0 + (from + i) * SECOND_US, value: value(from + i) }));
const between = (list: readonly Reading[], from: number, to: number): Reading[] =>
  list.filter(({ timeUs }) => timeUs >= T0 + from * SECOND_US && timeUs < T0 + to * SECOND_US);

/** In the middle of series 1. */
function secondChunk(db: Database.Database): number {
  const content = db.prepare('SELECT entries FROM chunk_index WHERE series = 1').pluck().get() as Buffer;
  const entries = unpackEntries(content);
  expect(entries.length).toBeGreaterThan(3);
  return entries[1]!.id;
}

test.each([
  [
    'a flipped byte',
    (db: Database.Database, id: number) => {
      const content = db.prepare('SELECT content FROM chunks WHERE id = ?').pluck().get(id) as Buffer;
      content[content.length >> 1]! ^= 0x10;
      db.prepare('UPDATE chunks SET content = ? WHERE id = ?').run(content, id);
    },
  ],
  [
    'a chunk cut short',
    (db: Database.Database, id: number) => db.prepare('UPDATE chunks SET content = substr(content, 1, 9) WHERE id = ?').run(id),
  ],
  ['no bytes', (db: Database.Database, id: number) => db.prepare(`UPDATE chunks SET content = x'' WHERE id = ?`).run(id)],
  ['no chunk', (db: Database.Database, id: number) => db.prepare('DELETE FROM chunks WHERE id = ?').run(id)],
])('with %s everything else is answered, late readings are sealed beside it, and it is named', async (_, harm) => {
  await using house = await openHouse();
  const list = [...every(1, 0, 6000), ...every(2, 0, 100)];
  await house.append(list);
  await house.tamper((db) => harm(db, secondChunk(db)));
  const left = await house.all();
  const lost = list.length - left.length;
  expect(lost).toBeGreaterThan(500);
  expect(house.damaged).toMatchObject([{ readings: lost, series: 1 }]);
  const [{ startUs, endUs }] = house.damaged as [DamagedChunk];
  const whole = inOrder(list).filter((one) => one.series !== 1 || one.timeUs < startUs || one.timeUs > endUs);
  expect(left).toStrictEqual(whole);

  // before it, in it, at its ends, after it
  const late = [-500.5, startUs / SECOND_US - T0 / SECOND_US - 0.5, (endUs - T0) / SECOND_US, (endUs - T0) / SECOND_US - 100.5, 90_000].map(
    (at): Reading => ({ series: 1, timeUs: Math.round(T0 + at * SECOND_US), value: at }),
  );
  await house.append(late);
  expect(await house.all()).toStrictEqual(inOrder([...whole, ...late]));
  const again = every(1, 6000, 9000);
  await house.append(again);
  const now = inOrder([...whole, ...late, ...again]);
  expect(await house.all()).toStrictEqual(now);
  for (const [from, to] of [
    [-600, 10],
    [900, 1500],
    [1500, 2600],
    [2000, 2001],
    [5999, 91_000],
  ] as const)
    expect(await pages(house.store, [1], T0 + from * SECOND_US, T0 + to * SECOND_US, 300)).toStrictEqual(
      between(now, from, to).filter((one) => one.series === 1),
    );
  expect(house.failures).toStrictEqual([]);
  expect(house.damaged).toHaveLength(1);
});

test('with a damaged row of the index everything else is answered, sealing goes on around it, and it is named', async () => {
  await using house = await openHouse();
  const list = [...every(1, 0, 1000), ...every(2, 0, 5000), ...every(3, 0, 100)];
  await house.append(list);
  await house.tamper((db) => {
    const entries = db.prepare('SELECT entries FROM chunk_index WHERE series = 2').pluck().get() as Buffer;
    entries[5]! ^= 0xff;
    db.prepare('UPDATE chunk_index SET entries = ? WHERE series = 2').run(entries);
  });
  const whole = inOrder(list.filter((one) => one.series !== 2));
  expect(await house.all()).toStrictEqual(whole);
  expect(house.damaged).toMatchObject([{ id: 0, series: 2, startUs: T0, readings: 5000 }]);
  const { buckets } = await house.store.read('buckets', { series: SERIES, fromUs: FROM_US, toUs: END_US, points: 1 });
  expect(buckets.filter(({ rows }) => rows.length > 0).map(({ seriesId, rows }) => [seriesId, rows[0]![1]])).toStrictEqual([
    [1, 1000],
    [3, 100],
  ]);

  const late = [-700, -0.5, 0, 0.5, 2500.5, 4999, 5000].map((at): Reading => ({ series: 2, timeUs: T0 + at * SECOND_US, value: at }));
  await house.append(late);
  expect(await house.all()).toStrictEqual(inOrder([...whole, ...late]));
  const more = [...every(2, -800, 6000, (i) => i), ...every(1, 1000, 1100)];
  await house.append(more);
  const now = inOrder([...whole, ...late, ...more]);
  expect(await house.all()).toStrictEqual(now);
  for (let from = -800; from < 6000; from += 450)
    expect(await pages(house.store, [2], T0 + from * SECOND_US, T0 + (from + 700) * SECOND_US, 300)).toStrictEqual(
      between(now, from, from + 700).filter((one) => one.series === 2),
    );
  expect(house.failures).toStrictEqual([]);
  expect(house.damaged).toHaveLength(1);
  // the books still add up: nobody took the row away
  const { items } = await house.store.read('accounting', { device: 'pump-1', verify: true });
  expect(items).toMatchObject([{ unexplained: 0 }]);
});
