// What retention costs those who wait for a commit: 50,000 readings a second come in all the time, and in every other turn a part of ten
// million older ones goes.

import { stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SEALING } from '../../gateway/storage/sealing.ts';
import { STORAGE_DATA, storageBlocks } from '../support/storage-data.ts';
import { rounded } from './child.ts';
import { createFeed, withStore } from './storage-feed.ts';

const READINGS = 10_000_000;
const PER_SECOND = 50_000;
const BATCH = 1000;
const FILL_BATCH = 20_000;
const TURNS = 4;
const DAY_MS = 86_400_000;
const AT_MOST = 2;

export async function retentionBench(args: readonly string[]): Promise<boolean> {
  const argument = (name: string, otherwise: number): number => Number(args[args.indexOf(name) + 1] ?? otherwise) || otherwise;
  const seconds = argument('--seconds', 15);
  const readings = argument('--readings', READINGS);
  let limitMs = 0;
  const nowMs = (): number => limitMs + DAY_MS;
  let gone = 0;
  const retention = {
    rules: [{ device: '*', metric: '*', rawMs: DAY_MS, maxBytes: null, summariesMs: null }],
    nowMs,
    // the benchmark's clock jumps on purpose
    steadyMs: nowMs,
    onGone: (some: number) => void (gone += some),
  };
  return withStore(
    SEALING,
    async (store, file) => {
      const feed = createFeed(store, STORAGE_DATA.series);
      // so far ahead that their arrival is past the limit when their times are
      const shiftUs = (Date.now() + 10 * DAY_MS) * 1000;
      const perSeries = Math.round(readings / STORAGE_DATA.series);
      let startUs = 0;
      const shifted = (block: { count: number; series: Int32Array; timeUs: Float64Array; value: Float64Array }) => {
        startUs ||= shiftUs - (block.timeUs[0] as number);
        const { count, series, value } = block;
        return { count, series: series.slice(), timeUs: block.timeUs.map((us) => us + startUs), value: value.slice() };
      };
      for (const block of storageBlocks({ ...STORAGE_DATA, readingsPerSeries: perSeries }, FILL_BATCH)) await feed(shifted(block));
      await store.compact(() => undefined);
      const filled = (await stat(file)).size;

      const fresh = storageBlocks({ ...STORAGE_DATA, readingsPerSeries: 1_000_000 }, BATCH);
      const later = perSeries * 1_000_000 + DAY_MS * 1000;
      async function ingest(waits: number[]): Promise<void> {
        const startedMs = performance.now();
        const waiting: Promise<unknown>[] = [];
        for (let sent = 0; performance.now() - startedMs < seconds * 1000; ) {
          const block = shifted((fresh.next() as { value: Parameters<typeof shifted>[0] }).value);
          for (let i = 0; i < block.count; i++) (block.timeUs[i] as number) += later;
          const sentMs = performance.now();
          waiting.push(feed(block).then(() => waits.push(performance.now() - sentMs)));
          sent += block.count;
          const aheadMs = (sent / PER_SECOND) * 1000 - (performance.now() - startedMs);
          if (aheadMs > 1) await wait(aheadMs);
        }
        await Promise.all(waiting);
      }

      await ingest([]); // the first turn warms up
      const [without, beside]: [number[], number[]] = [[], []];
      const runMs: number[] = [];
      for (let turn = 1; turn <= TURNS; turn++) {
        await ingest(without);
        limitMs = shiftUs / 1000 + ((turn * perSeries) / TURNS) * 1000 + (turn === TURNS ? 60_000 : 0);
        const run = async (): Promise<void> => {
          const startedMs = performance.now();
          await store.retain();
          runMs.push(performance.now() - startedMs);
        };
        await Promise.all([ingest(beside), run()]);
      }
      const at = (waits: number[], p: number): number => rounded(waits.toSorted((a, b) => a - b)[Math.floor(waits.length * p)] ?? 0, 2);
      const ratio = at(beside, 0.999) / at(without, 0.999);
      const isGood = ratio <= AT_MOST && gone === readings;
      console.log(
        JSON.stringify({
          scenario: `retention of ${readings} readings beside ${PER_SECOND} a second`,
          expired: gone,
          commits: beside.length,
          runSeconds: runMs.map((ms) => rounded(ms / 1000, 1)),
          p50Ms: at(beside, 0.5),
          p99Ms: at(beside, 0.99),
          p999Ms: at(beside, 0.999),
          withoutP50Ms: at(without, 0.5),
          withoutP99Ms: at(without, 0.99),
          withoutP999Ms: at(without, 0.999),
          ratio: rounded(ratio, 2),
          fileMiB: Math.round((await stat(file)).size / 2 ** 20),
          filledMiB: Math.round(filled / 2 ** 20),
          isGood,
        }),
      );
      return isGood;
    },
    retention,
  );
}
