// A serial line cannot be asked to wait: what it says while nothing can be stored, and what becomes of a device that may not speak.

import { expect, test } from 'vitest';
import type { Volume } from '../../gateway/storage/disk-watch.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const MIB = 1024 * 1024;
const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  untilWithin(holds, () => holds.toString(), { patienceMs: 20_000 });
const port = (path: string): SerialPortSettings => ({
  path,
  baudRate: 115_200,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device: 'scale',
  framing: { kind: 'line' },
  rule: { kind: 'csv', columns: [{ metric: 'weight', unit: 'kg' }] },
  expectEverySeconds: null,
});
const viewOf = async (gateway: TestGateway) => (await gateway.local('/v1/serial')).json().items[0];
const valuesOf = async (gateway: TestGateway): Promise<number[]> => {
  const answer = await gateway.local(`/v1/readings?device=scale&metric=weight&from=now-1h&to=${Date.now() + 60_000}&limit=10000`);
  return answer.status === 200 ? answer.json().readings.map(([, value]: [number, number]) => value) : [];
};
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const linesOf = (values: readonly number[]): string => values.map((value) => `${value}\n`).join('');

test('what a sensor says while the disk is full is kept up to the buffer and stored once with room again; the rest is counted', async () => {
  let freeMib = 500;
  const readVolume = async (): Promise<Volume> => ({ freeBytes: freeMib * MIB, totalBytes: 1000 * MIB });
  await using plug = await plugSerial();
  await using gateway = await startTestGateway({
    readVolume,
    config: { serial: { ports: [port(plug.path)] } },
    limits: { serialBufferBytes: 64 * 1024 },
  });
  await until(async () => (await viewOf(gateway)).state === 'open');
  await plug.sayAll(linesOf(numbers(0, 10)));
  await until(async () => (await valuesOf(gateway)).length === 10);

  freeMib = 99;
  await until(async () => (await gateway.request('/readyz')).status === 503);
  await plug.sayAll(linesOf(numbers(10, 5010)));
  await until(async () => (await viewOf(gateway)).lines === 5010);
  const { overrun } = (await viewOf(gateway)).faults;
  expect(overrun).toBeGreaterThan(0);
  expect(await valuesOf(gateway)).toEqual(numbers(0, 10));

  freeMib = 500;
  await until(async () => (await valuesOf(gateway)).length >= 5010 - overrun);
  await plug.sayAll('99999\n');
  await until(async () => (await valuesOf(gateway)).at(-1) === 99999);
  expect(await valuesOf(gateway)).toEqual([...numbers(0, 5010 - overrun), 99999]);
  const [books] = (await gateway.local('/v1/accounting?device=scale&verify=true')).json().items;
  expect(books).toMatchObject({ stream: '~serial', settled: 5011 - overrun, unexplained: 0 });
});

test('what the sensor of a suspended device says is not stored, and is again when the device may speak', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway({ config: { serial: { ports: [port(plug.path)] } } });
  await until(async () => (await viewOf(gateway)).state === 'open');
  const become = (status: string) => gateway.local('/v1/devices/scale', { method: 'PATCH', body: { status } });
  expect((await become('suspended')).status).toBe(200);
  await plug.sayAll('1\n');
  await until(async () => (await gateway.observe.metrics()).includes('fieldgate_refusals_total{code="suspended"} 1'));
  expect(await valuesOf(gateway)).toEqual([]);
  expect((await become('active')).status).toBe(200);
  await plug.sayAll('2\n');
  await until(async () => (await valuesOf(gateway)).length === 1);
  expect(await valuesOf(gateway)).toEqual([2]);
  await until(async () => (await gateway.local('/v1/devices/scale')).json().online);
});

test('when the thread that reads the ports breaks, the gateway goes on and says so', async () => {
  await using plug = await plugSerial();
  // no configuration file gets so far
  const broken: SerialPortSettings = { ...port(plug.path), rule: { kind: 'csv', columns: [] } };
  await using gateway = await startTestGateway({ config: { serial: { ports: [broken] } } });
  await until(async () => (await viewOf(gateway)).state === 'failed');
  expect(await viewOf(gateway)).toMatchObject({ reason: 'the thread that reads the ports broke', mend: expect.stringContaining('log') });
  expect((await gateway.request('/readyz')).status).toBe(200);
  await using device = await gateway.device('pump-1');
  device.send([{ n: 't', v: 1 }]);
  expect(await device.next()).toMatchObject({ type: 'stored', readings: 1 });
});
