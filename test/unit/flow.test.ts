import { expect, test } from 'vitest';
import { createContests } from '../../gateway/ingest/contests.ts';
import { createFlow, type Flowing, type HoldReason } from '../../gateway/ingest/flow.ts';
import { createPaces, type PaceLimits } from '../../gateway/ingest/pace.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';

const MIB = 1024 * 1024;
const holds = () => createRecordedObserve().counterBy('holds', '', 'reason');

function flowing() {
  const held = new Set<HoldReason>();
  const state: Flowing & { inFlightBytes: number; held: Set<HoldReason> } = {
    inFlightBytes: 0,
    held,
    hold: (reason) => void held.add(reason),
    release: (reason) => void held.delete(reason),
  };
  return state;
}

test('above 80 % of the budget the heaviest are held, the light ones never, and at 50 % all go on', () => {
  const flow = createFlow({ budgetBytes: 10 * MIB, holds: holds() });
  const [heavy, ...light] = Array.from({ length: 20 }, flowing);
  for (const one of [heavy, ...light]) flow.enter(one);
  const take = (one: (typeof light)[0], bytes: number): void => {
    one.inFlightBytes += bytes;
    flow.add(bytes);
  };
  for (const one of light) take(one, 10_000);
  while (flow.inFlightBytes <= 8 * MIB) {
    expect([...heavy.held]).toStrictEqual([]);
    take(heavy, 64 * 1024);
  }
  expect([...heavy.held]).toStrictEqual(['budget']);
  expect(light.filter((one) => one.held.size > 0)).toStrictEqual([]);
  while (flow.inFlightBytes > 5 * MIB) {
    expect([...heavy.held]).toStrictEqual(['budget']);
    heavy.inFlightBytes -= 64 * 1024;
    flow.add(-64 * 1024);
  }
  expect([...heavy.held]).toStrictEqual([]);
});

test('when all are alike, all are held before the budget is full', () => {
  const flow = createFlow({ budgetBytes: 10 * MIB, holds: holds() });
  const all = Array.from({ length: 50 }, flowing);
  for (const one of all) flow.enter(one);
  for (let round = 0; flow.inFlightBytes < 10 * MIB; round++) {
    const free = all.filter((one) => one.held.size === 0);
    if (free.length === 0) break;
    const one = free[round % free.length];
    one.inFlightBytes += 16 * 1024;
    flow.add(16 * 1024);
  }
  expect(all.filter((one) => one.held.size === 0)).toStrictEqual([]);
  expect(flow.inFlightBytes).toBeLessThan(10 * MIB);
});

test('a peak does not raise the level for the next flooder, and beyond the budget nobody is read', () => {
  const flow = createFlow({ budgetBytes: 1000, holds: holds() });
  const [first, second, idle] = [flowing(), flowing(), flowing()];
  for (const one of [first, second, idle]) flow.enter(one);
  const add = (one: typeof first, bytes: number): void => {
    one.inFlightBytes += bytes;
    flow.add(bytes);
  };
  add(first, 2000);
  expect([first, second, idle].map((one) => one.held.has('budget'))).toStrictEqual([true, true, true]);
  add(first, -1380);
  const late = flowing();
  flow.enter(late);
  add(late, 100);
  add(late, 100);
  expect(late.held.has('budget')).toBe(true);
  add(first, -620);
  expect([first, second, idle, late].map((one) => one.held.size)).toStrictEqual([0, 0, 0, 0]);
  expect(flow.inFlightBytes).toBe(200);
});

test('who is held again while the others are let go stays held, and is let go later', () => {
  const flow = createFlow({ budgetBytes: 1000, holds: holds() });
  const greedy = flowing();
  const eager = { ...flowing(), inFlightBytes: 0 };
  eager.release = (reason) => {
    eager.held.delete(reason);
    // what waited comes at once
    greedy.inFlightBytes += 900;
    flow.add(900);
  };
  flow.enter(eager);
  flow.enter(greedy);
  flow.add(1500);
  expect([eager.held.size, greedy.held.size]).toStrictEqual([1, 1]);
  flow.add(-1500);
  expect(greedy.held.has('budget')).toBe(true);
  greedy.inFlightBytes = 0;
  flow.add(-900);
  expect(greedy.held.has('budget')).toBe(false);
});

test('a store that takes nothing holds everybody, also who comes later, until it goes on', () => {
  const flow = createFlow({ budgetBytes: 10 * MIB, holds: holds() });
  const early = flowing();
  flow.enter(early);
  flow.holdAll();
  const late = flowing();
  flow.enter(late);
  expect([early.held.has('store'), late.held.has('store')]).toStrictEqual([true, true]);
  flow.releaseAll();
  expect([early.held.size, late.held.size]).toStrictEqual([0, 0]);
});

const LIMITS: PaceLimits = { deviceFramesPerSecond: 10, deviceFramesBurst: 20, deviceReadingsPerSecond: 100, deviceReadingsBurst: 200 };

test('a device has its burst, then its rate, in frames and in readings', () => {
  const pace = createPaces(LIMITS)('pump-1');
  for (let i = 0; i < 20; i++) expect(pace.spend(1, 0)).toBe(0);
  expect(pace.spend(1, 0)).toBe(100);
  expect(pace.waitMs(50_000)).toBe(50);
  expect(pace.waitMs(100_000)).toBe(0);
  const other = createPaces(LIMITS)('pump-2');
  expect(other.spend(200, 0)).toBe(0);
  expect(other.spend(50, 0)).toBe(500);
});

test('the pace of a device outlives its connection; a clock that jumps fills it once at most, or takes nothing', () => {
  const paceOf = createPaces(LIMITS);
  for (let i = 0; i < 30; i++) paceOf('pump-1').spend(1, 1e6);
  expect(paceOf('pump-1').waitMs(1e6)).toBe(1000);
  expect(paceOf('pump-1').waitMs(-1e15)).toBe(1000);
  expect(paceOf('pump-1').waitMs(-1e15 + 500_000)).toBe(500);
  expect(paceOf('pump-1').spend(1, 1e15)).toBe(0);
  for (let i = 0; i < 19; i++) expect(paceOf('pump-1').spend(0, 1e15)).toBe(0);
  expect(paceOf('pump-1').spend(0, 1e15)).toBe(100);
});

test('a rate of 0 is no limit', () => {
  const free = createPaces({ ...LIMITS, deviceFramesPerSecond: 0, deviceReadingsPerSecond: 0 })('pump-1');
  const frames = createPaces({ ...LIMITS, deviceReadingsPerSecond: 0 })('pump-1');
  for (let i = 0; i < 1000; i++) expect(free.spend(1000, 0)).toBe(0);
  for (let i = 0; i < 20; i++) expect(frames.spend(1000, 0)).toBe(0);
  expect(frames.spend(1000, 0)).toBe(100);
});

test('five contests in a minute are a fight, four are not, and a fight keeps the device out for a minute', () => {
  let nowMs = 0;
  const contests = createContests(() => nowMs);
  for (let i = 0; i < 40; i++) {
    nowMs += 16_000;
    expect(contests.add('slow')).toBe(false);
  }
  for (let i = 0; i < 4; i++) expect(contests.add('pump-1')).toBe(false);
  expect(contests.penaltySeconds('pump-1')).toBe(0);
  expect(contests.add('pump-1')).toBe(true);
  expect(contests.penaltySeconds('pump-1')).toBe(60);
  expect(contests.penaltySeconds('pump-2')).toBe(0);
  nowMs += 59_500;
  expect(contests.penaltySeconds('pump-1')).toBe(1);
  nowMs += 500;
  expect(contests.penaltySeconds('pump-1')).toBe(0);
});
