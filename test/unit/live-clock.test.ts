// The live feed measures intervals by a clock that never jumps, and tells the time by the one on the wall.

import { expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import { createCatalogue } from '../../gateway/ingest/catalogue.ts';
import { createInProcessBus } from '../../gateway/relay/bus.ts';
import { createLiveFeed } from '../../gateway/relay/live-feed.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';

const HOUR_MS = 3_600_000;
/** Over two heartbeats. */
const STALL_SECONDS = 40;
/** Instead of a close code: without a close. */
const CUT = 0;
const START_MS = 1_800_000_000_000;

interface Heard {
  readonly type: string;
  readonly atMs?: number;
  readonly readings?: readonly unknown[];
}

function openFeed() {
  const clock = { wallMs: START_MS, steadyMs: 5_000 };
  const onError = (error: unknown): never => {
    throw error;
  };
  const stored = { store: 'abc', position: 0, series: [], streams: [] };
  const catalogue = createCatalogue(stored);
  const bus = createInProcessBus(onError);
  const feed = createLiveFeed({
    store: {} as ReadingStore, // only asked for what was missed
    bus,
    catalogue,
    presence: { isOnline: () => true, lastSeenMs: () => null, closedMs: () => null, connection: () => null, onlineCount: 0 },
    devices: () => [],
    limits: { ...DEFAULTS.limits, outboxStallSeconds: STALL_SECONDS },
    now: () => clock.wallMs,
    steadyMs: () => clock.steadyMs,
    onError,
  });
  const batcher = new Batcher(() => undefined);
  const series = catalogue.create(catalogue.deviceSeries('pump-1'), 't', '').id;
  let position = 0;
  return {
    clock,
    subscribe(ask: object = {}, takes = true) {
      const heard: Heard[] = [];
      const closed: number[] = [];
      const subscriber = feed.open({
        send(text, taken) {
          heard.push(JSON.parse(text));
          if (takes) taken();
        },
        pause: () => undefined,
        resume: () => undefined,
        close: (code) => void closed.push(code),
        terminate: () => void closed.push(CUT),
      });
      subscriber.message({ type: 'subscribe', id: 'a', ...ask });
      return { closed, of: (type: string) => heard.filter((message) => message.type === type) };
    },
    publish(value: number): void {
      batcher.beginFrame();
      batcher.add(series, START_MS * 1000, 0, value);
      const { batch } = batcher.seal();
      position += batch.count;
      catalogue.apply({ batch, position });
      bus.publish({ batch, position });
    },
    [Symbol.dispose]: () => feed.close(),
  };
}

test.each([
  ['back', -HOUR_MS],
  ['ahead', HOUR_MS],
])('when the clock is set %s by an hour, rates and heartbeats go on as before', async (_, byMs) => {
  using house = openFeed();
  const { clock } = house;
  const subscriber = house.subscribe({ maxRateHz: 1 });
  await expect.poll(() => subscriber.of('snapshot')).toHaveLength(1);
  house.publish(1);
  await expect.poll(() => subscriber.of('readings')).toHaveLength(1);
  clock.wallMs += byMs;
  house.publish(2);
  clock.steadyMs += 1_000;
  await expect.poll(() => subscriber.of('readings')).toHaveLength(2);
  expect(subscriber.of('heartbeat')).toStrictEqual([]);
  clock.steadyMs += 14_000;
  await expect.poll(() => subscriber.of('heartbeat')).toMatchObject([{ atMs: START_MS + byMs }]);
});

test('D7 a subscriber is closed for taking nothing by the time that passed, not by what the clock says', async () => {
  using house = openFeed();
  const { clock } = house;
  const dead = house.subscribe({}, false);
  const quick = house.subscribe();
  const tick = async (): Promise<void> => {
    const heartbeats = quick.of('heartbeat').length;
    clock.steadyMs += 15_000;
    await expect.poll(() => quick.of('heartbeat')).toHaveLength(heartbeats + 1);
  };
  await expect.poll(() => dead.of('snapshot')).toHaveLength(1);
  clock.wallMs += HOUR_MS;
  await tick();
  expect(dead.closed).toStrictEqual([]);
  clock.wallMs -= 2 * HOUR_MS;
  await tick();
  expect(dead.closed).toStrictEqual([]);
  await tick();
  expect(dead.closed).toStrictEqual([1013]);
  // who does not answer the close either is cut, 2 s later
  clock.steadyMs += 1_900;
  expect(dead.closed).toStrictEqual([1013]);
  clock.steadyMs += 100;
  await expect.poll(() => dead.closed[1]).toBe(CUT);
});
