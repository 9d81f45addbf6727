// Readings as a plain list, and a store that was given them: whatever is asked, the answers have to be those of the list.

import { expect } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import type { StreamEntry } from '../../gateway/ingest/streams.ts';
import type { Value } from '../../gateway/protocol/messages.ts';
import { createBucketer } from '../../gateway/storage/bucketer.ts';
import type { SealBounds } from '../../gateway/storage/sealing.ts';
import { type Batch, KIND, type RangePlace, type ReadingStore } from '../../gateway/storage/store.ts';

export interface Reading {
  readonly series: number;
  readonly timeUs: number;
  readonly value: Value;
}

export const T0 = 1_700_000_000_000_000;
export const SERIES = [1, 2, 3];
/** Sealed as soon as there is anything, in rounds of a few hundred, and nothing is kept for replay. */
export const EAGER: SealBounds = { rows: 1, ms: 0, roundRows: 400, replayRows: 0, replayMs: 0 };

/** Frames of one stream of one device; `settled` is where it goes on. */
export function createBatches(settled = 0): (readings: readonly Reading[]) => Batch {
  const stream: StreamEntry = {
    id: 1,
    device: 'pump-1',
    stream: 'stream-0001',
    createdAtUs: T0,
    acked: settled,
    bodyHash: '',
    retired: false,
    lastUsedAtUs: T0,
    markSerial: 0,
    markIndex: 0,
  };
  const batcher = new Batcher(() => undefined);
  let isFirst = settled === 0;
  return (readings) => {
    if (isFirst) {
      for (const id of SERIES) batcher.addSeries({ id, device: 'pump-1', metric: `m${id}`, unit: '' });
      batcher.addStream(stream);
    }
    isFirst = false;
    batcher.beginFrame();
    for (const { series, timeUs, value } of readings) {
      if (typeof value === 'number') batcher.add(series, timeUs, KIND.number, value);
      else if (typeof value === 'boolean') batcher.add(series, timeUs, KIND.boolean, value ? 1 : 0);
      else batcher.add(series, timeUs, KIND.string, batcher.addString(value));
    }
    batcher.endFrame(stream, ++stream.acked, 0, T0);
    return batcher.seal().batch;
  };
}

export async function pages(store: ReadingStore, series: readonly number[], fromUs: number, toUs: number, limit: number, upTo?: number) {
  const found: Reading[] = [];
  let after: RangePlace | undefined;
  for (;;) {
    const held = upTo === undefined ? {} : { upTo };
    const page = await store.read('range', { series, fromUs, toUs, limit, ...held, ...(after && { after }) });
    for (const [i, id] of page.seriesId.entries())
      found.push({ series: id, timeUs: page.timeUs[i] as number, value: page.value[i] as Value });
    if (page.next === null) return found;
    expect(page.seriesId).toHaveLength(limit);
    after = page.next;
  }
}
export const inOrder = (list: readonly Reading[]): Reading[] => list.toSorted((a, b) => a.timeUs - b.timeUs || a.series - b.series);

export async function answersAs(
  store: ReadingStore,
  list: readonly Reading[],
  fromUs: number,
  toUs: number,
  points: number,
  limit: number,
): Promise<void> {
  for (const series of [[1], [3, 1], SERIES]) {
    const wanted = list.filter((one) => series.includes(one.series) && one.timeUs >= fromUs && one.timeUs < toUs);
    expect(await pages(store, series, fromUs, toUs, limit)).toStrictEqual(inOrder(wanted));
    if (toUs === fromUs) continue;
    const model = createBucketer(fromUs, toUs, points);
    for (const { series: id, timeUs, value } of wanted) model.add(id, timeUs, value);
    const { buckets } = await store.read('buckets', { series, fromUs, toUs, points });
    const byId = (rows: typeof buckets) => rows.filter((one) => one.rows.length > 0).toSorted((a, b) => a.seriesId - b.seriesId);
    const [found, expected] = [byId(buckets), byId(model.finish())];
    // sums are added up in another order: the mean may differ in its last bits
    const parts = (rows: typeof buckets) =>
      rows.map(({ seriesId, rows: own }) => ({
        seriesId,
        // which of 0 and -0 is the smaller one is nobody's business
        own: own.map(([i, n, min, max, , first, last]) => [
          i,
          n,
          min === null ? null : min + 0,
          max === null ? null : max + 0,
          first,
          last,
        ]),
      }));
    expect(parts(found)).toStrictEqual(parts(expected));
    for (const [s, { rows }] of expected.entries())
      for (const [b, row] of rows.entries()) {
        const mean = found[s]?.rows[b]?.[4] ?? null;
        // a sum beyond the largest double has no mean
        if (row[4] === null || mean === null || Number.isNaN(row[4])) expect(mean).toBe(row[4]);
        else expect(Math.abs(mean - row[4])).toBeLessThanOrEqual(Math.abs(row[4]) * 1e-12 + 1e-12);
      }
  }
}

/** What the log still has is what was appended last, and the books agree with what is there. */
export async function tailAndBooksAs(store: ReadingStore, list: readonly Reading[], device = 'pump-1'): Promise<void> {
  const { position, series } = await store.catalogue();
  expect(position).toBe(list.length);
  for (const { id, count } of series) expect(count, `readings of series ${id}`).toBe(list.filter((one) => one.series === id).length);
  let from = 0;
  for (let least = 0, most = list.length; least <= most; ) {
    from = Math.floor((least + most) / 2);
    const { outcome } = await store.since(from, null, 1);
    if (outcome === 'too-old') least = from + 1;
    else most = from - 1;
    from = least;
  }
  const found: Reading[] = [];
  for (let at = from; at < list.length; ) {
    const answer = await store.since(at, null, 1000);
    // sealing goes on meanwhile
    if (answer.outcome !== 'page') return;
    for (const [i, id] of answer.page.seriesId.entries())
      found.push({ series: id, timeUs: answer.page.timeUs[i] as number, value: answer.page.value[i] as Value });
    at = answer.page.upTo;
  }
  expect(found).toStrictEqual(list.slice(from));
  const { items } = await store.read('accounting', { device, verify: true });
  expect(items).toMatchObject(list.length === 0 ? [] : [{ readings: list.length, unexplained: 0 }]);
}
