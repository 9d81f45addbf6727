// `device-sim run` as a process, against a real gateway; and against one that lies, where a real one does not.

import { expect, test } from 'vitest';
import type { AccountingRow, List, SeriesView } from '../../gateway/protocol/rest.ts';
import { startFakeGateway } from '../support/fake-gateway.ts';
import { startSimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim, type SimFolder } from '../support/sim-process.ts';

const keyFlags = (folder: SimFolder, enrolKey: string, apiKey: string) => [
  '--enrol-key-file',
  folder.file('enrol', enrolKey),
  '--key-file',
  folder.file('key', apiKey),
];
const fakeFlags = (folder: SimFolder, port: number) => ['--url', `ws://127.0.0.1:${port}`, ...keyFlags(folder, 'enrol-key', 'api-key')];
const sumOf = (rows: readonly AccountingRow[], what: 'readings' | 'stored') => rows.reduce((sum, row) => sum + row[what], 0);

test('a fleet enrols, measures, and agrees with the gateway to the last reading', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const flags = ['--url', gateway.wsUrl, ...keyFlags(folder, gateway.enrolKey, gateway.apiKey)];
  const end = await runSim(['run', ...flags, '--devices', '12', '--rate', '20', '--duration', '1s', '--json']);
  expect(end.stderr).toContain('enrolling');
  expect(end.stdout.trim().split('\n')).toHaveLength(1);
  const result = JSON.parse(end.stdout) as Record<string, number>;
  expect(result).toMatchObject({
    devices: 12,
    wereOnline: 12,
    unsettled: 0,
    framesLost: 0,
    isEqual: true,
    streams: 12,
    differences: [],
    ok: true,
  });
  expect(result['readingsAcked']).toBe(result['readingsSent']);
  expect(result['readingsAcked']).toBeGreaterThan(150);
  expect(end.code).toBe(0);

  const books = await gateway.get<List<AccountingRow>>('/v1/accounting');
  expect(sumOf(books.items, 'readings')).toBe(result['readingsAcked']);
  const series = await gateway.get<List<SeriesView>>('/v1/devices/sim-0001/series');
  expect(series.items.length).toBeGreaterThan(0);
});

test('with a history the devices tell first what they would have measured, and the books hold that, too', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const flags = ['--url', gateway.wsUrl, ...keyFlags(folder, gateway.enrolKey, gateway.apiKey)];
  const startedMs = Date.now();
  const wanted = ['--devices', '6', '--rate', '10', '--duration', '500ms', '--history', '6h', '--json'];
  const end = await runSim(['run', ...flags, ...wanted]);
  expect(end.stderr).toContain('sending history: the last 6 h');
  expect(end.stderr).toMatch(/history sent: [\d,]+ readings in [\d.]+ s/);
  const result = JSON.parse(end.stdout) as Record<string, number>;
  expect(result).toMatchObject({ unsettled: 0, framesLost: 0, isEqual: true, streams: 6, differences: [], ok: true });
  expect(result['readingsAcked']).toBeGreaterThan(result['historyReadings']!);
  expect(end.code).toBe(0);

  let readings = 0;
  for (let i = 1; i <= 6; i++) {
    const device = `sim-000${i}`;
    const { items } = await gateway.get<List<SeriesView>>(`/v1/devices/${device}/series`);
    for (const { metric, count } of items) {
      readings += count;
      const path = `/v1/readings?device=${device}&metric=${metric}&from=now-7h&to=now&limit=5000`;
      const answer = await gateway.get<{ readings: readonly (readonly [number, unknown])[] }>(path);
      const times = answer.readings.map(([timeMs]) => timeMs);
      expect(times[0]).toBeGreaterThan(startedMs - 6 * 3_600_000 - 1);
      expect(times[0]).toBeLessThan(startedMs - 6 * 3_600_000 + 75_000);
      // a reading a minute, and no hole where live begins
      const steps = times.slice(1).map((timeMs, at) => timeMs - times[at]!);
      expect(Math.max(...steps)).toBeLessThan(61_000);
      expect(steps.filter((step) => step > 59_000).length).toBeGreaterThan(355);
    }
  }
  expect(readings).toBe(result['readingsAcked']);
});

test('what measures more rarely than once a minute did so in its history, too', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = ['--devices', '1', '--rate', '0.002', '--metrics', 'battery', '--history', '2h', '--duration', '100ms', '--json'];
  const end = await runSim(['run', ...fakeFlags(folder, gateway.port), ...flags]);
  expect(JSON.parse(end.stdout)).toMatchObject({ isEqual: true, ok: true });
  const times = gateway.records('sim-0001').map((record) => record.t!);
  expect(times.length).toBeGreaterThanOrEqual(14);
  const steps = times.slice(1).map((t, at) => t - times[at]!);
  // the last one is the first live reading, which does not wait for its turn
  const live = steps.pop();
  expect(live).toBeLessThanOrEqual(500.5);
  for (const step of steps) expect(step).toBeCloseTo(500, 2);
});

test('a fleet loses nothing while the gateway restarts', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const flags = ['--url', gateway.wsUrl, ...keyFlags(folder, gateway.enrolKey, gateway.apiKey)];
  const running = runSim(['run', ...flags, '--devices', '4', '--rate', '10', '--duration', '2s', '--json']);
  await expect
    .poll(async () => sumOf((await gateway.get<List<AccountingRow>>('/v1/accounting')).items, 'readings'), { timeout: 10_000 })
    .toBeGreaterThan(5);
  await gateway.restart();
  const end = await running;
  expect(JSON.parse(end.stdout)).toMatchObject({ unsettled: 0, framesLost: 0, isEqual: true, ok: true });
  expect(end.code).toBe(0);
});

test('frames that a lost connection swallowed arrive exactly once, in order', async () => {
  const swallowed = new Set<string>();
  await using gateway = await startFakeGateway({
    onFrame(device, seq) {
      if (seq % 7 !== 0 || swallowed.size > 3 || swallowed.has(`${device} ${seq}`)) return 'take';
      swallowed.add(`${device} ${seq}`);
      return 'close';
    },
  });
  using folder = createSimFolder();
  const end = await runSim(['run', ...fakeFlags(folder, gateway.port), '--devices', '2', '--rate', '20', '--duration', '1s', '--json']);
  expect(JSON.parse(end.stdout)).toMatchObject({ unsettled: 0, isEqual: true, ok: true });
  expect(swallowed.size).toBeGreaterThan(0);
  expect(gateway.hellos.length).toBeGreaterThan(2);
  const times = gateway.records('sim-0001').map((record) => record.t!);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('Ctrl-C ends the measuring, not the comparison', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  let isSent = false;
  const end = await runSim(['run', ...fakeFlags(folder, gateway.port), '--devices', '3', '--rate', '50'], {
    onStderr(text, kill) {
      // Once: the second would be the end at once.
      if (isSent || !text.includes('3 devices are online')) return;
      isSent = true;
      kill('SIGINT');
    },
  });
  expect(end.stdout).toContain("the gateway's books agree: 3 streams");
  expect(end.code).toBe(0);
});

test('L7 Ctrl-C twice stops at once with exit code 130', async () => {
  let interrupt = () => {};
  await using gateway = await startFakeGateway({
    onFrame() {
      interrupt();
      return 'ignore';
    },
  });
  using folder = createSimFolder();
  const sent = new Set<string>();
  const end = await runSim(['run', ...fakeFlags(folder, gateway.port), '--devices', '2', '--rate', '50'], {
    onStderr(text, kill) {
      const once = (when: string) => {
        if (sent.has(when)) return;
        sent.add(when);
        kill('SIGINT');
      };
      interrupt = () => once('a frame is out');
      if (text.includes('once more stops at once')) once('it waits for acks');
    },
  });
  expect(end).toMatchObject({ code: 130, stdout: '' });
});

test.each(['acked', 'stored', 'readings', 'unexplained'] as const)(
  'a gateway whose %s are off by one is found out, with exit code 1',
  async (what) => {
    await using gateway = await startFakeGateway({ forge: (row) => (row.device === 'sim-0002' ? { ...row, [what]: row[what] + 1 } : row) });
    using folder = createSimFolder();
    const end = await runSim(['run', ...fakeFlags(folder, gateway.port), '--devices', '3', '--rate', '20', '--duration', '300ms']);
    expect(end.stdout).toContain('THE BOOKS DIFFER in 1 place');
    expect(end.stdout).toMatch(new RegExp(`sim-0002 \\S+: ${what} `));
    expect(end.code).toBe(1);
  },
);

test('without a key for the comparison it says so at both ends and exits 1, unless it was told not to compare', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = [
    'run',
    '--url',
    `ws://127.0.0.1:${gateway.port}`,
    '--enrol-key-file',
    folder.file('enrol', 'enrol-key'),
    '--duration',
    '200ms',
  ];
  const end = await runSim([...flags, '--devices', '1']);
  expect(end.stderr).toContain('NOT COMPARED');
  expect(end.stdout).toContain('--key-file');
  expect(end.code).toBe(1);
  gateway.enrolled.length = 0;
  const waived = await runSim([...flags, '--devices', '1', '--no-compare']);
  expect(waived.stdout).toContain('not compared');
  expect(waived.code).toBe(0);
});

test('one device runs on its own token from standard input', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = ['--url', `ws://127.0.0.1:${gateway.port}`, '--token-file', '-', '--key-file', folder.file('key', 'api-key')];
  const end = await runSim(['run', ...flags, '--rate', '20', '--duration', '300ms', '--json'], { input: 'token-pump-7\n' });
  expect(JSON.parse(end.stdout)).toMatchObject({ devices: 1, isEqual: true, ok: true });
  expect(gateway.records('pump-7').length).toBeGreaterThan(0);
});

test('credentials that are not taken end it with a sentence', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const run = ['run', '--url', gateway.wsUrl, '--devices', '1', '--duration', '200ms'];
  const enrol = folder.file('enrol', gateway.enrolKey);
  const badEnrol = await runSim([...run, '--enrol-key-file', folder.file('bad', 'nonsense'), '--no-compare']);
  expect(badEnrol).toMatchObject({ code: 1, stdout: '' });
  expect(badEnrol.stderr).toContain('the enrolment key was not taken');
  const badKey = await runSim([...run, '--enrol-key-file', enrol, '--key-file', folder.file('bad', 'nonsense')]);
  expect(badKey.code).toBe(1);
  expect(badKey.stderr).toContain('the API key in --key-file was not taken');
  const again = await runSim([...run, '--enrol-key-file', enrol, '--no-compare']);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('sim-0001 exists already');
  const badToken = await runSim(['run', '--url', gateway.wsUrl, '--token-file', folder.file('bad', 'fgd_nonsense'), '--no-compare']);
  expect(badToken.code).toBe(1);
  expect(badToken.stderr).toContain('did not take the token');
});

test('L6 absurd numbers end with exit code 2 before anything is connected', async () => {
  for (const args of [
    ['--devices', '1e9'],
    ['--rate', '-1'],
  ]) {
    const end = await runSim(['run', '--url', 'ws://127.0.0.1:1', ...args]);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toContain('usage: node device-sim/main.ts run');
  }
});

test('L2 a token on the command line ends with exit code 2', async () => {
  const end = await runSim(['run', '--url', 'ws://127.0.0.1:1', '--token', 'xyz']);
  expect(end.code).toBe(2);
  expect(end.stderr).toContain('tokens are read from file/stdin');
});
