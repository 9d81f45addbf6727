// Rows of handshake and access that only the whole gateway can show: sign-in, set-up, enrolment, what comes with an upgrade.

import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { openTestPort, UPGRADE } from '../support/test-port.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ limits: { failedAuthBurst: 10_000, failedAuthPerMinute: 10_000 } });
  await gateway.local('/v1/users', { method: 'POST', body: { name: 'admin', role: 'admin', password: 'caf\u00e9' } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const own = (at: TestGateway): Record<string, string> => ({ Host: `localhost:${at.port}`, Origin: `https://localhost:${at.port}` });
const signIn = (body: object | string, at = gateway): Promise<TestAnswer> =>
  at.request('/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json', ...own(at) }, body });
const bearer = (secret: string) => ({ Authorization: `Bearer ${secret}` });
const codeOf = (answer: TestAnswer): string => `${answer.status} ${answer.status < 400 ? '' : answer.json().code}`.trim();

test.each<[string, object, string]>([
  ['A14 a password of 2 KiB', { user: 'admin', password: 'x'.repeat(2048) }, '400 bad-request'],
  ['A14 an empty password', { user: 'admin', password: '' }, '401 unauthorized'],
  ['A14 a password with NUL', { user: 'admin', password: 'caf\u00e9\u0000' }, '401 unauthorized'],
  ['A14 the right password in combining characters', { user: 'admin', password: 'cafe\u0301' }, '200'],
  ['A15 a name with a space behind it', { user: 'admin ', password: 'caf\u00e9' }, '200'],
  ['A15 a name in capitals', { user: 'ADMIN', password: 'caf\u00e9' }, '200'],
  ['A15 the name #', { user: '#', password: 'caf\u00e9' }, '401 unauthorized'],
  ['A15 the name __proto__', { user: '__proto__', password: 'caf\u00e9' }, '401 unauthorized'],
])('%s', async (_, ask, expected) => {
  expect(codeOf(await signIn(ask))).toBe(expected);
});

test('A14 a password of 1 MB is refused before it is looked at', async () => {
  const answer = await signIn({ user: 'admin', password: 'x'.repeat(1_000_000) });
  expect(codeOf(answer)).toBe('400 bad-request');
});

test.each(['admin ', 'ADMIN', '#', '__proto__'])('A15 no user %j is made', async (name) => {
  const answer = await gateway.admin('/v1/users', { method: 'POST', body: { name, role: 'viewer', password: 'x' } });
  expect(codeOf(answer)).toBe('422 invalid');
});

test('A13 of a storm of sign-ins 32 wait, the others are told to come back, and readings are stored meanwhile', async () => {
  await using device = await gateway.device('a13');
  const storm = Promise.all(Array.from({ length: 100 }, () => signIn({ user: 'admin', password: 'caf\u00e9' })));
  for (let i = 0; i < 5; i++) {
    device.send([{ n: 'a', v: i }]);
    expect(await device.next()).toEqual({ type: 'stored', readings: 1 });
  }
  const answers = await storm;
  const busy = answers.filter(({ status }) => status === 503);
  expect(new Set(answers.map(codeOf))).toEqual(new Set(['200', '503 busy']));
  expect(busy.length).toBeGreaterThan(0);
  for (const { headers } of busy) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
});

test('A12 failures of sign-ins, of requests and of upgrades count together, and a valid key comes in all the same', async () => {
  await using fresh = await startTestGateway();
  await fresh.local('/v1/users', { method: 'POST', body: { name: 'ada', role: 'viewer', password: 'secret' } });
  const key = await fresh.key('viewer');
  const upgrade = (headers: Record<string, string>) =>
    fresh.live({ headers }).then(
      async (socket) => {
        await socket[Symbol.asyncDispose]();
        return '101';
      },
      (error: { status: number; body: string }) => `${error.status} ${JSON.parse(error.body).code}`,
    );
  const tries = [
    async () => codeOf(await signIn({ user: 'ada', password: 'wrong' }, fresh)),
    async () => codeOf(await fresh.request('/v1/devices', { headers: bearer('x') })),
    async () => upgrade(bearer('y')),
    async () => codeOf(await signIn({ key: 'fgk_wrong' }, fresh)),
  ];
  for (let i = 0; i < 20; i++) expect(await tries[i % 4]?.()).toBe('401 unauthorized');
  for (const fail of tries) expect(await fail()).toBe('429 too-many-failures');
  expect(codeOf(await fresh.request('/v1/devices', { headers: bearer(key) }))).toBe('200');
  expect(await upgrade(bearer(key))).toBe('101');
  expect(codeOf(await signIn({ key }, fresh))).toBe('200');
  // a password can be guessed: it is not looked at before the time is over
  expect(codeOf(await signIn({ user: 'ada', password: 'secret' }, fresh))).toBe('429 too-many-failures');
});

test('A17 the set-up page is gone after it was used, and at the sixth wrong code', async () => {
  await using fresh = await startTestGateway();
  const ask = (setupCode: string) => signIn({ setupCode, user: 'ada', password: 'secret' }, fresh);
  for (let i = 0; i < 5; i++) expect((await ask('AAAA-AAAA-AAAA-AAAA')).status).toBe(401);
  expect((await ask(fresh.setupCode ?? '')).status).toBe(404);
  const again = await startTestGateway();
  try {
    expect((await signIn({ setupCode: again.setupCode, user: 'ada', password: 'secret' }, again)).status).toBe(200);
    expect((await signIn({ setupCode: again.setupCode, user: 'eve', password: 'secret' }, again)).status).toBe(404);
  } finally {
    await again[Symbol.asyncDispose]();
  }
});

test('A10 an enrolment key that is used up, expired or revoked gets the same 401 as one that never was', async () => {
  const make = async (ask: object) => (await gateway.local('/v1/enrolments', { method: 'POST', body: ask })).json();
  const enrol = (key: string, device: string) => gateway.request('/v1/enrol', { method: 'POST', headers: bearer(key), body: { device } });
  const usedUp = await make({ max: 1, expiresSeconds: 3600 });
  expect((await enrol(usedUp.key, 'a10-1')).status).toBeLessThan(300);
  const expired = await make({ max: 5, expiresSeconds: 1 });
  await expect.poll(() => Date.now() > Date.parse(expired.expiresAt), { timeout: 10_000 }).toBe(true);
  const revoked = await make({ max: 5, expiresSeconds: 3600 });
  await gateway.admin(`/v1/enrolments/${revoked.id}`, { method: 'DELETE' });
  const answers = await Promise.all([usedUp.key, expired.key, revoked.key, `fge_${'A'.repeat(43)}`].map((key) => enrol(key, 'a10-2')));
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
});

test('H14 a plain GET on a WebSocket address is answered 426, and says how it is meant', async () => {
  for (const target of ['/v1/device', '/v1/live']) {
    const answer = await gateway.request(target);
    expect([codeOf(answer), answer.headers.upgrade]).toEqual(['426 upgrade-required', 'websocket']);
  }
});

test('A8 a token in the URL is in no answer and in no line of the log', async () => {
  await using port = await openTestPort();
  for (const upgrade of [true, false]) {
    const answer = await port.ask({ path: '/v1/device?token=fgd_canary', upgrade });
    expect([answer.status, answer.problem.code]).toEqual([400, 'token-in-url']);
    expect(answer.text).not.toContain('canary');
  }
  expect(JSON.stringify(port.under.observe.lines)).not.toContain('canary');
});

test('H34 an IPv6 client that changes its address inside one /64 has one count, and the mapped form is the IPv4 address', async () => {
  await using port = await openTestPort({
    http: { trustedProxies: ['127.0.0.0/8'] },
    limits: { failedAuthBurst: 3, failedAuthPerMinute: 3 },
  });
  const fail = async (address: string): Promise<number> =>
    (await port.ask({ path: '/v1/devices', headers: { ...bearer('x'), 'X-Forwarded-For': address } })).status;
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::']) expect(await fail(address)).toBe(401);
  expect(await fail('2001:db8::3')).toBe(429);
  expect(await fail('2001:db8:0:1::1')).toBe(401);
  for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107']) expect(await fail(address)).toBe(401);
  expect(await fail('203.0.113.7')).toBe(429);
  expect(await fail('::ffff:203.0.113.7')).toBe(429);
});

/** An upgrade with these bytes behind it in one write; what comes back until the other end closes or `enough` is there. */
async function upgradeWith(id: string, frames: Buffer, enough: (seen: string) => boolean): Promise<string> {
  const token = await gateway.addDevice(id);
  const headers = Object.entries({ Host: 'a', ...UPGRADE, ...bearer(token) }).map(([name, value]) => `${name}: ${value}`);
  const socket = tlsConnect({ host: '127.0.0.1', port: gateway.port, ca: gateway.caPem, servername: 'localhost' });
  await once(socket, 'secureConnect');
  let seen = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1');
  });
  const closed = once(socket, 'close');
  socket.write(Buffer.concat([Buffer.from(['GET /v1/device HTTP/1.1', ...headers, '', ''].join('\r\n')), frames]));
  await expect.poll(() => socket.destroyed || enough(seen), { timeout: 10_000 }).toBe(true);
  socket.destroy();
  await closed;
  return seen;
}
/** As a client sends it, with a mask of zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const length = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]);
}

test('H28 frames that came with the upgrade request are taken in order, however many', async () => {
  const packs = Array.from({ length: 100 }, (_, i) => textFrame(JSON.stringify([{ n: 'a', vs: `${i}-${'x'.repeat(900)}` }])));
  const answers = (seen: string): number => seen.split('{"type":"stored","readings":1}').length - 1;
  const seen = await upgradeWith('h28-1', Buffer.concat(packs), (so) => answers(so) === 100);
  expect(seen).toMatch(/^HTTP\/1\.1 101 /);
  expect(answers(seen)).toBe(100);
  const history = (await gateway.admin('/v1/readings?device=h28-1&metric=a&from=now-1h')).json().readings as [number, string][];
  expect(history.map(([, text]) => Number.parseInt(text, 10))).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('H28 bytes behind the upgrade request that are no frames close 1002', async () => {
  const seen = await upgradeWith('h28-2', Buffer.from('GET / HTTP/1.1\r\n\r\n'), () => false);
  expect(seen).toMatch(/^HTTP\/1\.1 101 /);
  expect(seen).toMatch(/\x88.\x03\xea/s);
});
