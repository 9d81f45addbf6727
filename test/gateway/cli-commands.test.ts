import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { DeviceView, EnrolmentView, KeyView, UserView } from '../../gateway/protocol/rest.ts';
import { type CliEnd, type CliOptions, createFolder, runCli, type RunningCli, startCli, type TestFolder } from '../support/cli-process.ts';

const DEVICE_TOKEN = /^fgd_[A-Za-z0-9_-]{43}\n$/;

// the same commands, once through the socket of a running gateway and once on the stores themselves
describe.each(['running', 'stopped'] as const)('with a %s gateway', (state) => {
  let folder: TestFolder;
  let gateway: RunningCli | null = null;

  beforeAll(async () => {
    folder = createFolder();
    if (state === 'stopped') return;
    gateway = startCli(['start', '--data', folder.path, '--port', '0', '--host', '127.0.0.1']);
    await gateway.until('stdout', /^ready /m);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const run = (args: string, options: CliOptions = {}): Promise<CliEnd> => runCli([...args.split(' '), '--data', folder.path], options);
  async function json<T>(args: string): Promise<T> {
    const { stdout, code, stderr } = await run(`${args} --json`);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return JSON.parse(stdout) as T;
  }

  test('device add prints the token alone on stdout, and everything else on stderr', async () => {
    const { code, stdout, stderr } = await run('device add pump-1 --label Pump --tag hall-2 --tag wet');
    expect(stdout).toMatch(DEVICE_TOKEN);
    expect(stderr).toMatch(/^added pump-1; /);
    expect(stderr).not.toContain(stdout.trim());
    expect(code).toBe(0);
    const [device, ...others] = await json<DeviceView[]>('device list');
    expect(device).toMatchObject({ id: 'pump-1', label: 'Pump', tags: ['hall-2', 'wet'], status: 'active', online: false });
    expect(others).toEqual([]);
  });

  test('a second device of the same id is refused with 1 and the reason', async () => {
    const { code, stdout, stderr } = await run('device add pump-1');
    expect(stderr).toMatch(/^fieldgate: pump-1: .*exist.*\(exists\)\n$/);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('device set, suspend, resume and show', async () => {
    expect(await run('device set pump-1 --location Cellar --expect-every 5m --clock gateway --ping 40 --tag dry')).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(await json<DeviceView>('device show pump-1')).toMatchObject({
      location: 'Cellar',
      expectEverySeconds: 300,
      clock: 'gateway',
      pingSeconds: 40,
      tags: ['dry'],
      label: 'Pump',
    });
    expect(await run('device set pump-1 --expect-every off --ping off')).toMatchObject({ code: 0 });
    expect(await json<DeviceView>('device show pump-1')).toMatchObject({ expectEverySeconds: null, pingSeconds: null });
    expect(await run('device set pump-1 --may-sleep yes')).toMatchObject({ code: 0 });
    expect(await json<DeviceView>('device show pump-1')).toMatchObject({ maySleep: true, state: 'asleep' });
    expect((await run('device list --status asleep')).stdout).toMatch(/^pump-1 .* asleep /m);
    expect(await run('device set pump-1 --may-sleep no')).toMatchObject({ code: 0 });
    expect(await run('device set pump-1')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing to set') });
    expect(await run('device suspend pump-1')).toMatchObject({ code: 0, stdout: '' });
    expect((await run('device list --status suspended')).stdout).toMatch(/^pump-1 +Pump +suspended +no /m);
    expect(await run('device resume pump-1')).toMatchObject({ code: 0 });
    expect((await run('device show pump-1')).stdout).toMatch(/^status +active$/m);
  });

  test('device rotate and revoke change the tokens', async () => {
    const before = (await json<DeviceView>('device show pump-1')).tokens ?? [];
    expect(before).toHaveLength(1);
    expect((await run('device rotate pump-1 --overlap 1h')).stdout).toMatch(DEVICE_TOKEN);
    const both = (await json<DeviceView>('device show pump-1')).tokens ?? [];
    expect(both).toHaveLength(2);
    expect(both.find(({ id }) => id === before[0]?.id)?.expiresAt).not.toBeNull();
    expect(await run(`device revoke pump-1 --token ${before[0]?.id}`)).toMatchObject({ code: 0, stdout: '' });
    expect((await json<DeviceView>('device show pump-1')).tokens).toHaveLength(1);
    expect(await run('device revoke pump-1')).toMatchObject({ code: 0 });
    expect((await json<DeviceView>('device show pump-1')).tokens ?? []).toEqual([]);
  });

  test('device remove, and what is not there', async () => {
    expect(await run('device remove pump-1')).toMatchObject({ code: 0 });
    for (const command of ['show', 'suspend', 'resume', 'remove', 'remove --purge', 'rotate', 'revoke'])
      expect(await run(`device ${command} pump-1`), command).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^fieldgate: pump-1: there is none/),
      });
  });

  test('user add takes the password from stdin, or makes one and prints it', async () => {
    expect(await run('user add bob --role operator', { input: 'correct horse battery\n' })).toMatchObject({ code: 0, stdout: '' });
    const made = await run('user add eve --role viewer', { input: '' });
    expect(made.stdout).toMatch(/^[A-Za-z2-9]{16}\n$/);
    expect(await json<UserView[]>('user list')).toEqual([
      { name: 'bob', role: 'operator', createdAt: expect.any(String) },
      { name: 'eve', role: 'viewer', createdAt: expect.any(String) },
    ]);
    expect(await run('user add bob --role viewer', { input: 'another one 12' })).toMatchObject({ code: 1 });
    expect(await run('user password eve', { input: 'a new one for eve' })).toMatchObject({ code: 0, stdout: '' });
    expect(await run('user password nobody', { input: 'a new one for eve' })).toMatchObject({ code: 1 });
    expect(await run('user remove eve')).toMatchObject({ code: 0 });
    expect((await json<UserView[]>('user list')).map(({ name }) => name)).toEqual(['bob']);
    expect(await run('user add mallory --role viewer', { input: 'x'.repeat(5000) })).toMatchObject({ code: 2 });
  });

  test('key add prints the key alone; list and revoke go by its id', async () => {
    expect((await run('key add wall-display --role viewer')).stdout).toMatch(/^fgk_[A-Za-z0-9_-]{43}\n$/);
    const [key] = await json<KeyView[]>('key list');
    expect(key).toMatchObject({ name: 'wall-display', role: 'viewer' });
    expect(await run(`key revoke ${key?.id}`)).toMatchObject({ code: 0, stdout: '' });
    expect(await json<KeyView[]>('key list')).toEqual([]);
    expect((await run('key list')).stderr).toMatch(/^no keys; add one with/);
  });

  test('enrol add prints the key alone, with its number and its end', async () => {
    expect((await run('enrol add --max 3 --expires 2h --reenrol')).stdout).toMatch(/^fge_[A-Za-z0-9_-]{43}\n$/);
    const [row] = await json<EnrolmentView[]>('enrol list');
    expect(row).toMatchObject({ max: 3, used: 0, reenrol: true });
    // the command says when it ends, the gateway when it was made: some moments later
    const lifeMs = Date.parse(row?.expiresAt ?? '') - Date.parse(row?.createdAt ?? '');
    expect(Math.abs(lifeMs - 7_200_000)).toBeLessThan(10_000);
    expect(await run(`enrol revoke ${row?.id}`)).toMatchObject({ code: 0 });
  });

  test('setup-code belongs to a running gateway', async () => {
    const { code, stdout, stderr } = await run('setup-code');
    if (state === 'running') expect(stdout).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}\n$/);
    else expect(stderr).toMatch(/no gateway runs on .*start it first/);
    expect(code).toBe(state === 'running' ? 0 : 1);
  });
});

test('device revoke returns when open sockets were told, and the token never gets in again', async () => {
  using folder = createFolder();
  await using gateway = startCli(['start', '--data', folder.path, '--port', '0', '--host', '127.0.0.1']);
  const [, port] = await gateway.until('stdout', /^ready https:\/\/127\.0\.0\.1:(\d+)$/m);
  const { stdout: token } = await runCli(['device', 'add', 'pump-1', '--data', folder.path]);
  const options = { ca: readFileSync(join(folder.path, 'tls/ca.crt')), headers: { authorization: `Bearer ${token.trim()}` } };
  const socket = new WebSocket(`wss://localhost:${port}/v1/device`, options);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  expect(await runCli(['device', 'revoke', 'pump-1', '--data', folder.path])).toMatchObject({ code: 0 });
  expect(socket.readyState).not.toBe(WebSocket.OPEN);
  expect((await closed)[0]).toBe(4401);
  const again = new WebSocket(`wss://localhost:${port}/v1/device`, options);
  const [error] = await once(again, 'error');
  expect(String(error)).toContain('401');
});
