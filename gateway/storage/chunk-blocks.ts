// Sums of a part of a decoded chunk. The chunk is summed up once in blocks of some tens of readings, so that a border that cuts it again,
// somewhere else, costs two blocks and no thousand readings.

import type { ChunkReadings, ChunkSummary } from './chunk-format.ts';
import { summarize } from './chunk-summary.ts';

const BLOCK = 64;
/** Of a block: min, max, sum, lost. */
const FIELDS = 4;
/** They go when the readings do. */
const known = new WeakMap<ChunkReadings, Float64Array>();

/** As `summarize`, of numbers or booleans. The parts are added up in another order: the last bits of sum and lost may differ, not their sum. */
export function summarizePart(readings: ChunkReadings, from: number, to: number): ChunkSummary {
  const headEnd = Math.ceil(from / BLOCK) * BLOCK;
  const tailFrom = Math.floor(to / BLOCK) * BLOCK;
  if (tailFrom - headEnd < 2 * BLOCK) return summarize(readings, from, to);
  const blocks = blocksOf(readings);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let lost = 0;
  const add = (itsMin: number, itsMax: number, part: number, itsLost: number): void => {
    if (itsMin < min) min = itsMin;
    if (itsMax > max) max = itsMax;
    const next = sum + part;
    lost += (Math.abs(sum) >= Math.abs(part) ? sum - next + part : part - next + sum) + itsLost;
    sum = next;
  };
  const addOf = (part: ChunkSummary): void => add(part.min, part.max, part.sum, part.lost);
  if (from < headEnd) addOf(summarize(readings, from, headEnd));
  for (let b = (headEnd / BLOCK) * FIELDS, end = (tailFrom / BLOCK) * FIELDS; b < end; b += FIELDS)
    add(blocks[b] as number, blocks[b + 1] as number, blocks[b + 2] as number, blocks[b + 3] as number);
  if (tailFrom < to) addOf(summarize(readings, tailFrom, to));
  const startUs = readings.timeUs[from] as number;
  const endUs = readings.timeUs[to - 1] as number;
  return {
    count: to - from,
    startUs,
    endUs,
    min,
    max,
    sum,
    lost,
    first: readings.value[from] as number,
    last: readings.value[to - 1] as number,
  };
}

function blocksOf(readings: ChunkReadings): Float64Array {
  const found = known.get(readings);
  if (found !== undefined) return found;
  const blocks = new Float64Array(Math.floor(readings.count / BLOCK) * FIELDS);
  for (let b = 0; b * FIELDS < blocks.length; b++) {
    const { min, max, sum, lost } = summarize(readings, b * BLOCK, (b + 1) * BLOCK);
    blocks.set([min, max, sum, lost], b * FIELDS);
  }
  known.set(readings, blocks);
  return blocks;
}
