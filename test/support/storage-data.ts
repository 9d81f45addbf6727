// The readings on which the storage engine is measured, always the same ones: many series at 1 Hz with random phases, in the order in
// which they would arrive. Times in whole milliseconds, as devices give them, held in microseconds.

export interface StorageDataOptions {
  readonly series: number;
  readonly readingsPerSeries: number;
  /** Whole milliseconds about the second: 10 gives −5 to 5, 0 a regular grid. */
  readonly jitterMs: number;
  /** A walk of two decimals, as sensors have it; or all 53 bits of noise, the worst there is. */
  readonly values: 'walk' | 'noise';
}

export const STORAGE_DATA: StorageDataOptions = { series: 2000, readingsPerSeries: 2000, jitterMs: 10, values: 'walk' };

/** The first `count` places of each array; index into the series from 0. Reused for the next block. */
export interface ReadingsBlock {
  readonly count: number;
  readonly series: Int32Array;
  readonly timeUs: Float64Array;
  readonly value: Float64Array;
}

const START_MS = Date.UTC(2026, 0, 1);
const PERIOD_MS = 1000;
const SEED = 1;

/** Second after second, within each by the phases of the series. */
export function* storageBlocks(options: StorageDataOptions, blockReadings = 2000): Generator<ReadingsBlock> {
  const next = createXorshift(SEED);
  const phaseMs = Array.from({ length: options.series }, () => Math.floor(next() * PERIOD_MS)).sort((a, b) => a - b);
  const walks = new Float64Array(options.series);
  const series = new Int32Array(blockReadings);
  const timeUs = new Float64Array(blockReadings);
  const value = new Float64Array(blockReadings);
  let count = 0;
  for (let i = 0; i < options.readingsPerSeries; i++) {
    for (let one = 0; one < options.series; one++) {
      series[count] = one;
      timeUs[count] = 1000 * (START_MS + phaseMs[one]! + PERIOD_MS * i + Math.round(options.jitterMs * (next() - 0.5)));
      if (options.values === 'noise') value[count] = next() + next() / 2 ** 32;
      else {
        walks[one]! += 0.1 * (next() - 0.5);
        value[count] = Math.round(walks[one]! * 100) / 100;
      }
      count++;
      if (count === blockReadings) {
        yield { count, series, timeUs, value };
        count = 0;
      }
    }
  }
  if (count > 0) yield { count, series, timeUs, value };
}

/** The same readings, series by series. */
export function storageColumns(options: StorageDataOptions): readonly { readonly timeUs: Float64Array; readonly value: Float64Array }[] {
  const columns = Array.from({ length: options.series }, () => ({
    timeUs: new Float64Array(options.readingsPerSeries),
    value: new Float64Array(options.readingsPerSeries),
  }));
  const filled = new Int32Array(options.series);
  for (const block of storageBlocks(options)) {
    for (let i = 0; i < block.count; i++) {
      const one = block.series[i]!;
      const at = filled[one]!++;
      columns[one]!.timeUs[at] = block.timeUs[i]!;
      columns[one]!.value[at] = block.value[i]!;
    }
  }
  return columns;
}

/** Marsaglia's 32-bit generator with shifts 13, 17, 5; in [0, 1). */
function createXorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
