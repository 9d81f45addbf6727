// Serial lines into a gateway under measurement: its process with the ports configured, the feeder's thread, and sums over the ports.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import type { SerialPlug } from '../support/pty.ts';
import type { FeederOrder, FeederReport } from '../support/serial-feeder.ts';
import { until } from '../support/until.ts';
import { ask, type Server, startGatewayProcess } from './servers.ts';

const STALL = fileURLToPath(new URL('stall-on-signal.ts', import.meta.url));
const RULE = { kind: 'csv', columns: [{ metric: 'n' }, { metric: 'value' }, null] };
const PATIENCE_MS = 10_000;

export interface LinesGateway {
  readonly gateway: Server & {
    /** Waits for so many bytes, not for ever: what is missing for good is found by its absence. */
    reads(bytes: number): Promise<void>;
  };
  views(): Promise<readonly SerialPortView[]>;
}

/** A port for each plug, of the device `line-<n>`. With the default limits. */
export async function openLines(stack: AsyncDisposableStack, plugs: readonly SerialPlug[], baudRate: number): Promise<LinesGateway> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-serial-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'fieldgate.yaml');
  const ports = plugs.map((plug, i) => ({ path: plug.path, baudRate, device: `line-${i}`, framing: 'line', rule: RULE }));
  // JSON is YAML
  writeFileSync(config, JSON.stringify({ serial: { ports } }));
  const gateway = await startGatewayProcess({ devices: 0, env: { FIELDGATE_CONFIG: config }, nodeFlags: ['--import', STALL] });
  stack.defer(() => gateway.stop());
  const views = async (): Promise<readonly SerialPortView[]> => ((await ask(gateway, '/v1/serial')) as { items: SerialPortView[] }).items;
  await until(
    async () => (await views()).every((view) => view.state === 'open'),
    () => 'a port did not open',
  );
  const reads = (bytes: number): Promise<void> =>
    until(
      async () => sumOf(await views(), 'bytes') === bytes,
      () => '',
      { patienceMs: PATIENCE_MS, everyMs: 200 },
    ).catch(() => undefined);
  return { gateway: Object.assign(gateway, { reads }), views };
}

export function sumOf(views: readonly SerialPortView[], key: 'bytes' | 'lines' | 'readings'): number {
  return views.reduce((total, view) => total + view[key], 0);
}

export function faultsOf(views: readonly SerialPortView[]): Record<string, number> {
  const faults: Record<string, number> = {};
  for (const view of views) for (const [code, n] of Object.entries(view.faults)) faults[code] = (faults[code] ?? 0) + n;
  return faults;
}

export function feed(order: FeederOrder): Promise<FeederReport> {
  const worker = new Worker(new URL('../support/serial-feeder.ts', import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
