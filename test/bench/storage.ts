// The storage engine alone: bytes a reading after compacting, appends while it seals, a year of one series as a chart, a raw range.
// Everything goes through the store's own interface, on files with full sync.

import { stat } from 'node:fs/promises';
import { SEALING } from '../../gateway/storage/sealing.ts';
import { STORAGE_DATA, type StorageDataOptions, storageBlocks } from '../support/storage-data.ts';
import { rounded } from './child.ts';
import { createFeed, withStore } from './storage-feed.ts';
import { writesBench } from './storage-writes.ts';
import { retentionBench } from './storage-retention.ts';

const SETS: readonly { readonly name: string; readonly data: StorageDataOptions; readonly atMostBytes: number }[] = [
  { name: 'two decimals, ±5 ms of jitter', data: STORAGE_DATA, atMostBytes: 1.2 },
  { name: 'two decimals, regular grid', data: { ...STORAGE_DATA, jitterMs: 0 }, atMostBytes: 0.7 },
  { name: 'random doubles, regular grid', data: { ...STORAGE_DATA, jitterMs: 0, values: 'noise' }, atMostBytes: 7 },
  { name: 'random doubles, ±5 ms of jitter', data: { ...STORAGE_DATA, values: 'noise' }, atMostBytes: 7.5 },
];
const APPENDS_PER_SECOND = 400_000;
const PACE = 410_000;
const ROUND_SECONDS = 8;
const BATCH = 2000;
/** A year beside the hundredth part of it. */
const AT_MOST_FOR_100_TIMES = 2;

export async function storageBench(args: readonly string[]): Promise<boolean> {
  const only = args[args.indexOf('--only') + 1] ?? '';
  const wants = (name: string): boolean => !args.includes('--only') || only === name;
  let isGood = true;
  if (wants('size')) for (const set of SETS) isGood = (await sizeOf(set)) && isGood;
  if (wants('append')) isGood = (await appends(Number(args[args.indexOf('--seconds') + 1] ?? 60) || 60)) && isGood;
  if (wants('year')) isGood = (await year()) && isGood;
  if (wants('writes')) isGood = (await writesBench(args)) && isGood;
  if (wants('retention')) isGood = (await retentionBench(args)) && isGood;
  return isGood;
}

const say = (line: object): void => console.log(JSON.stringify(line));

async function sizeOf({ name, data, atMostBytes }: (typeof SETS)[number]): Promise<boolean> {
  return withStore(SEALING, async (store, file) => {
    const feed = createFeed(store, data.series);
    let readings = 0;
    for (const block of storageBlocks(data, BATCH)) {
      await feed(block);
      readings += block.count;
    }
    const startedMs = performance.now();
    await store.compact(() => undefined);
    const seconds = (performance.now() - startedMs) / 1000;
    const { size } = await stat(file);
    const isGood = size / readings <= atMostBytes;
    say({
      scenario: `size: ${name}`,
      readings,
      bytes: size,
      bytesPerReading: rounded(size / readings, 3),
      atMostBytes,
      compactSeconds: rounded(seconds, 1),
      isGood,
    });
    return isGood;
  });
}

async function appends(seconds: number): Promise<boolean> {
  return withStore(SEALING, async (store, file) => {
    const feed = createFeed(store, STORAGE_DATA.series);
    const blocks = storageBlocks({ ...STORAGE_DATA, readingsPerSeries: 1_000_000 }, BATCH);
    const waits: number[] = [];
    const backlog: number[] = [];
    const startedMs = performance.now();
    let readings = 0;
    const inFlight: Promise<unknown>[] = [];
    for (let n = 0; performance.now() - startedMs < seconds * 1000; n++) {
      const { value: block } = blocks.next() as { value: { count: number; series: Int32Array; timeUs: Float64Array; value: Float64Array } };
      const sentMs = performance.now();
      // the arrays are reused by the generator, and two appends are under way
      const own = { count: block.count, series: block.series.slice(), timeUs: block.timeUs.slice(), value: block.value.slice() };
      inFlight.push(feed(own).then(() => waits.push(performance.now() - sentMs)));
      if (inFlight.length >= 2) await inFlight.shift();
      readings += block.count;
      if (n % 50 === 0) backlog.push(store.unsealed());
      // no faster than what must be sustained, so that the backlog tells whether it is
      const aheadMs = (readings / PACE) * 1000 - (performance.now() - startedMs);
      if (aheadMs > 5) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    }
    await Promise.all(inFlight);
    const took = (performance.now() - startedMs) / 1000;
    waits.sort((a, b) => a - b);
    const perSecond = Math.round(readings / took);
    // a round takes some seconds, in which the backlog grows: the highest of the time about a moment is what counts
    const about = (at: number): number => {
      const middle = Math.floor((backlog.length * at) / seconds);
      const width = Math.ceil((backlog.length * ROUND_SECONDS) / seconds);
      return Math.max(...backlog.slice(Math.max(0, middle - width), middle));
    };
    const [afterStart, atEnd] = [about(20), about(seconds)];
    const isGood = perSecond >= APPENDS_PER_SECOND && atEnd <= afterStart * 1.05;
    say({
      scenario: 'append while sealing',
      seconds: rounded(took, 1),
      readings,
      perSecond,
      commitP50Ms: rounded(waits[Math.floor(waits.length / 2)] ?? 0, 2),
      commitP99Ms: rounded(waits[Math.floor(waits.length * 0.99)] ?? 0, 2),
      backlogAfter20s: afterStart,
      backlogAtEnd: atEnd,
      fileMiB: Math.round((await stat(file)).size / 2 ** 20),
      isGood,
    });
    return isGood;
  });
}

async function year(): Promise<boolean> {
  const days = 365;
  const perDay = 86_400;
  return withStore({ ...SEALING, replayRows: 0 }, async (store) => {
    const feed = createFeed(store, 1);
    const startMs = Date.UTC(2025, 0, 1);
    let walk = 0;
    let noise = 1;
    const series = new Int32Array(perDay);
    for (let day = 0; day < days; day++) {
      const timeUs = new Float64Array(perDay);
      const value = new Float64Array(perDay);
      for (let i = 0; i < perDay; i++) {
        noise = (Math.imul(noise, 1_103_515_245) + 12_345) & 0x7fffffff;
        walk += 0.1 * (noise / 0x7fffffff - 0.5);
        timeUs[i] = (startMs + (day * perDay + i) * 1000) * 1000;
        value[i] = Math.round(walk * 100) / 100;
      }
      await feed({ count: perDay, series, timeUs, value });
    }
    const { bytes } = await store.compact(() => undefined);
    const startUs = startMs * 1000;
    const dayUs = perDay * 1e6;
    // the same chart again, as a page that is open asks for it; or moved by an hour, so that other chunks are cut
    const time = async (fromUs: number, toUs: number, byUs = 1): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 15; i++) {
        const began = performance.now();
        await store.read('buckets', { series: [1], fromUs: fromUs + i * byUs, toUs: toUs + i * byUs, points: 1000 });
        times.push(performance.now() - began);
      }
      return times.sort((a, b) => a - b)[7] as number;
    };
    const yearMs = await time(startUs, startUs + days * dayUs);
    const dayMs = await time(startUs + 200 * dayUs, startUs + 201 * dayUs);
    const fourMs = await time(startUs, startUs + 3.65 * dayUs);
    const movedMs = await time(startUs, startUs + (days - 1) * dayUs, 3700e6);
    const began = performance.now();
    const page = await store.read('range', { series: [1], fromUs: startUs + 100 * dayUs, toUs: startUs + 102 * dayUs, limit: 100_000 });
    const rangeMs = performance.now() - began;
    const ratio = yearMs / fourMs;
    const isGood = yearMs <= 30 && dayMs <= 5 && rangeMs <= 60 && ratio <= AT_MOST_FOR_100_TIMES;
    say({
      scenario: 'a year at 1 Hz, 1,000 buckets',
      readings: days * perDay,
      bytesPerReading: rounded(bytes / (days * perDay), 3),
      yearMs: rounded(yearMs, 1),
      dayMs: rounded(dayMs, 1),
      hundredthMs: rounded(fourMs, 1),
      ratio: rounded(ratio, 2),
      movedYearMs: rounded(movedMs, 1),
      raw100kMs: rounded(rangeMs, 1),
      raw: page.timeUs.length,
      isGood,
    });
    return isGood;
  });
}
