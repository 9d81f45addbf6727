// What every ReadingStore must do, over 400 lines because a contract is one list. Run over each implementation by its own test file.

import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import type { StreamEntry } from '../../gateway/ingest/streams.ts';
import { type Batch, KIND, type RangePlace, type ReadingStore } from '../../gateway/storage/store.ts';

export interface StoreUnderTest {
  readonly store: ReadingStore;
  /** Closes and opens the same data again. */
  reopen(): Promise<ReadingStore>;
  [Symbol.asyncDispose](): Promise<void>;
}
type Sample = readonly [series: number, timeUs: number, value: number | boolean | string];

const T0 = 1_700_000_000_000_000;
const stream = (id: number, device = 'pump-1', name = 'stream-0001'): StreamEntry => ({
  id,
  device,
  stream: name,
  createdAtUs: T0,
  acked: 0,
  bodyHash: '',
  retired: false,
  lastUsedAtUs: T0,
  markSerial: 0,
  markIndex: 0,
});

/** Fills a batch the way the ingest does. */
function batchOf(fill: (batcher: Batcher) => void): Batch {
  const batcher = new Batcher(() => undefined);
  fill(batcher);
  return batcher.seal().batch;
}
function frame(batcher: Batcher, of: StreamEntry, samples: readonly Sample[], refused = 0): void {
  batcher.beginFrame();
  for (const [series, timeUs, value] of samples) {
    if (typeof value === 'number') batcher.add(series, timeUs, KIND.number, value);
    else if (typeof value === 'boolean') batcher.add(series, timeUs, KIND.boolean, value ? 1 : 0);
    else batcher.add(series, timeUs, KIND.string, batcher.addString(value));
  }
  batcher.endFrame(of, ++of.acked, refused, T0);
}
const names = (batcher: Batcher, count: number, device = 'pump-1'): void => {
  for (let id = 1; id <= count; id++) batcher.addSeries({ id, device, metric: `m${id}`, unit: id === 1 ? 'Cel' : '' });
};
const ALL = { fromUs: -(2 ** 53) + 1, toUs: 2 ** 53 - 1 };

export function storeContract(open: () => Promise<StoreUnderTest>): void {
  test('an empty store has position 0, an incarnation and nothing else', async () => {
    await using under = await open();
    const catalogue = await under.store.catalogue();
    expect(catalogue).toMatchObject({ position: 0, series: [], streams: [] });
    expect(catalogue.store).toMatch(/^[0-9a-f]{8,}$/);
  });

  test('positions rise by one a reading and values of each kind come back bit for bit', async () => {
    await using under = await open();
    const values = [21.5, -0.1, 5e-324, 1.7976931348623157e308, 0, 2 ** 53, true, false, '', 'idle', '21.5', 'ünïcödé 🌡', 1 / 3];
    const own = stream(1);
    const position = await under.store.append(
      batchOf((b) => {
        names(b, 1);
        b.addStream(own);
        frame(
          b,
          own,
          values.map((value, i): Sample => [1, T0 + i, value]),
        );
      }),
    );
    expect(position).toBe(values.length);
    const store = await under.reopen();
    const page = await store.read('range', { series: [1], ...ALL, limit: 100 });
    expect([...page.value]).toStrictEqual(values);
    expect(page).toMatchObject({ next: null, upTo: values.length });
  });

  test('a range is ordered by time, then by commit, and pages go on where they stopped', async () => {
    await using under = await open();
    const own = stream(1);
    const times = [5, 3, 5, 1, 3, 5, 2];
    for (let part = 0; part < 2; part++) {
      await under.store.append(
        batchOf((b) => {
          if (part === 0) {
            names(b, 1);
            b.addStream(own);
          }
          frame(
            b,
            own,
            times.map((t, i): Sample => [1, T0 + t, part * 100 + i]),
          );
        }),
      );
    }
    const expected = times
      .flatMap((t, i) => [
        [t, i],
        [t, 100 + i],
      ])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const seen: unknown[] = [];
    let after: RangePlace | undefined;
    for (;;) {
      const page = await under.store.read('range', { series: [1], ...ALL, limit: 3, ...(after && { after }) });
      page.timeUs.forEach((timeUs, i) => seen.push([timeUs - T0, page.value[i]]));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toStrictEqual(expected);
  });

  test('a range is from inclusive to exclusive and holds to upTo', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 2);
        b.addStream(own);
        frame(
          b,
          own,
          [0, 1, 2, 3].map((i): Sample => [1 + (i % 2), T0 + i, i]),
        );
      }),
    );
    const page = await under.store.read('range', { series: [1, 2], fromUs: T0 + 1, toUs: T0 + 3, limit: 10 });
    expect([...page.value]).toStrictEqual([1, 2]);
    const held = await under.store.read('range', { series: [1, 2], ...ALL, limit: 10, upTo: 2 });
    expect([...held.value]).toStrictEqual([0, 1]);
  });

  test('since gives what came after a position in commit order, of all or of some series', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 2);
        b.addStream(own);
        frame(
          b,
          own,
          [0, 1, 2, 3, 4, 5].map((i): Sample => [1 + (i % 2), T0 - i, i]),
        );
      }),
    );
    const all = await under.store.since(2, null, 3);
    expect(all).toMatchObject({ outcome: 'page', page: { value: [2, 3, 4], position: [3, 4, 5], more: true, upTo: 5 } });
    const some = await under.store.since(0, [2], 10);
    expect(some).toMatchObject({ outcome: 'page', page: { value: [1, 3, 5], more: false, upTo: 6 } });
    expect(await under.store.since(6, null, 10)).toMatchObject({ outcome: 'page', page: { value: [], upTo: 6 } });
    expect(await under.store.since(7, null, 10)).toStrictEqual({ outcome: 'future' });
  });

  test('buckets are exact: count, min, max, avg, first and last, at starts rounded down', async () => {
    await using under = await open();
    const own = stream(1);
    const samples: Sample[] = [
      [1, T0, 3],
      [1, T0 + 9, 5],
      [1, T0 + 3, 1],
      [1, T0 + 3, 2],
      [1, T0 + 6, 0.1],
      [2, T0 + 2, true],
      [2, T0 + 4, false],
      [3, T0 + 2, 'idle'],
    ];
    await under.store.append(
      batchOf((b) => {
        names(b, 3);
        b.addStream(own);
        frame(b, own, samples);
      }),
    );
    // starts: T0, +3, +6 (floor of 3.33 and 6.67)
    const { buckets } = await under.store.read('buckets', { series: [1, 2, 3], fromUs: T0, toUs: T0 + 10, points: 3 });
    const rows = Object.fromEntries(buckets.map((bucket) => [bucket.seriesId, bucket.rows]));
    expect(rows[1]).toStrictEqual([
      [0, 1, 3, 3, 3, 3, 3],
      [1, 2, 1, 2, 1.5, 1, 2],
      [2, 2, 0.1, 5, 2.55, 0.1, 5],
    ]);
    expect(rows[2]).toStrictEqual([
      [0, 1, 1, 1, 1, true, true],
      [1, 1, 0, 0, 0, false, false],
    ]);
    expect(rows[3]).toStrictEqual([[0, 1, null, null, null, 'idle', 'idle']]);
  });

  test('the catalogue survives: counts, first, last, latest by min(time, receipt + 10 min), suspects', async () => {
    await using under = await open();
    const own = stream(1);
    const far = T0 + 3_000_000_000_000;
    await under.store.append(
      batchOf((b) => {
        names(b, 2);
        b.addStream(own);
        frame(b, own, [
          [1, far, 'from 2120'],
          [1, T0, 'now'],
          [2, T0 + 5, 1],
          [2, T0 + 5, 2],
          [2, T0 + 4, 3],
        ]);
      }),
    );
    for (const open of [async () => under.store, () => under.reopen()]) {
      const { series } = await (await open()).catalogue();
      expect(series.find((s) => s.id === 1)).toMatchObject({
        count: 2,
        firstUs: T0,
        lastUs: far,
        latestUs: far,
        clockSuspect: 1,
        unit: 'Cel',
      });
      expect(series.find((s) => s.id === 2)).toMatchObject({ count: 3, firstUs: T0 + 4, lastUs: T0 + 5, latestValue: 2, clockSuspect: 0 });
    }
  });

  test('the books: frames stored, quarantined and declared lost, counted and recounted alike', async () => {
    await using under = await open();
    const own = stream(7);
    await under.store.append(
      batchOf((b) => {
        names(b, 1);
        b.addStream(own);
        frame(b, own, [[1, T0, 1]]);
        frame(b, own, [], 1);
        frame(
          b,
          own,
          [
            [1, T0, 1],
            [1, T0, 2],
          ],
          1,
        );
        const row = {
          device: 'pump-1',
          stream: 7,
          code: 'no-value',
          message: 'm',
          raw: '{}',
          encoding: 'utf8' as const,
          base: '',
          receivedAtUs: T0,
        };
        b.addQuarantine({ ...row, seq: 2, index: -1 });
        b.addQuarantine({ ...row, seq: 3, index: 1 });
        b.addQuarantine({ ...row, seq: 0, index: -1, code: 'bad-json' });
        b.addGap({ stream: 7, fromSeq: 4, toSeq: 9, reason: 'buffer-full', declaredAtUs: T0 });
        own.acked = 9;
        b.mark(own, 9);
        b.addBodyHash(7, 'ab');
      }),
    );
    const store = await under.reopen();
    const expected = {
      acked: 9,
      framesStored: 2,
      framesQuarantined: 1,
      framesGap: 6,
      readings: 3,
      refused: 2,
      device: 'pump-1',
      stream: 'stream-0001',
      bodyHash: 'ab',
    };
    for (const verify of [false, true]) {
      const { items } = await store.read('accounting', { device: '', verify });
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject(expected);
    }
    expect((await store.catalogue('pump-1')).streams[0]).toMatchObject(expected);
    expect((await store.catalogue('other')).streams).toStrictEqual([]);
    const { items } = await store.read('quarantine', { device: 'pump-1', code: '', limit: 2 });
    expect(items.map((item) => [item.seq, item.index, item.code])).toStrictEqual([
      [0, -1, 'bad-json'],
      [3, 1, 'no-value'],
    ]);
  });

  test('frames that are settled and in no count are unexplained', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 1);
        b.addStream(own);
        frame(b, own, [[1, T0, 1]]);
        b.mark(own, 4);
      }),
    );
    for (const verify of [false, true]) {
      const { items } = await under.store.read('accounting', { device: '', verify });
      expect(items).toMatchObject([{ acked: 4, framesStored: 1, unexplained: 3 }]);
    }
  });

  test('quarantine comes newest first, of a device and a code or of all, in pages, as it was put in', async () => {
    await using under = await open();
    const row = { device: 'pump-1', stream: 1, seq: 1, message: 'm', receivedAtUs: T0 };
    await under.store.append(
      batchOf((b) => {
        b.addStream(stream(1));
        b.addStream(stream(2, 'pump-2'));
        b.addQuarantine({ ...row, index: 0, code: 'no-value', raw: '{"n":"\u0000ü"}', encoding: 'utf8', base: '{"bn":"x"}' });
        b.addQuarantine({ ...row, index: 1, code: 'bad-name', raw: 'oQE=', encoding: 'base64', base: '' });
        b.addQuarantine({ ...row, device: 'pump-2', stream: 2, index: 2, code: 'no-value', raw: '', encoding: 'utf8', base: '' });
      }),
    );
    const read = async (device: string, code: string, more = {}) => {
      const { items, more: isMore } = await under.store.read('quarantine', { device, code, limit: 10, ...more });
      return [items.map((item) => item.index), isMore];
    };
    expect(await read('', '')).toStrictEqual([[2, 1, 0], false]);
    expect(await read('pump-1', '')).toStrictEqual([[1, 0], false]);
    expect(await read('', 'no-value')).toStrictEqual([[2, 0], false]);
    expect(await read('pump-1', 'no-value')).toStrictEqual([[0], false]);
    expect(await read('', 'no-value', { limit: 1 })).toStrictEqual([[2], true]);
    const { items } = await under.store.read('quarantine', { device: 'pump-1', code: '', limit: 10 });
    expect(await read('', '', { before: items[0].id })).toStrictEqual([[0], false]);
    expect(items).toStrictEqual([
      {
        ...row,
        id: items[0].id,
        stream: 'stream-0001',
        index: 1,
        code: 'bad-name',
        raw: 'oQE=',
        encoding: 'base64',
        base: '',
        replayedAtUs: null,
      },
      {
        ...row,
        id: items[1].id,
        stream: 'stream-0001',
        index: 0,
        code: 'no-value',
        raw: '{"n":"\u0000ü"}',
        encoding: 'utf8',
        base: '{"bn":"x"}',
        replayedAtUs: null,
      },
    ]);
  });

  test('a row of quarantine is marked as replayed, or goes, with the batch that says so; the books go on adding up', async () => {
    await using under = await open();
    const own = stream(1);
    const row = {
      device: 'pump-1',
      stream: 1,
      code: 'no-value',
      message: 'm',
      raw: '{}',
      encoding: 'utf8' as const,
      base: '',
      receivedAtUs: T0,
    };
    await under.store.append(
      batchOf((b) => {
        b.addStream(own);
        frame(b, own, [], 3);
        for (const index of [0, 1, 2]) b.addQuarantine({ ...row, seq: 1, index });
        b.addQuarantine({ ...row, seq: 0, index: -1 });
      }),
    );
    const list = async (store: ReadingStore) => (await store.read('quarantine', { device: '', code: '', limit: 10 })).items;
    const [unreadable, third, second, first] = (await list(under.store)).map((item) => item.id);
    const change = (b: Batcher): void => {
      b.markReplayed(first, T0 + 5);
      b.discardQuarantined([third, unreadable, 999]);
    };
    await expect(
      under.store.append(
        batchOf((b) => {
          change(b);
          b.addStream(own); // a number that is taken: all of it is rolled back
        }),
      ),
    ).rejects.toThrow();
    expect((await list(under.store)).map((item) => item.replayedAtUs)).toStrictEqual([null, null, null, null]);
    await under.store.catalogue();
    await under.store.append(batchOf(change));
    // what is marked keeps its moment, and what is gone is not counted again
    await under.store.append(
      batchOf((b) => {
        b.markReplayed(first, T0 + 9);
        b.discardQuarantined([third]);
      }),
    );
    const store = await under.reopen();
    expect((await list(store)).map((item) => [item.id, item.replayedAtUs])).toStrictEqual([
      [second, null],
      [first, T0 + 5],
    ]);
    for (const verify of [false, true]) {
      const { items } = await store.read('accounting', { device: '', verify });
      expect(items).toMatchObject([{ refused: 3, discarded: 1, evicted: 0, framesQuarantined: 1, unexplained: 0 }]);
    }
  });

  test('events come newest first, of one device or of all, in pages', async () => {
    await using under = await open();
    await under.store.append(
      batchOf((b) => {
        for (let i = 0; i < 5; i++) b.addEvent({ atUs: T0 + i, device: i % 2 ? 'b' : 'a', type: 'online', reason: `r${i}`, detail: '' });
      }),
    );
    const first = await under.store.read('events', { device: '', limit: 3 });
    expect(first.items.map((event) => event.reason)).toStrictEqual(['r4', 'r3', 'r2']);
    expect(first.more).toBe(true);
    const next = await under.store.read('events', { device: '', limit: 3, before: first.items[2].id });
    expect(next.items.map((event) => event.reason)).toStrictEqual(['r1', 'r0']);
    expect((await under.store.read('events', { device: 'b', limit: 9 })).items.map((event) => event.reason)).toStrictEqual(['r3', 'r1']);
  });

  test('events are of some types, and from a time up to another one', async () => {
    await using under = await open();
    const types = ['online', 'offline', 'unit-changed'] as const;
    await under.store.append(
      batchOf((b) => {
        for (let i = 0; i < 6; i++)
          b.addEvent({ atUs: T0 + i, device: i < 3 ? 'a' : 'b', type: types[i % 3] as 'online', reason: `r${i}`, detail: '' });
      }),
    );
    const read = async (ask: object): Promise<string[]> =>
      (await under.store.read('events', { device: '', limit: 9, ...ask })).items.map((event) => event.reason);
    expect(await read({ types: ['online', 'unit-changed'] })).toStrictEqual(['r5', 'r3', 'r2', 'r0']);
    expect(await read({ types: ['offline'], device: 'a' })).toStrictEqual(['r1']);
    expect(await read({ types: [] })).toStrictEqual([]);
    expect(await read({ fromUs: T0 + 2, toUs: T0 + 4 })).toStrictEqual(['r3', 'r2']);
    expect(await read({ fromUs: T0 + 2, types: ['online'] })).toStrictEqual(['r3']);
  });

  test('quarantine is found by a text in it, and its size is told by device and code', async () => {
    await using under = await open();
    const row = { stream: 1, seq: 1, message: 'm', receivedAtUs: T0, encoding: 'utf8', base: '' } as const;
    await under.store.append(
      batchOf((b) => {
        b.addStream(stream(1));
        b.addQuarantine({ ...row, device: 'a', index: 0, code: 'no-value', raw: '{"n":"50%"}' });
        b.addQuarantine({ ...row, device: 'a', index: 1, code: 'bad-name', raw: 'Needle' });
        b.addQuarantine({ ...row, device: 'b', index: 2, code: 'no-value', raw: 'x'.repeat(5000) });
      }),
    );
    const find = async (text: string): Promise<number[]> =>
      (await under.store.read('quarantine', { device: '', code: '', limit: 9, text })).items.map((item) => item.index);
    expect(await find('needle')).toStrictEqual([1]);
    expect(await find('0%')).toStrictEqual([0]);
    expect(await find('BAD-')).toStrictEqual([1]);
    expect(await find('nothing of it')).toStrictEqual([]);
    const { bytes, devices, ...size } = await under.store.read('quarantineSize', { devices: 1 });
    expect(size).toStrictEqual({
      rows: 3,
      evicted: 0,
      codes: [
        { code: 'no-value', rows: 2 },
        { code: 'bad-name', rows: 1 },
      ],
    });
    expect(devices).toMatchObject([{ device: 'b', rows: 1 }]);
    expect(bytes).toBeGreaterThan(5000);
  });

  test('gaps come newest first with their streams, of one device or of all, in pages', async () => {
    await using under = await open();
    await under.store.append(
      batchOf((b) => {
        b.addStream(stream(1));
        b.addStream(stream(2, 'pump-2'));
        b.addGap({ stream: 1, fromSeq: 1, toSeq: 3, reason: 'buffer-full', declaredAtUs: T0 });
        b.addGap({ stream: 2, fromSeq: 1, toSeq: 1, reason: 'refused', declaredAtUs: T0 + 1 });
        b.addGap({ stream: 1, fromSeq: 4, toSeq: 4, reason: 'refused', declaredAtUs: T0 + 2 });
      }),
    );
    const { items, more } = await under.store.read('gaps', { device: 'pump-1', limit: 1 });
    expect(items).toStrictEqual([
      { id: items[0].id, device: 'pump-1', stream: 'stream-0001', fromSeq: 4, toSeq: 4, reason: 'refused', declaredAtUs: T0 + 2 },
    ]);
    expect(more).toBe(true);
    const rest = await under.store.read('gaps', { device: 'pump-1', limit: 9, before: items[0].id });
    expect([rest.items.map((gap) => gap.fromSeq), rest.more]).toStrictEqual([[1], false]);
    expect((await under.store.read('gaps', { device: '', limit: 9 })).items.map((gap) => gap.device)).toStrictEqual([
      'pump-1',
      'pump-2',
      'pump-1',
    ]);
  });

  test('a batch that can not be stored leaves nothing behind, and the next one is stored', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 1);
        b.addStream(own);
        frame(b, own, [[1, T0, 1]]);
      }),
    );
    // the same series number again breaks a key after readings were written
    const broken = batchOf((b) => {
      names(b, 1);
      frame(b, own, [[1, T0, 2]]);
    });
    await expect(under.store.append(broken)).rejects.toThrow();
    expect(await under.store.catalogue()).toMatchObject({ position: 1 });
    own.acked = 1;
    expect(await under.store.append(batchOf((b) => frame(b, own, [[1, T0, 3]])))).toBe(2);
    const page = await under.store.read('range', { series: [1], ...ALL, limit: 10 });
    expect([...page.value]).toStrictEqual([1, 3]);
  });

  test('after a batch that failed, the catalogue of a reopened store still counts every reading', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 2);
        b.addStream(own);
        frame(b, own, [[1, T0, 1]]);
      }),
    );
    await expect(under.store.append(batchOf((b) => names(b, 1)))).rejects.toThrow();
    const next = batchOf((b) => frame(b, own, [[2, T0, 2]]));
    await expect(under.store.append(next)).rejects.toThrow();
    await under.store.catalogue();
    await under.store.append(next);
    const { series } = await (await under.reopen()).catalogue();
    expect(series.map(({ id, count }) => [id, count])).toStrictEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('a series whose first frame was refused keeps its number', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 1);
        b.addStream(own);
        frame(b, own, [], 1);
      }),
    );
    for (const open of [async () => under.store, () => under.reopen()]) {
      expect((await (await open()).catalogue()).series).toMatchObject([{ id: 1, metric: 'm1', count: 0 }]);
    }
  });

  test('while batches are committed, since has neither holes nor doubles, and a range is complete up to its end', async () => {
    await using under = await open();
    const own = stream(1);
    await under.store.append(
      batchOf((b) => {
        names(b, 2);
        b.addStream(own);
      }),
    );
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; n < 600; n++)
        await under.store.append(
          batchOf((b) =>
            frame(b, own, [
              [1, T0 + n, n],
              [2, T0 + n, n],
              [1, T0 + n, n],
            ]),
          ),
        );
      isWriting = false;
    })();
    const follow = async (series: number[] | null, perBatch: number): Promise<void> => {
      let position = 0;
      const seen: number[] = [];
      while (isWriting || position < 1800) {
        const result = await under.store.since(position, series, 50);
        if (result.outcome !== 'page') throw new Error(result.outcome);
        seen.push(...(result.page.value as number[]));
        position = result.page.upTo;
      }
      expect(seen).toStrictEqual(Array.from({ length: 600 * perBatch }, (_, i) => Math.floor(i / perBatch)));
    };
    const ranges = async (): Promise<void> => {
      while (isWriting) {
        const page = await under.store.read('range', { series: [1, 2], ...ALL, limit: 10_000 });
        expect(page.timeUs).toHaveLength(page.upTo);
      }
    };
    await Promise.all([writing, follow(null, 3), follow([1], 2), follow([2], 1), ranges()]);
  });

  test('appends of thousands of readings keep every one, and a retired stream stays retired', async () => {
    await using under = await open();
    const own = stream(1);
    const samples = Array.from({ length: 10_001 }, (_, i): Sample => [1 + (i % 3), T0 + i, i / 7]);
    await under.store.append(
      batchOf((b) => {
        names(b, 3);
        b.addStream(own);
        for (let i = 0; i < samples.length; i += 137) frame(b, own, samples.slice(i, i + 137));
        b.retire(1);
      }),
    );
    const store = await under.reopen();
    const page = await store.read('range', { series: [1, 2, 3], ...ALL, limit: 20_000 });
    expect([...page.value]).toStrictEqual(samples.map((sample) => sample[2]));
    expect((await store.catalogue()).streams[0]).toMatchObject({ retired: true, readings: 10_001 });
    expect((await store.read('accounting', { device: '', verify: true })).items[0].readings).toBe(10_001);
  });

  test('after close every call rejects, and closing again is nothing', async () => {
    await using under = await open();
    await under.store.close();
    await under.store.close();
    await expect(under.store.catalogue()).rejects.toThrow();
    await expect(under.store.since(0, null, 1)).rejects.toThrow();
    await expect(under.store.append(batchOf(() => undefined))).rejects.toThrow();
  });
}
