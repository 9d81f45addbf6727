// The access policy through the real port: each credential in each place where it may and may not be.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Access, createAccess, ROUTES } from '../../gateway/identity/access.ts';
import { createOrigins } from '../../gateway/identity/origins.ts';
import { granted, openTestIdentity, secretOf } from '../support/test-identity.ts';
import { type Answer, type Ask, openTestPort, type TestPort } from '../support/test-port.ts';

const GENEROUS = { failedAuthBurst: 10_000, failedAuthPerMinute: 10_000 };

interface Secrets {
  readonly device: string;
  readonly revoked: string;
  readonly suspended: string;
  readonly viewer: string;
  readonly operator: string;
  readonly admin: string;
  readonly enrolment: string;
  readonly usedUp: string;
  readonly cookie: string;
}

async function makeSecrets({ under }: TestPort): Promise<Secrets> {
  const { devices, keys, users, enrolments, sessions } = under.identity;
  const soon = { max: 1, expiresAtMs: under.clock.nowMs + 3_600_000, reenrol: false };
  const revoked = secretOf(await devices.create({ id: 'revoked' }, 'test'));
  granted(await devices.revoke('revoked', null, 'test'));
  const suspended = secretOf(await devices.create({ id: 'suspended' }, 'test'));
  granted(await devices.update('suspended', { status: 'suspended' }, 'test'));
  const usedUp = secretOf(await enrolments.create(soon, 'test'));
  granted(await enrolments.enrol(usedUp, 'enrolled'));
  granted(await users.create('ada', 'operator', 'secret', 'test'));
  return {
    device: secretOf(await devices.create({ id: 'pump-1' }, 'test')),
    revoked,
    suspended,
    viewer: secretOf(await keys.create('v', 'viewer', 'test')),
    operator: secretOf(await keys.create('o', 'operator', 'test')),
    admin: secretOf(await keys.create('a', 'admin', 'test')),
    enrolment: secretOf(await enrolments.create(soon, 'test')),
    usedUp,
    cookie: secretOf(await sessions.signIn({ user: 'ada', password: 'secret' }, '192.0.2.1')),
  };
}

let at: TestPort;
let secrets: Secrets;
beforeAll(async () => {
  at = await openTestPort({ limits: GENEROUS });
  secrets = await makeSecrets(at);
});
afterAll(() => at[Symbol.asyncDispose]());

const bearer = (secret: string) => ({ Authorization: `Bearer ${secret}` });
const basic = (user: string, password: string) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
const cookie = (secret: string) => ({ Cookie: `__Host-fieldgate=${secret}` });
const base64Url = (text: string): string => Buffer.from(text).toString('base64url');
const outcome = ({ status, problem }: Answer): string => (status < 400 ? String(status) : `${status} ${problem.code}`);
const DEVICE: Ask = { path: '/v1/device', upgrade: true };
const LIVE: Ask = { path: '/v1/live', upgrade: true };
const origin = (): string => `https://localhost:${at.port}`;
const own = (): Record<string, string> => ({ Host: `localhost:${at.port}`, Origin: origin() });

test('A1 A2 A3 A4 A5 A6 A10 no credential and every wrong one get the same 401, byte for byte, over HTTP and on upgrades', async () => {
  const wrong: Record<string, string>[] = [
    {},
    bearer(`fgd_${'A'.repeat(43)}`),
    bearer(`${secrets.device.slice(0, -1)}${secrets.device.endsWith('A') ? 'B' : 'A'}`),
    bearer(secrets.revoked),
    bearer(secrets.usedUp),
    { Authorization: 'Bearer' },
    { Authorization: 'Bearer ' },
    bearer('x'),
    bearer('x'.repeat(1000)),
    { Authorization: `Token ${secrets.device}` },
    { Authorization: 'bearer  x  y' },
    { Authorization: secrets.device },
    basic('pump-1', 'wrong'),
    basic('other', secrets.device),
    { Authorization: 'Basic !' },
    { Authorization: 'Basic' },
  ];
  const asked = await Promise.all(
    wrong.flatMap((headers) =>
      [DEVICE, LIVE, { path: '/v1/devices' }, { path: '/v1/enrol', method: 'POST' }].map((ask) => at.ask({ ...ask, headers })),
    ),
  );
  const bodies = new Set(asked.map((answer) => answer.text));
  expect(asked.map((answer) => answer.status)).toEqual(asked.map(() => 401));
  expect(bodies.size).toBe(1);
  for (const answer of asked) expect(answer.headers['www-authenticate']).toBe('Bearer');
});

test('A5 an expired token is 401; a right token of a suspended device is 403 suspended on the device routes', async () => {
  expect(outcome(await at.ask({ ...DEVICE, headers: bearer(secrets.suspended) }))).toBe('403 suspended');
  expect(outcome(await at.ask({ path: '/v1/readings', method: 'POST', headers: bearer(secrets.suspended) }))).toBe('403 suspended');
  expect(outcome(await at.ask({ path: '/v1/readings', headers: bearer(secrets.suspended) }))).toBe('403 forbidden');
  await using under = await openTestIdentity();
  const old = secretOf(await under.identity.devices.create({ id: 'a' }, 'test'));
  granted(await under.identity.devices.rotate('a', 1000, 'test'));
  under.clock.nowMs += 1000;
  expect(under.identity.credentials.bearer(old)).toBeNull();
});

test('A6 Basic with device id and token opens the device socket, and nothing else', async () => {
  const headers = basic('pump-1', secrets.device);
  expect(outcome(await at.ask({ ...DEVICE, headers }))).toBe('101');
  expect(outcome(await at.ask({ ...LIVE, headers: basic('v', secrets.viewer) }))).toBe('401 unauthorized');
  expect(outcome(await at.ask({ path: '/v1/readings', method: 'POST', headers }))).toBe('401 unauthorized');
  expect(outcome(await at.ask({ ...DEVICE, headers: basic('v', secrets.viewer) }))).toBe('401 unauthorized');
});

test.each<[string, () => Ask, string]>([
  ['A4 a credential over 1 KiB', () => ({ ...DEVICE, headers: bearer('x'.repeat(1100)) }), '400 bad-request'],
  [
    'A4 a credential of 10,000 characters, with which the headers are too long too',
    () => ({ ...DEVICE, headers: bearer('x'.repeat(10_000)) }),
    '431 headers-too-large',
  ],
  [
    'A7 two Authorization headers',
    () => ({ path: '/v1/devices', headers: ['Host', 'a', 'Authorization', `Bearer ${secrets.admin}`, 'Authorization', 'x'] }),
    '400 bad-request',
  ],
  ['A8 a token in the URL', () => ({ path: `/v1/device?token=${secrets.device}`, upgrade: true }), '400 token-in-url'],
  [
    'A8 a token in the URL beside a good one',
    () => ({ path: '/v1/devices?limit=1&token=x', headers: bearer(secrets.admin) }),
    '400 token-in-url',
  ],
  ['A9 a device token on the live socket', () => ({ ...LIVE, headers: bearer(secrets.device) }), '403 forbidden'],
  ['A9 a device token on a console route', () => ({ path: '/v1/devices', headers: bearer(secrets.device) }), '403 forbidden'],
  ['a console key on the device socket', () => ({ ...DEVICE, headers: bearer(secrets.admin) }), '403 forbidden'],
  ['a console key on the enrolment', () => ({ path: '/v1/enrol', method: 'POST', headers: bearer(secrets.admin) }), '403 forbidden'],
  ['an enrolment key on a console route', () => ({ path: '/v1/devices', headers: bearer(secrets.enrolment) }), '403 forbidden'],
  ['an enrolment key on the enrolment', () => ({ path: '/v1/enrol', method: 'POST', headers: bearer(secrets.enrolment) }), '200'],
  [
    'H31 a cookie and Bearer',
    () => ({ path: '/v1/devices', headers: { ...cookie(secrets.cookie), ...bearer(secrets.admin) } }),
    '400 ambiguous-credentials',
  ],
  [
    'H31 a cookie and Bearer on the device socket',
    () => ({ ...DEVICE, headers: { ...cookie(secrets.cookie), ...bearer(secrets.device) } }),
    '101',
  ],
  ['H31 a cookie alone on the device socket', () => ({ ...DEVICE, headers: { ...cookie(secrets.cookie), ...own() } }), '401 unauthorized'],
  [
    'Bearer and the subprotocol',
    () => ({
      ...DEVICE,
      headers: { ...bearer(secrets.device), 'Sec-WebSocket-Protocol': `fieldgate.v1, bearer.${base64Url(secrets.device)}` },
    }),
    '400 ambiguous-credentials',
  ],
  [
    'A11 a token in the subprotocol',
    () => ({ ...DEVICE, headers: { 'Sec-WebSocket-Protocol': `fieldgate.v1, bearer.${base64Url(secrets.device)}` } }),
    '101',
  ],
  [
    'A11 a token in the subprotocol that is not base64url',
    () => ({ ...DEVICE, headers: { 'Sec-WebSocket-Protocol': 'fieldgate.v1, bearer.a!b' } }),
    '401 unauthorized',
  ],
  [
    'A11 a token in the subprotocol without a real one beside it',
    () => ({ ...DEVICE, headers: { 'Sec-WebSocket-Protocol': `bearer.${base64Url(secrets.device)}` } }),
    '400 unsupported-subprotocol',
  ],
  [
    'a key in the subprotocol of a page of our own',
    () => ({ ...LIVE, headers: { ...own(), 'Sec-WebSocket-Protocol': `fieldgate.live.v1, bearer.${base64Url(secrets.viewer)}` } }),
    '101',
  ],
  [
    'a key in the subprotocol of a page elsewhere',
    () => ({
      ...LIVE,
      headers: { Origin: 'https://evil.example', 'Sec-WebSocket-Protocol': `fieldgate.live.v1, bearer.${base64Url(secrets.viewer)}` },
    }),
    '403 origin-denied',
  ],
  ['a viewer key on the live socket', () => ({ ...LIVE, headers: bearer(secrets.viewer) }), '101'],
])('%s', async (_, ask, expected) => {
  expect(outcome(await at.ask(ask()))).toBe(expected);
});

test.each<[string, () => Record<string, string>, string]>([
  ['H29 an Origin of another site', () => ({ ...own(), Origin: 'https://evil.example' }), '403 origin-denied'],
  ['H30 the Origin null', () => ({ ...own(), Origin: 'null' }), '403 origin-denied'],
  ['H30 an Origin that begins like ours', () => ({ ...own(), Origin: `https://localhost:${at.port}.evil.com` }), '403 origin-denied'],
  [
    'H30 an Origin of a host that ends like ours',
    () => ({ Host: 'gw.example.evil.com', Origin: 'https://gw.example.evil.com' }),
    '403 origin-denied',
  ],
  ['H30 an Origin of another port', () => ({ Host: 'gw.example', Origin: 'https://gw.example:444' }), '403 origin-denied'],
  ['H30 an Origin in upper case', () => ({ ...own(), Origin: origin().replace('https', 'HTTPS') }), '403 origin-denied'],
  ['H30 an Origin of plain http', () => ({ ...own(), Origin: origin().replace('https', 'http') }), '403 origin-denied'],
  ['R9 no Origin', () => ({ Host: own()['Host'] ?? '' }), '403 origin-denied'],
  [
    'R9 our Origin in a request that the browser calls cross-site',
    () => ({ ...own(), 'Sec-Fetch-Site': 'cross-site' }),
    '403 origin-denied',
  ],
  ['our own Origin', () => ({ ...own(), 'Sec-Fetch-Site': 'same-origin' }), 'in'],
  ['an Origin of a name of the certificate', () => ({ Host: 'gw.example', Origin: 'https://gw.example' }), 'in'],
  [
    'an Origin of a name that the certificate has by its star',
    () => ({ Host: 'a.site.example:8443', Origin: 'https://a.site.example:8443' }),
    'in',
  ],
  [
    'an Origin of a name two labels under the star',
    () => ({ Host: 'a.b.site.example', Origin: 'https://a.b.site.example' }),
    '403 origin-denied',
  ],
])('%s: what a cookie may do with it, on a write and on the live socket', async (_, headers, expected) => {
  const write = await at.ask({ path: '/v1/devices', method: 'POST', headers: { ...cookie(secrets.cookie), ...headers() } });
  const socket = await at.ask({ ...LIVE, headers: { ...cookie(secrets.cookie), ...headers() } });
  expect([outcome(write), outcome(socket)]).toEqual(expected === 'in' ? ['200', '101'] : [expected, expected]);
});

test('H29 a page of another site that uses a session is in the audit; reading with the cookie needs no Origin', async () => {
  at.under.clock.nowMs += 5000;
  await at.ask({ ...LIVE, headers: { ...cookie(secrets.cookie), ...own(), Origin: 'https://evil.example' } });
  await expect
    .poll(async () => (await at.under.registry.audit({ limit: 1 })).items[0], { timeout: 10_000 })
    .toMatchObject({ actor: 'ada', act: 'origin.denied', target: 'https://evil.example' });
  expect(outcome(await at.ask({ path: '/v1/devices', headers: cookie(secrets.cookie) }))).toBe('200');
});

test('H30 http.publicUrl and http.origins are taken exactly as they are', async () => {
  const http = { publicUrl: 'https://fleet.example/console', origins: ['https://wall.example:8444'] };
  await using named = await openTestPort({ http, limits: GENEROUS });
  const { cookie: session } = await makeSecrets(named);
  const write = async (from: string) =>
    outcome(
      await named.ask({
        path: '/v1/devices',
        method: 'POST',
        headers: { ...cookie(session), Origin: from, 'Sec-Fetch-Site': 'same-site' },
      }),
    );
  expect(await write('https://fleet.example')).toBe('200');
  expect(await write('https://wall.example:8444')).toBe('200');
  expect(await write('https://wall.example')).toBe('403 origin-denied');
  expect(await write('https://fleet.example:443')).toBe('403 origin-denied');
});

test('A16 a cookie that is forged, doubled, too long or without its prefix is 401, and taken away', async () => {
  for (const sent of [
    `__Host-fieldgate=${'A'.repeat(43)}`,
    `__Host-fieldgate=${secrets.cookie}; __Host-fieldgate=x`,
    `__Host-fieldgate=${'A'.repeat(4096)}`,
  ]) {
    const answer = await at.ask({ path: '/v1/devices', headers: { Cookie: sent } });
    expect(outcome(answer)).toBe('401 unauthorized');
    expect(answer.headers['set-cookie']).toEqual(['__Host-fieldgate=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure']);
  }
  expect(outcome(await at.ask({ path: '/v1/devices', headers: { Cookie: `fieldgate=${secrets.cookie}` } }))).toBe('401 unauthorized');
});

test('A16 over plain HTTP a cookie is taken on loopback alone, and only without the prefix', async () => {
  await using plain = await openTestPort({ tls: 'off', limits: GENEROUS, http: { trustedProxies: ['127.0.0.2'] } });
  const { cookie: session } = await makeSecrets(plain);
  const ask = async (headers: Record<string, string>, from?: string) => outcome(await plain.ask({ path: '/v1/devices', headers, from }));
  expect(await ask({ Cookie: `fieldgate=${session}` })).toBe('200');
  expect(await ask({ Cookie: `__Host-fieldgate=${session}` })).toBe('401 unauthorized');
  expect(await ask({ Cookie: `fieldgate=${session}`, 'X-Forwarded-For': '203.0.113.7' }, '127.0.0.2')).toBe('401 unauthorized');
  const throughProxy = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' };
  expect(await ask({ Cookie: `__Host-fieldgate=${session}`, ...throughProxy }, '127.0.0.2')).toBe('200');
});

test('signing in and out: no credential is needed, a stale cookie does not stand in the way, another site’s page may not', async () => {
  const ask = async (method: string, headers: Record<string, string>) => outcome(await at.ask({ path: '/v1/session', method, headers }));
  expect(await ask('POST', own())).toBe('200');
  expect(await ask('POST', { ...own(), ...cookie('A'.repeat(43)) })).toBe('200');
  expect(await ask('POST', { ...own(), Origin: 'https://evil.example' })).toBe('403 origin-denied');
  expect(await ask('POST', {})).toBe('403 origin-denied');
  expect(await ask('GET', {})).toBe('200');
  expect(await ask('DELETE', { ...own(), ...cookie(secrets.cookie) })).toBe('200');
  expect(await ask('GET', bearer(secrets.device))).toBe('403 forbidden');
  expect(await ask('GET', bearer('fgk_wrong'))).toBe('401 unauthorized');
});

test('A12 H33 after 20 failures, over HTTP and upgrades mixed, further ones are 429; who is valid comes in all the same', async () => {
  await using busy = await openTestPort();
  const made = await makeSecrets(busy);
  const fail = async (i: number) =>
    busy.ask(i % 2 === 0 ? { ...DEVICE, headers: bearer('x') } : { path: '/v1/devices', headers: bearer('y') });
  for (let i = 0; i < 20; i++) expect(outcome(await fail(i))).toBe('401 unauthorized');
  for (let i = 0; i < 4; i++) {
    const answer = await fail(i);
    expect(outcome(answer)).toBe('429 too-many-failures');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(outcome(await busy.ask({ ...DEVICE, headers: bearer(made.device) }))).toBe('101');
  expect(outcome(await busy.ask({ path: '/v1/devices', headers: bearer(made.viewer) }))).toBe('200');
  expect(outcome(await busy.ask({ path: '/v1/devices', headers: cookie(made.cookie) }))).toBe('200');
  expect(outcome(await busy.ask({ path: '/v1/devices', headers: bearer('x'), from: '127.0.0.9' }))).toBe('401 unauthorized');
});

test('R21 metrics are for a direct peer on loopback, or for a viewer', async () => {
  const ask = async (headers: Record<string, string>) => outcome(await at.ask({ path: '/metrics', headers }));
  expect(await ask({})).toBe('200');
  for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Host'])
    expect(await ask({ [name]: 'x' })).toBe('401 unauthorized');
  expect(await ask({ 'X-Forwarded-For': 'x', ...bearer(secrets.viewer) })).toBe('200');
  expect(await ask(bearer(secrets.device))).toBe('403 forbidden');
  await using under = await openTestIdentity(GENEROUS);
  const authorize = createAccess({
    credentials: under.identity.credentials,
    origins: createOrigins({ publicUrl: '', listed: [], names: () => [] }),
  });
  const far = {
    method: 'GET',
    path: '/metrics',
    url: '/metrics',
    rawHeaders: [],
    address: '192.0.2.1',
    encrypted: true,
    viaLocalSocket: false,
  };
  expect(authorize(far)).toMatchObject({ status: 401 });
});

/** Who gets in where; everyone else is 403, and nobody 401. */
const WHO: Readonly<Record<Access, readonly (keyof Secrets)[]>> = {
  public: ['device', 'enrolment', 'viewer', 'operator', 'admin', 'cookie'],
  session: ['viewer', 'operator', 'admin', 'cookie'],
  metrics: ['viewer', 'operator', 'admin', 'cookie'],
  device: ['device'],
  enrolment: ['enrolment'],
  viewer: ['viewer', 'operator', 'admin', 'cookie'],
  operator: ['operator', 'admin', 'cookie'],
  admin: ['admin'],
};
test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
  'R13 %s lets in whom its role says',
  (_, { method, path, role }) => {
    const origins = createOrigins({ publicUrl: 'https://gw.example', listed: [], names: () => [] });
    const authorize = createAccess({ credentials: at.under.identity.credentials, origins });
    const ask = { method, path, url: path, address: '192.0.2.1', encrypted: true, viaLocalSocket: false };
    const statusOf = (rawHeaders: string[]): number => {
      const answer = authorize({ ...ask, rawHeaders: ['Origin', 'https://gw.example', ...rawHeaders] });
      return 'code' in answer ? answer.status : 200;
    };
    for (const who of ['device', 'enrolment', 'viewer', 'operator', 'admin', 'cookie'] as const) {
      const headers = who === 'cookie' ? ['Cookie', `__Host-fieldgate=${secrets.cookie}`] : ['Authorization', `Bearer ${secrets[who]}`];
      const readsNoCookie = who === 'cookie' && (role === 'device' || role === 'enrolment');
      expect(statusOf(headers), who).toBe(WHO[role].includes(who) ? 200 : readsNoCookie ? 401 : 403);
    }
    expect(statusOf([])).toBe(role === 'public' || role === 'session' ? 200 : 401);
    const local = authorize({ ...ask, rawHeaders: [], viaLocalSocket: true });
    expect('code' in local).toBe(role === 'device' || role === 'enrolment');
  },
);

test('a route that is not in the table is a mistake of ours, not an open door', async () => {
  await using under = await openTestIdentity();
  const authorize = createAccess({
    credentials: under.identity.credentials,
    origins: createOrigins({ publicUrl: '', listed: [], names: () => [] }),
  });
  const ask = { url: '/', rawHeaders: [], address: '127.0.0.1', encrypted: true, viaLocalSocket: true };
  for (const [method, path] of [
    ['GET', '/v1/new'],
    ['PUT', '/v1/devices'],
    ['toString', ''],
  ] as const) {
    expect(() => authorize({ ...ask, method, path })).toThrow(/has no role/);
  }
});
