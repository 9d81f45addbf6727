// Who signs in and how: users, keys, the set-up code, the session cookie.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../../gateway/api/api.ts';
import { type ApiHouse, type Asked, openApiHouse } from '../support/api-house.ts';
import { startTestGateway } from '../support/gateway.ts';

let house: ApiHouse;
beforeAll(async () => {
  house = await openApiHouse({ limits: { failedAuthBurst: 10_000 } });
});
afterAll(() => house[Symbol.asyncDispose]());

const cookieOf = (answer: Asked): string => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

test('a user is made, signs in with a cookie, is moved to another role, signs out and is removed', async () => {
  const origin = { origin: house.url };
  const made = await house.ask('POST', '/v1/users', { json: { name: 'Anna', role: 'viewer', password: 'correct horse' } });
  expect([made.status, made.json]).toEqual([201, { name: 'anna', role: 'viewer', createdAt: expect.any(String) }]);
  expect((await house.ask('POST', '/v1/users', { json: { name: 'anna', role: 'viewer', password: 'x' } })).status).toBe(409);
  for (const name of ['#', '__proto__', '', 'a b']) {
    expect((await house.ask('POST', '/v1/users', { json: { name, role: 'viewer', password: 'x' } })).status).toBe(422);
  }

  const signIn = (user: string, password: string) =>
    house.ask('POST', '/v1/session', { as: 'nobody', json: { user, password }, headers: origin });
  const wrong = await signIn('anna', 'wrong');
  const unknown = await signIn('nobody-here', 'wrong');
  expect([wrong.status, unknown.status, wrong.text]).toEqual([401, 401, unknown.text]);
  const long = await signIn('anna', 'x'.repeat(1025));
  expect([long.status, long.json.code]).toEqual([400, 'bad-request']);

  const session = await signIn('ANNA ', 'correct horse');
  expect(session.status).toBe(200);
  expect(session.json).toEqual({ user: 'anna', role: 'viewer', kind: 'user', expiresAt: expect.stringMatching(/Z$/), live: 'ready' });
  expect(session.headers.get('set-cookie')).toMatch(/^fieldgate=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  const cookie = { cookie: cookieOf(session) };
  expect((await house.ask('GET', '/v1/session', { as: 'nobody', headers: cookie })).json).toMatchObject({ user: 'anna', kind: 'user' });
  expect((await house.ask('GET', '/v1/devices', { as: 'nobody', headers: cookie })).status).toBe(200);
  expect(
    (await house.ask('POST', '/v1/devices', { as: 'nobody', json: { id: 'by-anna' }, headers: { ...cookie, ...origin } })).status,
  ).toBe(403);

  expect((await house.ask('PATCH', '/v1/users/anna', { json: { role: 'operator' } })).json).toMatchObject({
    name: 'anna',
    role: 'operator',
  });
  const write = (headers: Record<string, string>) =>
    house.ask('POST', '/v1/devices', { as: 'nobody', json: { id: 'by-anna' }, headers: { ...cookie, ...headers } });
  for (const headers of [{}, { origin: 'https://evil.example' }, { ...origin, 'sec-fetch-site': 'cross-site' }]) {
    const answer = await write(headers as Record<string, string>);
    expect([answer.status, answer.json.code]).toEqual([403, 'origin-denied']);
  }
  expect((await write(origin)).status).toBe(201);
  const both = await house.ask('GET', '/v1/devices', { as: 'admin', headers: cookie });
  expect([both.status, both.json.code]).toEqual([400, 'ambiguous-credentials']);

  const out = await house.ask('DELETE', '/v1/session', { as: 'nobody', headers: { ...cookie, ...origin } });
  expect(out.status).toBe(204);
  expect(out.headers.get('set-cookie')).toMatch(/^fieldgate=; .*Max-Age=0/);
  const ended = await house.ask('GET', '/v1/devices', { as: 'nobody', headers: cookie });
  expect(ended.status).toBe(401);
  expect(ended.headers.get('set-cookie')).toMatch(/^fieldgate=; .*Max-Age=0/);
  expect((await house.ask('GET', '/v1/session', { as: 'nobody' })).status).toBe(401);

  expect((await house.ask('PATCH', '/v1/users/anna', { json: { password: 'new one' } })).status).toBe(200);
  expect([(await signIn('anna', 'correct horse')).status, (await signIn('anna', 'new one')).status]).toEqual([401, 200]);
  expect((await house.ask('PATCH', '/v1/users/none-such', { json: { role: 'viewer' } })).status).toBe(404);
  expect((await house.ask('GET', '/v1/users')).json.items.map((one: { name: string }) => one.name)).toEqual(['anna']);
  expect((await house.ask('DELETE', '/v1/users/anna')).status).toBe(204);
  expect((await house.ask('DELETE', '/v1/users/anna')).status).toBe(404);
});

test('a key signs a kiosk in for as long as it lives', async () => {
  const made = await house.ask('POST', '/v1/keys', { json: { name: 'Wall display', role: 'viewer' } });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({ name: 'Wall display', role: 'viewer', key: expect.stringMatching(/^fgk_/) });
  const session = await house.ask('POST', '/v1/session', { as: 'nobody', json: { key: made.json.key }, headers: { origin: house.url } });
  expect(session.json).toMatchObject({ user: 'Wall display', role: 'viewer', kind: 'key' });
  expect(session.headers.get('set-cookie')).toContain(`Max-Age=${400 * 86_400}`);
  const cookie = { cookie: cookieOf(session) };
  expect((await house.ask('GET', '/v1/devices', { as: 'nobody', headers: cookie })).status).toBe(200);
  // no browser keeps a cookie for longer: its time begins anew whenever the page asks who it is
  const again = await house.ask('GET', '/v1/session', { as: 'nobody', headers: cookie });
  expect(again.json).toEqual({ user: 'Wall display', role: 'viewer', kind: 'key', expiresAt: null, live: 'ready' });
  expect(again.headers.get('set-cookie')).toBe(session.headers.get('set-cookie'));
  const byKey = await house.ask('GET', '/v1/session', { as: 'nobody', headers: { authorization: `Bearer ${made.json.key}` } });
  expect(byKey.headers.get('set-cookie')).toBeNull();
  expect(JSON.stringify((await house.ask('GET', '/v1/keys')).json)).not.toContain(made.json.key);
  expect((await house.ask('DELETE', `/v1/keys/${made.json.id}`)).status).toBe(204);
  expect((await house.ask('DELETE', `/v1/keys/${made.json.id}`)).status).toBe(404);
  expect((await house.ask('GET', '/v1/devices', { as: 'nobody', headers: cookie })).status).toBe(401);
});

test('the set-up code makes the first admin, once, and a new code opens the page again', async () => {
  await using fresh = await openApiHouse();
  // the house has keys: only a code that was asked for opens the page
  const origin = { origin: fresh.url };
  const complete = (setupCode: string, user: string) =>
    fresh.ask('POST', '/v1/session', { as: 'nobody', json: { setupCode, user, password: 'pass word' }, headers: origin });
  expect((await complete('AAAA-AAAA-AAAA-AAAA', 'root')).status).toBe(404);
  expect((await fresh.ask('GET', '/v1/info', { as: 'nobody' })).json.setupOpen).toBe(false);
  const { code } = (await fresh.local('POST', '/v1/setup')).json;
  expect((await fresh.ask('GET', '/v1/info', { as: 'nobody' })).json.setupOpen).toBe(true);
  expect((await complete('AAAA-AAAA-AAAA-AAAA', 'root')).status).toBe(401);
  const done = await complete(code, 'root');
  expect(done.json).toMatchObject({ user: 'root', role: 'admin', kind: 'user' });
  expect((await fresh.ask('GET', '/v1/users', { as: 'nobody', headers: { cookie: cookieOf(done) } })).status).toBe(200);
  expect((await complete(code, 'root2')).status).toBe(404);
});

test('a gateway is new until there is a user or a key, whether the set-up page is open or not', async () => {
  for (const asked of [
    { path: '/v1/users', body: { name: 'root', role: 'admin', password: 'pass word' } },
    { path: '/v1/keys', body: { name: 'Wall display', role: 'viewer' } },
  ]) {
    await using gateway = await startTestGateway();
    const told = async () => (await gateway.request('/v1/info')).json();
    expect(await told()).toMatchObject({ setupOpen: true, isNew: true });
    expect((await gateway.local(asked.path, { method: 'POST', body: asked.body })).status).toBe(201);
    expect(await told()).toMatchObject({ setupOpen: false, isNew: false });
    await gateway.local('/v1/setup', { method: 'POST' });
    expect(await told()).toMatchObject({ setupOpen: true, isNew: false });
  }
});

test('the session cookie is bound to the host and to https where TLS is spoken', async () => {
  const request = new Request('https://127.0.0.1/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://127.0.0.1', host: '127.0.0.1' },
    body: JSON.stringify({ key: house.keys.viewer }),
  });
  const peer = { address: '127.0.0.1', encrypted: true };
  const answer = await createApi(house.deps).fetch(request, {
    peer,
    incoming: { url: '/v1/session', rawHeaders: ['Origin', 'https://127.0.0.1', 'Host', '127.0.0.1', 'Content-Type', 'application/json'] },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('set-cookie')).toMatch(/^__Host-fieldgate=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/);
  // not kept in clear
  const secret = /=([\w-]{43});/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? '';
  const rows = await house.test.registry.load();
  expect(JSON.stringify(rows)).not.toContain(secret);
  expect(rows.sessions.map((row) => row.id)).toContain(createHash('sha256').update(secret).digest('hex'));
});
