// What a stranger, a broken client or an attacker sends to the HTTP interface, through a real port.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../gateway/identity/access.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';

let house: ApiHouse;
beforeAll(async () => {
  house = await openApiHouse({ limits: { failedAuthBurst: 10_000 } });
  await house.store(
    'pump-1',
    [1, 2, 3].map((v) => ({ n: 'm', v, t: 1_700_000_000 + v })),
  );
});
afterAll(() => house[Symbol.asyncDispose]());

const LISTS = ['/v1/devices', '/v1/readings', '/v1/events', '/v1/quarantine', '/v1/audit'];

test.each(LISTS.flatMap((path) => ['0', '-1', '1e9', '10001', 'abc', '', '1.5', '1&limit=2', '%00'].map((limit) => ({ path, limit }))))(
  'R1 $path with limit=$limit',
  async ({ path, limit }) => {
    const { status, json } = await house.ask('GET', `${path}?limit=${limit}`);
    expect([status, json.code]).toEqual([400, 'bad-limit']);
    expect(json.errors[0].pointer).toBe('?limit');
  },
);

test('R1 the configuration may allow smaller pages and charts', async () => {
  await using small = await openApiHouse({ limits: { pageRows: 3, chartPoints: 2 } });
  await small.store(
    'd',
    [1, 2, 3, 4].map((v) => ({ n: 'm', v, t: 1_700_000_000 + v })),
  );
  const page = await small.ask('GET', '/v1/readings?device=d&metric=m');
  expect([page.json.readings.length, page.json.next]).toEqual([3, expect.any(String)]);
  for (const query of ['limit=4', 'from=0&points=3']) {
    const { status, json } = await small.ask('GET', `/v1/readings?device=d&metric=m&${query}`);
    expect([status, json.code]).toEqual([400, 'bad-limit']);
  }
  for (const list of LISTS) expect((await small.ask('GET', `${list}?limit=4`)).json.code).toBe('bad-limit');
});

test.each([
  'from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z',
  'from=5&to=4',
  'from=yesterday',
  'from=now%2B1h',
  'from=now-6y',
  'from=now-1.5h',
  'from=2024-13-01T00:00:00Z',
  'from=2024-02-30T00:00:00Z',
  'from=2024-01-01T24:00:01Z',
  'from=2024-01-01',
  'from=2024-01-01T00:00:00',
  'from=1e12',
  'from=0x10',
  'from=NaN',
  'from=',
  'from=9007199254740.993',
  'to=-9007199254740.993',
  'from=0001-01-01T00:00:00Z',
  'to=9999-12-31T00:00:00Z',
  'from=1&from=2',
])('R2 a range that is none: %s', async (query) => {
  const { status, json } = await house.ask('GET', `/v1/readings?device=pump-1&metric=m&${query}`);
  expect([status, json.code]).toEqual([400, 'bad-range']);
});

test('R2 any span is fine, up to the edge of exact time', async () => {
  for (const range of [
    'from=-9007199254740.992&to=9007199254740.992',
    'from=1700-01-01T00:00:00Z&to=2200-01-01T00:00:00Z',
    'from=now-500w',
  ]) {
    expect((await house.ask('GET', `/v1/readings?device=pump-1&metric=m&${range}`)).status).toBe(200);
  }
});

test('R3 a next that was changed, or that belongs to another query, another list or another gateway, is refused', async () => {
  const query = '/v1/readings?device=pump-1&metric=m&limit=1';
  const { next } = (await house.ask('GET', query)).json;
  expect((await house.ask('GET', `${query}&next=${next}`)).status).toBe(200);
  const flipped = next.replace(/.$/, (last: string) => (last === 'A' ? 'B' : 'A'));
  await using other = await openApiHouse();
  await other.store(
    'pump-1',
    [1, 2, 3].map((v) => ({ n: 'm', v, t: 1_700_000_000 + v })),
  );
  const foreign = (await other.ask('GET', query)).json.next;
  const refused = [
    `${query}&next=${flipped}`,
    `${query}&next=${next.slice(0, -4)}`,
    `${query}&next=${next}AAAA`,
    `${query}&next=${'A'.repeat(300)}`,
    `${query}&next=`,
    `${query}&next=%F0%9F%92%A5`,
    `${query}&next=${next}&next=${next}`,
    `${query}&from=5&next=${next}`,
    `/v1/readings?device=pump-2&metric=m&limit=1&next=${next}`,
    `/v1/devices?next=${next}`,
    `/v1/events?next=${next}`,
    `/v1/audit?next=${next}`,
    `/v1/quarantine?next=${next}`,
    `${query}&next=${foreign}`,
  ];
  for (const target of refused) {
    const { status, json } = await house.ask('GET', target);
    expect([target, status, json.code]).toEqual([target, 400, 'bad-token']);
  }
});

test.each([
  ...[
    ...LISTS,
    '/v1/devices/pump-1',
    '/v1/devices/pump-1/series',
    '/v1/users',
    '/v1/keys',
    '/v1/enrolments',
    '/v1/stats',
    '/v1/info',
    '/healthz',
    '/readyz',
    '/v1/session',
    '/v1/accounting',
    '/metrics',
    '/ca.crt',
  ].map((path) => ({ method: 'GET', path })),
  { method: 'DELETE', path: '/v1/devices/pump-1' },
  { method: 'POST', path: '/v1/setup' },
])('R4 $method $path with a parameter that it does not have', async ({ method, path }) => {
  for (const query of ['sort=value;DROP', 'purged=', 'LIMIT=1', '__proto__=1', 'limit%00=1', '%F0%9F%92%A5=1']) {
    const { status, json } = await house.ask(method, `${path}?${query}`);
    expect([query, status, json.code]).toEqual([query, 400, 'unknown-parameter']);
  }
  expect(house.deps.identity.devices.get('pump-1')).toBeDefined();
});

test('R4 no route that reads takes a parameter that it does not have', async () => {
  const reads = ROUTES.filter(
    ({ method, path }) => method === 'GET' && (path.startsWith('/v1/') || path === '/healthz' || path === '/readyz'),
  );
  for (const { path } of reads) {
    // without an Accept header these two only say what they are for
    if (path === '/v1/device' || path === '/v1/live') continue;
    const { status, json } = await house.ask('GET', `${path.replace(':id', 'pump-1').replaceAll(/:\w+/g, 'x')}?sort=value;DROP`);
    expect([path, status, json.code]).toEqual([path, 400, 'unknown-parameter']);
  }
});

test.each([
  '//v1/devices',
  '/v1//devices',
  '/v1/%2e%2e/',
  '/v1/%2e%2e/healthz',
  '/v1/..%2fhealthz',
  '/v1/../healthz',
  '/v1/./devices',
  '/v1/devices/.',
  '/v1/devices/..%5c..',
  '/v1/devices/..\\..',
  '/v1/devices;x=y',
  '/v1/devices/pump-1;x=y',
  '/v1/devices%00',
  '/v1/devices/%00',
  '/v1/devices/%zz',
  '/v1/devices/%',
  '/v1/devices/%c0%af',
  '/v1/devices/%ff',
  '/v1/%64evices',
  '/v1/device%73',
  '/v1/devices/pump%2d1',
  '/v1/devices%2fpump-1',
  '/v1/devices/',
  '/V1/devices',
  '/v1/devices/pump-1/',
  'v1/devices',
  '*',
])('R5 the path %s is no other way to anything', async (path) => {
  const answer = await house.raw(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${house.keys.admin}\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
  expect(answer).toContain('application/problem+json');
});

test('R5 a whole address in the request line is not taken from another host', async () => {
  const answer = await house.raw(`GET http://evil.example/v1/info HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).not.toContain('evil');
});

const MIB = 1024 * 1024;
test.each(['/v1/devices', '/v1/readings'])('R7 a body over 1 MiB to %s is refused before any handler, however it comes', async (path) => {
  const as = path === '/v1/readings' ? 'device' : 'admin';
  const type = { 'content-type': 'application/json' };
  const body = `[${'"a",'.repeat(MIB / 4)}1]`;
  const declared = await house.ask('POST', path, { as, body, headers: type });
  expect([declared.status, declared.json.code]).toEqual([413, 'body-too-large']);

  const secret = as === 'device' ? house.deviceToken : house.keys.admin;
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\nConnection: close\r\n`;
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const chunked = await house.raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}0\r\n\r\n`);
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  expect(await house.raw(`${head}Content-Length: 99999999999\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  expect(await house.raw(`${head}Content-Length: 2\r\n\r\n{}trailing`)).toMatch(/^HTTP\/1\.1 4(00|22) /);
  expect(await house.raw(`${head}Content-Length: abc\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  null,
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/json, text/plain',
  'application/jsonp',
  'json',
  'application/json; boundary=x',
])('R8 a body of the type %s is refused', async (type) => {
  for (const [method, path] of [
    ['POST', '/v1/devices'],
    ['PATCH', '/v1/devices/pump-1'],
    ['POST', '/v1/session'],
    ['POST', '/v1/keys'],
    ['POST', '/v1/readings'],
  ] as const) {
    const as = path === '/v1/readings' ? 'device' : 'admin';
    const headers: Record<string, string> = { origin: house.url };
    if (type !== null) headers['content-type'] = type;
    const answer = await house.ask(method, path, { as, body: new TextEncoder().encode('{"id":"x"}'), headers });
    expect([path, answer.status, answer.json.code]).toEqual([path, 415, 'unsupported-media-type']);
  }
});

test('R8 the ordinary ways of saying JSON are taken', async () => {
  for (const [i, type] of [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON',
  ].entries()) {
    const answer = await house.ask('POST', '/v1/devices', { body: `{"id":"typed-${i}"}`, headers: { 'content-type': type } });
    expect(answer.status).toBe(201);
  }
});

test.each([
  ['x'.repeat(65), 422],
  ['a\u202eb', 422],
  ['a\u0000b', 422],
  ['a\nb', 422],
  ['\u2066x', 422],
  ['x'.repeat(200), 422],
  ['<img src=x onerror=alert(1)>', 201],
  ["'; DROP TABLE devices", 201],
  ['Насос № 1', 201],
  ['מד לחץ', 201],
  ['🌡️👩‍🔧'.repeat(8), 201],
])('R11 the label %j gets %i', async (label, expected) => {
  const id = `label-${Buffer.from(label).toString('hex').slice(0, 40)}`;
  const answer = await house.ask('POST', '/v1/devices', { json: { id, label } });
  expect(answer.status).toBe(expected);
  if (expected === 201) expect((await house.ask('GET', `/v1/devices/${id}`)).json.label).toBe(label);
  else {
    expect(answer.json.code).toBe('invalid');
    expect(answer.json.errors[0].pointer).toBe('/label');
  }
});

test.each(['', '-a', 'a b', 'ä', 'x'.repeat(65), '../x', '__proto__', 'a/b'])('R11 the device id %j is refused', async (id) => {
  const answer = await house.ask('POST', '/v1/devices', { json: { id } });
  expect([answer.status, answer.json.code]).toEqual([422, 'invalid']);
});

test('several faults of a body are named one by one', async () => {
  const { json } = await house.ask('POST', '/v1/devices', { json: { id: 5, label: 'x'.repeat(65), lable: 'typo' } });
  expect(json.errors.map((one: { pointer: string }) => one.pointer).sort()).toEqual(['/id', '/label', '/lable']);
});

test('R15 headers that ask for other forms change nothing', async () => {
  const plain = await house.ask('GET', '/v1/devices/pump-1');
  const asked: Record<string, string>[] = [
    { accept: 'text/html' },
    { range: 'bytes=0-3' },
    { 'if-none-match': '*' },
    { 'if-none-match': '%garbage' },
    { 'if-modified-since': 'x' },
  ];
  for (const headers of asked) {
    const answer = await house.ask('GET', '/v1/devices/pump-1', { headers });
    expect([answer.status, answer.text]).toEqual([200, plain.text]);
    expect(answer.headers.get('content-type')).toBe('application/json');
  }
});

test('R19 a Host header from elsewhere is in no answer', async () => {
  const requests = [
    ['GET', '/openapi.json', ''],
    ['GET', '/docs', ''],
    ['GET', '/v1/info', ''],
    ['GET', '/v1/none-such', ''],
    ['POST', '/v1/devices', '{"id":"host-test"}'],
  ];
  for (const [method, path, body = ''] of requests) {
    const answer = await house.raw(
      `${method} ${path} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nAuthorization: Bearer ${house.keys.admin}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 (200|201|404) /);
    expect(answer).not.toContain('evil');
  }
});

test.each([
  ['['.repeat(10_000), 'too-deep'],
  [`{"a":${'['.repeat(9)}${']'.repeat(9)}}`, 'too-deep'],
  [`{${Array.from({ length: 65 }, (_, i) => `"k${i}":1`).join(',')}}`, 'too-many-keys'],
  ['{"id":"x","__proto__":{"admin":true}}', 'forbidden-key'],
  ['{"id":"x","\\u005f_proto__":1}', 'forbidden-key'],
  ['{"id":"x","tags":[{"constructor":1}]}', 'forbidden-key'],
  ['{"id":"x"', 'bad-json'],
  ['{"id":"x"} x', 'bad-json'],
  ["{'id':'x'}", 'bad-json'],
  ['\ufeff{"id":"x"}', 'bad-json'],
  ['', 'bad-json'],
  ['NaN', 'bad-json'],
])('R20 the body %.40s', async (body, code) => {
  const answer = await house.ask('POST', '/v1/devices', {
    body: new TextEncoder().encode(body),
    headers: { 'content-type': 'application/json' },
  });
  expect([answer.status, answer.json.code]).toEqual([400, code]);
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
});

test('R20 bytes that are no UTF-8 are no JSON', async () => {
  const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  const answer = await house.ask('POST', '/v1/devices', { body, headers: { 'content-type': 'application/json' } });
  expect([answer.status, answer.json.code]).toEqual([400, 'bad-json']);
});

test('a refusal is counted by its code', async () => {
  const before = house.test.observe.count('fieldgate_refusals_total', 'bad-limit');
  await house.ask('GET', '/v1/devices?limit=0');
  expect(house.test.observe.count('fieldgate_refusals_total', 'bad-limit')).toBe(before + 1);
});

test('A8 a token in the URL is refused', async () => {
  const { status, json } = await house.ask('GET', '/v1/devices?token=x');
  expect([status, json.code]).toEqual([400, 'token-in-url']);
});

test('no answer of the interface may be framed, guessed at or kept', async () => {
  for (const [path, as] of [
    ['/v1/devices', 'admin'],
    ['/v1/devices', 'nobody'],
    ['/v1/none-such', 'nobody'],
    ['/healthz', 'nobody'],
  ] as const) {
    const { headers } = await house.ask('GET', path, { as });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  }
});

test('what breaks inside is a 500 without a word about it, and one line in the log', async () => {
  await using broken = await openApiHouse({
    wrapStore: (store) => ({ ...store, read: () => Promise.reject(new Error('secret-path /x/y')) }),
  });
  const answer = await broken.ask('GET', '/v1/events');
  expect([answer.status, answer.json.code]).toEqual([500, 'internal']);
  expect(answer.text).not.toContain('secret');
  expect(broken.test.observe.lines.filter((line) => line.level === 'error')).toMatchObject([
    { fields: { method: 'GET', route: '/v1/events' } },
  ]);
});
