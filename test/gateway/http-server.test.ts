import { once } from 'node:events';
import { connect as plainConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { DEFAULTS } from '../../gateway/config.ts';
import { createHttpServer } from '../../gateway/http-server.ts';
import { selfSigned } from '../support/test-certificates.ts';
import { secretOf } from '../support/test-identity.ts';
import { KEY, openTestPort, type TestPort, UPGRADE } from '../support/test-port.ts';

let at: TestPort;
let token: string;
let bearer: { Authorization: string };
beforeAll(async () => {
  at = await openTestPort({ limits: { failedAuthBurst: 10_000, failedAuthPerMinute: 10_000 } });
  token = secretOf(await at.under.identity.devices.create({ id: 'pump-1' }, 'test'));
  bearer = { Authorization: `Bearer ${token}` };
});
afterAll(() => at[Symbol.asyncDispose]());

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const upgradeHead = (first: string, ...lines: string[]): string =>
  head(first, ...Object.entries({ ...UPGRADE, ...bearer }).map(([name, value]) => `${name}: ${value}`), ...lines);
const refused = (code: string) => at.under.observe.count('fieldgate_connections_refused_total', code);

test('a device opens its socket over TLS and hears who it is', async () => {
  const socket = new WebSocket(`${at.url.replace('https', 'wss')}/v1/device`, 'fieldgate.v1', { ca: at.tls?.cert, headers: bearer });
  const [first] = await once(socket, 'message');
  expect(JSON.parse(String(first))).toMatchObject({ principal: { device: 'pump-1' }, subprotocol: 'fieldgate.v1', address: '127.0.0.1' });
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('hello');
  socket.close();
  await once(socket, 'close');
});

test('H19 a client that offers permessage-deflate gets its socket without it', async () => {
  const answer = await at.ask({
    path: '/v1/device',
    upgrade: true,
    headers: { ...bearer, 'Sec-WebSocket-Extensions': 'permessage-deflate' },
  });
  expect(answer.status).toBe(101);
  expect(answer.headers['sec-websocket-extensions']).toBeUndefined();
});

test('A11 the subprotocol that carries a credential is accepted and never echoed', async () => {
  const offered = `fieldgate.v1, bearer.${Buffer.from(token).toString('base64url')}`;
  const answer = await at.ask({ path: '/v1/device', upgrade: true, headers: { 'Sec-WebSocket-Protocol': offered } });
  expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, 'fieldgate.v1']);
  expect(JSON.stringify(at.under.observe.lines)).not.toContain(token);
});

const SECRET_LIST = Array.from({ length: 1000 }, (_, i) => i.toString(36)).join(',');
test.each<[string, number, string, Record<string, string>, { method?: string; path?: string; body?: string }?]>([
  ['H10 no Sec-WebSocket-Key', 400, 'bad-ws-key', { 'Sec-WebSocket-Key': '' }],
  ['H10 a key of 15 bytes', 400, 'bad-ws-key', { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }],
  ['H11 version 8', 426, 'bad-ws-version', { 'Sec-WebSocket-Version': '8' }],
  ['H11 version 12', 426, 'bad-ws-version', { 'Sec-WebSocket-Version': '12' }],
  ['H11 version x', 426, 'bad-ws-version', { 'Sec-WebSocket-Version': 'x' }],
  ['H12 an upgrade to h2c', 400, 'unsupported-upgrade', { Upgrade: 'h2c' }],
  ['H12 an upgrade to one of two', 400, 'unsupported-upgrade', { Upgrade: 'websocket, h2c' }],
  ['H13 POST with Upgrade', 405, 'method-not-allowed', {}, { method: 'POST' }],
  ['H15 an unknown path', 404, 'not-found', {}, { path: '/v1/nothing' }],
  ['H15 a doubled slash', 404, 'not-found', {}, { path: '//v1/device' }],
  ['H15 an encoded slash', 404, 'not-found', {}, { path: '/v1/device%2f' }],
  ['H15 another case', 404, 'not-found', {}, { path: '/V1/Device' }],
  ['H15 a path that HTTP has', 404, 'not-found', {}, { path: '/v1/devices' }],
  ['H16 only unknown subprotocols', 400, 'unsupported-subprotocol', { 'Sec-WebSocket-Protocol': 'mqtt, fieldgate.v9' }],
  ['H17 a list of 1,000 subprotocols', 400, 'bad-request', { 'Sec-WebSocket-Protocol': SECRET_LIST }],
  ['H17 a list of spaces', 400, 'bad-request', { 'Sec-WebSocket-Protocol': `fieldgate.v1,${' '.repeat(6000)},a` }],
  ['H18 non-ASCII bytes', 400, 'bad-request', { 'Sec-WebSocket-Protocol': 'fieldgate.v1, caf\u00e9' }],
  ['H18 a subprotocol twice', 400, 'bad-request', { 'Sec-WebSocket-Protocol': 'fieldgate.v1, fieldgate.v1' }],
  ['H18 an empty item', 400, 'bad-request', { 'Sec-WebSocket-Protocol': 'fieldgate.v1,,a' }],
  ['H20 a body', 400, 'bad-request', { 'Content-Length': '2' }, { body: '{}' }],
  ['H20 a body by POST', 400, 'bad-request', { 'Content-Length': '2' }, { method: 'POST', body: '{}' }],
  ['H20 a chunked body', 400, 'bad-request', { 'Transfer-Encoding': 'chunked' }, { body: '{}' }],
])('%s is answered %i %s', async (_, status, code, headers, ask = {}) => {
  const before = refused(code);
  const answer = await at.ask({ path: '/v1/device', upgrade: true, headers: { ...bearer, ...headers }, ...ask });
  expect([answer.status, answer.problem.code]).toEqual([status, code]);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers.connection).toBe('close');
  expect(refused(code)).toBe(before + 1);
  if (status === 426) expect(answer.headers['sec-websocket-version']).toBe('13');
  if (status === 405) expect(answer.headers.allow).toBe('GET');
  if (code === 'unsupported-subprotocol') expect(answer.problem.detail).toContain('fieldgate.v1, fieldgate.v1.cbor');
});

test('H16 a client that offers no subprotocol gets its socket', async () => {
  const answer = await at.ask({ path: '/v1/device', upgrade: true, headers: bearer });
  expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, undefined]);
});

test.each([
  ['H20 an upgrade without Host', () => upgradeHead('GET /v1/device HTTP/1.1')],
  ['H20 an upgrade with two Hosts', () => upgradeHead('GET /v1/device HTTP/1.1', 'Host: a', 'Host: b')],
  ['H20 an upgrade with an empty Host', () => upgradeHead('GET /v1/device HTTP/1.1', 'Host:')],
  ['H23 an upgrade over HTTP/1.0', () => upgradeHead('GET /v1/device HTTP/1.0', 'Host: a')],
  ['H10 a key twice', () => upgradeHead('GET /v1/device HTTP/1.1', 'Host: a', `Sec-WebSocket-Key: ${KEY}`)],
  ['a request without Host', () => head('GET / HTTP/1.1')],
  ['a request with two Hosts', () => head('GET / HTTP/1.1', 'Host: a', 'Host: b')],
  ['H21 a length and chunks together', () => head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2', 'Transfer-Encoding: chunked')],
  ['H21 an unknown transfer coding', () => head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: xchunked')],
  ['H21 two lengths', () => head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2', 'Content-Length: 3')],
  ['H22 a bare line feed', () => 'GET / HTTP/1.1\nHost: a\n\n'],
  ['H22 a NUL in a header', () => head('GET / HTTP/1.1', 'Host: a', 'X: a\0b')],
  ['H22 a folded header', () => head('GET / HTTP/1.1', 'Host: a', 'X: a', ' b')],
  ['H23 HTTP/0.9', () => 'GET /\r\n\r\n'],
  ['H23 an HTTP/2 preface', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['H26 a method of 5 KiB', () => head(`${'A'.repeat(5120)} / HTTP/1.1`, 'Host: a')],
])('%s is answered 400 as a problem document, and closed', async (_, bytes) => {
  const answer = await at.raw(bytes());
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('application/problem+json');
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
});

test.each([
  ['H7 headers over 8 KiB', () => head('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(8200)}`)],
  ['H8 2,001 tiny headers', () => head('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 2001 }, () => 'a:'))],
  ['H8 65 headers', () => head('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 64 }, (_, i) => `x${i}: 1`))],
  [
    'H8 65 headers of an upgrade',
    () => upgradeHead('GET /v1/device HTTP/1.1', 'Host: a', ...Array.from({ length: 60 }, (_, i) => `x${i}: 1`)),
  ],
  [
    'H17 a subprotocol list of 8 KiB',
    () => upgradeHead('GET /v1/device HTTP/1.1', 'Host: a', `Sec-WebSocket-Protocol: a,${' '.repeat(8192)}`),
  ],
  ['H25 a target of 9 KiB', () => head(`GET /${'a'.repeat(9216)} HTTP/1.1`, 'Host: a')],
])('%s are answered 431', async (_, bytes) => {
  const answer = await at.raw(bytes());
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).toContain('"code":"headers-too-large"');
});

test('H9 a header that is named __proto__ does nothing, and 64 of them are taken', async () => {
  const lines = ['Host: a', 'Connection: close', '__proto__: x', ...Array.from({ length: 61 }, (_, i) => `x${i}: 1`)];
  expect(await at.raw(head('GET /healthz HTTP/1.1', ...lines))).toMatch(/^HTTP\/1\.1 200 /);
});

test.each(['TRACE', 'CONNECT'])('H26 %s is answered 405', async (method) => {
  const answer = await at.raw(head(`${method} /v1/devices HTTP/1.1`, 'Host: a'));
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  expect(answer).toContain('"code":"method-not-allowed"');
});

test('H28 bytes that came with the upgrade request are the first frames', async () => {
  const socket = await at.connect();
  const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]); // a masked "hi"
  socket.write(Buffer.concat([Buffer.from(upgradeHead('GET /v1/device HTTP/1.1', 'Host: a')), frame]));
  let seen = '';
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1');
  });
  await expect.poll(() => seen, { timeout: 10_000 }).toMatch(/\x81\x02hi$/);
  socket.destroy();
});

test.each(['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\xff\xff\x00\x80\x7f garbage'])(
  'H1 plain bytes on the TLS port are counted and closed',
  async (bytes) => {
    const before = refused('tls-error');
    const socket = plainConnect(at.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await once(socket, 'close');
    expect(refused('tls-error')).toBe(before + 1);
  },
);

test('H3 TLS 1.1 is refused', async () => {
  const socket = tlsConnect({
    port: at.port,
    host: '127.0.0.1',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    ca: at.tls?.cert,
  });
  const [error] = await once(socket, 'error');
  expect(String((error as NodeJS.ErrnoException).code)).toMatch(/PROTOCOL/);
});

test.each(['a'.repeat(300), '\u{1f525}.example', 'x\0y'])(
  'H4 a strange server name gets the default certificate or an alert',
  async (servername) => {
    const socket = tlsConnect({ port: at.port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
    socket.destroy();
    expect((await at.ask({ path: '/healthz' })).status).toBe(200);
  },
);

test('H2 H5 H6 H27 who is silent, slow or half done is closed within the limits', async () => {
  await using quick = await openTestPort({
    limits: { handshakeSeconds: 0.2, headersSeconds: 0.2, requestSeconds: 0.5 },
    fetch: async (request) => new Response(await request.text()),
  });
  const ended = async (bytes: string, encrypted: boolean): Promise<string> => {
    const socket = encrypted ? await quick.connect() : plainConnect(quick.port, '127.0.0.1');
    let seen = '';
    socket.on('error', () => undefined);
    socket.on('data', (part) => {
      seen += String(part);
    });
    if (bytes !== '') socket.write(bytes);
    await once(socket, 'close');
    return seen;
  };
  const [silent, silentTls, slow, waiting] = await Promise.all([
    ended('', false),
    ended('', true),
    ended('GET / HTTP/1.1\r\nHo', true),
    ended(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Expect: 100-continue'), true),
  ]);
  expect(silent).toBe('');
  expect(silentTls).toMatch(/^$|^HTTP\/1\.1 408 /);
  expect(slow).toMatch(/^HTTP\/1\.1 408 /);
  expect(slow).toContain('"code":"request-timeout"');
  expect(waiting).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
  expect(quick.under.observe.lines).toEqual([]);
});

test('what is refused after all checks says when to come back, spread', async () => {
  at.refuseUpgrades({ status: 503, code: 'full', retryAfterSeconds: 10 });
  const answers = await Promise.all(Array.from({ length: 5 }, () => at.ask({ path: '/v1/device', upgrade: true, headers: bearer })));
  at.refuseUpgrades(null);
  for (const { status, problem, headers } of answers) {
    expect([status, problem.code]).toEqual([503, 'full']);
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(10);
  }
});

test('H32 forwarding headers of a peer that is no trusted proxy are ignored', async () => {
  const forwarded = { 'X-Forwarded-For': '203.0.113.7, 127.0.0.1', 'X-Forwarded-Proto': 'https' };
  const plain = await at.ask({ path: '/healthz', headers: forwarded });
  expect(JSON.parse(plain.text).peer).toEqual({ address: '127.0.0.1', encrypted: true });
  await using proxied = await openTestPort({ tls: 'off', http: { trustedProxies: ['127.0.0.0/8'] } });
  const through = await proxied.ask({ path: '/healthz', headers: forwarded });
  expect(JSON.parse(through.text).peer).toEqual({ address: '203.0.113.7', encrypted: true });
});

test('a handler that throws is a problem document that tells nothing, and a line in the log', async () => {
  await using broken = await openTestPort({
    fetch: () => {
      throw new Error('a secret path');
    },
  });
  const answer = await broken.ask({ path: '/healthz' });
  expect([answer.status, answer.problem.code]).toEqual([500, 'internal']);
  expect(answer.text).not.toContain('secret');
  expect(broken.under.observe.lines).toHaveLength(1);
});

test('a port in use ends the start with exit code 69', async () => {
  const second = createHttpServer({
    config: { ...DEFAULTS, http: { ...DEFAULTS.http, host: '127.0.0.1', port: at.port } },
    tls: null,
    fetch: () => new Response(),
    authorize: () => ({ principal: null }),
    upgrades: [],
    observe: at.under.observe,
  });
  await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', exitCode: 69 });
  await second.close();
});

test('closing lets a request end, cuts what is idle, refuses upgrades, and resolves once', async () => {
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const slow = await openTestPort({
    fetch: async () => {
      arrived.resolve();
      await gate.promise;
      return new Response('done');
    },
  });
  const idle = await slow.connect();
  idle.on('error', () => undefined);
  const handshaking = plainConnect(slow.port, '127.0.0.1');
  handshaking.on('error', () => undefined);
  await once(handshaking, 'connect');
  const answer = slow.ask({ path: '/healthz' });
  await arrived.promise;
  const closed = Promise.all([slow.server.close(), slow.server.close()]);
  await Promise.all([once(idle, 'close'), once(handshaking, 'close')]);
  gate.resolve();
  expect((await answer).text).toBe('done');
  await closed;
  await expect(slow.ask({ path: '/healthz' })).rejects.toThrow(/ECONNREFUSED/);
  await slow[Symbol.asyncDispose]();
});

test('closing cuts what does not end in time', async () => {
  const slow = await openTestPort({ limits: { drainSeconds: 0.2 }, fetch: () => new Promise(() => undefined) });
  const token = secretOf(await slow.under.identity.devices.create({ id: 'a' }, 'test'));
  const socket = new WebSocket(`${slow.url.replace('https', 'wss')}/v1/device`, {
    ca: slow.tls?.cert,
    headers: { Authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  const never = expect(slow.ask({ path: '/healthz' })).rejects.toThrow();
  await slow.server.close();
  await Promise.all([never, once(socket, 'close')]);
  await slow[Symbol.asyncDispose]();
});

test('a new certificate is for new connections; open ones stay', async () => {
  await using renewed = await openTestPort();
  const before = await renewed.connect();
  renewed.server.setSecureContext(await selfSigned({ commonName: 'renewed' }));
  const after = tlsConnect({ port: renewed.port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(after, 'secureConnect');
  expect(after.getPeerCertificate().subject).toMatchObject({ CN: 'renewed' });
  before.write(head('GET /healthz HTTP/1.1', 'Host: a'));
  const [bytes] = await once(before, 'data');
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 /);
  before.destroy();
  after.destroy();
});
