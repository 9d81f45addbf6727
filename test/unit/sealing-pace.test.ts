// When a round of sealing begins, by a clock of the test's own: at once where it is quiet, and where much comes in for many series as soon
// as it is worth its work, but always before the log has grown to three times the bound.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SealSlice } from '../../gateway/storage/seal-slice.ts';
import { createSealing, type SealBounds } from '../../gateway/storage/sealing.ts';
import type { BeginRound } from '../../gateway/storage/sqlite-sealer.ts';
import type { Thread } from '../../gateway/storage/thread.ts';

const BOUNDS: SealBounds = { rows: 30_000, ms: 3_600_000, roundRows: 1_000_000, replayRows: 0, replayMs: 0 };
const LOOK_MS = 500;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Seals whatever it is asked to at once; `series` is how many it says were among it. */
function openHouse(series: number) {
  const behindAtRounds: number[] = [];
  let position = 0;
  let mark = 0;
  let isGiven = true;
  const answer = (op: string, ask: unknown): unknown => {
    if (op === 'begin') {
      const { upTo } = ask as BeginRound;
      behindAtRounds.push(upTo - mark);
      mark = upTo;
      isGiven = false;
      return { readings: upTo, series, upTo };
    }
    if (isGiven) return null;
    isGiven = true;
    return { upTo: mark, isLast: true } as SealSlice;
  };
  const thread = { call: (op: string, ask: unknown) => Promise.resolve(answer(op, ask)) } as Thread;
  const sealing = createSealing({
    bounds: BOUNDS,
    sealer: () => Promise.resolve(thread),
    mark: 0,
    position: 0,
    isUnsummed: false,
    store: () => Promise.resolve(),
    onError: (error) => {
      throw error;
    },
  });
  return {
    behindAtRounds,
    sealing,
    async comes(perLook: number, looks: number): Promise<void> {
      for (let n = 0; n < looks; n++) {
        sealing.note((position += perLook));
        await vi.advanceTimersByTimeAsync(LOOK_MS);
      }
    },
    [Symbol.asyncDispose]: () => sealing.close(),
  };
}

test('where much comes in for many series a round waits for three times as many readings, and no longer', async () => {
  await using house = openHouse(1000);
  await house.comes(10_000, 40);
  // nobody knows of the first round how many series it will have
  expect(house.behindAtRounds.slice(0, 4)).toStrictEqual([30_000, 90_000, 90_000, 90_000]);
});

test('with as many readings for each series as a round should have it does not wait', async () => {
  await using house = openHouse(10);
  await house.comes(10_000, 12);
  expect(house.behindAtRounds).toStrictEqual([30_000, 30_000, 30_000, 30_000]);
});

test('where little comes in, or nothing any more, what waits beyond the bound is sealed at once', async () => {
  await using house = openHouse(1000);
  await house.comes(10_000, 8);
  expect(house.behindAtRounds).toStrictEqual([30_000]);
  await house.comes(0, 1);
  expect(house.behindAtRounds).toStrictEqual([30_000, 50_000]);
  await house.comes(4000, 20);
  expect(house.behindAtRounds).toStrictEqual([30_000, 50_000, 32_000, 32_000]);
});

test('while the disk is full no round begins, but for one that is asked for; with room again it goes on', async () => {
  await using house = openHouse(10);
  house.sealing.hold(true);
  await house.comes(10_000, 20);
  expect(house.behindAtRounds).toStrictEqual([]);
  await house.sealing.sealTo(50_000, () => undefined);
  await house.comes(0, 5);
  expect(house.behindAtRounds).toStrictEqual([50_000]);
  house.sealing.hold(false);
  await house.comes(0, 1);
  expect(house.behindAtRounds).toStrictEqual([50_000, 150_000]);
});
