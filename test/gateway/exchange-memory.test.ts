// History out and in, as processes whose memory is watched: three times as many readings take no more of it.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { createFolder, MAIN, runCli } from '../support/cli-process.ts';
import { createReadingWriter } from '../support/reading-writer.ts';

/** So many that all threads have their work, sealing too. */
const FEW = 400_000;
const MANY = 1_200_000;
const BATCH = 20_000;
/** What a heap that is collected now and then may differ by, a larger round of sealing, and what readers keep of chunks between two pages. */
const SLACK_BYTES = 96 * 2 ** 20;
const LOOK_MS = 25;
const T0_US = 1_700_000_000_000_000;

/** Runs a command with its output in a file; the most memory that it had at any time. */
async function peakBytes(args: readonly string[], output: string): Promise<number> {
  const file = openSync(output, 'w');
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(FIELDGATE_|STATE_DIRECTORY$|NODE_OPTIONS$)/.test(name)),
  );
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', file, 'pipe'], env });
  closeSync(file);
  let errors = '';
  child.stderr?.on('data', (part: Buffer) => {
    errors += part.toString();
  });
  let code: number | null | undefined;
  child.on('exit', (its) => {
    code = its;
  });
  let peak = 0;
  while (code === undefined) {
    try {
      // the kernel remembers the highest
      peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peak / 1024) * 1024;
    } catch {
      // it has just ended
    }
    await wait(LOOK_MS);
  }
  expect({ code, errors }).toMatchObject({ code: 0 });
  return peak;
}

/** A data directory with readings of one device, sealed. */
async function fill(data: string, readings: number): Promise<void> {
  const store = await openSqliteStore({ file: path.join(data, 'fieldgate.db'), walCheckpointBytes: 2 ** 22, readers: 1 });
  try {
    const append = createReadingWriter(() => store, [{ id: 1, device: 'pump-1', metric: 'flow', unit: 'l/s' }], T0_US);
    for (let from = 0; from < readings; from += BATCH)
      await append(
        Array.from({ length: BATCH }, (_, i) => ({ series: 1, timeUs: T0_US + (from + i) * 1e6, value: ((from + i) % 977) / 10 })),
      );
    await store.compact(() => undefined);
  } finally {
    await store.close();
  }
}

test('exporting and importing three times as many readings takes no more memory', { timeout: 240_000 }, async () => {
  using folder = createFolder();
  const peaks: { out: number; in: number }[] = [];
  for (const readings of [FEW, MANY]) {
    using from = createFolder();
    using to = createFolder();
    await fill(from.path, readings);
    const csv = path.join(folder.path, `${readings}.csv`);
    const out = await peakBytes(['export', '--device', '*', '--data', from.path], csv);
    expect(statSync(csv).size).toBeGreaterThan(readings * 50);
    expect((await runCli(['device', 'add', 'pump-1', '--data', to.path])).code).toBe(0);
    const answer = path.join(folder.path, 'answer');
    const into = await peakBytes(['import', csv, '--device', 'pump-1', '--json', '--data', to.path], answer);
    expect(JSON.parse(readFileSync(answer, 'utf8'))).toMatchObject({ stored: readings });
    peaks.push({ out, in: into });
  }
  const [few, many] = peaks as [(typeof peaks)[0], (typeof peaks)[0]];
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  console.log(`export ${mib(few.out)} and ${mib(many.out)} MiB, import ${mib(few.in)} and ${mib(many.in)} MiB`);
  expect(many.out).toBeLessThan(few.out + SLACK_BYTES);
  expect(many.in).toBeLessThan(few.in + SLACK_BYTES);
});
