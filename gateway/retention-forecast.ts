// What rules of retention would let go of what is stored now. Nothing is read but the books of the series and the sums of chunks, and
// nothing goes: a run lets go whole chunks, and what came late only when it has also been here for so long, so that it may be less.

import type { RetentionSetting } from './config-retention.ts';
import type { Catalogue } from './ingest/catalogue.ts';
import { compilePattern } from './protocol/pattern.ts';
import type { RetentionForecast } from './protocol/rest.ts';
import type { ReadingStore, SeriesState } from './storage/store.ts';

export interface RetentionForecastAsk {
  readonly rules: readonly RetentionSetting[];
  readonly catalogue: Pick<Catalogue, 'match'>;
  readonly store: Pick<ReadingStore, 'read' | 'catalogue'>;
  readonly nowMs: number;
}

const DAY_MS = 86_400_000;
/** Of a rule, so many devices are named. */
const NAMED = 5;

export async function forecastRetention({ rules, catalogue, store, nowMs }: RetentionForecastAsk): Promise<RetentionForecast[]> {
  const matches = rules.map(({ device, metric }) => [compilePattern(device), compilePattern(metric)] as const);
  const counts = rules.map(() => ({ devices: new Set<string>(), series: 0, readings: 0, going: new Set<string>() }));
  const beforeMs = rules.map(({ days }) => (days === null ? null : nowMs - days * DAY_MS));
  for (const device of new Set(catalogue.match(['*'], ['*']).map((row) => row.device))) {
    if (!matches.some(([isDevice]) => isDevice(device))) continue;
    for (const series of (await store.catalogue(device)).series) {
      const rule = matches.findIndex(([isDevice, isMetric]) => isDevice(device) && isMetric(series.metric));
      const its = counts[rule];
      if (its === undefined) continue;
      its.devices.add(device);
      its.series += 1;
      const goneBeforeMs = beforeMs[rule] ?? null;
      const readings = goneBeforeMs === null ? 0 : await countBefore(store, series, Math.floor(goneBeforeMs * 1000));
      its.readings += readings;
      if (readings > 0) its.going.add(device);
    }
  }
  return rules.map(({ maxBytes }, index) => {
    const { devices, series, readings, going } = counts[index] as (typeof counts)[number];
    return {
      devices: devices.size,
      series,
      goneBeforeMs: beforeMs[index] ?? null,
      readings,
      going: going.size,
      names: [...going].slice(0, NAMED),
      maxBytes,
    };
  });
}

/** Of the readings that are there: sums outlast readings, and older ones are of readings that have gone before. */
async function countBefore(
  store: Pick<ReadingStore, 'read'>,
  { id, count, firstUs, lastUs }: SeriesState,
  beforeUs: number,
): Promise<number> {
  if (count === 0 || firstUs >= beforeUs) return 0;
  if (lastUs < beforeUs) return count;
  const { buckets } = await store.read('buckets', { series: [id], fromUs: firstUs, toUs: beforeUs, points: 1 });
  return buckets.reduce((sum, { rows }) => sum + rows.reduce((inRows, [, inBucket]) => inRows + inBucket, 0), 0);
}
