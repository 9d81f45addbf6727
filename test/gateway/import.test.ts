// History out of one gateway and into another: the same bytes, once, whatever happens in between.

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startChildGateway } from '../support/child-gateway.ts';
import { runCli, startCli } from '../support/cli-process.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { hardHistory } from '../support/history.ts';

const TIMEOUT_MS = 120_000;

function createFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'fieldgate-import-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
// biome-ignore lint/suspicious/noExplicitAny: the last line of the news
async function importInto(gateway: TestGateway, query: string, body: string, type = 'text/csv'): Promise<any> {
  const answer = await gateway.local(`/v1/import?${query}`, { method: 'POST', headers: { 'content-type': type }, body });
  return answer.status === 200 ? JSON.parse(answer.text.trim().split('\n').at(-1) as string) : { status: answer.status, ...answer.json() };
}
async function exported(gateway: TestGateway, query: string): Promise<string> {
  return (await gateway.local(`/v1/readings?${query}`)).text;
}
async function withHistory(devices: readonly string[]): Promise<TestGateway> {
  const gateway = await startTestGateway();
  for (const id of devices) {
    const token = await gateway.addDevice(id);
    for (const pack of hardHistory()) {
      const answer = await gateway.request('/v1/readings', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(pack),
      });
      expect(answer.json().errors).toEqual([]);
    }
  }
  return gateway;
}

test.each(['csv', 'ndjson'])(
  'what is exported as %s and imported elsewhere is exported as the same bytes',
  { timeout: TIMEOUT_MS },
  async (format) => {
    await using from = await withHistory(['pump-1', 'pump-2']);
    await using to = await startTestGateway();
    await to.addDevice('pump-2');
    await to.addDevice('pump-1');
    const query = `device=pump-*&format=${format}`;
    const file = await exported(from, query);
    const type = format === 'csv' ? 'text/csv' : 'application/x-ndjson';
    const ended = await importInto(to, 'device=*', file, type);
    expect(ended).toMatchObject({ type: 'ended', already: 0, refused: {}, empty: 0, foreign: 0, unknown: 0 });
    expect(await exported(to, query)).toBe(file);
    // times that SenML takes for relative ones, which a device can not send
    const early = 'time_ms,metric,unit,value\n0,m,,1\n-1.001,m,,2\n86400000.999,m,,3\n';
    expect(await importInto(to, 'device=pump-1', early)).toMatchObject({ stored: 3 });
    await using again = await startTestGateway();
    await again.addDevice('pump-1');
    const one = await exported(to, `device=pump-1&format=${format}`);
    expect(one).toContain('86400');
    expect(await importInto(again, 'device=pump-1', one, type)).toMatchObject({ type: 'ended', refused: {} });
    expect(await exported(again, `device=pump-1&format=${format}`)).toBe(one);
  },
);

test('the same content is stored once, and the books of its stream balance', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const file = `timestamp,value\n${Array.from({ length: 1700 }, (_, i) => `2013-12-02 21:${String(i % 60).padStart(2, '0')}:00,${i}.25`).join('\n')}\n`;
  const query = 'device=pump-1&metric=temperature&unit=Cel';
  const first = await importInto(gateway, query, file);
  expect(first).toMatchObject({ type: 'ended', stored: 1700, already: 0 });
  const hash = createHash('sha256')
    .update(file)
    .update(JSON.stringify(['temperature', 'Cel']))
    .digest('hex');
  expect(first.stream).toBe(`~import-${hash}`);
  expect(await importInto(gateway, query, file)).toMatchObject({ stored: 0, already: 1700 });
  await gateway.restart();
  expect(await importInto(gateway, query, file)).toMatchObject({ stored: 0, already: 1700 });
  const { items } = (await gateway.local('/v1/accounting?device=pump-1&verify=true')).json();
  expect(items).toMatchObject([{ stream: first.stream, settled: 4, stored: 4, readings: 1700, unexplained: 0 }]);
  // under another name they are other readings
  expect(await importInto(gateway, 'device=pump-1&metric=other', file)).toMatchObject({ stored: 1700 });
});

test('rows that can not be read are in quarantine with their reason, and the others are stored', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const rows = [
    '1700000000000,m,1',
    'yesterday,m,2',
    '1700000001000,bad name,3',
    '1700000002000,m,1e999',
    '1700000003000,m,nan',
    '1700000004000,m,5',
  ];
  const ended = await importInto(gateway, 'device=pump-1', `time_ms,metric,value\n${rows.join('\n')}\n`);
  expect(ended).toMatchObject({ stored: 2, refused: { 'bad-time': 1, 'bad-name': 1, 'non-finite': 1 }, empty: 1 });
  const { items } = (await gateway.local('/v1/quarantine?device=pump-1')).json();
  expect(items.map((item: { code: string }) => item.code).toSorted()).toEqual(['bad-name', 'bad-time', 'non-finite']);
  expect(items.find((item: { code: string }) => item.code === 'bad-time').raw).toBe('yesterday,m,2');
  const lines = ['{"n":"m","t":1700000005,"v":6}', '{oops', '[]', '{"n":"m","v":7}', '{"n":"m","t":1700000006,"vs":5}'];
  expect(await importInto(gateway, 'device=pump-1', lines.join('\n'), 'application/x-ndjson')).toMatchObject({
    stored: 1,
    refused: { 'bad-json': 1, 'wrong-type': 2, 'bad-time': 1 },
  });
});

test('what is no file of readings is refused, and so are devices that are not here', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const failed = (body: string): Promise<{ code: string; message: string }> => importInto(gateway, 'device=pump-1', body);
  for (const [body, says] of [
    ['', 'empty'],
    ['a,b\n1,2\n', 'columns'],
    ['time,value\n2020-01-01,1\n', 'metric'],
    ['[{"n":"m","v":1}]', 'one record a line'],
    ['time,metric,value\n2020-01-01,m,"never closed\n', 'never closed'],
  ] as const) {
    const end = await failed(body);
    expect(end).toMatchObject({ type: 'failed', code: 'bad-import' });
    expect(end.message).toContain(says);
  }
  expect(await importInto(gateway, 'device=nobody', 'x')).toMatchObject({ status: 404 });
  expect(await importInto(gateway, 'device=pump-1', 'x', 'text/html')).toMatchObject({ status: 415 });
  const other = 'time,device,metric,value\n2020-01-01,pump-2,m,1\n2020-01-01,pump-1,m,1\n';
  expect(await importInto(gateway, 'device=pump-1', other)).toMatchObject({ stored: 1, foreign: 1 });
  expect(await importInto(gateway, 'device=*', `${other}\n`)).toMatchObject({ stored: 1, unknown: 1 });
});

test('imports are not relayed, and leave what a device says now as it was', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  const device = await gateway.device('pump-1');
  device.send([{ n: 'm', u: 'Cel', v: 1 }]);
  expect(await device.next()).toMatchObject({ type: 'stored' });
  const live = await gateway.live();
  live.send({ type: 'subscribe', id: 'a' });
  expect(await live.next()).toMatchObject({ type: 'snapshot' });
  await importInto(gateway, 'device=pump-1', 'time,metric,unit,value\n2020-01-01,m,K,99\n2020-01-02,m,Cel,98\n');
  device.send([{ n: 'm', v: 2 }]);
  expect(await device.next()).toMatchObject({ type: 'stored' });
  expect(await live.next()).toMatchObject({ type: 'readings', readings: [['pump-1', 'm', expect.any(Number), 2]] });
  const now = (await gateway.local('/v1/devices/pump-1')).json();
  expect(now.latest.m.slice(1)).toEqual([2, 'Cel']);
});

test('an import whose gateway is killed in the middle goes on where it was', { timeout: TIMEOUT_MS }, async () => {
  using folder = createFolder();
  const file = join(folder.path, 'history.csv');
  const rows = 300_000;
  writeFileSync(
    file,
    `time_ms,metric,unit,value\n${Array.from({ length: rows }, (_, i) => `${1_500_000_000_000 + i * 1000},m,Cel,${i / 8}`).join('\n')}\n`,
  );
  await using gateway = await startChildGateway();
  await gateway.local('POST', '/v1/devices', { id: 'pump-1' });
  const readings = async (): Promise<number> =>
    (await gateway.local('GET', '/v1/accounting?device=pump-1')).items.reduce(
      (sum: number, item: { readings: number }) => sum + item.readings,
      0,
    );
  const args = ['import', file, '--device', 'pump-1', '--data', gateway.data, '--json'];
  const cut = startCli(args);
  await expect.poll(readings, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0);
  await gateway.kill('SIGKILL');
  expect((await cut.ended).code).toBe(1);
  await gateway.start();
  const before = await readings();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(rows);
  const end = await runCli(args);
  expect(end.stderr).toBe('');
  const news = JSON.parse(end.stdout);
  expect(news).toMatchObject({ type: 'ended', stored: rows - before, already: before });
  const { items } = await gateway.local('GET', '/v1/accounting?device=pump-1&verify=true');
  expect(items).toMatchObject([{ readings: rows, settled: rows / 500, unexplained: 0 }]);
  expect(await gateway.local('GET', '/v1/readings?device=pump-1&metric=m&from=2000-01-01T00:00:00Z&points=1')).toMatchObject({
    buckets: [[expect.any(Number), rows, 0, (rows - 1) / 8, expect.any(Number), 0, (rows - 1) / 8]],
  });
});

test('the commands export and import, with a gateway and without', { timeout: TIMEOUT_MS }, async () => {
  using folder = createFolder();
  const data = join(folder.path, 'data');
  const source = join(folder.path, 'source.csv');
  const copy = join(folder.path, 'copy.csv');
  const body = 'time,time_ms,device,metric,unit,value\n2023-11-14T22:13:20.000Z,1700000000000,pump-1,m,Cel,21.5\n';
  writeFileSync(source, body);
  expect((await runCli(['device', 'add', 'pump-1', '--data', data])).code).toBe(0);
  const stored = await runCli(['import', source, '--device', 'pump-1', '--data', data]);
  expect([stored.code, stored.stdout.replaceAll(/ +/g, ' ')]).toEqual([0, 'stored 1\nthere before 0\n']);
  const piped = await runCli(['export', '--device', 'pump-1', '--data', data]);
  expect([piped.code, piped.stdout, piped.stderr]).toEqual([0, body, '']);
  const told = await runCli(['export', '--device', '*', '--metric', 'm', '--format', 'ndjson', '--progress', '-o', copy, '--data', data]);
  expect([told.code, told.stdout]).toEqual([0, '']);
  expect(told.stderr).toMatch(/^1 readings, 0\.0 MB, \d+ readings\/s\n$/);
  expect(readFileSync(copy, 'utf8')).toBe('{"device":"pump-1","n":"m","u":"Cel","t":1700000000,"v":21.5}\n');
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  const refused = await runCli(['export', '--device', 'pump-1', '-o', copy, '--data', data]);
  expect([refused.code, refused.stderr]).toEqual([73, expect.stringContaining('--force')]);
  expect((await runCli(['export', '--device', 'pump-1', '-o', copy, '--force', '--data', data])).code).toBe(0);
  expect(readFileSync(copy, 'utf8')).toBe(body);
  expect(readdirSync(folder.path).toSorted()).toEqual(['copy.csv', 'data', 'source.csv']);
  await using gateway = await startChildGateway([], {}, [], data);
  const running = await runCli(['export', '--device', 'pump-1', '--to', '2023-11-14T22:13:20.001Z', '--data', data]);
  expect([running.code, running.stdout]).toEqual([0, body]);
  expect((await runCli(['import', source, '--device', 'pump-1', '--data', gateway.data])).stdout).toMatch(/there before +1/);
  expect((await runCli(['import', source, '--device', 'pump-2', '--data', gateway.data])).code).toBe(1);
  expect((await runCli(['export', '--device', 'pump-1', '--from', 'soon', '--data', gateway.data])).stderr).toContain('from');
});

test('one import runs at a time, and another is told to come back', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const file = (n: number): string =>
    `time_ms,metric,value\n${Array.from({ length: 20_000 }, (_, i) => `${1.7e12 + i},m,${n}`).join('\n')}\n`;
  const ends = await Promise.all([1, 2].map((n) => importInto(gateway, 'device=pump-1', file(n))));
  expect(ends.find((end) => end.type === 'ended')).toMatchObject({ stored: 20_000 });
  expect(ends.find((end) => end.type !== 'ended')).toMatchObject({ status: 429, code: 'import-running' });
  expect(await importInto(gateway, 'device=pump-1', file(3))).toMatchObject({ stored: 20_000 });
});
