// The console's parts that need no browser: when a device is late, how many points a sparkline keeps.

import { expect, test } from 'vitest';
import type { DeviceView } from '../../gateway/protocol/rest.ts';
import { unitSymbol } from '../../gateway/protocol/units.ts';
import { createScale, feedScale, formatAge, formatValue } from '../../web/src/format.ts';
import { LiveDevice } from '../../web/src/live-device.ts';
import { RecentValues } from '../../web/src/recent-values.ts';
import { paddedRange } from '../../web/src/value-range.ts';

const NOW_MS = 1_700_000_000_000;
const view = (more: Partial<DeviceView> = {}): DeviceView => ({
  id: 'pump-1',
  label: '',
  status: 'active',
  online: true,
  lastSeenAt: new Date(NOW_MS).toISOString(),
  createdAt: new Date(NOW_MS - 1e9).toISOString(),
  tags: [],
  location: '',
  notes: '',
  expectEverySeconds: null,
  clock: 'device',
  pingSeconds: null,
  maySleep: false,
  state: 'live',
  lastReadingAt: null,
  closedAt: null,
  seenEveryMs: null,
  latest: { pressure: [NOW_MS, 4.2, 'bar'] },
  ...more,
});

test('a device is late after twice the set interval and silent after five times', () => {
  const device = new LiveDevice(view({ expectEverySeconds: 10 }), NOW_MS);
  expect(device.state(NOW_MS + 20_000)).toBe('live');
  expect(device.state(NOW_MS + 20_001)).toBe('late');
  expect(device.state(NOW_MS + 50_001)).toBe('silent');
  device.presence(false, NOW_MS + 51_000);
  expect(device.state(NOW_MS + 51_000)).toBe('offline');
  expect(new LiveDevice(view({ status: 'suspended' }), NOW_MS).state(NOW_MS)).toBe('suspended');
});

test('without a set interval the median of the last 32 intervals seen is expected', () => {
  const device = new LiveDevice(view(), NOW_MS);
  let atMs = NOW_MS;
  for (let i = 0; i < 40; i++) {
    atMs += i < 8 ? 60_000 : i % 10 === 0 ? 15_000 : 4000;
    device.reading('pressure', atMs, i, atMs);
  }
  expect(device.expectedMs).toBe(4000);
  expect(device.state(atMs + 8000)).toBe('live');
  expect(device.state(atMs + 8001)).toBe('late');
  expect(device.state(atMs + 20_001)).toBe('silent');
});

test('a device that posts over HTTP is live while its readings come, though it has no connection', () => {
  const device = new LiveDevice(view({ online: false, lastSeenAt: null, latest: {} }), NOW_MS);
  expect(device.state(NOW_MS)).toBe('offline');
  for (let i = 0; i < 5; i++) device.reading('pressure', NOW_MS + i * 10_000, i, NOW_MS + i * 10_000);
  expect(device.state(NOW_MS + 45_000)).toBe('live');
  expect(device.state(NOW_MS + 40_000 + 20_001)).toBe('late');
  expect(device.state(NOW_MS + 40_000 + 300_000)).toBe('late');
  expect(device.state(NOW_MS + 40_000 + 300_001)).toBe('offline');
  const daily = new LiveDevice(view({ online: false, expectEverySeconds: 86_400 }), NOW_MS);
  expect(daily.state(NOW_MS + 86_400_000)).toBe('live');
  const brisk = new LiveDevice(view({ online: false, expectEverySeconds: 10 }), NOW_MS);
  expect([20_000, 20_001, 50_001].map((ageMs) => brisk.state(NOW_MS + ageMs))).toEqual(['live', 'late', 'offline']);
});

test('a device whose socket was seen to close is offline at once, until it posts', () => {
  for (const close of [
    (device: LiveDevice) => device.presence(false, NOW_MS + 1000),
    (device: LiveDevice) => device.update(view({ online: false }), NOW_MS + 1000),
  ]) {
    const device = new LiveDevice(view(), NOW_MS);
    close(device);
    device.presence(false, NOW_MS);
    // sent before it closed, told after it
    device.reading('pressure', NOW_MS + 900, 4.1, NOW_MS + 1200);
    expect(device.state(NOW_MS + 1500)).toBe('offline');
    device.reading('pressure', NOW_MS + 9000, 4.3, NOW_MS + 9000);
    expect(device.state(NOW_MS + 9500)).toBe('live');
  }
});

test('a reading from the far future does not stay the latest for ever', () => {
  const device = new LiveDevice(view({ latest: {} }), NOW_MS);
  device.reading('pressure', NOW_MS + 1e12, 99, NOW_MS);
  device.reading('pressure', NOW_MS + 1000, 4.3, NOW_MS + 1000);
  expect(device.metrics.get('pressure')?.value).toBe(4.3);
  device.reading('pressure', NOW_MS - 5000, 1, NOW_MS + 2000);
  expect(device.metrics.get('pressure')?.value).toBe(4.3);
});

test('a sparkline keeps at most 96 points at any rate, the newest among them', () => {
  const recent = new RecentValues();
  for (let i = 0; i < 100_000; i++) recent.push(i * 20, i);
  expect(recent.times.length).toBeLessThanOrEqual(96);
  expect(recent.values.at(-1)).toBe(99_999);
  expect((recent.times[0] ?? 0) <= 100_000).toBe(true);
  recent.seed([
    [-2000, 1],
    [-1000, 2],
  ]);
  expect([...recent.times]).toEqual([...recent.times].sort((a, b) => a - b));
});

test('numbers keep their decimals, ages are short, and units are written as people do', () => {
  const scale = createScale();
  feedScale(scale, 21.25);
  expect(formatValue(21, scale, 'flow')).toBe('21.00');
  expect(formatValue(-3.5, scale, 'flow')).toBe('−3.50');
  expect(formatValue(1e12, scale, 'flow')).toBe('1.000e+12');
  expect([400, 48_000, 120_000, 7_200_000, 1e9].map(formatAge)).toEqual(['<1 s', '48 s', '2 min', '2 h', '12 d']);
  expect(['Cel', '%RH', 'm3', 'Ohm', 'constructor', 'furlong'].map(unitSymbol)).toEqual(['°C', '%', 'm³', 'Ω', 'constructor', 'furlong']);
});

test('noise in the last digits takes a small part of the value axis, and what really changes takes all of it', () => {
  const [low, high] = paddedRange(19, 19.08, 2);
  expect(high - low).toBeGreaterThan(0.38);
  expect((low + high) / 2).toBeCloseTo(19.04);
  expect(paddedRange(10, 30, 2)).toEqual([7.6, 32.4]);
  // an air pressure and a meter move little for their size
  expect(paddedRange(1009, 1014, 1)[0]).toBeGreaterThan(1008);
  // a flag sent as a number fills its axis; a constant stands in the middle
  expect(paddedRange(0, 1, 0)).toEqual([-0.12, 1.12]);
  const [bottom, top] = paddedRange(0, 0, 0);
  expect(bottom).toBeCloseTo(-top);
  expect(paddedRange(0.01, 0.02, 2)[0]).toBe(0);
});

test('true and false are said in the words that fit the metric', () => {
  const scale = createScale();
  expect(formatValue(true, scale, 'burner')).toBe('on');
  expect(formatValue(false, scale, 'burner')).toBe('off');
  for (const metric of ['door', 'north-window', 'inletValve', 'reed_contact']) {
    expect(formatValue(true, scale, metric)).toBe('open');
    expect(formatValue(false, scale, metric)).toBe('closed');
  }
});
