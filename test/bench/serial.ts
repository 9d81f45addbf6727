// Sensors at the full speed of their lines: no byte may be lost, whether the thread that serves the network stands still or thousands of
// devices send beside them; what a megabyte costs; and, with --garbage, ports on which nothing can be read beside good ones.

import { constants, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { rounded } from './child.ts';
import { startFleet } from './fleet.ts';
import { option } from './ingest.ts';
import { garbageBench } from './serial-garbage.ts';
import { faultsOf, feed, openLines, sumOf } from './serial-lines.ts';

interface Lines {
  readonly name: string;
  readonly ports: number;
  readonly baudRate: number;
}
const LINES: readonly Lines[] = [
  { name: 'one port at 921,600 baud', ports: 1, baudRate: 921_600 },
  { name: '8 ports at 115,200 baud', ports: 8, baudRate: 115_200 },
];
const BESIDES = { alone: 'nothing else', stall: 'the network thread stalled for 2 s', devices: 'devices' } as const;
type Beside = keyof typeof BESIDES;
const STALL_MS = 2000;
/** A fleet connects before it sends. */
const CONNECT_SECONDS = 15;

export async function serialBench(args: readonly string[]): Promise<boolean> {
  if (args.includes('--garbage')) return garbageBench(args);
  const seconds = Number(option(args, '--seconds') ?? 20);
  const devices = Number(option(args, '--devices') ?? 2000);
  const wanted = option(args, '--beside');
  let isGood = true;
  for (const lines of LINES) {
    for (const beside of Object.keys(BESIDES) as Beside[]) {
      if (wanted !== undefined && wanted !== beside) continue;
      const result = await measure(lines, beside, seconds, devices);
      console.log(JSON.stringify(result));
      isGood &&= result.lostBytes === 0 && result.unreadBytes === 0 && Object.keys(result.faults).length === 0;
      isGood &&= result.readings === result.readingsDue;
    }
  }
  if (wanted !== undefined && wanted !== 'stall') return isGood;
  const canary = await measureCanary();
  console.log(JSON.stringify(canary));
  return isGood && canary.lostBytes > 0;
}

async function measure({ name, ports, baudRate }: Lines, beside: Beside, seconds: number, devices: number) {
  await using stack = new AsyncDisposableStack();
  const plugs: SerialPlug[] = [];
  for (let i = 0; i < ports; i++) plugs.push(stack.use(await plugSerial()));
  const { gateway, views } = await openLines(stack, plugs, baudRate);
  const fleet = beside === 'devices' ? await startFleet(gateway, { devices, seconds: CONNECT_SECONDS + seconds }) : null;
  if (fleet !== null) await wait(CONNECT_SECONDS * 1000);
  const cpuBefore = gateway.child.cpuSeconds();
  const feeding = feed({ sensorPaths: plugs.map((plug) => plug.sensorPath), bytesPerSecond: baudRate / 10, seconds });
  if (beside === 'stall') {
    await wait((seconds * 1000) / 3);
    process.kill(gateway.child.pid, 'SIGUSR2');
  }
  const { bytes, lines, lostBytes, heldUpMs } = await feeding;
  const cpuSeconds = gateway.child.cpuSeconds() - cpuBefore;
  await gateway.reads(bytes - lostBytes);
  const fleetEnd = await fleet?.ended;
  const all = await views();
  return {
    scenario: `${name} beside ${beside === 'devices' ? `${devices} devices at 1 reading/s` : BESIDES[beside]}`,
    bytes,
    lostBytes,
    unreadBytes: bytes - lostBytes - sumOf(all, 'bytes'),
    faults: faultsOf(all),
    readings: sumOf(all, 'readings'),
    readingsDue: 2 * lines,
    feederHeldUpMs: rounded(heldUpMs, 0),
    // the devices' part is in it, where there are some
    cpuSecondsAMegabyte: rounded(cpuSeconds / (bytes / 1e6), 3),
    cpuShare: rounded(cpuSeconds / seconds),
    rssMiB: rounded(gateway.child.rssBytes() / 2 ** 20, 0),
    ...(fleetEnd && { fleetExit: fleetEnd.code }),
  };
}

/** What the figures above are worth: the same line read by the thread that stands still. */
async function measureCanary() {
  await using plug = await plugSerial();
  const canary = new ReadStream(openSync(plug.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  canary.on('data', () => undefined);
  const feeding = feed({ sensorPaths: [plug.sensorPath], bytesPerSecond: 92_160, seconds: 4 });
  await wait(1000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
  const { bytes, lostBytes } = await feeding;
  canary.destroy();
  return { scenario: 'canary: one port at 921,600 baud, read by the thread that stalls for 2 s', bytes, lostBytes };
}
