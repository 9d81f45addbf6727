// Serial sensors through the whole gateway: a pseudo-terminal speaks, readings are on disk, and the port's life is told.

import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { createFolder, runCli, startCli } from '../support/cli-process.ts';
import { plugSerial } from '../support/pty.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { until as untilWithin } from '../support/until.ts';

const port = (path: string, more: Partial<SerialPortSettings> = {}): SerialPortSettings => ({
  path,
  baudRate: 115_200,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device: 'weather-1',
  framing: { kind: 'line' },
  rule: {
    kind: 'csv',
    columns: [
      { metric: 'temperature', unit: 'Cel' },
      { metric: 'humidity', unit: '%RH' },
    ],
  },
  expectEverySeconds: null,
  ...more,
});
const until = (holds: () => boolean | Promise<boolean>, what = (): string => holds.toString()): Promise<void> =>
  untilWithin(holds, what, { patienceMs: 15_000 });
const start = (...ports: SerialPortSettings[]): Promise<TestGateway> => startTestGateway({ config: { serial: { ports } } });
const portsOf = async (gateway: TestGateway) => (await gateway.local('/v1/serial')).json().items;
const isOpen = (gateway: TestGateway) => until(async () => (await portsOf(gateway))[0].state === 'open');
const valuesOf = async (gateway: TestGateway, metric = 'temperature', device = 'weather-1'): Promise<number[]> => {
  const answer = await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=now-1h&to=${Date.now() + 60_000}`);
  return answer.status === 200 ? answer.json().readings.map(([, value]: [number, number]) => value) : [];
};
const openFiles = (): number => readdirSync('/proc/self/fd').length;

test('a line of a serial sensor is a reading of its device, which is made for it', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await isOpen(gateway);
  await plug.sayAll('21.5,48\r\n22,49\r\n');
  await until(async () => (await portsOf(gateway))[0].lines === 2);
  await until(async () => (await valuesOf(gateway)).length === 2);
  expect(await valuesOf(gateway)).toEqual([21.5, 22]);
  expect(await valuesOf(gateway, 'humidity')).toEqual([48, 49]);
  const device = (await gateway.local('/v1/devices/weather-1')).json();
  expect(device).toMatchObject({ status: 'active', online: true, tokens: [] });
  const [shown] = await portsOf(gateway);
  expect(shown).toMatchObject({ path: plug.path, device: 'weather-1', state: 'open', reason: '', lines: 2, readings: 4, errors: 0 });
  expect(shown.lastFrames.map((frame: { raw: string }) => frame.raw)).toEqual(['21.5,48', '22,49']);
  const books = (await gateway.local('/v1/accounting?device=weather-1&verify=true')).json().items;
  expect(books).toMatchObject([{ stream: '~serial', settled: 2, stored: 2, quarantined: 0, gaps: 0, unexplained: 0, readings: 4 }]);
});

test('a line that is no reading goes to quarantine with its bytes, and is counted', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await isOpen(gateway);
  await plug.sayAll('21.5,48\nhello there\n22,49\n');
  await until(async () => (await portsOf(gateway))[0].lines === 3);
  await until(async () => (await valuesOf(gateway)).length === 2);
  const [refused] = (await gateway.local('/v1/quarantine?device=weather-1')).json().items;
  expect(refused).toMatchObject({ device: 'weather-1', stream: '~serial', seq: 2, index: null, raw: 'hello there' });
  expect((await portsOf(gateway))[0]).toMatchObject({ lines: 3, errors: 1 });
  const metrics = await gateway.observe.metrics();
  expect(metrics).toContain(`fieldgate_serial_frames_total{port="${plug.path}"} 3`);
  expect(metrics).toContain('fieldgate_serial_ports_open 1');
  expect(metrics).toMatch(/fieldgate_serial_faults_total\{code="[a-z-]+"\} 1/);
});

test('W9 a sensor that is unplugged mid-line ten times and comes back under other names loses no whole line and doubles none', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await isOpen(gateway);
  await plug.sayAll('0,1\n');
  await until(async () => (await valuesOf(gateway)).length === 1);
  const before = openFiles();
  for (let round = 1; round <= 10; round++) {
    await plug.sayAll('9999,');
    await plug.unplug();
    const unpluggedMs = performance.now();
    await until(async () => (await portsOf(gateway))[0].state === 'absent');
    expect(performance.now() - unpluggedMs).toBeLessThan(5000);
    expect((await gateway.local('/v1/devices/weather-1')).json().online).toBe(false);
    await plug.replug(`ttyUSB${round}`);
    const backMs = performance.now();
    await isOpen(gateway);
    expect(performance.now() - backMs).toBeLessThan(5000);
    await plug.sayAll(`${round},1\n`);
    await until(async () => (await valuesOf(gateway)).length === round + 1);
  }
  expect(await valuesOf(gateway)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(Math.abs(openFiles() - before)).toBeLessThan(3);
  expect((await portsOf(gateway))[0].faults['stale-partial']).toBeGreaterThan(0);
  const types = (await gateway.local('/v1/events?device=weather-1')).json().items.map((event: { type: string }) => event.type);
  expect(types.filter((type: string) => type === 'port-absent')).toHaveLength(10);
  expect(types.filter((type: string) => type === 'port-open')).toHaveLength(11);
});

test('W10 a port that is missing does not keep the others from starting, and is opened when it comes', async () => {
  await using here = await plugSerial();
  await using late = await plugSerial({ id: 'usb-late' });
  await late.unplug();
  await using gateway = await start(port(late.path, { device: 'late-1' }), port(here.path));
  await until(async () => (await portsOf(gateway))[1].state === 'open');
  const [missing] = await portsOf(gateway);
  expect(missing).toMatchObject({ state: 'absent', reason: 'there is no such port' });
  expect(missing.mend).toContain('fieldgate serial ports');
  await here.sayAll('1,2\n');
  await until(async () => (await valuesOf(gateway)).length === 1);
  await late.replug('ttyUSB7');
  const backMs = performance.now();
  await isOpen(gateway);
  expect(performance.now() - backMs).toBeLessThan(5000);
});

test('W10 a port that another program holds is told with that program, and opened when it lets go', async () => {
  await using plug = await plugSerial();
  const holder = spawn('flock', ['--no-fork', '--exclusive', realpathSync(plug.path), 'sleep', '60']);
  try {
    await until(() => holder.pid !== undefined && readFileSync(`/proc/${holder.pid}/comm`, 'utf8').trim() === 'sleep');
    await using gateway = await start(port(plug.path));
    await until(async () => (await portsOf(gateway))[0].state === 'failed');
    expect((await portsOf(gateway))[0]).toMatchObject({
      reason: expect.stringContaining(`sleep (${holder.pid})`),
      mend: expect.stringContaining('fuser'),
    });
    holder.kill();
    await isOpen(gateway);
  } finally {
    holder.kill();
  }
});

test('W10 a port that the gateway may not open names the group that may, and is opened once it may', async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  const device = realpathSync(plug.path);
  chmodSync(device, 0);
  const entry = `{path: ${plug.path}, baudRate: 9600, device: weather-1, rule: json}`;
  folder.file('fieldgate.yaml', `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\nlog: {format: json}\n`);
  await using cli = startCli(['start'], { cwd: folder.path, unprivileged: true });
  await cli.until('stdout', /^ready /m);
  const [line] = await cli.until('stderr', /^.*"state":"failed".*$/m);
  expect(JSON.parse(line)).toMatchObject({ path: plug.path, reason: expect.stringContaining('ermission denied') });
  expect(JSON.parse(line).mend).toContain('dialout');
  chmodSync(device, 0o600);
  await cli.until('stderr', /"state":"open"/);
});

test('serial watch shows what a port says beside what becomes of it, and serial ports is there for any configuration', async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  const rule = '{kind: csv, columns: [{metric: temperature, unit: Cel}]}';
  const entry = `{path: ${plug.path}, baudRate: 9600, device: weather-1, rule: ${rule}}`;
  folder.file('fieldgate.yaml', `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\n`);
  await using cli = startCli(['start'], { cwd: folder.path });
  await cli.until('stdout', /^ready /m);
  await using watching = startCli(['serial', 'watch', 'weather-1'], { cwd: folder.path });
  await watching.until('stderr', /^open$/m);
  await plug.sayAll('21.5\nwarm\n');
  await watching.until('stdout', /"21\.5" {2}→ {2}temperature 21\.5 Cel$/m);
  await watching.until('stdout', /"warm" {2}→ {2}[a-z-]+: .+$/m);
  const unknown = await runCli(['serial', 'watch', '/dev/none'], { cwd: folder.path });
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no such port') });
  const listed = await runCli(['serial', 'ports', '--json'], { cwd: folder.path });
  expect(listed.code).toBe(0);
  expect(Array.isArray(JSON.parse(listed.stdout))).toBe(true);
});

test('what a sensor said before the gateway stops is stored', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await isOpen(gateway);
  const lines = Array.from({ length: 500 }, (_, i) => `${i},1\n`);
  await plug.sayAll(lines.join(''));
  await until(async () => (await portsOf(gateway))[0].lines === 500);
  await gateway.restart();
  expect(await valuesOf(gateway)).toEqual(lines.map((_, i) => i));
});

test('a complete line is on disk 50 ms after its last byte', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await isOpen(gateway);
  const live = await gateway.live();
  live.send({ type: 'subscribe', id: 's', devices: ['weather-1'], metrics: ['temperature'] });
  const delays: number[] = [];
  for (let i = 0; i < 21; i++) {
    const saidMs = performance.now();
    await plug.sayAll(`${i},1\n`);
    // only what is stored is relayed
    await live.until((message) => message.type === 'readings' && JSON.stringify(message).includes(`,${i}]`));
    delays.push(performance.now() - saidMs);
  }
  delays.sort((a, b) => a - b);
  expect(delays[10]).toBeLessThan(50);
});
