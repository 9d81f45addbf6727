// `device-sim verify` as a process, against real gateways: clean after everything that a network and a kill can do, and every verdict
// once, by tampering with the database while the gateway is down.

import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Counts, type Example, noCounts } from '../../device-sim/findings.ts';
import { openManifest } from '../../device-sim/manifest.ts';
import { readManifest } from '../../device-sim/manifest-reader.ts';
import { createManifestTap } from '../../device-sim/manifest-tap.ts';
import { openTarget } from '../../gateway/client/target.ts';
import { verifyManifest } from '../../device-sim/verify.ts';
import { verifyDevice } from '../../device-sim/verify-device.ts';
import { startSimGateway, type SimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim, type SimEnd, type SimFolder } from '../support/sim-process.ts';
import { connectSocket, type TestSocket } from '../support/socket.ts';
import { openStoredReadings } from '../support/stored-readings.ts';

interface Verified {
  readonly code: number;
  readonly verdicts: Counts;
  readonly examples: readonly Example[];
  readonly devices: number;
  readonly sessions: number;
  readonly strangers: number;
}

function fleetFlags(gateway: SimGateway, folder: SimFolder, manifest: string, key = gateway.enrolKey): string[] {
  return [
    'run',
    '--url',
    gateway.wsUrl,
    '--enrol-key-file',
    folder.file('enrol', key),
    '--manifest',
    manifest,
    '--no-compare',
    '--devices',
    '3',
    '--rate',
    '20',
  ];
}
function verify(gateway: SimGateway, folder: SimFolder, manifest: string, ...more: string[]): Promise<SimEnd> {
  const key = folder.file('operator', gateway.operatorKey);
  return runSim(['verify', '--url', gateway.wsUrl, '--key-file', key, '--manifest', manifest, ...more]);
}
/** The same command in this process. */
async function verified(gateway: SimGateway, manifest: string): Promise<Verified> {
  let stdout = '';
  const io = { stdout: { write: (text: string) => (stdout += text) }, stderr: { write: () => {} } };
  const target = openTarget({ url: gateway.wsUrl });
  const code = await verifyManifest({ target, manifest, key: gateway.operatorKey, isJson: true, devices: [] }, io);
  return { code, ...(JSON.parse(stdout) as Omit<Verified, 'code'>) };
}
/** The same question to the file itself. */
function verifiedInFile(gateway: SimGateway, manifest: string): Counts {
  const reader = readManifest(manifest);
  using file = openStoredReadings(gateway.data);
  const sum = noCounts();
  for (const id of reader.devices) {
    const { counts } = verifyDevice(reader.device(id), file.device(id));
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
  }
  reader.close();
  return sum;
}

describe('of a fleet whose every reading was acknowledged', () => {
  let gateway: SimGateway;
  let folder: SimFolder;
  let manifest: string;
  let database: string;
  let readings: number;

  beforeAll(async () => {
    gateway = await startSimGateway();
    folder = createSimFolder();
    manifest = folder.file('manifest', '');
    const end = await runSim([...fleetFlags(gateway, folder, manifest), '--duration', '600ms', '--history', '20m', '--json']);
    expect(end.code).toBe(0);
    readings = (JSON.parse(end.stdout) as { readingsAcked: number }).readingsAcked;
    database = join(gateway.data, 'fieldgate.db');
    await gateway.restart(() => copyFileSync(database, `${database}.good`));
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** On a fresh copy of the good database; a row is one of sim-0002's last readings in the log. */
  async function tamper(work: (db: Database.Database) => void): Promise<Verified> {
    await gateway.restart(() => {
      for (const tail of ['-wal', '-shm']) rmSync(`${database}${tail}`, { force: true });
      copyFileSync(`${database}.good`, database);
      const db = new Database(database);
      work(db);
      // a gateway shows what is below its mark
      db.exec(`UPDATE meta SET content = (SELECT max(position) FROM log) WHERE key = 'position'`);
      db.close();
    });
    return verified(gateway, manifest);
  }
  const OF_DEVICE = `SELECT position FROM log JOIN series ON series.id = log.series WHERE device = 'sim-0002' ORDER BY position`;
  const rowsOf = (db: Database.Database): number[] => db.prepare(OF_DEVICE).pluck().all() as number[];
  const lastRow = (db: Database.Database): number => rowsOf(db).at(-1)!;

  test('everything adds up, over HTTP and in the file, with exit code 0', async () => {
    const result = await tamper(() => {});
    const counts = { ...noCounts(), ok: readings };
    expect(result).toMatchObject({ code: 0, devices: 3, sessions: 1, strangers: 0, verdicts: counts, examples: [] });
    expect(verifiedInFile(gateway, manifest)).toStrictEqual(counts);
  });

  test('for people it is a table and a sentence, and one device can be asked for', async () => {
    await tamper(() => {});
    const end = await verify(gateway, folder, manifest, '--device', 'sim-0003');
    expect(end.stdout).toMatch(/^ok +[\d,]+ {2}as it was sent\nlost +0 {2}/);
    expect(end.stdout).toMatch(/everything adds up: 1 device in 1 session\n$/);
    expect(end.code).toBe(0);
  });

  test('a row that is deleted is lost, and the recount says so, too', async () => {
    const result = await tamper((db) => db.prepare('DELETE FROM log WHERE position = ?').run(lastRow(db)));
    const { unexplained } = result.verdicts;
    expect(unexplained).toBeGreaterThan(0);
    expect(result).toMatchObject({ code: 1, verdicts: { ...noCounts(), ok: readings - 1, lost: 1, unexplained } });
    const [lost, ...others] = result.examples;
    expect(lost).toMatchObject({ verdict: 'lost', device: 'sim-0002', index: 0, seq: expect.any(Number), timeUs: expect.any(Number) });
    expect(others.map((other) => other.what)).toContainEqual(
      expect.stringMatching(/^readings: \d+ by the manifest, \d+ counted from its rows$/),
    );
    expect(verifiedInFile(gateway, manifest)).toMatchObject({ ok: readings - 1, lost: 1 });
    const table = await verify(gateway, folder, manifest);
    expect(table.stdout).toMatch(
      /\nlost, the first 1:\n {2}sim-0002 \S+ seq \d+ index 0 20\S+Z: \S+.* was acknowledged and is not there\n/,
    );
    expect(table.stdout).toContain('IT DOES NOT ADD UP: 3 devices in 1 session');
    expect(table.code).toBe(1);
  });

  test('a copy of a row is doubled', async () => {
    const copy = 'INSERT INTO log SELECT (SELECT max(position) + 1 FROM log), series, time_us, value FROM log WHERE position = ?';
    const result = await tamper((db) => db.prepare(copy).run(lastRow(db)));
    expect(result).toMatchObject({ code: 1, verdicts: { ...noCounts(), ok: readings, doubled: 1 } });
    expect(result.examples[0]).toMatchObject({ verdict: 'doubled', device: 'sim-0002', index: 0 });
    expect(verifiedInFile(gateway, manifest)).toStrictEqual(result.verdicts);
  });

  test.each([
    ['value', "value = CASE typeof(value) WHEN 'text' THEN 'broken' WHEN 'integer' THEN 1 - value ELSE value + 0.001 END"],
    ['kind', "value = CASE typeof(value) WHEN 'text' THEN 1.5 ELSE 'text' END"],
    ['time', 'time_us = time_us + 1'],
  ])('a row with another %s is altered', async (_, change) => {
    const result = await tamper((db) => db.prepare(`UPDATE log SET ${change} WHERE position = ?`).run(lastRow(db)));
    expect(result).toMatchObject({ code: 1, verdicts: { ...noCounts(), ok: readings - 1, altered: 1 } });
    expect(result.examples[0]).toMatchObject({ verdict: 'altered', device: 'sim-0002', what: expect.stringMatching(/^sent .*, stored /) });
    expect(verifiedInFile(gateway, manifest)).toStrictEqual(result.verdicts);
  });

  test('a series with another unit is altered in all its readings', async () => {
    const result = await tamper((db) =>
      db.prepare(`UPDATE series SET unit = 'K' WHERE id = (SELECT series FROM log WHERE position = ?)`).run(lastRow(db)),
    );
    expect(result.code).toBe(1);
    expect(result.verdicts.altered).toBeGreaterThan(10);
    expect(result.verdicts).toStrictEqual({ ...noCounts(), ok: readings - result.verdicts.altered, altered: result.verdicts.altered });
    expect(result.examples).toHaveLength(10);
  });

  test('a row that nobody sent is a phantom', async () => {
    const foreign = `INSERT INTO log SELECT (SELECT max(position) + 1 FROM log), series, time_us - 7777777777, 4711.5 FROM log WHERE position = ?`;
    const result = await tamper((db) => db.prepare(foreign).run(lastRow(db)));
    expect(result).toMatchObject({ code: 1, verdicts: { ...noCounts(), ok: readings, phantom: 1 } });
    expect(result.examples[0]).toMatchObject({ verdict: 'phantom', device: 'sim-0002', what: expect.stringContaining('4711.5') });
    expect(verifiedInFile(gateway, manifest)).toStrictEqual(result.verdicts);
  });

  test('rows that changed places are misordered', async () => {
    const result = await tamper((db) => {
      const [a, b] = rowsOf(db).slice(-2) as [number, number];
      const row = db.prepare('SELECT series, time_us, value FROM log WHERE position = ?').raw();
      const [first, second] = [row.get(a), row.get(b)] as [unknown[], unknown[]];
      const put = db.prepare('UPDATE log SET series = ?, time_us = ?, value = ? WHERE position = ?');
      put.run(...second, a);
      put.run(...first, b);
    });
    expect(result).toMatchObject({ code: 1, verdicts: { ...noCounts(), ok: readings - 1, misordered: 1 } });
    expect(result.examples[0]).toMatchObject({ verdict: 'misordered', device: 'sim-0002' });
    expect(verifiedInFile(gateway, manifest)).toStrictEqual(result.verdicts);
  });

  test.each([
    ['the stored frames', `UPDATE streams SET frames_stored = frames_stored + 1 WHERE device = 'sim-0002'`],
    ['the mark', `UPDATE streams SET acked = acked + 1 WHERE device = 'sim-0002'`],
    ['the readings', `UPDATE streams SET readings = readings - 1 WHERE device = 'sim-0002'`],
    ['a row of frames', `DELETE FROM frames WHERE stream = (SELECT id FROM streams WHERE device = 'sim-0002') AND first_seq > 1`],
    ['a gap', `INSERT INTO gaps SELECT 1, id, 2, 2, 'refused', 0 FROM streams WHERE device = 'sim-0002'`],
    [
      'a stream',
      `INSERT INTO streams(id, device, stream, created_us, last_used_us, acked, frames_gap) VALUES (99, 'sim-0002', 'stream-0099', 0, 0, 1, 1)`,
    ],
  ])('books that are wrong in %s are unexplained', async (_, change) => {
    const result = await tamper((db) => db.exec(change));
    expect(result.code).toBe(1);
    expect(result.verdicts).toStrictEqual({ ...noCounts(), ok: readings, unexplained: result.verdicts.unexplained });
    expect(result.verdicts.unexplained).toBeGreaterThan(0);
    for (const example of result.examples) expect(example).toMatchObject({ verdict: 'unexplained', device: 'sim-0002' });
    expect(verifiedInFile(gateway, manifest).unexplained).toBeGreaterThan(0);
  });

  test('a device that is not in the manifest is told, and not held against anybody', async () => {
    const result = await tamper((db) =>
      db.exec(`INSERT INTO streams(id, device, stream, created_us, last_used_us) VALUES (99, 'other', 'stream-0099', 0, 0)`),
    );
    expect(result).toMatchObject({ code: 0, strangers: 1 });
  });

  test('what cannot be asked ends with a sentence', async () => {
    const viewer = ['verify', '--url', gateway.wsUrl, '--key-file', folder.file('viewer', gateway.apiKey), '--manifest', manifest];
    expect(await runSim(viewer)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--role operator') });
    const stranger = await verify(gateway, folder, manifest, '--device', 'sim-9999');
    expect(stranger).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('no device sim-9999') });
    const nothing = await verify(gateway, folder, `${manifest}-absent`);
    expect(nothing).toMatchObject({ code: 74, stdout: '', stderr: expect.stringContaining('there is no file') });
    const foreign = await verify(gateway, folder, folder.file('foreign', 'milk, bread\n'));
    expect(foreign).toMatchObject({ code: 74, stdout: '', stderr: expect.stringContaining('not readable as a manifest') });
  });
});

test('a simulator that was killed leaves a manifest that adds up, and a later one continues it', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const manifest = folder.file('manifest', '');
  const { key } = await gateway.post<{ key: string }>('/v1/enrolments', { max: 10, expiresSeconds: 3600, reenrol: true });
  for (let session = 1; session <= 2; session++) {
    const running = runSim(fleetFlags(gateway, folder, manifest, key), {
      onStderr(text, kill) {
        if (!text.includes('3 devices are online')) return;
        const acks = () => readFileSync(manifest, 'utf8').split('\na ').length;
        void expect
          .poll(acks, { timeout: 20_000 })
          .toBeGreaterThan(60 * session)
          .then(() => kill('SIGKILL'));
      },
    });
    expect((await running).code).toBeNull();
    const result = await verified(gateway, manifest);
    expect(result).toMatchObject({ code: 0, devices: 3, sessions: session, examples: [] });
    expect(result.verdicts.ok).toBeGreaterThan(50 * session);
  }
});

test('a fleet under which the gateway restarts adds up', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const manifest = folder.file('manifest', '');
  const running = runSim([...fleetFlags(gateway, folder, manifest), '--duration', '2s', '--json']);
  await expect.poll(() => readFileSync(manifest, 'utf8').split('\na ').length, { timeout: 20_000 }).toBeGreaterThan(10);
  await gateway.restart();
  const end = await running;
  const result = await verified(gateway, manifest);
  const { readingsAcked, connections } = JSON.parse(end.stdout) as { readingsAcked: number; connections: number };
  expect(connections).toBeGreaterThan(3);
  expect(result).toMatchObject({ code: 0, verdicts: { ...noCounts(), ok: readingsAcked } });
});

/** Says it to the gateway with the manifest listening in. */
async function talk(gateway: SimGateway, manifest: string, say: (socket: TestSocket) => Promise<void>): Promise<void> {
  const book = openManifest(manifest);
  const tap = createManifestTap(book, 'pump-1');
  const headers = { Authorization: `Bearer ${await gateway.addDevice('pump-1')}` };
  const { port } = new URL(gateway.wsUrl);
  await using socket = await connectSocket({ port: Number(port), caPem: '', path: '/v1/device', headers });
  socket.ws.on('message', (data: Buffer) => tap.heard(data.toString()));
  const said: TestSocket = {
    ...socket,
    send(message) {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      tap.sent(text);
      book.flush();
      socket.send(text);
    },
  };
  await say(said);
  book.close();
}

test('refused records, gaps and bare packs add up; a row taken out of quarantine or put into it does not', async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const manifest = folder.file('manifest', '');
  const record = (v: number) => ({ n: 'm', t: 1_700_000_000 + v, v });
  await talk(gateway, manifest, async (socket) => {
    socket.send({ type: 'hello', stream: 'stream-0001', oldest: 3, next: 3, acked: 0 });
    socket.send({ type: 'readings', seq: 3, readings: [record(1), { n: 'm' }, record(2)] });
    socket.send({ type: 'readings', seq: 4, readings: [{ n: 'm', v: 'x' }] });
    socket.send({ type: 'readings', seq: 5, readings: 7 });
    socket.send({ type: 'gap', from: 6, to: 9, reason: 'buffer-full' });
    socket.send([record(3), { n: '~', v: 1 }]);
    socket.send({
      type: 'readings',
      seq: 10,
      readings: [
        { bn: 'room:', bt: 1_700_000_000 },
        { n: 'a', vb: true },
        { n: 'b', vs: 'ok' },
        { n: 'c', t: 2_402_444_799.999999, v: 1 },
      ],
    });
    await socket.until((message) => message.type === 'ack' && message.seq === 10);
  });
  const good = { ...noCounts(), ok: 2 + 1 + 1 + 1 + 1 + 3 };
  expect(await verified(gateway, manifest)).toMatchObject({ code: 0, verdicts: good, examples: [] });
  expect(verifiedInFile(gateway, manifest)).toStrictEqual(good);

  const database = join(gateway.data, 'fieldgate.db');
  const change = (sql: string) =>
    gateway.restart(() => {
      const db = new Database(database);
      db.exec(sql);
      db.close();
    });
  await change('CREATE TABLE kept AS SELECT * FROM quarantine WHERE seq = 4; DELETE FROM quarantine WHERE seq = 4');
  const taken = await verified(gateway, manifest);
  expect(taken).toMatchObject({ code: 1, verdicts: { lost: 1, ok: good.ok - 1 } });
  expect(taken.examples[0]).toMatchObject({ verdict: 'lost', seq: 4, index: 0, what: 'refused, and not in quarantine' });

  await change('INSERT INTO quarantine SELECT * FROM kept; UPDATE kept SET id = id + 1000; INSERT INTO quarantine SELECT * FROM kept');
  const twice = await verified(gateway, manifest);
  expect(twice.verdicts).toMatchObject({ lost: 0, doubled: 1, phantom: 0 });

  await change(`DELETE FROM quarantine WHERE seq = 4; UPDATE streams SET evicted = 1 WHERE stream = 'stream-0001'`);
  const evicted = await verified(gateway, manifest);
  expect(evicted).toMatchObject({ code: 0, verdicts: good });

  await change('INSERT INTO quarantine SELECT * FROM kept; UPDATE quarantine SET seq = 77 WHERE id > 1000');
  const foreign = await verified(gateway, manifest);
  expect(foreign.code).toBe(1);
  expect(foreign.verdicts).toMatchObject({ lost: 0, doubled: 0, phantom: 1 });
});
