import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDataDirectory } from '../../gateway/data-directory.ts';
import { fileSystemOf, fileSystemType } from '../../gateway/file-system.ts';
import { createFolder, runCli, startCli } from '../support/cli-process.ts';

const MODULE = join(import.meta.dirname, '../../gateway/data-directory.ts');

test('the directory is made for its owner alone, and so are lock and pid', () => {
  using folder = createFolder();
  const path = join(folder.path, 'deep/data');
  const directory = openDataDirectory(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const name of ['lock', 'pid']) expect(statSync(join(path, name)).mode & 0o777, name).toBe(0o600);
  expect(readFileSync(join(path, 'pid'), 'utf8')).toBe(`${process.pid}\n`);
  directory.close();
  directory.close();
  expect(existsSync(join(path, 'pid'))).toBe(false);
  openDataDirectory(path).close();
});

test('a directory that was there keeps its rights', () => {
  using folder = createFolder();
  const before = statSync(folder.path).mode;
  openDataDirectory(folder.path).close();
  expect(statSync(folder.path).mode).toBe(before);
});

test('K10 a second holder is refused with 75 and the pid of the first, as often as it tries', () => {
  using folder = createFolder();
  const directory = openDataDirectory(folder.path);
  const refusal = expect.objectContaining({ exit: 75, message: expect.stringContaining(`locked by pid ${process.pid}`) });
  for (let i = 0; i < 3; i++) expect(() => openDataDirectory(folder.path)).toThrow(refusal);
  directory.close();
  openDataDirectory(folder.path).close();
});

test('K10 the lock dies with its holder, however that ended', async () => {
  using folder = createFolder();
  const source = `const { openDataDirectory } = await import(${JSON.stringify(MODULE)});
    openDataDirectory(${JSON.stringify(folder.path)});
    console.log('held');
    setInterval(() => undefined, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(() => openDataDirectory(folder.path)).toThrow(
    expect.objectContaining({ exit: 75, message: expect.stringContaining(`pid ${holder.pid}`) }),
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  openDataDirectory(folder.path).close();
});

test('K9 a file in its place is refused with 73', () => {
  using folder = createFolder();
  const file = folder.file('data', '');
  expect(() => openDataDirectory(file)).toThrow(expect.objectContaining({ exit: 73, message: expect.stringContaining('is a file') }));
  expect(() => openDataDirectory(join(file, 'data'))).toThrow(expect.objectContaining({ exit: 73 }));
});

test('K9 a directory on a network file system is refused with 78, and nothing is written into it', () => {
  using folder = createFolder();
  for (const [type, name] of [
    [0x6969, 'NFS'],
    [0xff534d42, 'CIFS'],
  ] as const) {
    const refusal = expect.objectContaining({ exit: 78, message: expect.stringContaining(`is on ${name}`) });
    expect(() => openDataDirectory(folder.path, () => type)).toThrow(refusal);
  }
  expect(readdirSync(folder.path)).toStrictEqual([]);
});

test('K9 a directory in memory is taken, and the log warns that acks do not survive a reboot', async () => {
  using folder = createFolder();
  const directory = openDataDirectory(folder.path, () => 0x01021994);
  expect(directory.isInMemory).toBe(true);
  directory.close();
  // where this machine has such a file system, for real
  if (!existsSync('/dev/shm') || fileSystemOf(fileSystemType('/dev/shm')).kind !== 'memory') return;
  const data = mkdtempSync('/dev/shm/fieldgate-test-');
  try {
    await using cli = startCli(['start', '--data', data, '--port', '0', '--host', '127.0.0.1']);
    await cli.until('stderr', /in memory \(tmpfs\): what is acknowledged does not survive a reboot/);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test('K9 a place where this user may not write is refused with 77', async () => {
  using folder = createFolder();
  chmodSync(folder.path, 0o500);
  const { code, stderr } = await runCli(['device', 'add', 'x', '--data', join(folder.path, 'data')], { unprivileged: true });
  expect(stderr).toMatch(/not writable for this user/);
  expect(code).toBe(77);
});
