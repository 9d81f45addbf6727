// The end of a credential, as open sockets see it: within a second, however it is asked for; and for good, whatever registry is put back.

import { copyFile, mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChildGateway } from '../support/child-gateway.ts';
import { runCli } from '../support/cli-process.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { connectSocket, type TestSocket } from '../support/socket.ts';

const PROMISED_MS = 1000;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ limits: { failedAuthBurst: 10_000, failedAuthPerMinute: 10_000 } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const bearer = (secret: string) => ({ Authorization: `Bearer ${secret}` });
const devicePath = (id: string): string => `/v1/devices/${id}`;
const post = (target: string, body: object): Promise<TestAnswer> => gateway.local(target, { method: 'POST', body });
const socketWith = (token: string): Promise<TestSocket> =>
  connectSocket({ port: gateway.port, caPem: gateway.caPem, path: '/v1/device', headers: bearer(token) });

/** What the socket was closed with, and how long after the answer that should have waited for it. */
async function endedBy(socket: TestSocket, act: () => Promise<TestAnswer>) {
  const answer = await act();
  expect(answer.status, answer.text).toBeLessThan(300);
  const answeredMs = performance.now();
  const end = await socket.closed();
  expect(performance.now() - answeredMs).toBeLessThan(PROMISED_MS);
  return { ...end, answer };
}

test.each<[string, number, (id: string, tokenId: string) => Promise<TestAnswer>]>([
  ['revoking its token', 4401, (id, tokenId) => gateway.admin(`${devicePath(id)}/tokens/${tokenId}`, { method: 'DELETE' })],
  ['revoking all its tokens', 4401, (id) => gateway.admin(`${devicePath(id)}/tokens`, { method: 'DELETE' })],
  ['rotating without an overlap', 4401, (id) => gateway.admin(`${devicePath(id)}/tokens`, { method: 'POST', body: {} })],
  ['removing the device', 4401, (id) => gateway.admin(devicePath(id), { method: 'DELETE' })],
  ['suspending the device', 4403, (id) => gateway.admin(devicePath(id), { method: 'PATCH', body: { status: 'suspended' } })],
])('P14 %s ends its open socket within a second with %i, and another device goes on', async (what, code, act) => {
  const id = `p14-${what.replaceAll(' ', '-')}`;
  const token = await gateway.addDevice(id);
  await using other = await gateway.device(`${id}-other`);
  await using socket = await gateway.device(id);
  const [{ id: tokenId }] = (await gateway.admin(devicePath(id))).json().tokens;
  expect((await endedBy(socket, () => act(id, tokenId))).code).toBe(code);
  await expect(socketWith(token)).rejects.toMatchObject({ status: code === 4401 ? 401 : 403 });
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toEqual({ type: 'stored', readings: 1 });
});

test('a suspended device is let in again with its old token once it is resumed', async () => {
  const token = await gateway.addDevice('resumed');
  await gateway.admin(devicePath('resumed'), { method: 'PATCH', body: { status: 'suspended' } });
  await expect(socketWith(token)).rejects.toMatchObject({ status: 403 });
  await gateway.admin(devicePath('resumed'), { method: 'PATCH', body: { status: 'active' } });
  await using socket = await socketWith(token);
  socket.send([{ n: 'a', v: 1 }]);
  expect(await socket.next()).toEqual({ type: 'stored', readings: 1 });
});

test('P14 a device that enrols again ends the socket of its old token', async () => {
  const { key } = (await post('/v1/enrolments', { max: 1, expiresSeconds: 3600, reenrol: true })).json();
  const enrol = () => gateway.request('/v1/enrol', { method: 'POST', headers: bearer(key), body: { device: 'enrolled' } });
  const first = (await enrol()).json().token as string;
  await using socket = await socketWith(first);
  const { code, answer } = await endedBy(socket, enrol);
  expect(code).toBe(4401);
  await expect(socketWith(first)).rejects.toMatchObject({ status: 401 });
  await using again = await socketWith(answer.json().token);
  expect(again.ws.readyState).toBe(again.ws.OPEN);
});

test('A22 after a rotation with an overlap both tokens work until the deadline; then the old one’s open socket gets 4401', async () => {
  const old = await gateway.addDevice('a22');
  await using socket = await gateway.device('a22');
  const startedMs = Date.now();
  const rotated = await gateway.admin(`${devicePath('a22')}/tokens`, { method: 'POST', body: { overlapSeconds: 2 } });
  const fresh = rotated.json().token as string;
  const store = (token: string) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { ...bearer(token), 'Content-Type': 'application/json' },
      body: '[{"n":"a","v":1}]',
    });
  expect([(await store(old)).status, (await store(fresh)).status]).toEqual([200, 200]);
  socket.send([{ n: 'a', v: 1 }]);
  expect(await socket.next()).toEqual({ type: 'stored', readings: 1 });
  expect(await socket.closed()).toMatchObject({ code: 4401 });
  const lastedMs = Date.now() - startedMs;
  expect(lastedMs).toBeGreaterThanOrEqual(2000);
  expect(lastedMs).toBeLessThan(2000 + PROMISED_MS + 500);
  expect([(await store(old)).status, (await store(fresh)).status]).toEqual([401, 200]);
});

test('A19 a token inside a message is an unknown field, and the identity of the socket stays what it was', async () => {
  const other = await gateway.addDevice('a19-other');
  await using socket = await gateway.device('a19');
  socket.send({ type: 'hello', stream: 'stream-a19-1', oldest: 1, next: 1, token: other, device: 'a19-other' });
  expect(await socket.next()).toMatchObject({ type: 'welcome', device: 'a19' });
});

test('A19 a key inside a message of a live socket opens nothing that the socket’s own did not', async () => {
  await using socket = await gateway.live();
  const key = await gateway.key('admin');
  socket.send({ type: 'subscribe', id: 'a', metrics: ['none'], key, token: key, authorization: `Bearer ${key}` });
  expect(await socket.next()).toMatchObject({ type: 'snapshot', id: 'a' });
  // operators and admins would be told of this
  expect((await gateway.admin('/v1/pairing', { method: 'POST' })).status).toBe(200);
  socket.send({ type: 'subscribe', id: 'b', metrics: ['none'] });
  expect(await socket.next()).toMatchObject({ type: 'snapshot', id: 'b' });
  await gateway.admin('/v1/pairing', { method: 'DELETE' });
});

async function signIn(user: string, password = 'secret'): Promise<Record<string, string>> {
  const own = { Host: `localhost:${gateway.port}`, Origin: `https://localhost:${gateway.port}` };
  const answer = await gateway.request('/v1/session', { method: 'POST', headers: own, body: { user, password } });
  expect(answer.status, answer.text).toBe(200);
  return { ...own, Cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' };
}
const liveWith = (headers: Record<string, string>): Promise<TestSocket> =>
  connectSocket({ port: gateway.port, caPem: gateway.caPem, path: '/v1/live', headers });

test('A20 a user whose role is taken while connected gets 4403 within a second', async () => {
  await post('/v1/users', { name: 'a20', role: 'admin', password: 'secret' });
  await using socket = await liveWith(await signIn('a20'));
  const { code } = await endedBy(socket, () => gateway.admin('/v1/users/a20', { method: 'PATCH', body: { role: 'viewer' } }));
  expect(code).toBe(4403);
});

test('A21 signing out with five sockets open ends all of them with 4401 within a second, and no other session’s', async () => {
  await post('/v1/users', { name: 'a21', role: 'viewer', password: 'secret' });
  const session = await signIn('a21');
  await using stays = await liveWith(await signIn('a21'));
  const sockets = await Promise.all(Array.from({ length: 5 }, () => liveWith(session)));
  const [first, ...others] = sockets as [TestSocket, ...TestSocket[]];
  const { code } = await endedBy(first, () => gateway.request('/v1/session', { method: 'DELETE', headers: session }));
  expect(code).toBe(4401);
  for (const socket of others) expect((await socket.closed()).code).toBe(4401);
  expect(stays.ws.readyState).toBe(stays.ws.OPEN);
  await expect(liveWith(session)).rejects.toMatchObject({ status: 401 });
});

test.each<[string, (name: string) => Promise<TestAnswer>]>([
  ['another password', (name) => gateway.admin(`/v1/users/${name}`, { method: 'PATCH', body: { password: 'better' } })],
  ['removing the user', (name) => gateway.admin(`/v1/users/${name}`, { method: 'DELETE' })],
])('P14 %s ends the open live sockets of the user within a second', async (what, act) => {
  const name = what.replaceAll(' ', '-');
  await post('/v1/users', { name, role: 'viewer', password: 'secret' });
  await using socket = await liveWith(await signIn(name));
  expect((await endedBy(socket, () => act(name))).code).toBe(4401);
});

test('P14 revoking an API key ends its live sockets and those of sessions that were opened with it', async () => {
  const { id, key } = (await post('/v1/keys', { name: 'wall', role: 'viewer' })).json();
  const own = { Host: `localhost:${gateway.port}`, Origin: `https://localhost:${gateway.port}` };
  const kiosk = await gateway.request('/v1/session', { method: 'POST', headers: own, body: { key } });
  await using byKey = await liveWith(bearer(key));
  await using bySession = await liveWith({ ...own, Cookie: String(kiosk.headers['set-cookie']).split(';')[0] ?? '' });
  expect((await endedBy(byKey, () => gateway.admin(`/v1/keys/${id}`, { method: 'DELETE' }))).code).toBe(4401);
  expect((await bySession.closed()).code).toBe(4401);
});

test('a log of revocations that cannot be written stops no revocation; the answer says so, and the line is written later', async () => {
  const file = path.join(gateway.data, 'revocations.log');
  const ids = ['unwritten-1', 'unwritten-2'];
  const tokens = await Promise.all(ids.map((id) => gateway.addDevice(id)));
  await using socket = await gateway.device('unwritten-1');
  const tokenIds = await Promise.all(ids.map(async (id) => (await gateway.admin(devicePath(id))).json().tokens[0].id as string));
  await rename(file, `${file}.aside`);
  await mkdir(file);
  const answer = await gateway.admin(`${devicePath('unwritten-1')}/tokens`, { method: 'DELETE' });
  expect([answer.status, answer.json().code]).toEqual([500, 'revocation-not-durable']);
  expect(answer.json().detail).toContain('revocations.log');
  expect((await socket.closed()).code).toBe(4401);
  await expect(socketWith(tokens[0] ?? '')).rejects.toMatchObject({ status: 401 });
  await rmdir(file);
  await rename(`${file}.aside`, file);
  expect((await gateway.admin(`${devicePath('unwritten-2')}/tokens`, { method: 'DELETE' })).status).toBe(204);
  const lines = (await readFile(file, 'utf8')).trim().split('\n').slice(-2);
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(tokenIds);
});

test.each([0, 3600])(
  'a rotation with an overlap of %d s that cannot be written down is answered like a revocation, and is done again',
  async (overlapSeconds) => {
    const file = path.join(gateway.data, 'revocations.log');
    const id = `unwritten-rotation-${overlapSeconds}`;
    const old = await gateway.addDevice(id);
    const rotate = () => gateway.admin(`${devicePath(id)}/tokens`, { method: 'POST', body: { overlapSeconds } });
    await rename(file, `${file}.aside`);
    await mkdir(file);
    const answer = await rotate();
    expect([answer.status, answer.json().code]).toEqual([500, 'revocation-not-durable']);
    expect(answer.json().detail).toContain('revocations.log');
    expect(answer.text).not.toContain('token"');
    await rmdir(file);
    await rename(`${file}.aside`, file);
    const again = await rotate();
    expect(again.status).toBe(201);
    await using fresh = await socketWith(again.json().token);
    expect(fresh.ws.readyState).toBe(fresh.ws.OPEN);
    if (overlapSeconds === 0) await expect(socketWith(old)).rejects.toMatchObject({ status: 401 });
  },
);

test('P14 the command line ends the open live sockets of a key, and of a user that is removed', async () => {
  await using child = await startChildGateway();
  const { port, caPem } = child;
  const run = async (...args: string[]): Promise<void> => {
    const ran = await runCli([...args, '--data', child.data]);
    expect(ran.code, ran.stderr).toBe(0);
  };
  const { id, key } = await child.local('POST', '/v1/keys', { name: 'wall', role: 'viewer' });
  await child.local('POST', '/v1/users', { name: 'ada', role: 'admin', password: 'secret' });
  const own = { Host: `localhost:${port}`, Origin: `https://localhost:${port}` };
  const cookie = await new Promise<string>((resolve, reject) => {
    const headers = { ...own, 'Content-Type': 'application/json' };
    const options = { host: '127.0.0.1', port, path: '/v1/session', method: 'POST', ca: caPem, servername: 'localhost', headers };
    const request = httpsRequest(options, (response) => resolve(response.headers['set-cookie']?.[0]?.split(';')[0] ?? ''));
    request.on('error', reject);
    request.end(JSON.stringify({ user: 'ada', password: 'secret' }));
  });
  await using byKey = await connectSocket({ port, caPem, path: '/v1/live', headers: bearer(key) });
  await using byCookie = await connectSocket({ port, caPem, path: '/v1/live', headers: { ...own, Cookie: cookie } });
  await run('key', 'revoke', id);
  expect((await byKey.closed()).code).toBe(4401);
  await run('user', 'remove', 'ada');
  expect((await byCookie.closed()).code).toBe(4401);
}, 120_000);

test('P14 the command line ends open sockets too, and returns when they were told', async () => {
  await using child = await startChildGateway();
  for (const [id, args, code] of [
    ['rotated', ['rotate', 'rotated'], 4401],
    ['suspended', ['suspend', 'suspended'], 4403],
    ['removed', ['remove', 'removed'], 4401],
  ] as const) {
    const { token } = await child.local('POST', '/v1/devices', { id });
    await using socket = await child.device(token);
    const closed = socket.closed();
    expect(await runCli(['device', ...args, '--data', child.data])).toMatchObject({ code: 0 });
    const returnedMs = performance.now();
    expect((await closed).code).toBe(code);
    expect(performance.now() - returnedMs).toBeLessThan(PROMISED_MS);
  }
}, 60_000);

test('P12 an older registry.db that is put back revives nothing that has ended, and leaves the rest alone', async () => {
  await using child = await startChildGateway();
  const registry = path.join(child.data, 'registry.db');
  const { local } = child;
  const tokens = new Map<string, string>();
  for (const id of ['revoked', 'suspended', 'resumed', 'removed', 'rotated', 'overlapping', 'untouched'])
    tokens.set(id, (await local('POST', '/v1/devices', { id })).token);
  const made = await local('POST', '/v1/keys', { name: 'gone', role: 'admin' });
  const keeps = await local('POST', '/v1/keys', { name: 'stays', role: 'admin' });
  const enrolment = await local('POST', '/v1/enrolments', { max: 5, expiresSeconds: 3600 });
  for (const name of ['ada', 'bob', 'eve']) await local('POST', '/v1/users', { name, role: 'admin', password: 'secret' });
  await local('PATCH', '/v1/devices/resumed', { status: 'suspended' });
  await child.kill('SIGTERM');
  await copyFile(registry, `${registry}.old`);
  await child.start();

  await local('DELETE', '/v1/devices/revoked/tokens');
  await local('PATCH', '/v1/devices/suspended', { status: 'suspended' });
  await local('PATCH', '/v1/devices/resumed', { status: 'active' });
  await local('DELETE', '/v1/devices/removed');
  await local('POST', '/v1/devices', { id: 'removed' });
  await local('POST', '/v1/devices/rotated/tokens', { overlapSeconds: 0 });
  await local('POST', '/v1/devices/overlapping/tokens', { overlapSeconds: 1 });
  await local('DELETE', `/v1/keys/${made.id}`);
  await local('DELETE', `/v1/enrolments/${enrolment.id}`);
  await local('DELETE', '/v1/users/ada');
  await local('PATCH', '/v1/users/bob', { role: 'viewer' });
  await local('PATCH', '/v1/users/eve', { password: 'better' });
  await child.kill('SIGKILL');
  for (const end of ['-wal', '-shm']) await rm(registry + end, { force: true });
  await copyFile(`${registry}.old`, registry);
  await child.start();

  const knock = async (id: string): Promise<number> =>
    child.device(tokens.get(id) ?? '').then(
      async (socket) => {
        await socket[Symbol.asyncDispose]();
        return 101;
      },
      (error: { status: number }) => error.status,
    );
  await expect.poll(() => knock('overlapping'), { timeout: 10_000 }).toBe(401);
  expect(await Promise.all(['revoked', 'removed', 'rotated'].map(knock))).toEqual([401, 401, 401]);
  expect(await Promise.all(['suspended', 'resumed', 'untouched'].map(knock))).toEqual([403, 403, 101]);
  const users = (await local('GET', '/v1/users')).items as { name: string; role: string }[];
  expect(users).toMatchObject([
    { name: 'bob', role: 'viewer' },
    { name: 'eve', role: 'admin' },
  ]);
  const keys = (await local('GET', '/v1/keys')).items as { id: string }[];
  expect(keys.map(({ id }) => id)).toEqual([keeps.id]);
  expect((await local('GET', '/v1/enrolments')).items).toEqual([]);
  const acts = (await local('GET', '/v1/audit')).items as { act: string }[];
  expect(acts.map(({ act }) => act)).toContain('registry.ended-again');
  await expect(local('POST', '/v1/session', { user: 'eve', password: 'secret' })).rejects.toThrow(/ 401 /);
}, 60_000);
