// P7: each flood with many sockets for a while. One good device beside it must keep getting its acks, the gateway's memory stay within
// its budget and come back, and nobody of the flood may stop it.

import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DEFAULTS } from '../../gateway/config.ts';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { residentBytes } from '../support/crowd.ts';
import { type Flood, FLOODS } from '../support/flood-kinds.ts';
import type { FloodOrder } from '../support/flood-worker.ts';

export interface FloodAsk {
  readonly sockets: number;
  readonly seconds: number;
  /** Only rows that begin with it. */
  readonly only?: string;
  /** How long the memory may take to come back. */
  readonly settleSeconds: number;
  readonly say?: (result: FloodResult) => void;
}
export interface FloodResult {
  readonly row: string;
  /** Connections that the flood made. */
  readonly connections: number;
  readonly beforeMiB: number;
  readonly mostMiB: number;
  readonly afterMiB: number;
  /** Of the good device, in ms. */
  readonly acks: number;
  readonly ackP99Ms: number;
  readonly slowestAckMs: number;
}

const MIB = 2 ** 20;
const BUDGET_MIB = DEFAULTS.limits.memoryBytes / MIB;
/** Of the live floods: fewer than subscribers fit. */
const LIVE_SOCKETS = 64;

/** Rejects when the gateway ends or the good device is not served. */
export async function runFloods({ sockets, seconds, only = '', settleSeconds, say = () => undefined }: FloodAsk): Promise<FloodResult[]> {
  const log = { FIELDGATE_LOG__LEVEL: 'error' };
  await using gateway = await startChildGateway([], log, ['--expose-gc', '--import', COLLECT]);
  const { key } = await gateway.local('POST', '/v1/keys', { name: 'floods', role: 'viewer' });
  const tokens: string[] = [];
  for (let i = 0; i < sockets; i++) tokens.push((await gateway.local('POST', '/v1/devices', { id: `flood-${i}` })).token);
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'good' });
  const good = await startGood(gateway, token);
  const results: FloodResult[] = [];
  const floods = FLOODS.filter(({ row }) => row.startsWith(only));
  for (const flood of floods) {
    // a first load makes a process grow for good; what a later one adds is what must go again. What it grows to counts in both
    const first = settleSeconds > 0 ? await runOne(gateway, flood, { tokens, key, seconds: Math.min(seconds, WARM_SECONDS), good }) : null;
    const beforeMiB = await collected(gateway, 0);
    const result = await runOne(gateway, flood, { tokens, key, seconds, good });
    const afterMiB = await settled(gateway, beforeMiB, settleSeconds);
    const mostMiB = Math.max(first?.mostMiB ?? 0, result.mostMiB);
    const whole = { row: flood.row, beforeMiB: Math.round(beforeMiB), ...result, mostMiB, afterMiB: Math.round(afterMiB) };
    results.push(whole);
    say(whole);
  }
  await good.end();
  return results;
}

/** `isLong`: there was a round to warm up and time to settle, so that the memory must have come back. */
export function floodFaults({ row, mostMiB, beforeMiB, afterMiB, acks, slowestAckMs }: FloodResult, isLong = false): string[] {
  const faults: string[] = [];
  if (mostMiB > BUDGET_MIB) faults.push(`${row}: ${mostMiB} MiB, beyond the budget of ${BUDGET_MIB}`);
  if (isLong && afterMiB > beforeMiB * 1.1 + SLACK_MIB) faults.push(`${row}: ${afterMiB} MiB after it, ${beforeMiB} before`);
  if (acks === 0) faults.push(`${row}: the good device got no ack`);
  if (slowestAckMs > SLOWEST_MS) faults.push(`${row}: the good device waited ${slowestAckMs} ms for an ack`);
  return faults;
}

const COLLECT = new URL('../bench/collect-on-signal.ts', import.meta.url).href;
const SLACK_MIB = 24;
const WARM_SECONDS = 3;
const SLOWEST_MS = 10_000;

type Measured = Omit<FloodResult, 'row' | 'beforeMiB' | 'afterMiB'>;
interface Run {
  readonly tokens: readonly string[];
  readonly key: string;
  readonly seconds: number;
  readonly good: Good;
}

async function runOne(gateway: ChildGateway, flood: Flood, { tokens, key, seconds, good }: Run): Promise<Measured> {
  const members = flood.row.startsWith('D') ? tokens.slice(0, LIVE_SOCKETS) : tokens;
  const targets = members.map((token) => ({ port: gateway.port, caPem: gateway.caPem, token, key }));
  const worker = new Worker(new URL('../support/flood-worker.ts', import.meta.url), {
    workerData: { row: flood.row, targets } satisfies FloodOrder,
  });
  await once(worker, 'online');
  good.forget();
  let most = 0;
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; await wait(100)) {
    good.check();
    most = Math.max(most, residentBytes(gateway.pid));
  }
  const times = good.times();
  worker.postMessage('end');
  const [connections] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return {
    connections,
    mostMiB: Math.round(most / MIB),
    acks: times.length,
    ackP99Ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
    slowestAckMs: Math.round(times.at(-1) ?? 0),
  };
}

interface Good {
  forget(): void;
  /** Throws when the device has lost its connection. */
  check(): void;
  /** Ms from each pack to its answer, sorted; one that is waiting counts with what it has waited. */
  times(): number[];
  end(): Promise<void>;
}
async function startGood(gateway: ChildGateway, token: string): Promise<Good> {
  const socket = await gateway.device(token);
  let times: number[] = [];
  let sentMs = performance.now();
  let isEnding = false;
  let fault: unknown = null;
  const loop = (async () => {
    for (let v = 0; !isEnding; v++) {
      sentMs = performance.now();
      socket.send([{ n: 'good', v }]);
      await socket.next();
      times.push(performance.now() - sentMs);
      await wait(20);
      sentMs = performance.now();
    }
  })().catch((error: unknown) => {
    fault = error;
  });
  return {
    forget() {
      times = [];
    },
    check() {
      if (fault !== null) throw new Error('the good device was not served', { cause: fault });
    },
    times: () => [...times, performance.now() - sentMs].sort((a, b) => a - b),
    async end() {
      isEnding = true;
      await loop;
      await socket[Symbol.asyncDispose]();
    },
  };
}

/** MiB in use after a collection. */
async function collected(gateway: ChildGateway, waitMs: number): Promise<number> {
  if (waitMs > 0) await wait(waitMs);
  process.kill(gateway.pid, 'SIGUSR2');
  await wait(300);
  return residentBytes(gateway.pid) / MIB;
}
async function settled(gateway: ChildGateway, beforeMiB: number, seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  for (;;) {
    const now = await collected(gateway, 500);
    if (now <= beforeMiB * 1.1 || performance.now() > endMs) return now;
  }
}
