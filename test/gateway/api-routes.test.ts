// Every route of the access table, every role and every method: who gets in, who is sent away, and with what words.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareRoutes } from '../../gateway/api/api.ts';
import { ROUTES } from '../../gateway/identity/access.ts';
import type { Role } from '../../gateway/protocol/rest.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';
import { granted, secretOf } from '../support/test-identity.ts';

let house: ApiHouse;
beforeAll(async () => {
  // Asking as everybody for everything is many failures from one address.
  house = await openApiHouse({ limits: { failedAuthBurst: 10_000 } });
  credentials = await makeCredentials(house);
});
afterAll(() => house[Symbol.asyncDispose]());

const PEOPLE = [
  'nobody',
  'device',
  'suspended device',
  'viewer',
  'operator',
  'admin',
  'enrolment key',
  'revoked key',
  'revoked token',
  'kiosk',
  'signed-in operator',
  'ended session',
] as const;
type Who = (typeof PEOPLE)[number];
let credentials: Readonly<Record<Who, Record<string, string>>>;

/** What each sends; pages of ours send their Origin, too. */
async function makeCredentials({ test: { identity }, keys, deviceToken, url }: ApiHouse): Promise<typeof credentials> {
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
  const cookie = (secret: string) => ({ cookie: `fieldgate=${secret}`, origin: url });
  const signIn = async (ask: Parameters<typeof identity.sessions.signIn>[0]) => granted(await identity.sessions.signIn(ask, '192.0.2.1'));
  const suspended = secretOf(await identity.devices.create({ id: 'suspended' }, 'test'));
  granted(await identity.devices.update('suspended', { status: 'suspended' }, 'test'));
  const revokedToken = secretOf(await identity.devices.create({ id: 'revoked' }, 'test'));
  granted(await identity.devices.revoke('revoked', null, 'test'));
  const revokedKey = await identity.keys.create('revoked', 'admin', 'test');
  granted(await identity.keys.revoke(revokedKey.row.id, 'test'));
  const enrolment = secretOf(await identity.enrolments.create({ max: 1, expiresAtMs: Date.now() + 3_600_000, reenrol: false }, 'test'));
  granted(await identity.users.create('ada', 'operator', 'secret', 'test'));
  const ended = await signIn({ user: 'ada', password: 'secret' });
  if (ended.row.kind === 'user') await identity.sessions.signOut(ended.row.sessionId);
  return {
    nobody: {},
    device: bearer(deviceToken),
    'suspended device': bearer(suspended),
    viewer: bearer(keys.viewer),
    operator: bearer(keys.operator),
    admin: bearer(keys.admin),
    'enrolment key': bearer(enrolment),
    'revoked key': bearer(revokedKey.secret),
    'revoked token': bearer(revokedToken),
    kiosk: cookie((await signIn({ key: keys.viewer })).secret),
    'signed-in operator': cookie((await signIn({ user: 'ada', password: 'secret' })).secret),
    'ended session': cookie(ended.secret),
  };
}

/** The role of who has one; devices and strangers have none. */
const ROLE_OF: Partial<Record<Who, Role>> = {
  viewer: 'viewer',
  operator: 'operator',
  admin: 'admin',
  kiosk: 'viewer',
  'signed-in operator': 'operator',
};
const STRANGERS = new Set<Who>(['nobody', 'revoked key', 'revoked token', 'ended session']);
const BY_COOKIE = new Set<Who>(['kiosk', 'signed-in operator', 'ended session']);
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };
const HTTP_ROUTES = ROUTES.filter((route) => route.method !== 'UPGRADE' && route.method !== 'EVENTS');
const PATHS = [...new Set(HTTP_ROUTES.map((route) => route.path))];

/** What the policy must say, written down a second time. */
function expected(role: string, who: Who): 'in' | 401 | 403 {
  if (role === 'public') return 'in';
  // a cookie that is over is as none; a credential that was sent on purpose has to be good
  if (role === 'session') return who === 'nobody' || who === 'ended session' ? 'in' : STRANGERS.has(who) ? 401 : ROLE_OF[who] ? 'in' : 403;
  if (role === 'metrics' && who === 'nobody') return 'in'; // the tests come from loopback
  if (STRANGERS.has(who)) return 401;
  // no cookie is read where devices come in
  if ((role === 'device' || role === 'enrolment') && BY_COOKIE.has(who)) return 401;
  if (role === 'device') return who === 'device' ? 'in' : 403;
  if (role === 'enrolment') return who === 'enrolment key' ? 'in' : 403;
  const theirs = ROLE_OF[who];
  return theirs !== undefined && RANK[theirs] >= RANK[role === 'metrics' ? 'viewer' : (role as Role)] ? 'in' : 403;
}

const concrete = (path: string): string => path.replaceAll(/:\w+/g, 'none-such');
/** A body that no handler takes: whoever gets in changes nothing. */
const harmless = (method: string) =>
  method === 'GET' || method === 'OPTIONS' ? {} : { body: '!', headers: { 'content-type': 'text/plain' } };

describe.each(HTTP_ROUTES)('$method $path', ({ method, path, role }) => {
  test.each(PEOPLE)('asked by %s', async (who) => {
    // writes of nobody to a session route need an Origin of ours, see below
    const origin: Record<string, string> = role === 'session' && who === 'nobody' ? { origin: house.url } : {};
    // the session must last for the other routes: its own end is tested where signing out is
    const isSignOut = method === 'DELETE' && path === '/v1/session' && BY_COOKIE.has(who);
    if (isSignOut) credentials = await makeSessionOf(who);
    const { headers: more = {}, ...rest } = harmless(method);
    const headers = { ...origin, ...credentials[who], ...more };
    const answer = await house.ask(method, concrete(path), { as: 'nobody', ...rest, headers });
    if (isSignOut) credentials = await makeSessionOf(who);
    const say = expected(role, who);
    if (say === 'in') expect([200, 201, 204, 400, 401, 404, 410, 415, 422, 426, 503]).toContain(answer.status);
    else expect(answer.status).toBe(say);
    if (say === 'in' && role !== 'session') expect(answer.status).not.toBe(401);
    if (answer.status >= 400) expectProblem(answer);
    if (say === 403) expect(answer.json.code).toBe(who === 'suspended device' && role === 'device' ? 'suspended' : 'forbidden');
    if (say === 401) {
      expect(answer.json).toEqual({ type: expect.any(String), title: expect.any(String), status: 401, code: 'unauthorized' });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });
});

/** The same credentials with a new session for who has one. */
async function makeSessionOf(who: Who): Promise<typeof credentials> {
  if (who === 'ended session') return credentials;
  const ask = who === 'kiosk' ? { key: house.keys.viewer } : { user: 'ada', password: 'secret' };
  const { secret } = granted(await house.test.identity.sessions.signIn(ask, '192.0.2.1'));
  return { ...credentials, [who]: { cookie: `fieldgate=${secret}`, origin: house.url } };
}

test.each(PEOPLE)('EVENTS /v1/live asked by %s', async (who) => {
  const gone = new AbortController();
  const answer = await fetch(`${house.url}/v1/live`, {
    headers: { accept: 'text/event-stream', ...credentials[who] },
    signal: gone.signal,
  });
  const say = expected('viewer', who);
  expect(answer.status).toBe(say === 'in' ? 200 : say);
  if (say === 'in') expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  else expect(answer.headers.get('content-type')).toBe('application/problem+json');
  gone.abort();
});

test.each(PATHS.flatMap((path) => METHODS.map((method) => ({ path, method }))))(
  'R13 $method $path is answered by the table',
  async ({ path, method }) => {
    const there = HTTP_ROUTES.filter((route) => route.path === path).map((route) => route.method);
    const answer = await house.ask(method, concrete(path), { as: 'admin', ...harmless(method) });
    if (there.includes(method)) expect(answer.status).not.toBe(405);
    else {
      expect(answer.status).toBe(405);
      expect(answer.json.code).toBe('method-not-allowed');
      const allow = (answer.headers.get('allow') ?? '').split(', ');
      expect(allow).toEqual([...new Set(there.includes('GET') ? [...there, 'HEAD'] : there)].sort());
    }
  },
);

test('an app with a handler that has no role, or a role that has no handler, does not start', () => {
  const routes = ROUTES.map(({ method, path }) => ({ method, path, basePath: '/', handler: () => undefined }));
  expect(compareRoutes({ routes })).toEqual({ unknown: ['UPGRADE /v1/device', 'UPGRADE /v1/live', 'EVENTS /v1/live'], unserved: [] });
  const more = compareRoutes({ routes: [...routes.slice(4), { ...routes[0], method: 'GET', path: '/v1/hole' }] as typeof routes });
  expect(more.unknown).toEqual(['GET /v1/hole']);
  expect(more.unserved).toEqual(
    ROUTES.slice(0, 4).flatMap(({ method, path }) => (method === 'UPGRADE' || method === 'EVENTS' ? [] : [`${method} ${path}`])),
  );
});

test('HEAD is answered like GET, without a body', async () => {
  const head = await house.ask('HEAD', '/v1/devices', { as: 'viewer' });
  expect(head.status).toBe(200);
  expect(head.text).toBe('');
  expect((await house.ask('HEAD', '/v1/devices', { as: 'nobody' })).status).toBe(401);
});

test('an address that does not exist is 404 to everybody, before any credential is looked at', async () => {
  for (const who of PEOPLE) {
    const answer = await house.ask('GET', '/v1/none-such', { as: 'nobody', headers: credentials[who] });
    expect(answer.status).toBe(404);
    expectProblem(answer);
    expect(answer.json.code).toBe('not-found');
  }
});

test('R9 a browser that signs in from another site is refused, and so is one that says nothing of its origin', async () => {
  for (const headers of [{}, { origin: 'https://evil.example' }, { origin: 'null' }, { origin: 'URL', 'sec-fetch-site': 'cross-site' }]) {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value === 'URL' ? house.url : value]));
    const answer = await house.ask('POST', '/v1/session', { as: 'nobody', json: { key: house.keys.viewer }, headers: sent });
    expect(answer.status).toBe(403);
    expect(answer.json.code).toBe('origin-denied');
  }
});

const WRITES = HTTP_ROUTES.filter(({ method, role }) => method !== 'GET' && role !== 'device' && role !== 'enrolment');
test.each(WRITES)(
  'R9 $method $path with a cookie, but not from a page of ours, is refused before anything is read',
  async ({ method, path }) => {
    const { secret } = granted(await house.test.identity.sessions.signIn({ key: house.keys.admin }, '192.0.2.1'));
    const cookie = `fieldgate=${secret}`;
    const elsewhere: Record<string, string>[] = [
      {},
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { origin: `${house.url}.evil.example` },
      { origin: house.url, 'sec-fetch-site': 'cross-site' },
      { origin: house.url, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of elsewhere) {
      const answer = await house.ask(method, concrete(path), { as: 'nobody', headers: { ...headers, cookie } });
      expect([answer.status, answer.json.code]).toEqual([403, 'origin-denied']);
    }
    // the session is as it was
    expect((await house.ask('GET', '/v1/session', { as: 'nobody', headers: { cookie } })).status).toBe(200);
  },
);

test('R10 an id that does not exist and one that is no id answer the same 404', async () => {
  const bodies = new Set<string>();
  for (const id of ['none-such', '-bad-', 'x'.repeat(100), '%20']) {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/series'],
      ['DELETE', ''],
      ['POST', '/tokens'],
      ['DELETE', '/tokens'],
      ['DELETE', '/tokens/t1'],
    ] as const) {
      const answer = await house.ask(method, `/v1/devices/${id}${path}`);
      expect(answer.status).toBe(404);
      bodies.add(answer.text);
    }
    bodies.add((await house.ask('PATCH', `/v1/devices/${id}`, { json: { label: 'x' } })).text);
  }
  expect(bodies.size).toBe(1);
});

test('R21 the metrics are for a direct peer on loopback, and through a proxy for those with a key', async () => {
  expect((await house.ask('GET', '/metrics', { as: 'nobody' })).status).toBe(200);
  for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip']) {
    expect((await house.ask('GET', '/metrics', { as: 'nobody', headers: { [header]: '10.0.0.1' } })).status).toBe(401);
    expect((await house.ask('GET', '/metrics', { as: 'viewer', headers: { [header]: '10.0.0.1' } })).status).toBe(200);
  }
});

test('the control socket is an admin without a credential', async () => {
  expect((await house.local('GET', '/v1/users')).status).toBe(200);
  expect((await house.local('GET', '/v1/session')).json).toEqual({
    user: 'local',
    role: 'admin',
    kind: 'local',
    expiresAt: null,
    live: 'ready',
  });
  const created = await house.local('POST', '/v1/devices', { id: 'from-cli' });
  expect(created.status).toBe(201);
  expect((await house.local('POST', '/v1/readings', [])).status).toBe(403);
});

test('while the gateway stops, only the questions of an orchestrator are answered', async () => {
  house.state.draining = true;
  try {
    for (const path of ['/v1/devices', '/v1/info', '/']) {
      const answer = await house.ask('GET', path);
      expect([answer.status, answer.json.code]).toEqual([503, 'draining']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await house.ask('GET', '/healthz')).status).toBe(200);
    expect((await house.ask('GET', '/readyz')).json.code).toBe('draining');
  } finally {
    house.state.draining = false;
  }
});

function expectProblem(answer: { status: number; headers: Headers; json: unknown }): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json).toMatchObject({
    status: answer.status,
    code: expect.any(String),
    title: expect.any(String),
    type: expect.any(String),
  });
}
