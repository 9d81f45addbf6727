// A serial line cannot be asked to wait. The thread that serves the network stands still for two seconds while sensors speak at full
// speed: no byte may be lost, and every line is a reading in the end. The canary, which reads on that thread, loses some.

import { constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { startTestGateway } from '../support/gateway.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import type { FeederOrder, FeederReport } from '../support/serial-feeder.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 120_000;
const SECONDS = 4;
const STALL_MS = 2000;

function feed(plugs: readonly SerialPlug[], baudRate: number): Promise<FeederReport> {
  const order: FeederOrder = { sensorPaths: plugs.map((plug) => plug.sensorPath), bytesPerSecond: baudRate / 10, seconds: SECONDS };
  const worker = new Worker(new URL('../support/serial-feeder.ts', import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** The thread that runs the test is the one that serves the network. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
}

async function fedDuringAStall(plugs: readonly SerialPlug[], baudRate: number): Promise<FeederReport> {
  const report = feed(plugs, baudRate);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  standStill();
  return report;
}

test.each([
  ['one port at 230,400 baud', 1, 230_400],
  ['eight ports at 115,200 baud', 8, 115_200],
])('%s: nothing is lost while the network thread stands still', { timeout: TIMEOUT_MS }, async (_title, count, baudRate) => {
  await using stack = new AsyncDisposableStack();
  const plugs: SerialPlug[] = [];
  for (let i = 0; i < count; i++) plugs.push(stack.use(await plugSerial()));
  const ports = plugs.map((plug, i): SerialPortSettings => {
    const line = { path: plug.path, baudRate, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' } as const;
    const columns = [{ metric: 'n' }, { metric: 'value' }, null];
    return { ...line, device: `fast-${i}`, framing: { kind: 'line' }, rule: { kind: 'csv', columns }, expectEverySeconds: null };
  });
  const gateway = stack.use(await startTestGateway({ config: { serial: { ports } } }));
  const views = async (): Promise<readonly SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;
  await until(
    async () => (await views()).every((view) => view.state === 'open'),
    () => 'a port did not open',
  );
  const report = await fedDuringAStall(plugs, baudRate);
  expect(report).toMatchObject({ lostBytes: 0 });
  const sum = (all: readonly SerialPortView[], key: 'bytes' | 'lines' | 'readings') => all.reduce((total, view) => total + view[key], 0);
  await expect.poll(async () => sum(await views(), 'bytes'), { timeout: 20_000 }).toBe(report.bytes);
  const after = await views();
  expect(after.map((view) => view.faults)).toEqual(after.map(() => ({})));
  expect([sum(after, 'lines'), sum(after, 'readings')]).toEqual([report.lines, 2 * report.lines]);
  const stored = async () => {
    const { items } = (await gateway.local('/v1/accounting')).json() as { items: { readings: number }[] };
    return items.reduce((total, { readings }) => total + readings, 0);
  };
  await expect.poll(stored, { timeout: 20_000 }).toBe(2 * report.lines);
});

test('reading on the network thread loses bytes while it stands still: the feeder notices', { timeout: TIMEOUT_MS }, async () => {
  await using plug = await plugSerial();
  const canary = new ReadStream(openSync(plug.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  canary.on('data', () => {});
  const { lostBytes } = await fedDuringAStall([plug], 921_600);
  canary.destroy();
  expect(lostBytes).toBeGreaterThan(50_000);
});
