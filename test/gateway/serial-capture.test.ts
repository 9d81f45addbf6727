// A port captured beside its reader: through the gateway, over HTTP, and by the command itself where no gateway runs.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CAPTURE_TYPE } from '../../gateway/protocol/capture-format.ts';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import { bytesIn, captureOf, newsOf, openStream, port, readingsOf, recordsIn, replay, until, viewsOf } from '../support/captures.ts';
import { createFolder, runCli, startCli } from '../support/cli-process.ts';
import { startTestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';

const TIMEOUT_MS = 90_000;

test('a port is captured while it is read: every byte is in the file, Ctrl-C gives the file its end, and it can be replayed', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  const entry = `{path: ${plug.path}, baudRate: 9600, device: scale, rule: {kind: csv, columns: [{metric: weight}]}}`;
  folder.file('fieldgate.yaml', `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\n`);
  await using cli = startCli(['start'], { cwd: folder.path });
  await cli.until('stderr', /"state":"open"/);
  const file = join(folder.path, 'scale.capture');
  await using capturing = startCli(['serial', 'capture', 'scale', file], { cwd: folder.path });
  await capturing.until('stderr', /through the running gateway/);
  // its first line is there: the tap is, too
  await until(() => existsSync(file) && readFileSync(file).length > 0);
  let said = '';
  for (let i = 0; i < 200; i++) {
    said += `${i}\n`;
    await plug.sayAll(`${i}\n`);
  }
  await until(() => existsSync(file) && readFileSync(file).includes('199\n'));
  capturing.process.kill('SIGINT');
  expect(await capturing.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^690 bytes in \d+ reads/m) });
  const { header, records, outcome } = await recordsIn(readFileSync(file));
  expect(outcome).toBe('whole');
  expect(bytesIn(records)).toBe(said);
  expect(header.port).toMatchObject({ path: plug.path, device: 'scale', framing: { kind: 'line' }, rule: { kind: 'csv' } });
  const times = records.map(({ atUs }) => atUs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(Math.abs((times.at(-1) ?? 0) / 1000 - Date.now())).toBeLessThan(60_000);

  const again = await runCli(['serial', 'capture', 'scale', file], { cwd: folder.path });
  expect(again).toMatchObject({ code: 73, stderr: expect.stringContaining('there already') });
  const unknown = await runCli(['serial', 'capture', '/dev/none', join(folder.path, 'x')], { cwd: folder.path });
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('--baud') });

  // and back: the gateway that captured it replays it
  expect((await runCli(['device', 'add', 'again'], { cwd: folder.path })).code).toBe(0);
  const end = await runCli(['serial', 'replay', file, '--device', 'again', '--speed', 'max', '--json'], { cwd: folder.path });
  expect(end.code).toBe(0);
  expect(JSON.parse(end.stdout)).toMatchObject({ type: 'ended', outcome: 'whole', frames: 200, readings: 200, bytes: 690, faults: {} });
  const missing = await runCli(['serial', 'replay', file, '--device', 'nobody'], { cwd: folder.path });
  expect(missing.code).toBe(1);
  const log = await runCli(['serial', 'replay', join(folder.path, 'fieldgate.yaml'), '--device', 'again'], { cwd: folder.path });
  expect(log).toMatchObject({ code: 1, stderr: expect.stringContaining('no capture of a serial line') });
});

test('when the gateway is killed the capture says that it broke off, and what it has can be read', { timeout: TIMEOUT_MS }, async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  const entry = `{path: ${plug.path}, baudRate: 9600, device: scale, rule: json}`;
  folder.file('fieldgate.yaml', `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\n`);
  await using cli = startCli(['start'], { cwd: folder.path });
  await cli.until('stderr', /"state":"open"/);
  const file = join(folder.path, 'scale.capture');
  await using capturing = startCli(['serial', 'capture', 'scale', file], { cwd: folder.path });
  await until(() => existsSync(file) && readFileSync(file).length > 0);
  await plug.sayAll('{"weight":1}\n');
  await until(() => readFileSync(file).includes('weight":1'));
  cli.process.kill('SIGKILL');
  expect(await capturing.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('broke off') });
  const { records, outcome } = await recordsIn(readFileSync(file));
  expect([bytesIn(records), outcome]).toEqual(['{"weight":1}\n', 'cut-short']);
});

test('a gateway that is stopped ends captures and replays first, and is not held up by them', { timeout: TIMEOUT_MS }, async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  const entry = `{path: ${plug.path}, baudRate: 9600, device: scale, rule: json}`;
  folder.file('fieldgate.yaml', `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\n`);
  await using cli = startCli(['start'], { cwd: folder.path });
  await cli.until('stderr', /"state":"open"/);
  const file = join(folder.path, 'scale.capture');
  await using capturing = startCli(['serial', 'capture', 'scale', file], { cwd: folder.path });
  const reads = [
    [0, '{"weight":2}\n'],
    [3_600_000, '{"weight":3}\n'],
  ] as const;
  const long = folder.file('long.capture', captureOf(reads, port('/dev/was', { rule: { kind: 'json' } })));
  await using replaying = startCli(['serial', 'replay', long, '--device', 'scale'], { cwd: folder.path });
  await replaying.until('stderr', /of the line/);
  await until(() => existsSync(file) && readFileSync(file).length > 0);
  await plug.sayAll('{"weight":1}\n');
  await until(() => readFileSync(file).includes('weight":1'));
  const askedMs = performance.now();
  cli.process.kill('SIGTERM');
  expect(await capturing.ended).toMatchObject({ code: 0 });
  expect(await replaying.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the gateway ended the replay') });
  expect(await cli.ended).toMatchObject({ code: 0 });
  // the patience with clients that do not leave is 2 s
  expect(performance.now() - askedMs).toBeLessThan(1900);
  const { records, outcome } = await recordsIn(readFileSync(file));
  expect([bytesIn(records), outcome]).toEqual(['{"weight":1}\n', 'whole']);
});

test('where no gateway runs the command opens the port itself, configured or not, and ends after the bytes that were asked for', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  folder.file('fieldgate.yaml', `serial: {ports: [{path: ${plug.path}, baudRate: 9600, device: scale, rule: json}]}\n`);
  const capture = async (args: string[], said: string) => {
    await using cli = startCli(['serial', 'capture', ...args], { cwd: folder.path });
    await cli.until('stderr', /by opening it here/);
    await plug.sayAll(said);
    return await cli.ended;
  };
  expect(await capture(['scale', 'a.capture', '--max-bytes', '5'], 'abcdefg')).toMatchObject({ code: 0 });
  expect(bytesIn((await recordsIn(readFileSync(join(folder.path, 'a.capture')))).records)).toBe('abcde');
  const other = join(folder.path, 'b.capture');
  expect(await capture([plug.devicePath, other, '--baud', '115200', '--seconds', '1'], 'abc')).toMatchObject({ code: 0 });
  const { header, records } = await recordsIn(readFileSync(other));
  expect([bytesIn(records), header.port['baudRate']]).toEqual(['abc', 115_200]);
  chmodSync(plug.devicePath, 0);
  const closed = await runCli(['serial', 'capture', 'scale', 'c.capture'], { cwd: folder.path, unprivileged: true });
  expect(closed).toMatchObject({ code: 77, stderr: expect.stringContaining('dialout') });
  await plug.unplug();
  const gone = await runCli(['serial', 'capture', 'scale', 'c.capture'], { cwd: folder.path });
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no such port') });
  expect(existsSync(join(folder.path, 'c.capture'))).toBe(false);
});

test('over HTTP a capture lasts until its client leaves or somebody ends it; there is one a port, and only of what is read here', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway({ config: { serial: { ports: [port(plug.path)] } } });
  await until(async () => (await viewsOf(gateway))[0]?.state === 'open');
  const id = (await viewsOf(gateway))[0]!.id;
  const target = `/v1/serial/${id}/capture`;
  const key = await gateway.key('admin');
  const open = () => openStream(gateway, key, target);
  const first = open();
  await until(() => first.has('fieldgate-capture'));
  await plug.sayAll('1\n');
  await until(() => first.has('1\n'));
  expect((await gateway.admin(target)).json()).toMatchObject({ status: 409, code: 'capture-running' });
  first.call.destroy();
  // one that was left goes with its connection
  let second = open();
  await until(async () => {
    if (second.has('fieldgate-capture')) return true;
    if (second.has('capture-running')) second = open();
    return false;
  });
  await plug.sayAll('2\n');
  await until(() => second.has('2\n'));
  expect((await gateway.admin(target, { method: 'DELETE' })).status).toBe(204);
  const { records, outcome } = await recordsIn(await second.ended);
  expect([bytesIn(records), outcome]).toEqual(['2\n', 'whole']);

  expect((await gateway.admin(target, { method: 'DELETE' })).status).toBe(404);
  expect((await gateway.admin('/v1/serial/none/capture')).status).toBe(404);
  expect((await gateway.admin(`${target}?seconds=90000`)).status).toBe(400);
  expect((await gateway.admin(target, { method: 'HEAD' })).headers['content-type']).toBe(CAPTURE_TYPE);
  const third = open();
  await until(() => third.has('fieldgate-capture'));
  await gateway.restart();
  expect((await recordsIn(await third.ended)).outcome).toBe('whole');
  expect((await readingsOf(gateway, 'scale')).map(([, value]) => value)).toEqual([1, 2]);
});

test(
  'a replay makes the readings of the port once more, at the times of the capture, in a stream that says what it is',
  async () => {
    await using plug = await plugSerial();
    const boat = port(plug.path, { device: 'boat', framing: { kind: 'nmea' }, rule: { kind: 'nmea' } });
    await using gateway = await startTestGateway({ config: { serial: { ports: [boat] } } });
    await until(async () => (await viewsOf(gateway))[0]?.state === 'open');
    const target = `/v1/serial/${(await viewsOf(gateway))[0]!.id}/capture`;
    const stream = openStream(gateway, await gateway.key('admin'), target);
    await until(() => stream.has('fieldgate-capture'));
    const lines = [
      ...Array.from({ length: 50 }, (_, i) => buildSentence('SDDPT', [(i / 4).toString(), '0.0'])),
      '$SDDPT,1.0,0.0*00',
      buildSentence('GPRTE', ['1', '1', 'c', '0']),
    ];
    for (const line of lines) await plug.sayAll(`${line}\r\n`);
    await until(async () => (await viewsOf(gateway))[0]?.skipped['GPRTE'] === 1);
    await until(async () => (await readingsOf(gateway, 'boat', 'depth')).length === 50);
    expect((await gateway.admin(target, { method: 'DELETE' })).status).toBe(204);
    const file = await stream.ended;
    await gateway.addDevice('again');
    const last = newsOf(await replay(gateway, 'device=again&speed=max', file)).at(-1);
    expect(last).toMatchObject({ type: 'ended', outcome: 'whole', readings: 50, skipped: { GPRTE: 1 }, faults: { 'bad-checksum': 1 } });
    const [then, again] = [await readingsOf(gateway, 'boat', 'depth'), await readingsOf(gateway, 'again', 'depth')];
    expect(again.map(([, depth]) => depth)).toEqual(then.map(([, depth]) => depth));
    // both times are of the same read of the port, told by two clocks of this machine
    expect(again.filter(([atMs], i) => Math.abs(atMs - then[i]![0]) > 50)).toEqual([]);
  },
  TIMEOUT_MS,
);

test('the commands of the operations page do what it says', { timeout: TIMEOUT_MS }, async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const section = /### Capture and replay\n([^]*?)\n#/.exec(page)?.[1] ?? '';
  const commands = [...section.matchAll(/^npm run -s fieldgate -- (.+)$/gm)].map(([, words = '']) => words.replace(/ > .*/, '').split(' '));
  expect(commands.map(([word]) => word)).toEqual(['serial', 'device', 'serial']);
  await using plug = await plugSerial();
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-docs-'));
  try {
    const entry = `{path: ${plug.path}, baudRate: 9600, device: weather-mast, rule: {kind: csv, columns: [{metric: temperature}]}}`;
    writeFileSync(join(folder, 'fieldgate.yaml'), `http: {host: 127.0.0.1, port: 0}\nserial: {ports: [${entry}]}\n`);
    await using cli = startCli(['start'], { cwd: folder });
    await cli.until('stderr', /"state":"open"/);
    const [capture = [], add = [], again = []] = commands;
    await using capturing = startCli(
      capture.map((word) => (word === '10' ? '2' : word)),
      { cwd: folder },
    );
    await until(() => existsSync(join(folder, 'mast.capture')) && readFileSync(join(folder, 'mast.capture')).length > 0);
    await plug.sayAll('21.5\n22\n');
    expect(await capturing.ended).toMatchObject({ code: 0 });
    expect(await runCli(add, { cwd: folder })).toMatchObject({ code: 0 });
    expect(await runCli(again, { cwd: folder })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^readings +2$/m) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
