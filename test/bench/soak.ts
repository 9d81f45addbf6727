// Half an hour of a fleet, its dashboards and a steady coming and going: memory after a collection must not grow, and no descriptor may
// stay behind.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectSocket, type TestSocket } from '../support/socket.ts';
import { until } from '../support/until.ts';
import { rounded } from './child.ts';
import { option } from './ingest.ts';
import { startGatewayProcess } from './servers.ts';

const DEVICES = 200;
const SUBSCRIBERS = 20;
/** Devices that come and go, besides. */
const GUESTS = 400;
const CONNECTS_PER_SECOND = 20;
const SAMPLE_MS = 60_000;
const MIB = 2 ** 20;
/** Over the last two thirds of the time. */
const GROWTH_MIB = 1;
const DESCRIPTORS = 5;

interface Sample {
  readonly minute: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

export async function soakBench(args: readonly string[]): Promise<boolean> {
  const minutes = Number(option(args, '--minutes') ?? 30);
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-soak-'));
  const heapFile = path.join(folder, 'heap');
  const gateway = await startGatewayProcess({
    devices: DEVICES + GUESTS,
    env: { BENCH_HEAP_FILE: heapFile },
    nodeFlags: ['--expose-gc', '--import', fileURLToPath(new URL('collect-on-signal.ts', import.meta.url))],
  });
  const caPem = readFileSync(gateway.caFile, 'utf8');
  const tokens = readFileSync(gateway.tokensFile, 'utf8').split('\n');
  const connect = (token: string, at = '/v1/device'): Promise<TestSocket> =>
    connectSocket({ port: gateway.port, caPem, path: at, headers: { Authorization: `Bearer ${token}` } });

  let acked = 0;
  let isOver = false;
  const fleet = tokens.slice(0, DEVICES).map(async (token, i) => {
    const device = await connect(token);
    await wait((i / DEVICES) * 1000);
    for (let v = 0; !isOver; v++) {
      device.send([{ n: 'temperature', u: 'Cel', v }]);
      await device.next();
      acked++;
      await wait(1000);
    }
    await device[Symbol.asyncDispose]();
  });
  const dashboards = Array.from({ length: SUBSCRIBERS }, async (_, i) => {
    const socket = await connect(gateway.key, '/v1/live');
    socket.send({ type: 'subscribe', id: 'all', devices: [i % 2 === 0 ? '*' : `bench-${i}*`] });
    while (!isOver) await socket.next();
    await socket[Symbol.asyncDispose]();
  });
  let visits = 0;
  const visitors = (async () => {
    const under = new Set<Promise<void>>();
    while (!isOver) {
      const visit = visitOnce(connect, tokens[DEVICES + (visits % GUESTS)], visits).finally(() => under.delete(visit));
      under.add(visit);
      visits++;
      await wait(1000 / CONNECTS_PER_SECOND);
    }
    await Promise.all(under);
  })();

  const samples: Sample[] = [];
  const sample = async (): Promise<void> => {
    const before = heapOf(heapFile)?.times ?? 0;
    process.kill(gateway.child.pid, 'SIGUSR2');
    await until(
      () => (heapOf(heapFile)?.times ?? 0) > before,
      () => 'the heap was not measured',
    );
    const one = {
      minute: samples.length,
      heapMiB: rounded((heapOf(heapFile)?.heapUsed ?? 0) / MIB, 2),
      rssMiB: rounded(gateway.child.rssBytes() / MIB, 0),
      descriptors: readdirSync(`/proc/${gateway.child.pid}/fd`).length,
    };
    samples.push(one);
    console.error(JSON.stringify({ ...one, acked, visits }));
  };
  for (let minute = 0; minute <= minutes; minute++) {
    if (minute > 0) await wait(SAMPLE_MS);
    await sample();
  }
  isOver = true;
  await Promise.all([...fleet, visitors]);
  void Promise.allSettled(dashboards);
  await gateway.stop();
  rmSync(folder, { recursive: true });

  const late = samples.slice(Math.ceil(samples.length / 3));
  const growthMiB = slope(late.map(({ heapMiB }) => heapMiB)) * (late.length - 1);
  const descriptors = Math.max(...late.map((one) => one.descriptors)) - Math.min(...late.map((one) => one.descriptors));
  const last = samples.at(-1) as Sample;
  console.log(
    JSON.stringify({
      scenario: `${DEVICES} devices, ${SUBSCRIBERS} subscribers, ${CONNECTS_PER_SECOND} connects a second, ${minutes} min`,
      acked,
      visits,
      heapGrowthMiB: rounded(growthMiB, 2),
      atMostMiB: GROWTH_MIB,
      heapMiB: last.heapMiB,
      rssMiB: last.rssMiB,
      descriptorsApart: descriptors,
      atMostApart: 2 * DESCRIPTORS + CONNECTS_PER_SECOND,
    }),
  );
  return growthMiB <= GROWTH_MIB && descriptors <= 2 * DESCRIPTORS + CONNECTS_PER_SECOND;
}

/** A device that comes, sends, and goes in one of the ways that there are. */
async function visitOnce(connect: (token: string) => Promise<TestSocket>, token: string, nth: number): Promise<void> {
  const device = await connect(token);
  if (nth % 2 === 0) {
    device.send([{ n: 'visit', v: nth }]);
    await device.next();
  } else await device.hello(`visits-${nth % 8}-of-one`.padEnd(12, '0'), { oldest: 1, next: Number.MAX_SAFE_INTEGER - 1 });
  if (nth % 3 === 0) device.ws.close(1000);
  else device.ws.terminate();
  await device.closed();
}

function heapOf(file: string): { readonly times: number; readonly heapUsed: number } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** The least-squares slope a step. */
function slope(values: readonly number[]): number {
  const n = values.length;
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / n;
  let top = 0;
  let bottom = 0;
  values.forEach((value, x) => {
    top += (x - meanX) * (value - meanY);
    bottom += (x - meanX) ** 2;
  });
  return bottom === 0 ? 0 : top / bottom;
}
