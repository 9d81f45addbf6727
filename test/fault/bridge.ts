// A bridge between two sensors and a gateway, of which each is killed again and again, and the link between them cut. What a sensor said
// is stored once and in order; a line may be missing only when the bridge was killed at work, before the line was in its buffer.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readLog } from '../../gateway/protocol/buffer-log.ts';
import { sentenceChecksum } from '../../gateway/protocol/nmea.ts';
import { MANIFEST_VARIABLE, setUpBridge, type TestBridge } from '../support/bridge.ts';
import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { openFaultyProxy } from '../support/faulty-proxy.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { createRandom, type SeededRandom } from '../support/seeded-random.ts';
import { runSim } from '../support/sim-process.ts';
import { openStoredReadings } from '../support/stored-readings.ts';
import { until } from '../support/until.ts';

export interface BridgeRun {
  readonly seed: string;
  /** Of each kind: gateways killed, bridges killed, links cut. */
  readonly rounds: number;
  /** Of the bridge. */
  readonly canary?: CanaryName;
}
export interface BridgeResult {
  readonly gatewayKills: number;
  readonly bridgeKills: number;
  readonly cuts: number;
  readonly lines: number;
  /** Lost with a bridge that was killed at work. */
  readonly lostLines: number;
  readonly faults: readonly string[];
}

const TAP = new URL('../support/bridge-tap.ts', import.meta.url).href;
const DEVICES = ['far-1', 'far-2'];
const SPEAK_EVERY_MS = 8;
/** What was said so long before a kill was in the buffer's file, however busy the machine is. */
const BUFFERED_MS = 1500;
/** Dead links have to be found soon, on both sides. */
const LIVENESS = { FIELDGATE_LIVENESS__PING_SECONDS: '1', FIELDGATE_LIVENESS__PONG_SECONDS: '1' };

type Fault = 'gateway' | 'bridge at work' | 'bridge at rest' | 'reset' | 'half open' | 'truncate';

export async function runBridgeFaults({ seed, rounds, canary }: BridgeRun): Promise<BridgeResult> {
  const random = createRandom(seed);
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await startChildGateway([], LIVENESS));
  const proxy = stack.use(await openFaultyProxy({ port: () => gateway.port, onLink: (link) => links.add(link) }));
  const links = new Set<Parameters<NonNullable<Parameters<typeof openFaultyProxy>[0]['onLink']>>[0]>();
  const sensors: Sensor[] = [];
  let tokens = '';
  for (const device of DEVICES) {
    tokens += `${device} ${(await gateway.local('POST', '/v1/devices', { id: device })).token}\n`;
    sensors.push(createSensor(device, stack.use(await plugSerial({ id: `usb-${device}` }))));
  }
  const key = (await gateway.local('POST', '/v1/keys', { name: 'verify', role: 'operator' })).key;
  const rule = { kind: 'csv', columns: [{ metric: 'value' }], checksum: 'xor' };
  const ports = sensors.map(({ device, plug }) => ({ path: plug.path, baudRate: 115_200, device, framing: 'line', rule }));
  const bridge = stack.use(setUpBridge({ url: `wss://localhost:${proxy.port}`, caPem: gateway.caPem, tokens, ports }));
  const manifest = join(bridge.folder.path, 'manifest');
  const weak = canary === undefined ? null : canaryProcess(canary);
  const preloads = [TAP, ...(weak === null ? [] : [weak.nodeArgs[1]!])].map((url) => `--import ${url}`).join(' ');
  const env = { NODE_OPTIONS: preloads, [MANIFEST_VARIABLE]: manifest, ...weak?.env };
  const startBridge = async (): Promise<void> => {
    await bridge.start({ env }).until('stdout', /^ready .+$/m);
    await bridge.cli.until('stderr', /"state":"open"[^]*"state":"open"/);
  };
  await startBridge();

  const faults: string[] = [];
  const struck = { gatewayKills: 0, bridgeKills: 0, cuts: 0 };
  const resultOf = (lostLines = 0): BridgeResult => {
    for (const sensor of sensors) sensor.hush();
    return { ...struck, lines: sensors.reduce((sum, { said }) => sum + said.length, 0), lostLines, faults };
  };
  for (const sensor of sensors) sensor.speak();
  for (const fault of drawFaults(random, rounds)) {
    await pause(random.whole(50, 400));
    switch (fault) {
      case 'gateway':
        await gateway.kill('SIGKILL');
        await pause(random.whole(0, 600));
        await gateway.start();
        struck.gatewayKills++;
        break;
      case 'bridge at work':
      case 'bridge at rest':
        if (fault === 'bridge at rest') for (const sensor of sensors) await rest(sensor, bridge, faults);
        // so that there are lines which must not be lost
        else await pause(BUFFERED_MS + 100);
        await bridge.kill('SIGKILL');
        for (const sensor of sensors) faults.push(...sensor.bereft(lastBuffered(bridge, sensor.device), performance.now()));
        struck.bridgeKills++;
        await startBridge();
        for (const sensor of sensors) sensor.speak();
        break;
      case 'reset':
        proxy.resetAll();
        struck.cuts++;
        break;
      case 'truncate':
        // in the middle of a record, mostly
        for (const link of links) link.truncate(random.pick(['up', 'down'] as const), random.whole(1, 400));
        struck.cuts++;
        break;
      case 'half open':
        for (const link of links) link.halfOpen();
        struck.cuts++;
        break;
      default:
        fault satisfies never;
    }
    links.clear();
    // lost is lost: nothing that follows could mend it
    if (faults.length > 0) return resultOf();
  }
  await pause(300);
  for (const sensor of sensors) await rest(sensor, bridge, faults);
  proxy.heal();
  await until(
    () => sensors.every(({ device, said }) => storedValues(gateway, device).at(-1) === said.length - 1 || faults.length > 0),
    () => `not everything arrived: ${bridge.cli.stderr.slice(-2000)}`,
    { everyMs: 200 },
  );
  // acks, so that a verdict can be reached
  const code = await bridge.kill('SIGTERM');
  if (code !== 0) faults.push(`after SIGTERM the bridge ended with ${code}`);

  let lostLines = 0;
  for (const sensor of sensors) {
    const { device } = sensor;
    const judged = sensor.judge(storedValues(gateway, device));
    lostLines += judged.lost;
    faults.push(...judged.faults);
    const books = (await gateway.local('GET', `/v1/accounting?device=${device}&verify=true`)).items;
    for (const { stream, unexplained, gaps } of books)
      if (unexplained !== 0 || gaps !== 0) faults.push(`${device} ${stream}: ${unexplained} unexplained, ${gaps} gaps`);
  }
  const url = `wss://localhost:${gateway.port}`;
  const trust = ['--ca', join(gateway.data, 'tls/ca.crt'), '--key-file', bridge.folder.file('key', key)];
  const verify = await runSim(['verify', '--url', url, ...trust, '--manifest', manifest]);
  if (verify.code !== 0) faults.push(`verify: ${verify.stdout}${verify.stderr}`);
  return resultOf(lostLines);
}

function drawFaults(random: SeededRandom, rounds: number): Fault[] {
  const cuts: readonly Fault[] = ['reset', 'half open', 'truncate'];
  const all: Fault[] = [];
  for (let i = 0; i < rounds; i++) all.push('gateway', i % 2 === 0 ? 'bridge at work' : 'bridge at rest', cuts[i % cuts.length]!);
  for (let i = all.length - 1; i > 0; i--) {
    const other = random.whole(0, i);
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all;
}

interface Sensor {
  readonly device: string;
  readonly plug: SerialPlug;
  /** When each line was said; its number is its value. */
  readonly said: readonly number[];
  speak(): void;
  hush(): void;
  /** The bridge was killed, and had this line in its buffer; what came just before the kill may be lost. */
  bereft(buffered: number, nowMs: number): string[];
  judge(stored: readonly number[]): { readonly lost: number; readonly faults: readonly string[] };
}

function createSensor(device: string, plug: SerialPlug): Sensor {
  const said: number[] = [];
  /** Lines that may be missing. */
  const mayMiss = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  const hush = (): void => clearInterval(timer);
  return {
    device,
    plug,
    said,
    speak() {
      clearInterval(timer);
      timer = setInterval(() => {
        const body = String(said.length);
        said.push(performance.now());
        plug.say(`${body}*${sentenceChecksum(body)}\n`);
      }, SPEAK_EVERY_MS);
    },
    hush,
    bereft(buffered, nowMs) {
      hush();
      const faults: string[] = [];
      for (let line = buffered + 1; line < said.length; line++) {
        mayMiss.add(line);
        const agoMs = Math.round(nowMs - said[line]!);
        if (agoMs > BUFFERED_MS) faults.push(`${device}: line ${line} was not in the buffer ${agoMs} ms after it was said`);
      }
      return faults.slice(0, 1);
    },
    judge(stored) {
      const faults: string[] = [];
      if (plug.lostBytes > 0) faults.push(`${device}: the line had no room for ${plug.lostBytes} bytes`);
      const wrong = stored.findIndex((value, i) => i > 0 && value <= stored[i - 1]!);
      if (wrong > 0) faults.push(`${device}: ${stored[wrong]} is stored after ${stored[wrong - 1]}`);
      const there = new Set(stored);
      const lost = said.map((_, line) => line).filter((line) => !there.has(line));
      const unexcused = lost.filter((line) => !mayMiss.has(line));
      if (unexcused.length > 0) faults.push(`${device}: ${unexcused.length} lines are lost, the first is ${unexcused[0]}`);
      if (there.size > said.length - lost.length) faults.push(`${device}: values that nobody said are stored`);
      return { lost: lost.length, faults };
    },
  };
}

/** Says no more, and waits until all of it is in the buffer: from now on nothing may be lost. */
async function rest(sensor: Sensor, bridge: TestBridge, faults: string[]): Promise<void> {
  sensor.hush();
  const { device, said } = sensor;
  await until(
    () => lastBuffered(bridge, device) === said.length - 1,
    () => `${device}: line ${lastBuffered(bridge, device)} of ${said.length} is in the buffer`,
    { patienceMs: 3 * BUFFERED_MS },
  ).catch((error: Error) => faults.push(error.message));
}

/** The last line that the buffer's file has, as the next bridge will find it. */
function lastBuffered(bridge: TestBridge, device: string): number {
  const { runs } = readLog(readFileSync(join(bridge.folder.path, 'bridge-data/buffers', device, 'frames.log')));
  const last = runs.flat().findLast((record) => record.kind === 'frame');
  if (last === undefined) return -1;
  const values = (JSON.parse(last.body) as { v?: number }[]).flatMap(({ v }) => v ?? []);
  return values.at(-1) ?? -1;
}

function storedValues(gateway: ChildGateway, device: string): number[] {
  using file = openStoredReadings(gateway.data);
  return file.device(device).readings.map(({ value }) => value as number);
}
