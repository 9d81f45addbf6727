// A commit that fails: nothing of it is acknowledged, and what devices said meanwhile is not built on it.

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
import type { Connection, Session } from '../../gateway/transports/transport.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';

const STREAM = 'stream-00001';

/** The real ingest over a real store whose appends can be made to fail, and whose catalogue can be held back. */
async function openHouse({ commitIntervalMs = 0 } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-failure-'));
  const real = await openSqliteStore({ file: path.join(folder, 'fieldgate.db'), walCheckpointBytes: 2 ** 22, readers: 1 });
  const faults = { appends: 0, catalogues: 0 };
  const held = { catalogue: Promise.resolve(), append: Promise.resolve() };
  const begun = { appends: 0 };
  const store: ReadingStore = {
    ...real,
    async append(batch) {
      begun.appends++;
      await held.append;
      if (faults.appends === 0) return real.append(batch);
      faults.appends--;
      return Promise.reject(Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL', fault: 'full' }));
    },
    async catalogue(device) {
      await held.catalogue;
      if (faults.catalogues === 0) return real.catalogue(device);
      faults.catalogues--;
      throw new Error('the store does not answer');
    },
  };
  const stored = await real.catalogue();
  const nowUs = (): number => Date.now() * 1000;
  const observe = createRecordedObserve();
  const bus = createInProcessBus((error) => {
    throw error;
  });
  const ingest = createIngest({
    store,
    bus,
    catalogue: createCatalogue(stored),
    streams: createStreams(DEFAULTS.limits, stored.streams),
    limits: DEFAULTS.limits,
    commitIntervalMs,
    settingsOf: () => ({ clock: 'device', pingSeconds: 25, pongSeconds: 10 }),
    observe,
    nowUs,
  });
  return {
    ingest,
    bus,
    observe,
    real,
    faults,
    held,
    begun,
    async [Symbol.asyncDispose]() {
      await ingest.close();
      await real.close();
      await rm(folder, { recursive: true });
    },
  };
}

function connect(openSession: (connection: Connection) => Session, device: string, replaced: Partial<Connection> = {}) {
  const heard: Record<string, unknown>[] = [];
  const closed: number[] = [];
  const connection: Connection = {
    peer: { device, tokenId: 't', address: '127.0.0.1' },
    encoding: 'json',
    send: (text) => void heard.push(JSON.parse(text)),
    close: (code) => void closed.push(code),
    terminate: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    roundTripMs: null,
    silentMs: 0,
    ...replaced,
  };
  const session = openSession(connection);
  return { heard, closed, say: (message: object) => session.frame(Buffer.from(JSON.stringify(message))) };
}
const hello = (next: number): object => ({ type: 'hello', stream: STREAM, oldest: 1, next });
const reading = (seq: number, n: string): object => ({ type: 'readings', seq, readings: [{ n, v: seq }] });

test('a device that comes back while the store is asked again builds on nothing that was lost', async () => {
  await using house = await openHouse();
  const { ingest, real, faults, held } = house;
  const first = connect(ingest.openSession, 'pump-1');
  first.say(hello(1));
  first.say(reading(1, 'a'));
  await expect.poll(() => first.heard.at(-1)).toStrictEqual({ type: 'ack', seq: 1 });

  const release = Promise.withResolvers<void>();
  held.catalogue = release.promise;
  faults.appends = 1;
  first.say(reading(2, 'b'));
  await expect.poll(() => first.closed).toStrictEqual([1011]);
  expect(ingest.isStoring()).toBe(false);
  const early = connect(ingest.openSession, 'pump-1');
  early.say(hello(3));
  early.say(reading(3, 'b'));
  const other = connect(ingest.openSession, 'pump-2');
  other.say([{ n: 'c', v: 1 }]);
  release.resolve();
  await expect.poll(() => [early.closed, other.closed]).toStrictEqual([[1011], [1011]]);
  expect([...early.heard, ...other.heard]).toStrictEqual([]);
  await expect.poll(() => ingest.isStoring()).toBe(true);

  const again = connect(ingest.openSession, 'pump-1');
  again.say(hello(3));
  await expect.poll(() => again.heard.at(-1)).toMatchObject({ type: 'welcome', acked: 1 });
  again.say(reading(2, 'b'));
  again.say(reading(3, 'b'));
  await expect.poll(() => again.heard.at(-1)).toStrictEqual({ type: 'ack', seq: 3 });
  const { items } = await real.read('accounting', { device: 'pump-1', verify: true });
  expect(items).toMatchObject([{ acked: 3, framesStored: 3, readings: 3 }]);
  const { series } = await real.catalogue();
  expect(series.map(({ device, metric, count }) => [device, metric, count])).toStrictEqual([
    ['pump-1', 'a', 1],
    ['pump-1', 'b', 2],
  ]);
});

test('while the store does not answer nothing is appended; when it does, storing goes on by itself', async () => {
  await using house = await openHouse();
  const { ingest, faults } = house;
  faults.appends = 2;
  faults.catalogues = 2;
  const answer = await ingest.storePack('pump-1', Buffer.from('[{"n":"a","v":1}]'));
  expect(answer).toStrictEqual({ outcome: 'store-unavailable' });
  await expect.poll(() => ingest.isStoring(), { timeout: 20_000 }).toBe(true);
  expect(await ingest.storePack('pump-1', Buffer.from('[{"n":"a","v":1}]'))).toMatchObject({ outcome: 'settled', stored: 1 });
});

test('a trouble is told once however often the store fails, and what happened meanwhile is on record when it is over', async () => {
  await using house = await openHouse();
  const { ingest, bus, observe, real, faults } = house;
  const told: [string, boolean, string][] = [];
  bus.subscribe({ readings: () => undefined, presence: ({ device, online, reason }) => void told.push([device, online, reason]) });
  const session = connect(ingest.openSession, 'pump-1');
  session.say(hello(1));
  await expect.poll(() => session.heard.at(-1)).toMatchObject({ type: 'welcome' });
  // the batch, the first proof that a commit goes through, and reopening in between
  faults.appends = 2;
  faults.catalogues = 1;
  session.say(reading(1, 'a'));
  await expect.poll(() => session.closed).toStrictEqual([1011]);
  expect(ingest.trouble()).toMatchObject({ fault: 'full', error: 'SQLITE_FULL' });
  expect(ingest.hasRoom()).toBe(false);
  await expect.poll(() => ingest.isStoring(), { timeout: 20_000 }).toBe(true);
  expect([ingest.trouble(), ingest.hasRoom()]).toStrictEqual([null, true]);

  expect(observe.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  expect(observe.lines.at(-1)).toMatchObject({ level: 'info', message: 'Readings are stored again' });
  expect(observe.count('fieldgate_store_troubles_total', 'full')).toBe(1);
  expect(observe.count('fieldgate_commit_failures_total', '')).toBe(2);
  const { items } = await real.read('events', { device: '', limit: 10 });
  expect(items.map(({ type, reason }) => `${type} ${reason}`)).toStrictEqual([
    'store-recovered full',
    'store-failed full',
    'offline store-unavailable',
    'online connected',
  ]);
  expect(told).toStrictEqual([
    ['pump-1', true, 'connected'],
    ['pump-1', false, 'store-unavailable'],
  ]);
});

test('a pause commits what was taken and nothing more; a gateway that closes then does not wait for the end of it', async () => {
  await using house = await openHouse();
  const { ingest, real } = house;
  const session = connect(ingest.openSession, 'pump-1');
  session.say(hello(1));
  session.say(reading(1, 'a'));
  ingest.recordEvent({ type: 'disk-full', reason: 'paused' });
  ingest.pause();
  await expect.poll(() => session.heard.at(-1)).toStrictEqual({ type: 'ack', seq: 1 });
  const { position } = await real.catalogue();
  session.say(reading(2, 'a'));
  ingest.recordEvent({ type: 'unit-changed', reason: 'later' });
  expect(await ingest.storePack('pump-1', Buffer.from('[{"n":"a","v":1}]'))).toStrictEqual({ outcome: 'store-unavailable' });
  const { items } = await real.read('events', { device: '', limit: 10 });
  expect(items.map(({ type }) => type)).toStrictEqual(['disk-full', 'online']);
  expect((await real.catalogue()).position).toBe(position);
  await ingest.settle();
  await ingest.close();
  expect(session.heard.filter(({ type }) => type === 'ack')).toStrictEqual([{ type: 'ack', seq: 1 }]);
});

test('while the disk is full devices are let in until the events that wait are too many, and again when it goes on', async () => {
  await using house = await openHouse();
  const { ingest } = house;
  ingest.pause();
  await ingest.settle();
  expect(ingest.hasRoom()).toBe(true);
  for (let i = 0; i < 10_000; i++) ingest.recordEvent({ device: 'pump-1', type: 'online', reason: 'connected' });
  expect(ingest.hasRoom()).toBe(false);
  ingest.resume();
  await expect.poll(() => ingest.hasRoom()).toBe(true);
});

test('a gateway that closes while the store fails does not wait for it to mend', async () => {
  await using house = await openHouse();
  const { ingest, faults } = house;
  faults.appends = faults.catalogues = Number.MAX_SAFE_INTEGER;
  expect(await ingest.storePack('pump-1', Buffer.from('[{"n":"a","v":1}]'))).toStrictEqual({ outcome: 'store-unavailable' });
  const startedMs = performance.now();
  await ingest.settle();
  await ingest.close();
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test('a close in the middle of a commit waits for the batch behind it too, however long the interval of commits', async () => {
  await using house = await openHouse({ commitIntervalMs: 50 });
  const { ingest, real, held, begun } = house;
  const release = Promise.withResolvers<void>();
  held.append = release.promise;
  ingest.recordEvent({ type: 'first' as never, reason: 'x' });
  await expect.poll(() => begun.appends).toBe(1);
  ingest.recordEvent({ type: 'second' as never, reason: 'x' });
  const closed = ingest.close();
  release.resolve();
  await closed;
  const { items } = await real.read('events', { device: '', limit: 10 });
  expect(items.map(({ type }) => type)).toStrictEqual(['second', 'first']);
});

test('a connection that cannot be told of its readings keeps nobody else from hearing of theirs, and is logged', async () => {
  await using house = await openHouse();
  const { ingest, observe, faults } = house;
  let isBroken = false;
  const throws = (): void => {
    if (isBroken) throw new Error('this connection is beyond help');
  };
  const broken = connect(ingest.openSession, 'pump-1', { send: throws, close: throws });
  const sound = connect(ingest.openSession, 'pump-2');
  for (const session of [broken, sound]) session.say(hello(1));
  await expect.poll(() => sound.heard.at(-1)).toMatchObject({ type: 'welcome' });
  const isSaid = (): number => observe.lines.filter(({ message }) => message.includes('could not be told')).length;
  isBroken = true;
  for (const session of [broken, sound]) session.say(reading(1, 'a'));
  await expect.poll(() => sound.heard.at(-1)).toStrictEqual({ type: 'ack', seq: 1 });
  expect(isSaid()).toBe(1);

  faults.appends = 1;
  for (const session of [broken, sound]) session.say(reading(2, 'a'));
  await expect.poll(() => sound.closed).toStrictEqual([1011]);
  expect(isSaid()).toBe(2);
  await expect.poll(() => ingest.isStoring(), { timeout: 20_000 }).toBe(true);
  expect(await ingest.storePack('pump-3', Buffer.from('[{"n":"a","v":1}]'))).toMatchObject({ outcome: 'settled' });
});
