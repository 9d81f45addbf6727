// Serial lines at their worst, beside a good one: garbage at full speed on eight ports, 50 MB without a line's end, and a sensor that is
// unplugged again and again. The good one misses nothing, the memory stays flat, and a bad port costs little.

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { residentBytes } from '../support/crowd.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { createRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

export interface GarbageResult {
  readonly seconds: number;
  readonly garbageBytes: number;
  /** Of one core, of the whole gateway, for each of the bad ports. */
  readonly cpuSharePerPort: number;
  readonly beforeMiB: number;
  readonly mostMiB: number;
  readonly faults: readonly string[];
}

const MIB = 2 ** 20;
const BAUD_RATE = 921_600;
const SPEAK_EVERY_MS = 10;
const GOOD_EVERY_MS = 100;
const GARBAGE_PER_TURN = (BAUD_RATE / 10 / 1000) * SPEAK_EVERY_MS;
/** Quarantine and its books take their place; what grows with every byte would be far beyond. */
const FLAT_MIB = 96;
const MOST_SHARE = 0.2;
const NOTICED_MS = 5000;

/** What each of the bad ports says. */
const GARBAGE: readonly ((bytes: Buffer, random: () => number) => void)[] = [
  (bytes, random) => fill(bytes, () => random() * 256),
  (bytes, random) => fill(bytes, () => 0x80 + random() * 128),
  (bytes) => bytes.fill(0x00),
  (bytes) => bytes.fill(0xff),
  (bytes) => bytes.fill('\x11\x13'),
  (bytes) => bytes.fill('x'),
  (bytes) => bytes.fill('1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n'),
  (bytes) => bytes.fill('{"__proto__":1}\n\u001b[2J\n'),
];

export async function runGarbage(seed: string, seconds: number): Promise<GarbageResult> {
  await using stack = new AsyncDisposableStack();
  const good = stack.use(await plugSerial());
  const bad: SerialPlug[] = [];
  for (const _ of GARBAGE) bad.push(stack.use(await plugSerial()));
  const gateway = stack.use(await startWithPorts(stack, [good, ...bad]));
  const random = createRandom(seed).next;
  const turn = Buffer.alloc(Math.round(GARBAGE_PER_TURN));
  // the first load makes a process grow for good
  let beforeMiB = 0;
  let mostMiB = 0;
  let cpuBefore = 0;
  let garbageBytes = 0;
  let said = 0;
  const warmMs = Math.min(5000, (seconds * 1000) / 3);
  const startedMs = performance.now();
  const passedMs = () => performance.now() - startedMs;
  while (passedMs() < warmMs + seconds * 1000) {
    for (const [i, plug] of bad.entries()) {
      GARBAGE[i]!(turn, random);
      garbageBytes += plug.say(turn);
    }
    if (passedMs() >= said * GOOD_EVERY_MS) await good.sayAll(`${said++}\n`);
    const residentMiB = residentBytes(gateway.pid) / MIB;
    if (beforeMiB === 0 && passedMs() >= warmMs) {
      beforeMiB = residentMiB;
      cpuBefore = cpuSeconds(gateway.pid);
      garbageBytes = 0;
    }
    mostMiB = Math.max(mostMiB, residentMiB);
    await wait(SPEAK_EVERY_MS);
  }
  const spokenSeconds = (passedMs() - warmMs) / 1000;
  const cpuSharePerPort = (cpuSeconds(gateway.pid) - cpuBefore) / spokenSeconds / bad.length;
  const faults: string[] = [];
  const values = await valuesOf(gateway, said);
  if (values.length !== said || values.some((value, i) => value !== i)) faults.push(`${values.length} of ${said} good lines are readings`);
  if (mostMiB > beforeMiB + FLAT_MIB) faults.push(`${Math.round(mostMiB)} MiB, ${Math.round(beforeMiB)} before`);
  if (cpuSharePerPort > MOST_SHARE) faults.push(`${cpuSharePerPort.toFixed(2)} of a core a bad port`);
  return { seconds, garbageBytes, cpuSharePerPort, beforeMiB: Math.round(beforeMiB), mostMiB: Math.round(mostMiB), faults };
}

export interface EndlessResult {
  readonly bytes: number;
  readonly mostMiB: number;
  readonly faults: readonly string[];
}

/** A line that does not end, as fast as it is taken; then one that does. */
export async function runEndlessLine(megabytes: number): Promise<EndlessResult> {
  await using stack = new AsyncDisposableStack();
  const plug = stack.use(await plugSerial());
  const gateway = stack.use(await startWithPorts(stack, [plug]));
  const beforeMiB = residentBytes(gateway.pid) / MIB;
  const megabyte = Buffer.alloc(1_000_000, 'x');
  let mostMiB = 0;
  for (let i = 0; i < megabytes; i++) {
    await plug.sayAll(megabyte);
    mostMiB = Math.max(mostMiB, residentBytes(gateway.pid) / MIB);
  }
  await plug.sayAll('\n0\n');
  const values = await valuesOf(gateway, 1);
  const faults: string[] = [];
  if (values.length !== 1) faults.push('the line after it is no reading');
  if (mostMiB > beforeMiB + FLAT_MIB) faults.push(`${Math.round(mostMiB)} MiB, ${Math.round(beforeMiB)} before`);
  return { bytes: megabytes * megabyte.byteLength, mostMiB: Math.round(mostMiB), faults };
}

export interface UnplugResult {
  readonly unplugs: number;
  readonly slowestMs: number;
  readonly faults: readonly string[];
}

/** In the middle of a line each time, and back under another name. */
export async function runUnplugs(unplugs: number): Promise<UnplugResult> {
  await using stack = new AsyncDisposableStack();
  const plug = stack.use(await plugSerial());
  const gateway = stack.use(await startWithPorts(stack, [plug]));
  const faults: string[] = [];
  let slowestMs = 0;
  let descriptors = 0;
  const reaches = async (state: string): Promise<void> => {
    const startedMs = performance.now();
    await until(
      async () => (await viewsOf(gateway))[0]!.state === state,
      () => `the port is not ${state}`,
    );
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
  };
  for (let n = 0; n < unplugs; n++) {
    await plug.sayAll(`${n}\n77`);
    await until(
      async () => (await viewsOf(gateway))[0]!.readings === n + 1,
      () => `line ${n} is no reading`,
    );
    if (n === 1) descriptors = descriptorsOf(gateway);
    if (n === unplugs - 1 && descriptorsOf(gateway) > descriptors + 2)
      faults.push(`${descriptorsOf(gateway)} descriptors, ${descriptors} before`);
    await plug.unplug();
    await reaches('absent');
    await plug.replug(`ttyUSB${(n % 7) + 1}`);
    await reaches('open');
  }
  const values = await valuesOf(gateway, unplugs);
  if (values.length !== unplugs || values.some((value, i) => value !== i)) faults.push(`${values.length} readings of ${unplugs} lines`);
  if (slowestMs > NOTICED_MS) faults.push(`noticed after ${Math.round(slowestMs)} ms`);
  return { unplugs, slowestMs: Math.round(slowestMs), faults };
}

/** The first port is device line-0. */
async function startWithPorts(stack: AsyncDisposableStack, plugs: readonly SerialPlug[]): Promise<ChildGateway> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-serial-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'fieldgate.yaml');
  const rule = { kind: 'csv', columns: [{ metric: 'value' }] };
  const ports = plugs.map((plug, i) => ({ path: plug.path, baudRate: BAUD_RATE, device: `line-${i}`, framing: 'line', rule }));
  // JSON is YAML
  await writeFile(config, JSON.stringify({ serial: { ports } }));
  const gateway = await startChildGateway(['--config', config]);
  await until(
    async () => (await viewsOf(gateway)).every((view) => view.state === 'open'),
    () => 'a port did not open',
  );
  return gateway;
}

async function viewsOf(gateway: ChildGateway): Promise<readonly SerialPortView[]> {
  return (await gateway.local('GET', '/v1/serial')).items;
}

/** The readings of line-0, once there are so many, or after a while. */
async function valuesOf(gateway: ChildGateway, wanted: number): Promise<number[]> {
  let values: number[] = [];
  await until(
    async () => {
      const { readings } = await gateway.local('GET', '/v1/readings?device=line-0&metric=value&from=now-6h&limit=10000');
      values = (readings ?? []).map(([, value]: [number, number]) => value);
      return values.length >= wanted;
    },
    () => '',
    { patienceMs: 10_000, everyMs: 100 },
  ).catch(() => undefined);
  return values;
}

function descriptorsOf({ pid }: ChildGateway): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function cpuSeconds(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

function fill(bytes: Buffer, byte: () => number): void {
  for (let i = 0; i < bytes.byteLength; i++) bytes[i] = byte();
}
