// How long a start takes after a kill -9 in the middle of writing, with a large database: 5 s at most until readings are taken again.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rounded, startChild } from './child.ts';
import { option } from './ingest.ts';

const FILLER = fileURLToPath(new URL('./filler.ts', import.meta.url));
const GATEWAY = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));
const MIB = 1024 * 1024;
const LONGEST_MS = 5000;
/** Long enough for the writer to be in the middle of everything that it does now and then. */
const WRITING_MS = 8000;

export async function restartBench(args: readonly string[]): Promise<boolean> {
  const mib = Number(option(args, '--mib') ?? '1024');
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-restart-'));
  try {
    const filler = startChild(FILLER, [folder, String(mib * MIB)]);
    await filler.line();
    await wait(WRITING_MS);
    await filler.stop('SIGKILL');
    const sizeOf = (name: string): number => rounded(statSync(path.join(folder, name)).size / MIB, 1);
    const sizes = { databaseMiB: sizeOf('fieldgate.db'), walMiB: sizeOf('fieldgate.db-wal') };

    const startedMs = performance.now();
    const gateway = startChild(GATEWAY, ['start', '--data', folder, '--host', '127.0.0.1', '--port', '0']);
    await gateway.line();
    const readyMs = Math.round(performance.now() - startedMs);
    const rssMiB = rounded(gateway.rssBytes() / MIB, 0);
    await gateway.stop('SIGKILL');
    console.log(JSON.stringify({ scenario: 'start after kill -9', ...sizes, readyMs, longestMs: LONGEST_MS, rssMiB }));
    return readyMs <= LONGEST_MS;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
