// All series in memory, by number, name and pattern, with each one's latest reading. The ingest gives new series their numbers here;
// the API and the relay look names up.

import type { Value } from '../protocol/messages.ts';
import { compilePatterns } from '../protocol/pattern.ts';
import { CLOCK_SLACK_US } from '../protocol/time.ts';
import type { Committed } from '../relay/bus.ts';
import { KIND, type SeriesRow, type SeriesState, type Catalogue as StoredCatalogue } from '../storage/store.ts';
import { createRhythms, type Rhythms } from './rhythms.ts';

export interface LatestReading {
  readonly timeUs: number;
  readonly value: Value;
}

export interface Catalogue {
  readonly store: string;
  /** Highest committed position the catalogue has seen. */
  readonly position: number;
  /** The highest series number so far. */
  readonly lastSeries: number;
  series(id: number): SeriesRow | undefined;
  ofDevice(device: string): readonly SeriesRow[];
  /** Series whose device and metric match one pattern each (`*` matches any run of characters; everything else is literal). */
  match(devices: readonly string[], metrics: readonly string[]): readonly SeriesRow[];
  latest(id: number): LatestReading | undefined;
  /** How often devices tell something, and when they last did. */
  readonly rhythms: Pick<Rhythms, 'lastReadingMs' | 'intervalMs'>;
}

/** While the clock is behind, given times rise by 1 µs each, and so pass the rank of the one that was given last by the right clock. */
const CREEP_US = 1_000_000;

/** A series as the validator holds it; `lastGivenUs` is the last time that the gateway stamped in it. */
export interface SeriesEntry extends SeriesRow {
  lastGivenUs: number;
}

/** One device's series by metric; the entry is the series of the unit that came last. */
export interface DeviceSeries {
  readonly device: string;
  readonly metrics: Map<string, SeriesEntry>;
  /** All series of the device, by `metric NUL unit`. */
  readonly all: Map<string, SeriesEntry>;
}

export interface IngestCatalogue extends Catalogue {
  /** The same object for a device until `reload`. */
  deviceSeries(device: string): DeviceSeries;
  /** Gives a new series its number. The caller puts the row into the batch that brings its first reading. */
  create(series: DeviceSeries, metric: string, unit: string): SeriesEntry;
  /** After a commit: takes the latest values. */
  apply(committed: Committed): void;
  /** A device whose readings are gone: it has no latest ones either. */
  forget(device: string): void;
  /** Forgets everything and starts again from what is on disk. */
  reload(stored: StoredCatalogue): void;
}

export function createCatalogue(stored: StoredCatalogue): IngestCatalogue {
  let store = '';
  let position = 0;
  let nextId = 1;
  let rows: (SeriesEntry | undefined)[] = [];
  let devices = new Map<string, DeviceSeries>();
  let latestUs: number[] = [];
  let rankUs: number[] = [];
  let latestValue: Value[] = [];

  function deviceSeries(device: string): DeviceSeries {
    let series = devices.get(device);
    if (series === undefined) {
      series = { device, metrics: new Map(), all: new Map() };
      devices.set(device, series);
    }
    return series;
  }

  function put(series: DeviceSeries, row: SeriesRow): SeriesEntry {
    const entry: SeriesEntry = { id: row.id, device: row.device, metric: row.metric, unit: row.unit, lastGivenUs: 0 };
    rows[row.id] = entry;
    rankUs[row.id] = Number.NEGATIVE_INFINITY;
    latestUs[row.id] = 0;
    latestValue[row.id] = 0;
    series.all.set(`${row.metric}\0${row.unit}`, entry);
    if (row.id >= nextId) nextId = row.id + 1;
    return entry;
  }

  function reload(from: StoredCatalogue): void {
    store = from.store;
    position = from.position;
    nextId = 1;
    rows = [];
    devices = new Map();
    latestUs = [];
    rankUs = [];
    latestValue = [];
    for (const state of from.series) {
      const series = deviceSeries(state.device);
      const entry = put(series, state);
      // its frame was refused after it had its number
      if (state.latestRankUs === Number.NEGATIVE_INFINITY) continue;
      // not held to the clock of now, which may have been put back: a given time is later than those before it, restarts or not
      entry.lastGivenUs = state.lastUs - state.latestRankUs < CREEP_US ? state.lastUs : state.latestRankUs;
      latestUs[state.id] = state.latestUs;
      rankUs[state.id] = state.latestRankUs;
      latestValue[state.id] = state.latestValue;
      const newest = series.metrics.get(state.metric);
      if (newest === undefined || isNewer(state, newest)) series.metrics.set(state.metric, entry);
    }
  }
  function isNewer(state: SeriesState, than: SeriesEntry): boolean {
    return state.latestRankUs >= rankUs[than.id];
  }

  reload(stored);
  const rhythms = createRhythms({ stored, deviceOf: (id) => rows[id]?.device });
  return {
    rhythms,
    get store() {
      return store;
    },
    get position() {
      return position;
    },
    get lastSeries() {
      return nextId - 1;
    },
    series: (id) => rows[id],
    ofDevice: (device) => [...(devices.get(device)?.all.values() ?? [])].filter((row) => rankUs[row.id] !== Number.NEGATIVE_INFINITY),
    match(devicePatterns, metricPatterns) {
      const isDevice = compilePatterns(devicePatterns);
      const isMetric = compilePatterns(metricPatterns);
      const found: SeriesRow[] = [];
      for (const [device, series] of devices) {
        if (!isDevice(device)) continue;
        for (const row of series.all.values()) if (isMetric(row.metric)) found.push(row);
      }
      return found;
    },
    latest: (id) => (rankUs[id] > Number.NEGATIVE_INFINITY ? { timeUs: latestUs[id], value: latestValue[id] } : undefined),
    deviceSeries,
    create(series, metric, unit) {
      const entry = put(series, { id: nextId, device: series.device, metric, unit });
      series.metrics.set(metric, entry);
      return entry;
    },
    apply({ batch, position: upTo, unrelayed }) {
      position = upTo;
      rhythms.take(batch, unrelayed ?? null);
      let i = 0;
      for (let f = 0; f < batch.frames; f++) {
        const horizonUs = batch.frameReceivedUs[f] + CLOCK_SLACK_US;
        for (const end = i + batch.frameReadings[f]; i < end; i++) {
          const id = batch.series[i];
          const timeUs = batch.timeUs[i];
          const rank = timeUs < horizonUs ? timeUs : horizonUs;
          if (rank < rankUs[id]) continue;
          const value = batch.value[i];
          const kind = batch.kind[i];
          rankUs[id] = rank;
          latestUs[id] = timeUs;
          latestValue[id] = kind === KIND.number ? value : kind === KIND.boolean ? value === 1 : batch.strings[value];
        }
      }
    },
    forget(device) {
      rhythms.forget(device);
      for (const { id } of devices.get(device)?.all.values() ?? []) rankUs[id] = Number.NEGATIVE_INFINITY;
    },
    reload,
  };
}
