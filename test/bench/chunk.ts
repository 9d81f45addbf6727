// The chunk codec alone, on one core: bytes a reading without and with the row that a chunk is in, readings a second in and out, and what
// a day of one series at 1 Hz takes to open. Each file after `--csv` (`timestamp,value`, UTC) is measured too.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeChunk, encodeChunk } from '../../gateway/storage/chunk-codec.ts';
import type { ChunkReadings } from '../../gateway/storage/chunk-format.ts';
import { summarize } from '../../gateway/storage/chunk-summary.ts';
import { cutIntoChunks } from '../support/chunk-readings.ts';
import { storageColumns } from '../support/storage-data.ts';
import { rounded } from './child.ts';

/** What a row around a chunk takes in the file, with its summary and its share of the pages' room. */
const ROW_BYTES = 80;
const CHUNK_READINGS = 1024;
const SERIES = 100;
const ENCODE_PER_SECOND = 1_500_000;
const DECODE_PER_SECOND = 10_000_000;
const DAY_MS = 5;
const TURNS_MS = 2000;

const SETS = [
  { name: 'two decimals, ±5 ms of jitter', jitterMs: 10, values: 'walk', atMostBytes: 1.2 },
  { name: 'two decimals, regular grid', jitterMs: 0, values: 'walk', atMostBytes: 0.7 },
  { name: 'random doubles, regular grid', jitterMs: 0, values: 'noise', atMostBytes: 7 },
  { name: 'random doubles, ±5 ms of jitter', jitterMs: 10, values: 'noise', atMostBytes: 7.5 },
] as const;

export async function chunkBench(args: readonly string[]): Promise<boolean> {
  let isGood = true;
  for (const set of SETS) {
    const columns = storageColumns({ series: SERIES, readingsPerSeries: 2 * CHUNK_READINGS, jitterMs: set.jitterMs, values: set.values });
    isGood = measure(set.name, columns, set.atMostBytes) && isGood;
  }
  const csv = args.indexOf('--csv');
  for (const file of csv < 0 ? [] : args.slice(csv + 1))
    isGood = measure(path.basename(file), [columnsOf(readFileSync(file, 'utf8'))], Infinity) && isGood;
  return openDay() && isGood;
}

function measure(scenario: string, columns: readonly { timeUs: Float64Array; value: Float64Array }[], atMostBytes: number): boolean {
  const chunks = columns.flatMap(({ timeUs, value }) => cutIntoChunks(timeUs, value, CHUNK_READINGS));
  const readings = chunks.reduce((sum, { count }) => sum + count, 0);
  let encoded: Uint8Array[] = [];
  const encodeMs = meanMs(() => {
    encoded = chunks.map(encodeChunk);
  });
  const decodeMs = meanMs(() => {
    for (const chunk of encoded) decodeChunk(chunk);
  });
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0);
  const different = encoded.filter((chunk, i) => !isSame(decodeChunk(chunk), chunks[i]!)).length;
  const line = {
    scenario,
    readings,
    bytesPerReading: rounded(bytes / readings, 3),
    withRow: rounded((bytes + ROW_BYTES * chunks.length) / readings, 3),
    encodedPerSecond: Math.round((readings / encodeMs) * 1000),
    decodedPerSecond: Math.round((readings / decodeMs) * 1000),
    different,
  };
  console.log(JSON.stringify(line));
  return (
    line.withRow <= atMostBytes &&
    line.encodedPerSecond >= ENCODE_PER_SECOND &&
    line.decodedPerSecond >= DECODE_PER_SECOND &&
    different === 0
  );
}

/** 1,000 buckets over a day cut every chunk of it. */
function openDay(): boolean {
  const [column] = storageColumns({ series: 1, readingsPerSeries: 86_400, jitterMs: 10, values: 'walk' });
  const chunks = cutIntoChunks(column!.timeUs, column!.value, CHUNK_READINGS).map(encodeChunk);
  const dayMs = meanMs(() => {
    for (const chunk of chunks) {
      const answer = decodeChunk(chunk);
      if (answer.outcome !== 'readings') throw new Error(answer.what);
      const { readings } = answer;
      for (let part = 0; part < 12; part++)
        summarize(readings, Math.floor((part * readings.count) / 12), Math.floor(((part + 1) * readings.count) / 12));
    }
  });
  console.log(JSON.stringify({ scenario: 'a day at 1 Hz, opened and summed up in parts', chunks: chunks.length, ms: rounded(dayMs) }));
  return dayMs <= DAY_MS;
}

/** Of this thread's own time on a core, which neighbours on the machine change little; its clock is coarse, hence the mean of many turns. */
function meanMs(turn: () => void): number {
  turn();
  const before = process.threadCpuUsage();
  const endMs = performance.now() + TURNS_MS;
  let turns = 0;
  for (; performance.now() < endMs; turns++) turn();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 / turns;
}

function isSame(answer: ReturnType<typeof decodeChunk>, { count, timeUs, value }: ChunkReadings): boolean {
  if (answer.outcome !== 'readings' || answer.readings.count !== count) return false;
  const { readings } = answer;
  return timeUs.every((time, i) => readings.timeUs[i] === time && Object.is(readings.value[i], value[i]));
}

function columnsOf(csv: string): { timeUs: Float64Array; value: Float64Array } {
  const rows = csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => {
      const [time = '', value] = line.split(',');
      return [Date.parse(`${time.replace(' ', 'T')}Z`) * 1000, Number(value)] as const;
    })
    .sort((a, b) => a[0] - b[0]);
  return { timeUs: Float64Array.from(rows, ([time]) => time), value: Float64Array.from(rows, ([, value]) => value) };
}
