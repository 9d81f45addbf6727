// A Modbus bus through the whole gateway: the simulator's slaves on a pseudo-terminal, readings on disk, and what is told of each slave.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseCommand } from '../../device-sim/command-line.ts';
import { readSerialPort } from '../../gateway/config-serial.ts';
import type { SerialPortView, SerialSlaveView } from '../../gateway/protocol/rest.ts';
import type { ModbusSettings } from '../../gateway/transports/serial/modbus-settings.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { runSim, type SimEnd } from '../support/sim-process.ts';
import { until as untilWithin } from '../support/until.ts';

const PATIENCE_MS = 60_000;
const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  untilWithin(holds, () => holds.toString(), { patienceMs: 25_000, everyMs: 50 });

interface Speaker extends AsyncDisposable {
  readonly link: string;
  /** Ends it, and says what it printed. */
  end(): Promise<SimEnd & { readonly totals: Record<string, any> }>; // biome-ignore lint/suspicious/noExplicitAny: JSON
}

async function speak(...flags: string[]): Promise<Speaker> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-bus-'));
  const link = join(folder, 'bus');
  let kill: (signal: NodeJS.Signals) => void = () => undefined;
  const { promise: isSpeaking, resolve } = Promise.withResolvers<void>();
  const over = runSim(['serial', '--link', link, '--speak', 'modbus', ...flags], {
    onStderr: (_text, killIt) => {
      kill = killIt;
      resolve();
    },
  });
  await Promise.race([isSpeaking, over]);
  return {
    link,
    async end() {
      kill('SIGINT');
      const ended = await over;
      return { ...ended, totals: JSON.parse(ended.stdout || '{}') };
    },
    async [Symbol.asyncDispose]() {
      kill('SIGINT');
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function portOf(raw: object): SerialPortSettings {
  const answer = readSerialPort(raw);
  if ('faults' in answer) throw new Error(JSON.stringify(answer.faults));
  return answer.read;
}
const start = (...ports: SerialPortSettings[]): Promise<TestGateway> => startTestGateway({ config: { serial: { ports } } });
const busOf = async (gateway: TestGateway): Promise<SerialPortView> => (await gateway.local('/v1/serial')).json().items[0];
const slaveOf = async (gateway: TestGateway, number: number): Promise<SerialSlaveView> =>
  (await busOf(gateway)).slaves.find(({ slave }) => slave === number)!;
async function seriesOf(gateway: TestGateway, device: string, metric: string) {
  const answer = await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=now-1h&to=${Date.now() + 60_000}`);
  return answer.status === 200 ? (answer.json() as { unit: string; readings: [number, number | boolean][] }) : { unit: '', readings: [] };
}

test('the example of the documentation reads a bus, through noise', { timeout: PATIENCE_MS }, async () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const [, yaml = ''] = /### Modbus\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  await using speaker = await speak('--slaves', '1,2', '--noise', '0.2');
  const [example] = parse(yaml).serial.ports;
  for (const group of example.framing.groups) group.everyMs = 100;
  // a busy machine is no fault of the slaves
  example.framing.timeoutMs = 3000;
  await using gateway = await start(portOf({ ...example, path: speaker.link }));
  await until(async () => (await seriesOf(gateway, 'pump-house', 'tank.valve')).readings.length >= 15);
  const { unit, readings } = await seriesOf(gateway, 'pump-house', 'motor.temperature');
  expect(unit).toBe('Cel');
  expect(readings.length).toBeGreaterThan(10);
  for (const [timeMs, value] of readings) {
    expect(Math.abs(timeMs - Date.now())).toBeLessThan(PATIENCE_MS);
    expect(value).toBeGreaterThan(-40);
    expect(value).toBeLessThan(120);
  }
  const battery = (await seriesOf(gateway, 'pump-house', 'motor.battery')).readings.map(([, value]) => value);
  expect(Math.max(...(battery as number[]))).toBeLessThan(30);
  const counted = (await seriesOf(gateway, 'pump-house', 'tank.requests')).readings.map(([, value]) => value as number);
  const odd = (await seriesOf(gateway, 'pump-house', 'tank.odd')).readings.map(([, value]) => value);
  expect(counted.toSorted((a, b) => a - b)).toEqual(counted);
  expect(odd).toEqual(counted.slice(0, odd.length).map((count) => count % 2 === 1));
  const bus = await busOf(gateway);
  expect(bus).toMatchObject({ state: 'open', framing: 'modbus-rtu', rule: 'none', settings: { rule: null } });
  expect(bus.faults['noise'] ?? bus.faults['unasked']).toBeGreaterThan(0);
  expect(Object.keys(bus.faults).filter((code) => code !== 'noise' && code !== 'unasked')).toEqual([]);
  expect(bus.lastFrames.some(({ outcome, says }) => outcome === 'readings' && says.includes('tank.temperature'))).toBe(true);
  expect(bus.slaves.map(({ slave, state }) => [slave, state])).toEqual([
    [1, 'answers'],
    [2, 'answers'],
  ]);
  const books = (await gateway.local('/v1/accounting?device=pump-house&verify=true')).json().items;
  expect(books).toMatchObject([{ stream: '~serial', quarantined: 0, unexplained: 0 }]);
});

test('of a bus with all kinds of faults each slave is told by its own, as state, counter and event', { timeout: PATIENCE_MS }, async () => {
  const faults = '1,2:timeout,3:bad-crc,4:exception,5:late,6:wrong-function,7:wrong-length,8:wrong-slave';
  await using speaker = await speak('--slaves', faults);
  const groups = Array.from({ length: 8 }, (_, i) => ({
    slave: i + 1,
    function: 'input-registers',
    everyMs: 200,
    points: [{ metric: `battery.${i + 1}`, unit: 'V', address: 4, scale: 0.001 }],
  }));
  const framing = { kind: 'modbus-rtu', timeoutMs: 700, lateMs: 3000, retries: 0, silentAfter: 2, pauseSeconds: 60, groups };
  await using gateway = await start(portOf({ path: speaker.link, baudRate: 19_200, device: 'hall', framing }));
  await until(async () => (await busOf(gateway)).slaves.filter(({ state }) => state === 'silent').length === 6);
  const before = (await slaveOf(gateway, 1)).answers;
  await until(async () => (await slaveOf(gateway, 1)).answers > before + 5);
  const bus = await busOf(gateway);
  expect(bus.slaves.map(({ slave, state }) => `${slave} ${state}`)).toEqual([
    '1 answers',
    '2 silent',
    '3 silent',
    '4 answers',
    '5 silent',
    '6 silent',
    '7 silent',
    '8 silent',
  ]);
  for (const code of ['timeout', 'bad-crc', 'exception-6', 'wrong-slave', 'late-answer', 'wrong-function', 'wrong-length'])
    expect([code, bus.faults[code] ?? 0]).toEqual([code, expect.toSatisfy((count: number) => count > 0)]);
  expect(bus.slaves[1]).toMatchObject({ answers: 0, timeouts: 2, lastAnswerAt: null, nextAskAt: expect.stringMatching(/Z$/) });
  expect(bus.slaves[2]!.crcErrors).toBeGreaterThan(0);
  expect(bus.slaves[3]).toMatchObject({ answers: 0, lastError: 'slave 4, input-registers 4: server device busy' });
  for (const slave of [2, 3, 4, 5, 6, 7, 8]) expect((await seriesOf(gateway, 'hall', `battery.${slave}`)).readings).toEqual([]);
  const events = (await gateway.local('/v1/events?device=hall')).json().items as {
    type: string;
    detail?: { slave?: number; path?: string };
  }[];
  const silent = events.filter(({ type }) => type === 'slave-silent');
  expect(silent.map(({ detail }) => detail?.slave ?? 0).sort((a, b) => a - b)).toEqual([2, 3, 5, 6, 7, 8]);
  expect(silent[0]?.detail?.path).toBe(speaker.link);
  const metrics = (await gateway.local('/metrics')).text;
  expect(metrics).toMatch(/fieldgate_serial_faults_total\{code="timeout"\} [1-9]/);
  expect(metrics).toMatch(/fieldgate_serial_slaves 8\n/);
  expect(metrics).toMatch(/fieldgate_serial_slaves_silent 6\n/);

  const { code, totals } = await speaker.end();
  expect(code).toBe(0);
  const kinds = ['answered', 'bad-crc', 'exception', 'late', 'timeout', 'wrong-function', 'wrong-length', 'wrong-slave'];
  expect(Object.keys(totals['outcomes']).sort()).toEqual(kinds);
  expect(totals['slaves']['1']).toBeGreaterThanOrEqual((await slaveOf(gateway, 1)).answers);
});

test('a bus that is plugged out and in again goes on; its bytes alone say nothing, so they cannot be tried', {
  timeout: PATIENCE_MS,
}, async () => {
  await using speaker = await speak('--unplug', '1500ms,700ms', '--truncate', '0.1');
  const groups = [{ slave: 2, function: 3, everyMs: 50, points: [{ metric: 'count', address: 6, type: 'u32' }] }];
  const framing = { kind: 'modbus-rtu', timeoutMs: 100, lateMs: 200, groups };
  await using gateway = await start(portOf({ path: speaker.link, baudRate: 19_200, device: 'hall', framing, expectEverySeconds: 1 }));
  const states = async (): Promise<string[]> =>
    ((await gateway.local('/v1/events?device=hall')).json().items as { type: string }[]).map(({ type }) => type);
  await until(async () => (await states()).filter((type) => type === 'port-absent').length >= 2);
  await until(async () => (await states())[0] === 'port-open' || (await busOf(gateway)).state === 'open');
  const before = (await seriesOf(gateway, 'hall', 'count')).readings.length;
  await until(async () => (await seriesOf(gateway, 'hall', 'count')).readings.length > before);
  const values = (await seriesOf(gateway, 'hall', 'count')).readings.map(([, value]) => value as number);
  expect(values.toSorted((a, b) => a - b)).toEqual(values);
  expect(new Set(values).size).toBe(values.length);
  const tried = await gateway.admin('/v1/serial/try', { method: 'POST', body: { framing, rule: 'json', raw: 'x' } });
  expect(tried.status).toBe(400);
});

test('a bus is added and changed while the gateway runs, and faults of its settings are told with their places', {
  timeout: PATIENCE_MS,
}, async () => {
  await using speaker = await speak('--slaves', '1,2');
  await using gateway = await startTestGateway();
  const group = (slave: number) => ({ slave, function: 4, everyMs: 100, points: [{ metric: `count.${slave}`, address: 6, type: 'u32' }] });
  const bus = (...groups: object[]) => ({
    path: speaker.link,
    baudRate: 19_200,
    device: 'hall',
    framing: { kind: 'modbus-rtu', timeoutMs: 2000, groups },
  });
  const refused = await gateway.admin('/v1/serial', { method: 'POST', body: { ...bus({ ...group(1), slave: 300 }), rule: 'nmea' } });
  expect(refused.status).toBe(400);
  expect(
    refused
      .json()
      .errors.map(({ pointer }: { pointer: string }) => pointer)
      .sort(),
  ).toEqual(['/framing/groups/0/slave', '/rule']);
  const added = await gateway.admin('/v1/serial', { method: 'POST', body: bus(group(1)) });
  expect(added.status).toBe(201);
  await until(async () => (await seriesOf(gateway, 'hall', 'count.1')).readings.length > 2);
  const { id, settings } = added.json() as { id: string; settings: SerialPortSettings };
  const [first] = (settings.framing as ModbusSettings).groups;
  const framing = { ...settings.framing, groups: [first, group(2)] };
  const changed = await gateway.admin(`/v1/serial/${id}`, { method: 'PUT', body: { ...settings, framing } });
  expect(changed.status).toBe(200);
  await until(async () => (await seriesOf(gateway, 'hall', 'count.2')).readings.length > 2);
  expect((await busOf(gateway)).slaves.map(({ slave }) => slave)).toEqual([1, 2]);
});

test.each([
  [['--speak', 'csv', '--slaves', '1'], '--slaves goes with --speak modbus'],
  [['--speak', 'modbus', '--rate', '2'], '--rate and --wrong-baud do not go with --speak modbus'],
  [['--speak', 'modbus', '--slaves', '0'], 'slaves are 1 to 247'],
  [['--speak', 'modbus', '--slaves', '1:asleep'], 'faults timeout, late, bad-crc'],
  [['--speak', 'modbus', '--slaves', '1:late=2'], 'It is a number from 0 to 1'],
  [['--speak', 'modbus', '--slaves', '1,2,1:late'], 'Each slave is there once'],
])('the speaker refuses %j', (flags, message) => {
  expect(() => parseCommand(['serial', '--link', '/tmp/x', ...flags], () => {})).toThrow(message);
});
