// Sensors at the full speed of their lines: no byte may be lost, whether the thread that serves the network stands still or thousands of
// devices send beside them; and what a megabyte costs.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import type { FeederOrder, FeederReport } from '../support/serial-feeder.ts';
import { until } from '../support/until.ts';
import { rounded } from './child.ts';
import { startFleet } from './fleet.ts';
import { option } from './ingest.ts';
import { ask, startGatewayProcess } from './servers.ts';

interface Lines {
  readonly name: string;
  readonly ports: number;
  readonly baudRate: number;
}
const LINES: readonly Lines[] = [
  { name: 'one port at 921,600 baud', ports: 1, baudRate: 921_600 },
  { name: '8 ports at 115,200 baud', ports: 8, baudRate: 115_200 },
];
type Beside = 'nothing else' | 'the network thread stalled for 2 s' | 'devices';
const STALL = fileURLToPath(new URL('stall-on-signal.ts', import.meta.url));
/** The records of two seconds take several times the room of their lines. */
const LIMITS = { FIELDGATE_LIMITS__SERIAL_BUFFER_BYTES: String(4 * 1024 * 1024) };
/** A fleet connects before it sends. */
const CONNECT_SECONDS = 15;

export async function serialBench(args: readonly string[]): Promise<boolean> {
  const seconds = Number(option(args, '--seconds') ?? 20);
  const devices = Number(option(args, '--devices') ?? 2000);
  let isGood = true;
  for (const lines of LINES) {
    for (const beside of ['nothing else', 'the network thread stalled for 2 s', 'devices'] as const) {
      const result = await measure(lines, beside, seconds, devices);
      console.log(JSON.stringify(result));
      isGood &&= result.lostBytes === 0 && result.unreadBytes === 0 && Object.keys(result.faults).length === 0;
      isGood &&= result.readings === result.readingsDue;
    }
  }
  return isGood;
}

async function measure({ name, ports, baudRate }: Lines, beside: Beside, seconds: number, devices: number) {
  await using stack = new AsyncDisposableStack();
  const plugs: SerialPlug[] = [];
  for (let i = 0; i < ports; i++) plugs.push(stack.use(await plugSerial()));
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-serial-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'fieldgate.yaml');
  const rule = { kind: 'csv', columns: [{ metric: 'n' }, { metric: 'value' }, null] };
  const list = plugs.map((plug, i) => ({ path: plug.path, baudRate, device: `line-${i}`, framing: 'line', rule }));
  // JSON is YAML
  writeFileSync(config, JSON.stringify({ serial: { ports: list } }));
  const gateway = await startGatewayProcess({ devices: 0, env: { FIELDGATE_CONFIG: config, ...LIMITS }, nodeFlags: ['--import', STALL] });
  stack.defer(() => gateway.stop());
  const views = async (): Promise<readonly SerialPortView[]> => ((await ask(gateway, '/v1/serial')) as { items: SerialPortView[] }).items;
  await until(
    async () => (await views()).every((view) => view.state === 'open'),
    () => 'a port did not open',
  );
  const fleet = beside === 'devices' ? await startFleet(gateway, { devices, seconds: CONNECT_SECONDS + seconds }) : null;
  if (fleet !== null) await wait(CONNECT_SECONDS * 1000);
  const cpuBefore = gateway.child.cpuSeconds();
  const feeding = feed({ sensorPaths: plugs.map((plug) => plug.sensorPath), bytesPerSecond: baudRate / 10, seconds });
  if (beside === 'the network thread stalled for 2 s') {
    await wait((seconds * 1000) / 3);
    process.kill(gateway.child.pid, 'SIGUSR2');
  }
  const { bytes, lines, lostBytes, heldUpMs } = await feeding;
  const cpuSeconds = gateway.child.cpuSeconds() - cpuBefore;
  const sum = (all: readonly SerialPortView[], key: 'bytes' | 'readings'): number => all.reduce((total, view) => total + view[key], 0);
  // what is missing for good is found by its absence
  await until(
    async () => sum(await views(), 'bytes') === bytes - lostBytes,
    () => '',
    { patienceMs: 10_000, everyMs: 200 },
  ).catch(() => undefined);
  await fleet?.ended;
  const all = await views();
  const faults: Record<string, number> = {};
  for (const view of all) for (const [code, n] of Object.entries(view.faults)) faults[code] = (faults[code] ?? 0) + n;
  return {
    scenario: `${name} beside ${beside === 'devices' ? `${devices} devices at 1 reading/s` : beside}`,
    bytes,
    lostBytes,
    unreadBytes: bytes - lostBytes - sum(all, 'bytes'),
    faults,
    readings: sum(all, 'readings'),
    readingsDue: 2 * lines,
    feederHeldUpMs: rounded(heldUpMs, 0),
    // the devices' part is in it, where there are some
    cpuSecondsAMegabyte: rounded(cpuSeconds / (bytes / 1e6), 3),
    cpuShare: rounded(cpuSeconds / seconds),
    rssMiB: rounded(gateway.child.rssBytes() / 2 ** 20, 0),
  };
}

function feed(order: FeederOrder): Promise<FeederReport> {
  const worker = new Worker(new URL('../support/serial-feeder.ts', import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
