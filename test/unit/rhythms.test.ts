// When a device counts as late, silent, asleep or offline, and how its rhythm is learnt from what is committed.

import { expect, test } from 'vitest';
import { createRhythms } from '../../gateway/ingest/rhythms.ts';
import { DEVICE_STATES, deviceState, searchTextOf, searchWords, type StateFacts } from '../../gateway/protocol/device-state.ts';
import type { Batch, Catalogue } from '../../gateway/storage/store.ts';

const NOW_MS = 1_700_000_000_000;
const NOTHING: Catalogue = { store: 's', position: 0, series: [], streams: [] };
const facts = (more: Partial<StateFacts>): StateFacts => ({
  isSuspended: false,
  isOnline: true,
  maySleep: false,
  lastReadingMs: NOW_MS,
  lastSeenMs: NOW_MS,
  closedMs: 0,
  rhythm: { setMs: null, seenMs: 10_000 },
  ...more,
});
const after = (ageMs: number, more: Partial<StateFacts> = {}) => deviceState(facts(more), NOW_MS + ageMs);

/** One frame of readings of series 1, each at its time. */
function batchOf(receivedMs: number, ...timesMs: number[]): Batch {
  return {
    count: timesMs.length,
    series: new Int32Array(timesMs.length).fill(1),
    timeUs: Float64Array.from(timesMs, (ms) => ms * 1000),
    frames: 1,
    frameReadings: Int32Array.of(timesMs.length),
    frameReceivedUs: Float64Array.of(receivedMs * 1000),
  } as unknown as Batch;
}
const learn = (frames: readonly (readonly [receivedMs: number, ...timesMs: number[]])[]): number | null => {
  const rhythms = createRhythms({ stored: NOTHING, deviceOf: () => 'pump-1' });
  for (const [receivedMs, ...timesMs] of frames) rhythms.take(batchOf(receivedMs, ...timesMs), null);
  return rhythms.intervalMs('pump-1');
};

test('late begins after twice the expected interval, silent after five times, by what is set before what is seen', () => {
  expect([20_000, 20_001, 50_000, 50_001].map((ageMs) => after(ageMs))).toEqual(['live', 'late', 'late', 'silent']);
  const rhythm = { setMs: 1000, seenMs: 10_000 };
  expect([2000, 2001, 5001].map((ageMs) => after(ageMs, { rhythm }))).toEqual(['live', 'late', 'silent']);
  // nothing is known: a minute is assumed
  const unknown = { setMs: null, seenMs: null };
  expect([120_000, 120_001, 300_001].map((ageMs) => after(ageMs, { rhythm: unknown }))).toEqual(['live', 'late', 'silent']);
});

test('a device that may sleep is asleep instead of late or offline, never live without a connection, and silent when it does not wake', () => {
  const sleeper = { maySleep: true };
  expect([20_000, 20_001, 50_000, 50_001].map((ageMs) => after(ageMs, sleeper))).toEqual(['live', 'asleep', 'asleep', 'silent']);
  const away = { maySleep: true, isOnline: false };
  expect([0, 20_001, 50_000, 50_001].map((ageMs) => after(ageMs, away))).toEqual(['asleep', 'asleep', 'asleep', 'silent']);
  expect(after(1e10, { ...away, rhythm: { setMs: null, seenMs: null } })).toBe('asleep');
  expect(after(0, { ...away, isSuspended: true })).toBe('suspended');
});

test('without a connection a device is there while its posts come, and offline once its socket has closed', () => {
  const posting = { isOnline: false };
  expect([20_000, 20_001, 300_000, 300_001].map((ageMs) => after(ageMs, posting))).toEqual(['live', 'late', 'late', 'offline']);
  expect(after(1000, { isOnline: false, closedMs: NOW_MS })).toBe('offline');
  expect(after(9000, { isOnline: false, closedMs: NOW_MS - 5000 })).toBe('live');
  expect(new Set(DEVICE_STATES).size).toBe(6);
});

test('the rhythm is the median of the last 32 intervals, and what came together is one arrival', () => {
  expect(learn([[0, 0]])).toBe(null);
  const minutes = Array.from({ length: 20 }, (_, i): [number, number] => [i * 60_000, i * 60_000]);
  const seconds = Array.from({ length: 33 }, (_, i): [number, number] => [2e6 + i * 1000, 2e6 + i * 1000]);
  expect(learn(minutes)).toBe(60_000);
  expect(learn([...minutes, ...seconds])).toBe(1000);
  expect(learn(seconds.flatMap(([at]) => [[at, at] as const, [at + 10, at + 10] as const, [at + 30, at + 30] as const]))).toBe(1000);
});

test('a backlog that comes all at once tells the rhythm in which it was measured', () => {
  const backlog = Array.from({ length: 40 }, (_, i): [number, number] => [1e9 + i * 60, 1e8 + i * 600_000]);
  expect(learn(backlog)).toBe(600_000);
  // a clock that stands still leaves the arrivals, and what is older than the newest counts for nothing
  expect(learn(Array.from({ length: 9 }, (_, i) => [1e9 + i * 5000, 1e9] as const))).toBe(5000);
  const late = Array.from({ length: 40 }, (_, i): [number, number] => [1e9 + 200_000 + i * 70, 1e8 - i * 1000]);
  const live = Array.from({ length: 10 }, (_, i): [number, number] => [1e9 + i * 5000, 1e9 + i * 5000]);
  expect(learn([...live, ...late])).toBe(5000);
});

test('after a start the history tells, until the device does; an import says nothing of it', () => {
  const series = { id: 1, device: 'pump-1', metric: 'm', unit: '', latestUs: 0, latestValue: 1, clockSuspect: 0 };
  const stored = {
    ...NOTHING,
    series: [{ ...series, count: 11, firstUs: 0, lastUs: 100e6, latestRankUs: 100e6 }],
    streams: [{ device: 'pump-1', stream: '~ws', lastUsedAtUs: 99e6 }],
  } as unknown as Catalogue;
  const rhythms = createRhythms({ stored, deviceOf: () => 'pump-1' });
  expect(rhythms.intervalMs('pump-1')).toBe(10_000);
  expect(rhythms.lastReadingMs('pump-1')).toBe(99_000);
  rhythms.take(batchOf(200_000, 1000), Uint8Array.of(1));
  expect(rhythms.lastReadingMs('pump-1')).toBe(99_000);
  rhythms.take(batchOf(200_000, 200_000), null);
  expect(rhythms.lastReadingMs('pump-1')).toBe(200_000);
  rhythms.forget('pump-1');
  expect([rhythms.lastReadingMs('pump-1'), rhythms.intervalMs('pump-1')]).toEqual([0, null]);
});

test('a search finds every word, wherever it stands and in any script', () => {
  const device = { id: 'pump-1', label: '三号温室 Kessel', tags: ['site:north'], location: 'Halle 2' };
  const finds = (asked: string): boolean => searchWords(asked).every((word) => searchTextOf(device).includes(word));
  expect(['KESSEL pump', '温室', 'north halle', '', 'pump-2', 'kessel south'].map(finds)).toEqual([true, true, true, true, false, false]);
});
