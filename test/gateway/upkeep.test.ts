// fieldgate compact and verify as processes, beside a running gateway and without one.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VerifyFinding } from '../../gateway/protocol/rest.ts';
import type { ChildGateway } from '../support/child-gateway.ts';
import { openApiHouse } from '../support/api-house.ts';
import { createFolder, runCli } from '../support/cli-process.ts';
import { addDevice, damageChunk, postMany, startUpkeepGateway, T0_SECONDS } from '../support/upkeep.ts';

const READINGS = 5000;
/** Processes are started one after the other, on a machine that may be busy. */
const LONG = { timeout: 180_000 };

interface Verified {
  readonly isSound: boolean;
  readonly chunks: number;
  readonly readings: number;
  readonly findings: number;
  readonly found: VerifyFinding[];
}

describe.each(['running', 'stopped'] as const)('with a %s gateway', (state) => {
  let gateway: ChildGateway;
  let token = '';

  beforeAll(async () => {
    gateway = await startUpkeepGateway();
    token = await addDevice(gateway, 'pump-1');
    await postMany(gateway, token, READINGS);
    if (state === 'stopped') await gateway.kill('SIGTERM');
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('compact seals everything, empties the log and says what a reading takes', LONG, async () => {
    const { code, stdout, stderr } = await runCli(['compact', '--json', '--data', gateway.data]);
    expect(stderr).toMatch(/^sealing: 0 left$/m);
    expect(code).toBe(0);
    const { readings, bytes, bytesPerReading } = JSON.parse(stdout) as { readings: number; bytes: number; bytesPerReading: number };
    expect(readings).toBe(READINGS);
    expect(bytesPerReading).toBeCloseTo(bytes / readings, 2);
    const db = new Database(path.join(gateway.data, 'fieldgate.db'), { readonly: true });
    expect(db.prepare('SELECT (SELECT count(*) FROM log), (SELECT sum(readings) FROM chunk_index)').raw().get()).toEqual([0, READINGS]);
    db.close();
    const people = await runCli(['compact', '--data', gateway.data]);
    expect(people.stdout).toMatch(/^bytes a reading +\d/m);
  });

  test('verify finds a sound store sound, with every chunk decoded', LONG, async () => {
    const { code, stdout, stderr } = await runCli(['verify', '--json', '--data', gateway.data]);
    expect(stderr).toMatch(/^decoding chunks/m);
    const verified = JSON.parse(stdout) as Verified;
    expect(verified).toMatchObject({ isSound: true, readings: READINGS, findings: 0, found: [] });
    expect(verified.chunks).toBeGreaterThan(2);
    expect(code).toBe(0);
    expect((await runCli(['verify', '--data', gateway.data])).stdout).toBe(`sound: ${READINGS} readings, ${verified.chunks} chunks\n`);
  });

  test('verify names device, metric and time of a damaged chunk, and a stray one, and ends with 1', LONG, async () => {
    if (state === 'running') await gateway.kill('SIGTERM');
    const id = damageChunk(gateway.data);
    const db = new Database(path.join(gateway.data, 'fieldgate.db'));
    db.exec(`INSERT INTO chunks(id, content) SELECT max(id) + 1, x'00' FROM chunks`);
    db.close();
    if (state === 'running') await gateway.start();
    const { code, stdout, stderr } = await runCli(['verify', '--json', '--data', gateway.data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fieldgate: 2 things are not as they should be/m);
    const { isSound, found } = JSON.parse(stdout) as Verified;
    expect(isSound).toBe(false);
    const damaged = found.find(({ detail }) => detail.startsWith(`chunk ${id}:`));
    expect(damaged).toMatchObject({ what: 'chunk', device: 'pump-1', metric: 'temperature', unit: 'Cel', fromMs: T0_SECONDS * 1000 });
    expect(damaged?.detail).toContain('checksum');
    expect(found.map(({ detail }) => detail)).toContainEqual(expect.stringMatching(/^chunk \d+ is in no row of the index$/));
    const people = await runCli(['verify', '--data', gateway.data]);
    expect(people.stdout).toMatch(
      /^chunk: pump-1 temperature \(Cel\): 2023-11-14T22:13:20\.000Z to .*, \d+ readings: chunk \d+: the checksum/m,
    );
  });
});

test(
  'verify sees rows that are missing in the log, an index that disagrees with its chunks, and books that do not add up',
  LONG,
  async () => {
    await using gateway = await startUpkeepGateway();
    const token = await addDevice(gateway, 'pump-1');
    await postMany(gateway, token, 3000);
    expect((await runCli(['compact', '--data', gateway.data])).code).toBe(0);
    await postMany(gateway, token, 10);
    await gateway.kill('SIGTERM');
    const db = new Database(path.join(gateway.data, 'fieldgate.db'));
    db.exec('DELETE FROM log WHERE position = 3005; UPDATE chunk_index SET readings = readings + 1');
    db.close();
    const { code, stdout } = await runCli(['verify', '--json', '--data', gateway.data]);
    expect(code).toBe(1);
    const { found } = JSON.parse(stdout) as Verified;
    expect(found.map(({ what }) => what)).toEqual(expect.arrayContaining(['log', 'index', 'books']));
    expect(found.find(({ what }) => what === 'log')?.detail).toBe('positions 3001 to 3010: 1 rows are missing');
  },
);

test('a damaged chunk is left out, named once as an event and counted; the rest is answered', LONG, async () => {
  await using gateway = await startUpkeepGateway();
  const token = await addDevice(gateway, 'pump-1');
  await postMany(gateway, token, READINGS);
  expect((await runCli(['compact', '--data', gateway.data])).code).toBe(0);
  await gateway.kill('SIGTERM');
  const id = damageChunk(gateway.data);
  await gateway.start();
  const ask = (): Promise<{ readings: [number, number][] }> =>
    gateway.local(
      'GET',
      `/v1/readings?device=pump-1&metric=temperature&from=${T0_SECONDS * 1000}&to=${(T0_SECONDS + READINGS) * 1000}&limit=10000`,
    );
  const first = await ask();
  expect(first.readings.length).toBeGreaterThan(1000);
  expect(first.readings.length).toBeLessThan(READINGS);
  for (let i = 0; i < 4; i++) expect((await ask()).readings.length).toBe(first.readings.length);
  let told: { detail: object }[] = [];
  // it is told beside the answer, and committed a moment after it
  await expect
    .poll(async () => (told = (await gateway.local('GET', '/v1/events?device=pump-1&type=chunk-damaged')).items).length, {
      timeout: 20_000,
    })
    .toBe(1);
  expect(told[0]?.detail).toMatchObject({
    chunk: id,
    metric: 'temperature',
    fromMs: T0_SECONDS * 1000,
    readings: READINGS - first.readings.length,
  });
  const metrics = await fetch(`http://127.0.0.1:${gateway.port}/metrics`);
  expect(await metrics.text()).toMatch(/^fieldgate_chunks_damaged_total 1$/m);
});

test('one compaction at a time: the second is refused as upkeep-running', LONG, async () => {
  await using house = await openApiHouse();
  const [first, second] = await Promise.all([house.ask('POST', '/v1/compact'), house.ask('POST', '/v1/compact')]);
  const [done, refused] = first.status === 200 ? [first, second] : [second, first];
  expect(done.text).toMatch(/"type":"compacted"/);
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('upkeep-running');
});

test.each(['compact', 'verify', 'export --device *', 'device list'])(
  '%s in a folder without data says so, and makes nothing there',
  LONG,
  async (command) => {
    using folder = createFolder();
    const { code, stdout, stderr } = await runCli([...command.split(' '), '--data', folder.path]);
    expect({ code, stdout }).toStrictEqual({ code: 73, stdout: '' });
    expect(stderr).toContain(`${folder.path} holds no data of Fieldgate: name the data directory with --data DIR`);
    expect(readdirSync(folder.path)).toStrictEqual([]);
  },
);
