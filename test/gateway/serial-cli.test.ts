// fieldgate serial add, set, remove and ports: with a gateway that runs, and without one.

import { expect, test } from 'vitest';
import { captureOf, port } from '../support/captures.ts';
import { createFolder, runCli, startCli } from '../support/cli-process.ts';
import { plugSerial } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => Promise<boolean>): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 20_000 });
const RULE = '{kind: csv, columns: [{metric: temperature, unit: Cel}]}';

test('a port is added, changed and removed on the command line while the gateway runs', async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  folder.file('fieldgate.yaml', 'http: {host: 127.0.0.1, port: 0}\n');
  const cli = (...args: string[]) => runCli(['serial', ...args], { cwd: folder.path });
  const ports = async () => JSON.parse((await cli('ports', '--json')).stdout);
  const ours = async () => (await ports()).find((row: { path: string }) => row.path === plug.path);
  await using gateway = startCli(['start'], { cwd: folder.path });
  await gateway.until('stdout', /^ready /m);

  const added = await cli('add', plug.path, '--device', 'weather-1', '--baud', '9600', '--rule', RULE, '--expect-every', '1h');
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{12}\n$/) });
  expect(added.stderr).toContain(`${plug.path} is read for weather-1 from now on`);
  const id = added.stdout.trim();
  await until(async () => (await ours())?.state === 'open');
  expect(await ours()).toMatchObject({ id, origin: 'console', device: 'weather-1' });
  {
    await using watching = startCli(['serial', 'watch', id], { cwd: folder.path });
    await watching.until('stderr', /^open$/m);
    await plug.sayAll('21.5\n');
    await watching.until('stdout', /temperature 21\.5 Cel$/m);
  }
  expect(await cli('set', 'weather-1', '--rule', 'json', '--baud', '4800')).toMatchObject({ code: 0, stderr: `changed ${plug.path}\n` });
  expect(await cli('set', 'weather-1')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing to set') });
  expect(await cli('set', 'nobody', '--baud', '4800')).toMatchObject({ code: 1, stderr: expect.stringContaining('no such port') });
  expect(await cli('set', id, '--rule', 'nmae')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\/rule\/kind: .*did you mean nmea\?/),
  });
  expect(await cli('add', plug.path, '--device', 'b', '--baud', '9600', '--rule', 'json')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('same-port'),
  });
  await until(async () => (await ours())?.state === 'open');
  expect(await cli('remove', plug.path)).toMatchObject({ code: 0, stderr: expect.stringContaining('is read no more') });
  expect(await ours()).toBe(undefined);
});

test('a port that is added while no gateway runs is read when one starts', async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  folder.file('fieldgate.yaml', 'http: {host: 127.0.0.1, port: 0}\n');
  const add = ['serial', 'add', plug.path, '--device', 'weather-1', '--baud', '9600', '--rule', RULE];
  const added = await runCli(add, { cwd: folder.path });
  expect(added).toMatchObject({ code: 0, stderr: expect.stringContaining('when the gateway starts') });
  const listed = JSON.parse((await runCli(['serial', 'ports', '--json'], { cwd: folder.path })).stdout);
  expect(listed).toContainEqual(expect.objectContaining({ path: plug.path, device: 'weather-1', state: 'closed', origin: 'console' }));
  await using gateway = startCli(['start'], { cwd: folder.path });
  await gateway.until('stderr', /"state":"open"|Serial port.*open/);
});

test('serial ports lists what the file sets before there is a data directory', async () => {
  using folder = createFolder();
  folder.file('fieldgate.yaml', 'serial: {ports: [{path: /dev/none, baudRate: 9600, device: a, rule: json}]}\n');
  const listed = await runCli(['serial', 'ports'], { cwd: folder.path });
  expect(listed.code).toBe(0);
  expect(listed.stdout).toMatch(/^PATH +NAME +WHAT +DEVICE +STATE +SET IN +ID$/m);
  expect(listed.stdout).toMatch(/^\/dev\/none +- +- +a +- +file +-$/m);
});

test('a capture is replayed by the rule of a port, which stays what it is in the list meanwhile', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  using folder = createFolder();
  folder.file('fieldgate.yaml', 'http: {host: 127.0.0.1, port: 0}\n');
  const cli = (...args: string[]) => runCli(['serial', ...args], { cwd: folder.path });
  const ports = async () => JSON.parse((await cli('ports', '--json')).stdout);
  await using gateway = startCli(['start'], { cwd: folder.path });
  await gateway.until('stdout', /^ready /m);
  const id = (await cli('add', plug.path, '--device', 'weather-1', '--baud', '9600', '--rule', RULE)).stdout.trim();
  const file = (name: string, lastMs: number): string => {
    const reads = [
      [0, '21.5\n'],
      [lastMs, '22\n'],
    ] as const;
    return folder.file(name, captureOf(reads, port(plug.path, { rule: { kind: 'json' } })));
  };
  const short = file('short.capture', 0);

  const byPort = await cli('replay', short, '--device', 'weather-1', '--port', plug.path, '--speed', 'max');
  expect(byPort).toMatchObject({ code: 0, stdout: expect.stringMatching(/readings +2/) });
  const named = await cli('replay', short, '--device', 'weather-1', '--rule', '{kind: csv, columns: [{metric: level}]}', '--speed', 'max');
  expect(named).toMatchObject({ code: 0, stdout: expect.stringMatching(/readings +2/) });
  expect(await cli('replay', short, '--device', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no device nobody'),
  });
  expect(await cli('replay', folder.path, '--device', 'weather-1')).toMatchObject({ stderr: expect.stringContaining('is a folder') });
  const nowhere = await cli('capture', 'weather-1', `${folder.path}/none/a.capture`, '--seconds', '1');
  expect(nowhere).toMatchObject({ code: 73, stderr: expect.stringContaining('there is no such folder') });

  const replay = ['serial', 'replay', file('long.capture', 3_600_000), '--device', 'weather-1', '--port', id];
  await using replaying = startCli(replay, { cwd: folder.path });
  await replaying.until('stderr', /of the line/);
  expect((await ports()).filter((row: { path: string }) => row.path === plug.path)).toMatchObject([
    { id, origin: 'console' },
    { origin: 'replay' },
  ]);
  expect(await cli('set', plug.path, '--baud', '4800')).toMatchObject({ code: 0, stderr: `changed ${plug.path}\n` });
});
