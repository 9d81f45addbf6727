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
  ['temperature', 'Cel', 1, 55, 1],
  ['pressure', 'bar', 0.9, 7, 1],
  ['vibration', 'mm/s', 0, 6, 0.5],
  ['battery', 'V', 3.4, 4.25, 0.1],
] as const)('%s stays in %s between %f and %f and moves by at least %f in a day', (metric, unit, least, most, swing) => {
  const waveform = findWaveform(metric);
  expect(waveform.unit).toBe(unit);
  const values = samples(waveform) as number[];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  expect(low).toBeGreaterThanOrEqual(least);
  expect(high).toBeLessThanOrEqual(most);
  expect(high - low).toBeGreaterThanOrEqual(swing);
});

test('nothing that is measured in numbers jumps from one second to the next, all day', () => {
  const allowed: Partial<Record<string, number>> = { temperature: 0.1, pressure: 0.15, vibration: 0.6, battery: 0.01 };
  for (let device = 0; device < 8; device++) {
    for (const waveform of createWaveforms('1', `sim-${device}`, METRICS)) {
      const step = allowed[waveform.metric];
      if (step === undefined) continue;
      const values = samples(waveform, 24, 1_000) as number[];
      const steps = values.slice(1).map((value, i) => Math.abs(value - values[i]!));
      expect(
        steps.reduce((most, one) => Math.max(most, one), 0),
        `${waveform.metric} of sim-${device}`,
      ).toBeLessThan(step);
    }
  }
});

test('six hours in the open air show a slope, not noise: readings a minute apart differ by far less than the hours do', () => {
  const metricsOf = (i: number) => createWaveforms('1', `sim-${i}`, METRICS);
  const outside = Array.from({ length: 40 }, (_, i) => metricsOf(i)).filter((kit) => kit.length === 2 && kit[1]!.metric === 'battery');
  expect(outside.length).toBeGreaterThan(0);
  for (const [temperature] of outside) {
    const values = samples(temperature!, 6, 60_000) as number[];
    const steps = values.slice(1).map((value, i) => Math.abs(value - values[i]!));
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(2);
    expect(steps.reduce((sum, step) => sum + step, 0) / steps.length).toBeLessThan(0.05);
  }
});

test('a pump that stands still does not shake, and has less pressure than one that runs', () => {
  const kit = Array.from({ length: 40 }, (_, i) => createWaveforms('1', `sim-${i}`, METRICS)).find((one) => one.length === 4)!;
  const [, pressure, vibration, state] = kit.map((waveform) => samples(waveform, 24, 60_000));
  const mean = (values: unknown[], wanted: string) => {
    const those = values.filter((_, i) => state![i] === wanted) as number[];
    return those.reduce((sum, value) => sum + value, 0) / those.length;
  };
  expect(mean(vibration!, 'running')).toBeGreaterThan(5 * mean(vibration!, 'idle'));
  expect(mean(pressure!, 'running')).toBeGreaterThan(1.5 * mean(pressure!, 'idle'));
});

test('a battery sinks over days, and is charged within hours', () => {
  const values = samples(findWaveform('battery'), 7 * 24, 30 * 60_000) as number[];
  const changes = values.slice(1).map((value, i) => value - values[i]!);
  const sinking = changes.filter((change) => change < 0).length;
  expect(sinking / changes.length).toBeGreaterThan(0.8);
  expect(Math.max(...changes)).toBeGreaterThan(0.1);
});

test('a door is a boolean, shut most of the time and open now and then for minutes', () => {
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
