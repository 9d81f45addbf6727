// How long this disk takes to make 8 KiB durable: what any acknowledgement after a full sync must wait for.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface SyncTimes {
  readonly fsyncP50Ms: number;
  readonly fsyncP99Ms: number;
}

const ROUNDS = 500;

export function measureSync(folder: string): SyncTimes {
  const file = path.join(folder, 'sync-probe');
  const fd = openSync(file, 'w');
  const page = Buffer.alloc(8192, 1);
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    writeSync(fd, page, 0, page.length, (i % 512) * page.length);
    const startedMs = performance.now();
    fdatasyncSync(fd);
    times.push(performance.now() - startedMs);
  }
  closeSync(fd);
  rmSync(file);
  times.sort((a, b) => a - b);
  return { fsyncP50Ms: Number(times[ROUNDS / 2].toFixed(3)), fsyncP99Ms: Number(times[Math.floor(ROUNDS * 0.99)].toFixed(3)) };
}
