// `device-sim replay` as a process: what is read back equals the file, bit for bit.

import { expect, test } from 'vitest';
import { startFakeGateway } from '../support/fake-gateway.ts';
import { startSimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim } from '../support/sim-process.ts';

/** Unsorted, with times that occur twice, microseconds and awkward doubles. */
function awkwardRows(count: number): { text: string; timeMs: number; value: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const timeUs = Date.UTC(2013, 11, 2, 21, 15) * 1000 + ((i * 7919) % count) * 300_000_017 - (i % 50 === 1 ? 300_000_017 : 0);
    const seconds = new Date(Math.floor(timeUs / 1000)).toISOString().slice(0, 19).replace('T', ' ');
    const value = (i * Math.PI) / 7 - 100 / (i + 3);
    return { text: `${seconds}.${String(timeUs % 1_000_000).padStart(6, '0')},${value}`, timeMs: timeUs / 1000, value };
  });
}

test('every value and time read back over REST equals the file, repeated times included', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const rows = awkwardRows(2_500);
  const file = folder.file('machine.csv', `timestamp,value\n${rows.map((row) => row.text).join('\n')}\n`);
  const credentials = [
    '--token-file',
    folder.file('token', await gateway.addDevice('pump-1')),
    '--key-file',
    folder.file('key', gateway.apiKey),
  ];
  const end = await runSim([
    'replay',
    '--url',
    gateway.wsUrl,
    ...credentials,
    '--file',
    file,
    '--device',
    'pump-1',
    '--unit',
    'Cel',
    '--json',
  ]);
  expect(JSON.parse(end.stdout)).toMatchObject({ rows: 2_500, readingsAcked: 2_500, recordsRefused: 0, isEqual: true, ok: true });
  expect(end.stderr).toContain('acked');
  expect(end.code).toBe(0);

  const query = 'device=pump-1&metric=machine&from=2010-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&limit=10000';
  const answer = await gateway.get<{ unit: string; readings: [number, number][] }>(`/v1/readings?${query}`);
  expect(answer.unit).toBe('Cel');
  // REST orders by time and then by arrival; a stable sort of the file does the same.
  const expected = [...rows].sort((a, b) => a.timeMs - b.timeMs).map((row) => [row.timeMs, row.value]);
  expect(new Set(rows.map((row) => row.timeMs)).size).toBeLessThan(rows.length);
  expect(answer.readings).toEqual(expected);
});

test('a device that does not exist yet is made with an enrolment key', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const credentials = ['--enrol-key-file', folder.file('enrol', gateway.enrolKey), '--key-file', folder.file('key', gateway.apiKey)];
  const file = folder.file('a.csv', 'time_ms,metric,unit,value\n1700000000123.456,door,,true\n1700000000123.456,state,,"idle"\n');
  const end = await runSim(['replay', '--url', gateway.wsUrl, ...credentials, '--file', file, '--device', 'gate-1']);
  expect(end.stdout).toContain('2 of 2 readings acked');
  expect(end.code).toBe(0);
  const answer = await gateway.get<{ latest: object }>('/v1/devices/gate-1');
  expect(answer.latest).toEqual({ door: [1_700_000_000_123.456, true, ''], state: [1_700_000_000_123.456, 'idle', ''] });
});

const fakeFlags = (folder: ReturnType<typeof createSimFolder>, port: number, file: string) => {
  const credentials = ['--token-file', folder.file('token', 'token-pump-1'), '--key-file', folder.file('key', 'api-key')];
  return ['replay', '--url', `ws://127.0.0.1:${port}`, ...credentials, '--file', file, '--device', 'pump-1'];
};
const minutes = (count: number) => `time,value\n${Array.from({ length: count }, (_, i) => `${1_700_000_000 + i * 60},${i}`).join('\n')}\n`;

test('frames keep to the limits of the welcome, and lost connections lose and double nothing', async () => {
  const lost = new Set<number>();
  await using gateway = await startFakeGateway({
    limits: { frameBytes: 4_096, readingsPerFrame: 200, unackedFrames: 4 },
    onFrame(_device, seq) {
      if ((seq !== 5 && seq !== 30) || lost.has(seq)) return 'take';
      lost.add(seq);
      return 'close';
    },
  });
  using folder = createSimFolder();
  const end = await runSim([...fakeFlags(folder, gateway.port, folder.file('level.csv', minutes(5_000))), '--json']);
  expect(JSON.parse(end.stdout)).toMatchObject({ readingsAcked: 5_000, isEqual: true, ok: true, connections: 3 });
  expect(gateway.records('pump-1').map((record) => record.v)).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
});

test('--speed keeps the distances of the file', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const end = await runSim([...fakeFlags(folder, gateway.port, folder.file('level.csv', minutes(5))), '--speed', '240', '--json']);
  const result = JSON.parse(end.stdout) as { seconds: number; framesAcked: number };
  expect(result).toMatchObject({ readingsAcked: 5, framesAcked: 5, ok: true });
  // Four minutes, 240 times faster.
  expect(result.seconds).toBeGreaterThanOrEqual(0.99);
  expect(end.code).toBe(0);
});

test('refused records are reported, and the end is not called good', async () => {
  await using gateway = await startFakeGateway({ onFrame: (_device, seq) => (seq === 2 ? 'refuse' : 'take') });
  using folder = createSimFolder();
  const end = await runSim([...fakeFlags(folder, gateway.port, folder.file('level.csv', minutes(2_500)))]);
  expect(end.stdout).toContain('were refused');
  expect(end.stdout).toContain("the gateway's books agree");
  expect(end.code).toBe(1);
});

test("another device's token, a bad line and a missing file send nothing", async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = fakeFlags(folder, gateway.port, folder.file('level.csv', minutes(5)));
  folder.file('token', 'token-pump-2');
  const other = await runSim(flags);
  expect(other.stderr).toContain('the token belongs to pump-2, not to pump-1: nothing was sent');
  folder.file('token', 'token-pump-1');
  folder.file('level.csv', `${minutes(5)}soon,1\n`);
  const bad = await runSim(flags);
  expect(bad.stderr).toContain('line 7: «soon» is no time');
  expect([other.code, bad.code]).toEqual([1, 1]);
  expect([...gateway.records('pump-1'), ...gateway.records('pump-2')]).toEqual([]);
});
