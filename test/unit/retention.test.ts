// Retention on real databases: what must still be answered, from readings or from the sums that stay, and what the books say of the rest.
// Over 400 lines because the world and the questions that every test asks of it are one model.

import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readRetention, retentionRules } from '../../gateway/config-retention.ts';
import { openPinoObserve } from '../../gateway/pino-observe.ts';
import { createRetentionNews } from '../../gateway/retention-news.ts';
import { createClockDoubt, type Expired, type RetentionSettings } from '../../gateway/storage/retention.ts';
import type { RetentionRule } from '../../gateway/storage/retention-run.ts';
import type { SealBounds } from '../../gateway/storage/sealing.ts';
import { openSqliteStore, type SqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { Bucket, SeriesState } from '../../gateway/storage/store.ts';
import { verifyStore } from '../../gateway/storage/verify-store.ts';
import { createReadingWriter, type WrittenReading } from '../support/reading-writer.ts';
import { until } from '../support/until.ts';

/** Later than anything here arrives, so that times decide what goes. */
const T0 = (Date.now() + 3_600_000) * 1000;
const RAW_MS = 86_400_000;
const EAGER: SealBounds = { rows: 1, ms: 0, roundRows: 400, replayRows: 0, replayMs: 0 };
const SERIES = [
  { id: 1, device: 'pump-1', metric: 'flow', unit: '' },
  { id: 2, device: 'pump-1', metric: 'heat', unit: '' },
  { id: 3, device: 'gate-1', metric: 'flow', unit: '' },
];
const RULE: RetentionRule = { device: '*', metric: '*', rawMs: RAW_MS, maxBytes: null, summariesMs: null };

interface World extends AsyncDisposable {
  readonly file: string;
  readonly store: SqliteStore;
  readonly expired: Expired[];
  /** Called after each step that let readings go. */
  onGone: () => void;
  /** Times before this one are past their age. */
  limitUs: number;
  append(readings: readonly WrittenReading[]): Promise<number>;
  /** `meanwhile` has the file to itself. */
  reopen(sealing?: SealBounds, meanwhile?: () => void): Promise<void>;
}
async function world(rules: readonly RetentionRule[], sealing = EAGER, news: Partial<RetentionSettings> = {}): Promise<World> {
  const dir = await mkdtemp(path.join(tmpdir(), 'fieldgate-retention-'));
  const file = path.join(dir, 'fieldgate.db');
  const expired: Expired[] = [];
  let limitUs = 0;
  let onGone = (): void => undefined;
  const nowMs = (): number => limitUs / 1000 + RAW_MS;
  const open = (bounds: SealBounds): Promise<SqliteStore> =>
    openSqliteStore({
      file,
      walCheckpointBytes: 2 ** 20,
      readers: 1,
      sealing: bounds,
      retention: { rules, nowMs, steadyMs: nowMs, onExpired: (one) => expired.push(one), onGone: () => onGone(), ...news },
    });
  let store = await open(sealing);
  const append = createReadingWriter(() => store, SERIES, Date.now() * 1000);
  return {
    file,
    expired,
    append,
    get store() {
      return store;
    },
    get onGone() {
      return onGone;
    },
    set onGone(hear) {
      onGone = hear;
    },
    get limitUs() {
      return limitUs;
    },
    set limitUs(us) {
      limitUs = us;
    },
    async reopen(bounds = sealing, meanwhile) {
      await store.close();
      meanwhile?.();
      store = await open(bounds);
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function allSealed({ file }: World, position: number): Promise<void> {
  const db = new Database(file, { readonly: true });
  const mark = db.prepare(`SELECT content FROM meta WHERE key = 'sealed'`).pluck();
  await until(
    () => Number(mark.get() ?? 0) === position,
    () => `sealed to ${mark.get()} of ${position}`,
  );
  db.close();
}

const EVERYTHING = { fromUs: T0 - 1e9, toUs: T0 + 1e9 };
async function rawOf(store: SqliteStore, series: number): Promise<WrittenReading[]> {
  const page = await store.read('range', { series: [series], ...EVERYTHING, limit: 1_000_000 });
  return Array.from(page.timeUs, (timeUs, i) => ({ series, timeUs, value: page.value[i] as number }));
}
async function chart(store: SqliteStore, series: number, points = 1): Promise<readonly Bucket[]> {
  const { buckets } = await store.read('buckets', { series: [series], ...EVERYTHING, points });
  return buckets.find(({ seriesId }) => seriesId === series)?.rows ?? [];
}
async function stateOf(store: SqliteStore, series: number): Promise<SeriesState> {
  return (await store.catalogue()).series.find(({ id }) => id === series) as SeriesState;
}

/** What holds whenever: nothing is there twice or made up, the books tell of what is gone, and charts have all of it. */
async function holds(at: World, list: readonly WrittenReading[], mayBeGone: (one: WrittenReading) => boolean): Promise<void> {
  const { store } = at;
  for (const { id } of SERIES) {
    const all = list.filter(({ series }) => series === id).toSorted((a, b) => a.timeUs - b.timeUs);
    const raw = await rawOf(store, id);
    const left = new Map<string, number>();
    for (const one of raw) left.set(`${one.timeUs} ${one.value}`, (left.get(`${one.timeUs} ${one.value}`) ?? 0) + 1);
    const gone = all.filter((one) => {
      const key = `${one.timeUs} ${one.value}`;
      const n = left.get(key) ?? 0;
      left.set(key, n - 1);
      return n <= 0;
    });
    expect([...left.values()].every((n) => n <= 0)).toBe(true);
    expect(gone.every(mayBeGone)).toBe(true);
    if (all.length === 0) continue;
    const [whole] = await chart(store, id);
    const values = all.map(({ value }) => value as number);
    expect(whole?.slice(0, 4)).toStrictEqual([0, all.length, Math.min(...values), Math.max(...values)]);
    expect(whole?.slice(5)).toStrictEqual([values[0], values.at(-1)]);
    expect((await chart(store, id, 997)).reduce((sum, [, count]) => sum + count, 0)).toBe(all.length);
    const state = await stateOf(store, id);
    expect(state.count).toBe(raw.length);
    if (raw.length > 0) expect(state.firstUs).toBe(raw[0]?.timeUs);
    expect(state.latestUs).toBe(Math.max(...all.map(({ timeUs }) => Math.min(timeUs, state.latestUs))));
  }
  const there = (await Promise.all(SERIES.map(({ id }) => rawOf(store, id)))).flat().length;
  for (const verify of [false, true]) {
    const { items } = await store.read('accounting', { device: '', verify });
    expect(items.map(({ unexplained }) => unexplained)).toStrictEqual(items.map(() => 0));
    expect(items.reduce((sum, { readings, expired }) => sum + readings - expired, 0)).toBe(there);
    expect(items.every(({ readings, expired }) => expired >= 0 && expired <= readings)).toBe(true);
  }
  expect((await store.read('size', {})).readings).toBe(there);
}

const time = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10_000_000 })).map((us) => T0 + us);
const value = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 100);
const ofDevice = (ids: readonly number[]) =>
  fc.array(fc.record({ series: fc.constantFrom(...ids), timeUs: time, value }, { noNullPrototype: true }), {
    minLength: 1,
    maxLength: 300,
  });
const batches = fc.array(fc.oneof(ofDevice([1, 2]), ofDevice([3])), { minLength: 1, maxLength: 6 });

test('whatever is appended before and after a run of retention is there, or counted as expired and still in every chart', async () => {
  await fc.assert(
    fc.asyncProperty(
      batches,
      batches,
      fc.array(time, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (some, more, limits, isSealed) => {
        await using at = await world([RULE]);
        const list: WrittenReading[] = [];
        let position = 0;
        for (const batch of [some, more]) {
          for (const one of batch) {
            position = await at.append(one);
            list.push(...one);
          }
          if (isSealed) await allSealed(at, position);
          for (const limit of limits.toSorted((a, b) => a - b)) {
            at.limitUs = Math.max(at.limitUs, limit);
            await at.store.retain();
            const { limitUs } = at;
            await holds(at, list, ({ timeUs }) => timeUs < limitUs);
          }
          await at.reopen();
          await holds(at, list, ({ timeUs }) => timeUs < at.limitUs);
        }
        await allSealed(at, position);
        at.limitUs = T0 + 1e8;
        await at.store.retain();
        for (const { id } of SERIES) expect(await rawOf(at.store, id)).toStrictEqual([]);
        await at.store.compact(() => undefined);
        await at.reopen();
        await holds(at, list, () => true);
      },
    ),
    { numRuns: 6 },
  );
}, 240_000);

const run = (series: number, count: number, fromUs = T0, stepUs = 1000): WrittenReading[] =>
  Array.from({ length: count }, (_, i) => ({ series, timeUs: fromUs + i * stepUs, value: i }));

test('readings that arrived lately stay, however old their times are, and go when their arrival is past its age too', async () => {
  await using at = await world([RULE]);
  const arrivedUs = Date.now() * 1000;
  const old = run(1, 100, arrivedUs - 1e13);
  await allSealed(at, await at.append(old));
  at.limitUs = arrivedUs - 1e6;
  await at.store.retain();
  const everything = { series: [1], fromUs: 0, toUs: T0, limit: 1000 };
  expect((await at.store.read('range', everything)).timeUs).toHaveLength(100);
  at.limitUs = T0;
  await at.store.retain();
  expect((await at.store.read('range', everything)).timeUs).toHaveLength(0);
  expect(at.expired).toMatchObject([{ reason: 'age', readings: 100 }]);
});

test('a late reading among those that are gone is answered, counts in charts beside their sums, and goes with a later run', async () => {
  await using at = await world([RULE]);
  const list = run(1, 3000);
  await allSealed(at, await at.append(list));
  at.limitUs = T0 + 3_000_000;
  await at.store.retain();
  expect(await rawOf(at.store, 1)).toStrictEqual([]);
  expect(await stateOf(at.store, 1)).toMatchObject({ count: 0, latestUs: T0 + 2_999_000, latestValue: 2999 });
  const late = [
    { series: 1, timeUs: T0 - 7, value: -5 },
    { series: 1, timeUs: T0 + 500_500, value: 8000 },
    { series: 1, timeUs: T0 + 2_500_500, value: -8000 },
  ];
  await allSealed(at, await at.append(late));
  expect(await rawOf(at.store, 1)).toStrictEqual(late);
  await holds(at, [...list, ...late], ({ value: one }) => Math.abs(one as number) < 5000);
  await at.store.compact(() => undefined);
  expect(await rawOf(at.store, 1)).toStrictEqual(late);
  expect(await findings(at)).toStrictEqual([]);
  await at.store.retain();
  expect(await rawOf(at.store, 1)).toStrictEqual([]);
  await holds(at, [...list, ...late], () => true);
});

async function findings({ file, store }: World): Promise<string[]> {
  const found: string[] = [];
  await verifyStore({
    file,
    registryFile: null,
    store,
    progress: () => undefined,
    found: ({ detail }) => found.push(detail),
    signal: new AbortController().signal,
  });
  return found;
}

test('the oldest chunks go until the rest fits into maxBytes, and the newest readings stay', async () => {
  await using at = await world([{ ...RULE, device: 'pump-*', rawMs: null, maxBytes: 6000 }]);
  const noise = (series: number): WrittenReading[] => run(series, 8000).map((one, i) => ({ ...one, value: Math.sin(i * i) }));
  const lists = [noise(1), noise(2), noise(3)] as const;
  let position = 0;
  for (const list of lists) position = await at.append(list);
  await allSealed(at, position);
  await at.store.retain();
  const [one, two, three] = await Promise.all(SERIES.map(({ id }) => rawOf(at.store, id)));
  const kept = (one?.length ?? 0) + (two?.length ?? 0);
  expect(kept).toBeLessThan(3000);
  expect([...(one ?? []), ...(two ?? [])].every(({ timeUs }) => timeUs > T0 + 6_000_000)).toBe(true);
  expect(kept).toBeGreaterThan(0);
  expect(three).toHaveLength(8000);
  await holds(at, lists.flat(), ({ series }) => series !== 3);
  const bytes = new Database(at.file, { readonly: true });
  const ids = bytes.prepare('SELECT sum(length(content)) FROM chunks').pluck().get() as number;
  bytes.close();
  expect(ids).toBeGreaterThan(8000);
  const [gone] = at.expired;
  expect(gone).toMatchObject({ reason: 'size', readings: 16_000 - kept });
  await at.store.retain();
  expect(at.expired).toHaveLength(1);
});

/** Bytes of the tables that hold sealed readings, by SQLite's own count of what is in their pages. */
function sealedBytes(file: string): number {
  const db = new Database(file, { readonly: true });
  const bytes = db.prepare(`SELECT sum(payload) FROM dbstat WHERE name IN ('chunks', 'chunk_index')`).pluck().get() as number;
  db.close();
  return bytes;
}

test('maxBytes counts the index and the rows with the readings, so that many small chunks stay below it as well', async () => {
  const maxBytes = 6000;
  await using at = await world([{ ...RULE, rawMs: null, maxBytes, summariesMs: 0 }]);
  // next to nothing a reading: half of it is the index
  const still = (series: number): WrittenReading[] =>
    Array.from({ length: 120_000 }, (_, i) => ({ series, timeUs: T0 + i * 1000, value: 21.5 }));
  let position = 0;
  const list = still(1);
  for (let i = 0; i < list.length; i += 20_000) position = await at.append(list.slice(i, i + 20_000));
  await allSealed(at, position);
  const before = sealedBytes(at.file);
  expect(before).toBeGreaterThan(maxBytes);
  await at.store.retain();
  expect(sealedBytes(at.file)).toBeLessThan(maxBytes * 1.05);
  expect(sealedBytes(at.file)).toBeGreaterThan(maxBytes * 0.8);
  expect(at.expired).toMatchObject([{ reason: 'size' }]);
});

test('what is in no chunk yet counts as much as it will take in one', async () => {
  const maxBytes = 20_000;
  const asleep = { ...EAGER, rows: 1e9, ms: 1e9 };
  await using at = await world([{ ...RULE, rawMs: null, maxBytes }], asleep);
  const noise = (from: number, to: number): WrittenReading[] =>
    run(1, to)
      .slice(from)
      .map((one, i) => ({ ...one, value: Math.sin((from + i) ** 2) }));
  await at.append(noise(0, 2200));
  await at.store.compact(() => undefined);
  // about 15 kB in chunks; as much again waits
  await at.store.retain();
  expect(at.expired).toHaveLength(0);
  const position = await at.append(noise(2200, 4400));
  await at.store.retain();
  expect(at.expired).toMatchObject([{ reason: 'size' }]);
  expect((await rawOf(at.store, 1)).filter(({ timeUs }) => timeUs >= T0 + 2_200_000)).toHaveLength(2200);
  expect(at.store.unsealed()).toBe(2200);
  expect(position).toBe(4400);
});

test('the first rule that matches decides, a rule without bounds keeps everything, and sums go when theirs is over', async () => {
  await using at = await world([
    { ...RULE, device: 'gate-*', rawMs: null },
    { ...RULE, metric: 'heat', summariesMs: 0 },
    { ...RULE, summariesMs: 2 * RAW_MS },
  ]);
  let position = 0;
  for (const { id } of SERIES) position = await at.append(run(id, 200));
  await allSealed(at, position);
  at.limitUs = T0 + 1e7;
  await at.store.retain();
  expect(await rawOf(at.store, 1)).toStrictEqual([]);
  expect(await chart(at.store, 1)).toMatchObject([[0, 200, 0, 199, 99.5, 0, 199]]);
  expect(await rawOf(at.store, 2)).toStrictEqual([]);
  expect(await chart(at.store, 2)).toStrictEqual([]);
  expect(await rawOf(at.store, 3)).toHaveLength(200);
  at.limitUs = T0 + RAW_MS * 1000 + 1e7;
  await at.store.retain();
  expect(await chart(at.store, 1)).toStrictEqual([]);
  expect(await chart(at.store, 3)).toHaveLength(1);
  const db = new Database(at.file, { readonly: true });
  expect(db.prepare('SELECT DISTINCT series FROM chunk_index').pluck().all()).toStrictEqual([3]);
  db.close();
});

test('texts leave nothing behind, and the last one is still known after a restart', async () => {
  await using at = await world([RULE]);
  const words = run(1, 50).map((one, i) => ({ ...one, value: i % 2 === 0 ? 'idle' : 'busy' }));
  await allSealed(at, await at.append(words));
  at.limitUs = T0 + 1e7;
  await at.store.retain();
  await at.reopen();
  expect(await chart(at.store, 1)).toStrictEqual([]);
  expect(await stateOf(at.store, 1)).toMatchObject({ count: 0, latestValue: 'busy', latestUs: T0 + 49_000 });
  await at.append([{ series: 1, timeUs: T0 + 2e7, value: 'back' }]);
  expect(await stateOf(at.store, 1)).toMatchObject({ count: 1, firstUs: T0 + 2e7, latestValue: 'back' });
});

test('sums whose readings are gone count in the bucket that the first of them is in', async () => {
  await using at = await world([RULE], { ...EAGER, roundRows: 5000 });
  await allSealed(at, await at.append(run(1, 1000)));
  at.limitUs = T0 + 1e7;
  await at.store.retain();
  const ask = async (fromUs: number, toUs: number) =>
    (await at.store.read('buckets', { series: [1], fromUs, toUs, points: 2 })).buckets[0]?.rows ?? [];
  expect(await ask(T0, T0 + 1_000_000)).toStrictEqual([[0, 1000, 0, 999, 499.5, 0, 999]]);
  expect(await ask(T0 - 500_000, T0 + 500_000)).toStrictEqual([[1, 1000, 0, 999, 499.5, 0, 999]]);
  expect(await ask(T0 + 1000, T0 + 1_000_000)).toStrictEqual([]);
});

test('a run that is broken off by a stop goes on after it, and the books agree at every step', async () => {
  await using at = await world([RULE], { ...EAGER, roundRows: 50_000 });
  const list: WrittenReading[] = [];
  let position = 0;
  for (let i = 0; i < 30; i++)
    for (const { id } of SERIES) {
      // jumps between blocks make many chunks
      const block = run(id, 2000, T0 + i * 8_000_000).map((one, n) => ({ ...one, value: Math.cos(n * n + i) }));
      list.push(...block);
      position = await at.append(block);
    }
  await allSealed(at, position);
  at.limitUs = T0 + 1e9;
  let stops = 0;
  for (let already = -1; already < at.expired.length; stops++) {
    already = at.expired.length;
    const reopened: Promise<void>[] = [];
    at.onGone = () => {
      if (reopened.length === 0) reopened.push(at.reopen());
    };
    await at.store.retain().catch(() => undefined);
    await Promise.all(reopened);
    await holds(at, list, () => true);
  }
  expect(stops).toBeGreaterThan(2);
  for (const { id } of SERIES) expect(await rawOf(at.store, id)).toStrictEqual([]);
}, 60_000);

test('what a round that was broken off has sealed already is not taken for the first of its series', async () => {
  await using at = await world([RULE], { ...EAGER, replayRows: 1_000_000 });
  await allSealed(at, await at.append(run(1, 100)));
  await at.reopen({ ...EAGER, rows: 1_000_000, ms: 1e9, replayRows: 1_000_000 }, () => {
    const db = new Database(at.file);
    db.exec(`UPDATE meta SET content = 0 WHERE key = 'sealed'; INSERT INTO sealing(series, position) VALUES (1, 100)`);
    db.close();
  });
  at.limitUs = T0 + 1e7;
  await at.store.retain();
  expect(await stateOf(at.store, 1)).toMatchObject({ count: 0, firstUs: T0 + 99_000 });
});

test('room that retention leaves goes back to the file system while readings still come', async () => {
  await using at = await world([RULE], { ...EAGER, roundRows: 100_000 });
  let position = 0;
  for (let i = 0; i < 30; i++)
    position = await at.append(run(1, 4000, T0 + i * 4_000_000).map((one, n) => ({ ...one, value: Math.sin(n * n + i) })));
  await allSealed(at, position);
  const db = new Database(at.file, { readonly: true });
  const pages = (): number => db.pragma('page_count', { simple: true }) as number;
  const before = pages();
  at.limitUs = T0 + 1e9;
  await at.store.retain();
  await until(
    () => pages() < before / 2,
    () => `${pages()} of ${before} pages`,
  );
  db.close();
}, 120_000);

test('the example of the documentation keeps what it says, and tells of the rest in events and a counter', async () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const [, yaml = ''] = /## Retention\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const read = readRetention((parse(yaml) as { retention: unknown[] }).retention);
  expect(read.faults).toStrictEqual([]);
  const rules = retentionRules(read.rules);
  const [meters, vibration, rest] = rules;
  expect([meters?.rawMs, vibration?.metric, vibration?.maxBytes, rest?.rawMs]).toStrictEqual([null, 'vibration*', 2e9, 400 * RAW_MS]);
  const events: { type: string; reason: string; detail?: object }[] = [];
  const observe = await openPinoObserve({ level: 'error', format: 'json' });
  const news = createRetentionNews(observe, (event) => events.push(event));
  await using at = await world(rules, EAGER, news);
  await allSealed(at, await at.append(run(1, 700)));
  at.limitUs = T0 + 399 * RAW_MS * 1000 + 1e6;
  await at.store.retain();
  expect(await rawOf(at.store, 1)).toStrictEqual([]);
  expect(events).toMatchObject([{ type: 'retention', reason: 'age', detail: { devices: '*', metrics: '*', readings: 700 } }]);
  expect(await observe.metrics()).toMatch(/^fieldgate_expired_readings_total 700$/m);
});

test('a clock that jumps ahead is not believed at once, one that is put back is', () => {
  let wallMs = 1e12;
  let steadyMs = 0;
  const pass = (ms: number): void => void ([wallMs, steadyMs] = [wallMs + ms, steadyMs + ms]);
  const doubt = createClockDoubt(
    () => wallMs,
    () => steadyMs,
  );
  pass(86_400_000);
  expect(doubt.isDoubtful()).toBe(false);
  wallMs += 10 * 86_400_000;
  expect(doubt.isDoubtful()).toBe(true);
  pass(3_600_000);
  expect(doubt.isDoubtful()).toBe(true);
  wallMs -= 10 * 86_400_000;
  expect(doubt.isDoubtful()).toBe(false);
  wallMs += 10 * 86_400_000;
  expect(doubt.isDoubtful()).toBe(true);
  pass(6 * 3_600_000);
  expect(doubt.isDoubtful()).toBe(false);
});
