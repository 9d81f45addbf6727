// Which series a pair of pattern lists means: decided once a series, then looked up. Subscriptions with the same patterns share one, so
// that a batch is matched and joined once for all of them.

import type { Catalogue } from '../ingest/catalogue.ts';
import { compilePatterns } from '../protocol/pattern.ts';

const WANTED = 1;
const UNWANTED = 2;

export class SeriesFilter {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  readonly wantsAll: boolean;
  readonly #catalogue: Catalogue;
  readonly #isDevice: (device: string) => boolean;
  readonly #isMetric: (metric: string) => boolean;
  #decided = new Uint8Array(256);

  constructor(devices: readonly string[], metrics: readonly string[], catalogue: Catalogue) {
    this.devices = devices;
    this.metrics = metrics;
    this.wantsAll = devices.includes('*') && metrics.includes('*');
    this.#catalogue = catalogue;
    this.#isDevice = compilePatterns(devices);
    this.#isMetric = compilePatterns(metrics);
  }

  wantsDevice(device: string): boolean {
    return this.#isDevice(device);
  }

  wants(seriesId: number): boolean {
    if (this.wantsAll) return true;
    if (seriesId >= this.#decided.length) this.#grow(seriesId);
    const known = this.#decided[seriesId];
    if (known !== 0) return known === WANTED;
    const row = this.#catalogue.series(seriesId);
    const wants = row !== undefined && this.#isDevice(row.device) && this.#isMetric(row.metric);
    this.#decided[seriesId] = wants ? WANTED : UNWANTED;
    return wants;
  }

  /** For a query of what was missed: null means every series. */
  seriesIds(): number[] | null {
    if (this.wantsAll) return null;
    const ids: number[] = [];
    // only what has readings on disk: a number that was never committed may be given to another series
    for (let id = 1; id <= this.#catalogue.lastSeries; id++) if (this.#catalogue.latest(id) !== undefined && this.wants(id)) ids.push(id);
    return ids;
  }

  #grow(seriesId: number): void {
    const wider = new Uint8Array(Math.max(this.#decided.length * 2, seriesId + 1));
    wider.set(this.#decided);
    this.#decided = wider;
  }
}

/** Filters by their patterns, kept while a subscription holds them. */
export function createFilterPool(catalogue: Catalogue) {
  const pool = new Map<string, { filter: SeriesFilter; holders: number }>();
  const keyOf = (devices: readonly string[], metrics: readonly string[]): string => JSON.stringify([devices, metrics]);
  return {
    take(devices: readonly string[], metrics: readonly string[]): SeriesFilter {
      const key = keyOf(devices, metrics);
      let entry = pool.get(key);
      if (entry === undefined) {
        entry = { filter: new SeriesFilter(devices, metrics, catalogue), holders: 0 };
        pool.set(key, entry);
      }
      entry.holders++;
      return entry.filter;
    },
    release(filter: SeriesFilter): void {
      const key = keyOf(filter.devices, filter.metrics);
      const entry = pool.get(key);
      if (entry !== undefined && --entry.holders === 0) pool.delete(key);
    },
    filters(): Iterable<{ readonly filter: SeriesFilter }> {
      return pool.values();
    },
  };
}
