// The reader of docs/examples/, which was made after docs/chunk-format.md alone, prints what the codec has written.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { decodeChunk, encodeChunk } from '../../gateway/storage/chunk-codec.ts';
import type { ChunkReadings } from '../../gateway/storage/chunk-format.ts';
import { KIND } from '../../gateway/storage/store.ts';
import { everyShape } from '../support/chunk-readings.ts';

const READER = path.join(import.meta.dirname, '../../docs/examples/read-chunk.py');
const run = promisify(execFile);

/** Debian's own interpreter: it has the package, whatever else is first on the PATH. */
async function read(chunk: Uint8Array): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-chunk-'));
  try {
    const file = path.join(folder, 'chunk');
    await writeFile(file, chunk);
    return (await run('/usr/bin/python3', [READER, file], { maxBuffer: 2 ** 26 })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A number as a double's shortest text in Python, which JavaScript reads back but writes in another way. */
function rowsOf(csv: string): [timeUs: number, value: string][] {
  const [head, ...rows] = csv.trimEnd().split('\r\n');
  expect(head).toBe('time_us,value');
  return rows.map((row) => {
    const comma = row.indexOf(',');
    const text = row.slice(comma + 1);
    return [Number(row.slice(0, comma)), text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text];
  });
}

function expectPrinted(readings: ChunkReadings, csv: string): void {
  const rows = rowsOf(csv);
  expect(rows.map(([timeUs]) => timeUs)).toEqual([...readings.timeUs]);
  for (const [i, [, text]] of rows.entries()) {
    const value = readings.kind === KIND.boolean ? readings.value[i] === 1 : readings.value[i];
    if (typeof value === 'number' ? !Object.is(Number(text), value) : text !== String(value))
      throw new Error(`reading ${i}: ${text} instead of ${value}`);
  }
}

for (const { name, readings } of everyShape(1100)) {
  test(`the reader in Python prints ${name}, bit for bit`, async () => expectPrinted(readings, await read(encodeChunk(readings))));
}

test('the reader in Python says so when a chunk is damaged, or newer than it', async () => {
  const chunk = encodeChunk(everyShape(20)[0]!.readings);
  await expect(read(chunk.with(10, chunk[10]! ^ 1))).rejects.toThrow('the checksum does not match');
  await expect(read(chunk.with(0, 2))).rejects.toThrow('format version 2; this program reads version 1');
});

test('the example on the page of the format is the chunk that it says it is', async () => {
  const page = await readFile(path.join(import.meta.dirname, '../../docs/chunk-format.md'), 'utf8');
  const lines = page.split('## An example')[1]!.split('```')[1]!.trim().split('\n');
  const chunk = Buffer.from(lines.map((line) => line.slice(0, 26).replaceAll(' ', '')).join(''), 'hex');
  const timeUs = Float64Array.of(1.7e15, 1.700000001e15, 1.700000002e15);
  const readings: ChunkReadings = { kind: KIND.number, count: 3, timeUs, value: Float64Array.of(21.5, 21.6, 21.5) };
  expect(decodeChunk(chunk)).toEqual({ outcome: 'readings', readings });
  expect(Buffer.from(encodeChunk(readings)).toString('hex')).toBe(chunk.toString('hex'));
});
