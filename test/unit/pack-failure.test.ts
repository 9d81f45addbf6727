// Posts and replays while commits are slow or fail: what waits for a commit shares its fate.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { createCatalogue } from '../../gateway/ingest/catalogue.ts';
import { createIngest } from '../../gateway/ingest/ingest.ts';
import { createStreams } from '../../gateway/ingest/streams.ts';
import { createInProcessBus } from '../../gateway/relay/bus.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';

const PATIENCE = { timeout: 20_000 };
const numbered = (seq: number) => ({ numbered: { stream: 'stream-00001', seq, gap: null } });
const PACK = Buffer.from('[{"n":"m","v":1}]');

/** The real ingest over a real store whose commits wait to be let through, or fail. */
async function openHouse() {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-pack-'));
  const real = await openSqliteStore({ file: path.join(folder, 'fieldgate.db'), walCheckpointBytes: 2 ** 22, readers: 1 });
  const gate = { isClosed: false, waiting: [] as ((go: 'commit' | 'fail') => void)[] };
  const store: ReadingStore = {
    ...real,
    async append(batch) {
      const go = gate.isClosed ? await new Promise<'commit' | 'fail'>((resolve) => gate.waiting.push(resolve)) : 'commit';
      if (go === 'fail') throw new Error('the disk is full');
      return real.append(batch);
    },
  };
  const stored = await real.catalogue();
  const nowUs = (): number => Date.now() * 1000;
  const ingest = createIngest({
    store,
    bus: createInProcessBus((error) => {
      throw error;
    }),
    catalogue: createCatalogue(stored),
    streams: createStreams(DEFAULTS.limits, stored.streams),
    limits: DEFAULTS.limits,
    commitIntervalMs: 0,
    settingsOf: () => ({ clock: 'device', pingSeconds: 25, pongSeconds: 10 }),
    observe: createRecordedObserve(),
    nowUs,
  });
  return {
    ingest,
    real,
    gate,
    /** The next commit, once it is asked for. */
    async next(go: 'commit' | 'fail') {
      await expect.poll(() => gate.waiting.length, PATIENCE).toBe(1);
      gate.waiting.shift()?.(go);
    },
    async [Symbol.asyncDispose]() {
      gate.isClosed = false;
      for (const go of gate.waiting) go('commit');
      await ingest.close();
      await real.close();
      await rm(folder, { recursive: true });
    },
  };
}

test('a repeated post is answered after the commit of the first, not before', async () => {
  await using house = await openHouse();
  house.gate.isClosed = true;
  const answered: string[] = [];
  const note = (result: { outcome: string }): number => answered.push(result.outcome);
  const both = [house.ingest.storePack('d', PACK, numbered(1)).then(note)];
  await expect.poll(() => house.gate.waiting.length, PATIENCE).toBe(1);
  both.push(house.ingest.storePack('d', PACK, numbered(1)).then(note));
  both.push(house.ingest.packsAcked('d', 'stream-00001').then((acked) => answered.push(`acked ${acked}`)));
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toEqual([]);
  house.gate.isClosed = false;
  house.gate.waiting.shift()?.('commit');
  await Promise.all(both);
  expect(new Set(answered)).toEqual(new Set(['settled', 'duplicate', 'acked 1']));
});

test('when the commit fails, so does what was built on it; sent again it is stored once', async () => {
  await using house = await openHouse();
  house.gate.isClosed = true;
  const first = house.ingest.storePack('d', PACK, numbered(1));
  await expect.poll(() => house.gate.waiting.length, PATIENCE).toBe(1);
  const second = house.ingest.storePack('d', PACK, numbered(1));
  await house.next('fail');
  house.gate.isClosed = false;
  expect([(await first).outcome, (await second).outcome]).toEqual(['store-unavailable', 'store-unavailable']);
  await expect.poll(() => house.ingest.isStoring(), PATIENCE).toBe(true);
  expect(await house.ingest.storePack('d', PACK, numbered(1))).toMatchObject({ outcome: 'settled', stored: 1, acked: 1 });
  expect(await house.ingest.storePack('d', PACK, numbered(1))).toEqual({ outcome: 'duplicate', acked: 1 });
});

test('a replay whose commit fails leaves its row as it was, and happens once later', async () => {
  await using house = await openHouse();
  await house.ingest.storePack('d', Buffer.from('[{"n":"m","v":"1"}]'));
  house.gate.isClosed = true;
  const replays = [1, 2].map(() => house.ingest.replays.replay(1, '{"n":"m","v":1}'));
  await house.next('fail');
  house.gate.isClosed = false;
  const outcomes = (await Promise.all(replays)).map((result) => result.outcome);
  expect(outcomes[0]).toBe('store-unavailable');
  await expect.poll(() => house.ingest.isStoring(), PATIENCE).toBe(true);
  const later = await house.ingest.replays.replay(1, '{"n":"m","v":1}');
  expect([outcomes[1], later.outcome]).toEqual(outcomes[1] === 'settled' ? ['settled', 'already'] : ['store-unavailable', 'settled']);
  expect((await house.ingest.replays.replay(1, null)).outcome).toBe('already');
  expect(await house.real.catalogue()).toMatchObject({ position: 1 });
});
