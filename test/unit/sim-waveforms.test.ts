// What simulated devices measure: the same for the same seed, and believable.

import { expect, test } from 'vitest';
import { createWaveforms, METRICS, type MetricName, type Waveform } from '../../device-sim/waveforms.ts';

const START_MS = Date.UTC(2026, 2, 3, 4, 5, 6);
const HOUR_MS = 3_600_000;

function findWaveform(metric: MetricName): Waveform {
  for (let i = 1; i < 100; i++) {
    const found = createWaveforms('1', `sim-${i}`, METRICS).find((waveform) => waveform.metric === metric);
    if (found) return found;
  }
  throw new Error(`no device measures ${metric}`);
}

const samples = (waveform: Waveform, hours = 24, everyMs = 5_000) =>
  Array.from({ length: (hours * HOUR_MS) / everyMs }, (_, i) => waveform.at(START_MS + i * everyMs));

test('the same seed, device and metric give the same values, whatever was asked before', () => {
  const once = createWaveforms('7', 'sim-0003', METRICS).map((waveform) => [waveform.metric, samples(waveform, 1)]);
  const again = createWaveforms('7', 'sim-0003', METRICS);
  for (const waveform of again) samples(waveform, 1, 777);
  expect(again.map((waveform) => [waveform.metric, samples(waveform, 1)])).toEqual(once);
});

test('another seed and another device give other values', () => {
  const values = (seed: string, device: string) => samples(createWaveforms(seed, device, ['temperature'])[0]!, 1);
  expect(values('1', 'sim-0001')).not.toEqual(values('2', 'sim-0001'));
  expect(values('1', 'sim-0001')).not.toEqual(values('1', 'sim-0002'));
});

test('all metrics occur in a fleet, no device has all of them, and none has none', () => {
  const kits = Array.from({ length: 200 }, (_, i) => createWaveforms('1', `sim-${i}`, METRICS).map((waveform) => waveform.metric));
  expect(new Set(kits.flat())).toEqual(new Set(METRICS));
  for (const kit of kits) {
    expect(kit.length).toBeGreaterThan(0);
    expect(kit.length).toBeLessThan(METRICS.length);
    expect(new Set(kit).size).toBe(kit.length);
  }
});

test('a wish for metrics is kept by every device', () => {
  for (let i = 0; i < 50; i++) {
    const metrics = createWaveforms('1', `sim-${i}`, ['door', 'pressure']).map((waveform) => waveform.metric);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect(['door', 'pressure']).toContain(metric);
  }
});

test.each([
  ['temperature', 'Cel', 5, 35, 3],
  ['pressure', 'bar', 0.9, 7, 1],
  ['vibration', 'mm/s', 0, 6, 0.5],
  ['battery', 'V', 3.4, 4.25, 0.15],
] as const)('%s stays in %s between %f and %f and moves by at least %f in a day', (metric, unit, least, most, swing) => {
  const waveform = findWaveform(metric);
  expect(waveform.unit).toBe(unit);
  const values = samples(waveform) as number[];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  expect(low).toBeGreaterThanOrEqual(least);
  expect(high).toBeLessThanOrEqual(most);
  expect(high - low).toBeGreaterThanOrEqual(swing);
});

test('temperature does not jump', () => {
  const values = samples(findWaveform('temperature'), 24, 1_000) as number[];
  for (let i = 1; i < values.length; i++) expect(Math.abs(values[i]! - values[i - 1]!)).toBeLessThan(0.2);
});

test('a door is a boolean, shut most of the time and open now and then', () => {
  const values = samples(findWaveform('door'));
  const share = values.filter((value) => value === true).length / values.length;
  expect(new Set(values)).toEqual(new Set([true, false]));
  expect(share).toBeGreaterThan(0.005);
  expect(share).toBeLessThan(0.3);
});

test('a machine is idle, running or at fault, and running most of the time', () => {
  const values = samples(findWaveform('state'), 7 * 24, 60_000);
  expect(new Set(values)).toEqual(new Set(['idle', 'running', 'fault']));
  expect(values.filter((value) => value === 'running').length / values.length).toBeGreaterThan(0.5);
});
