// What a reading costs a flash card: bytes that the gateway has written to the disk, by the kernel's own count, at the default commit and at
// one of a second, beside rows with the same arrivals. What sealing writes is in it: everything is sealed before the count ends.

import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { rounded, startChild, writtenBytes } from './child.ts';
import { startFleet } from './fleet.ts';
import { option } from './ingest.ts';
import { BENCH_FOLDER, startGatewayProcess } from './servers.ts';

const DEVICES = 100;
const RATE_HZ = 10;

interface Written {
  readonly readings: number;
  readonly bytes: number;
  /** Without the sealing at the end. */
  readonly unsealedBytes?: number;
}

export async function writesBench(args: readonly string[]): Promise<boolean> {
  const seconds = Number(option(args, '--seconds') ?? 180);
  const [atOnce, everySecond, rows, rowsEverySecond] = await Promise.all([
    ofGateway(0, seconds),
    ofGateway(1000, seconds),
    ofRows(100, seconds),
    ofRows(1000, seconds),
  ]);
  const line = (scenario: string, { readings, bytes, unsealedBytes }: Written): void =>
    console.log(
      JSON.stringify({
        scenario: `writes: ${scenario}`,
        seconds,
        readings,
        bytes,
        bytesPerReading: rounded(bytes / readings, 1),
        ...(unsealedBytes !== undefined && { beforeSealing: rounded(unsealedBytes / readings, 1) }),
      }),
    );
  line('gateway, default commit', atOnce);
  line('gateway, a commit a second', everySecond);
  line('rows, 10 commits a second', rows);
  line('rows, a commit a second', rowsEverySecond);
  return atOnce.readings > 0 && everySecond.readings > 0;
}

async function ofGateway(commitIntervalMs: number, seconds: number): Promise<Written> {
  const gateway = await startGatewayProcess({ devices: 0, env: { FIELDGATE_STORE__COMMITINTERVALMS: String(commitIntervalMs) } });
  try {
    const before = writtenBytes(gateway.child.pid);
    const fleet = await startFleet(gateway, { devices: DEVICES, rate: RATE_HZ, seconds });
    const { code, report } = await fleet.ended;
    if (code !== 0) throw new Error(`the fleet ended with ${code}: ${JSON.stringify(report)}`);
    const unsealedBytes = writtenBytes(gateway.child.pid) - before;
    await askSocket(socketPath(gateway.folder), { method: 'POST', target: '/v1/compact', body: '{}' });
    const readings = await stored(gateway.folder);
    return { readings, bytes: writtenBytes(gateway.child.pid) - before, unsealedBytes };
  } finally {
    await gateway.stop();
  }
}

async function stored(folder: string): Promise<number> {
  const answer = await askSocket(socketPath(folder), { method: 'GET', target: '/v1/accounting' });
  const { items } = JSON.parse(answer?.body ?? '{"items":[]}') as { items: { readings: number }[] };
  return items.reduce((sum, { readings }) => sum + readings, 0);
}

async function ofRows(everyMs: number, seconds: number): Promise<Written> {
  const folder = await mkdtemp(path.join(BENCH_FOLDER, 'fieldgate-rows-'));
  try {
    const child = startChild(fileURLToPath(new URL('row-layout.ts', import.meta.url)), [
      folder,
      String(DEVICES * RATE_HZ),
      String(seconds),
      String(everyMs),
    ]);
    return JSON.parse(await child.line()) as Written;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
