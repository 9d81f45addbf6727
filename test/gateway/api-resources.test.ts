// The resources of the HTTP interface, each from its making to its end.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiHouse, type Asked, openApiHouse } from '../support/api-house.ts';

let house: ApiHouse;
beforeAll(async () => {
  house = await openApiHouse({ limits: { failedAuthBurst: 10_000 } });
});
afterAll(() => house[Symbol.asyncDispose]());

const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });

test('a device is added, seen, changed, suspended, resumed and removed', async () => {
  const created = await house.ask('POST', '/v1/devices', {
    as: 'operator',
    json: { id: 'Tank.2_a-b', label: 'Tank 2', tags: ['north', 'wet'] },
  });
  expect(created.status).toBe(201);
  expect(created.headers.get('location')).toBe('/v1/devices/Tank.2_a-b');
  expect(created.json).toEqual({
    id: 'Tank.2_a-b',
    label: 'Tank 2',
    status: 'active',
    online: false,
    lastSeenAt: null,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    tags: ['north', 'wet'],
    location: '',
    notes: '',
    expectEverySeconds: null,
    clock: 'device',
    pingSeconds: null,
    maySleep: false,
    state: 'offline',
    lastReadingAt: null,
    closedAt: null,
    seenEveryMs: null,
    latest: {},
    token: expect.stringMatching(/^fgd_[A-Za-z0-9_-]{43}$/),
  });
  const again = await house.ask('POST', '/v1/devices', { as: 'operator', json: { id: 'Tank.2_a-b' } });
  expect([again.status, again.json.code]).toEqual([409, 'exists']);

  const shown = (await house.ask('GET', '/v1/devices/Tank.2_a-b', { as: 'viewer' })).json;
  expect(shown.tokens).toEqual([{ id: expect.any(String), createdAt: expect.any(String), expiresAt: null }]);
  expect(shown.connection).toBeNull();
  expect(JSON.stringify(shown)).not.toContain(created.json.token);

  const patch = {
    label: 'T2',
    tags: [],
    location: 'Hall 3',
    notes: 'a\nb',
    expectEverySeconds: 60,
    clock: 'gateway',
    pingSeconds: 30,
    status: 'suspended',
  };
  const patched = await house.ask('PATCH', '/v1/devices/Tank.2_a-b', { as: 'operator', json: patch });
  expect(patched.status).toBe(200);
  expect(patched.json).toMatchObject(patch);
  const pack = { body: '[{"n":"m","v":1}]', headers: { ...bearer(created.json.token).headers, 'content-type': 'application/json' } };
  const refused = await house.ask('POST', '/v1/readings', { as: 'nobody', ...pack });
  expect([refused.status, refused.json.code]).toEqual([403, 'suspended']);
  expect((await house.ask('PATCH', '/v1/devices/Tank.2_a-b', { json: { status: 'active', expectEverySeconds: null } })).json.status).toBe(
    'active',
  );
  expect((await house.ask('POST', '/v1/readings', { as: 'nobody', ...pack })).status).toBe(200);
  expect((await house.ask('DELETE', '/v1/devices/Tank.2_a-b', { as: 'operator' })).status).toBe(204);
  expect((await house.ask('GET', '/v1/devices/Tank.2_a-b')).status).toBe(404);
  expect((await house.ask('POST', '/v1/readings', { as: 'nobody', ...pack })).status).toBe(401);
});

test('the fleet is listed by id, in pages, and filtered by text, tags and status', async () => {
  const ids = Array.from({ length: 7 }, (_, i) => `list-${i}`);
  for (const [i, id] of ids.entries())
    await house.ask('POST', '/v1/devices', { json: { id, label: `Label ${i}`, tags: i % 2 ? ['odd', 'l'] : ['l'] } });
  await house.ask('PATCH', '/v1/devices/list-3', { json: { status: 'suspended' } });
  const listed = async (query: string): Promise<string[]> =>
    (await house.ask('GET', `/v1/devices?${query}`, { as: 'viewer' })).json.items.map((one: { id: string }) => one.id);
  expect(await listed('tag=l')).toEqual(ids);
  expect(await listed('tag=l&tag=odd')).toEqual(['list-1', 'list-3', 'list-5']);
  expect(await listed('tag=l&status=suspended')).toEqual(['list-3']);
  expect(await listed('q=LIST-4')).toEqual(['list-4']);
  expect(await listed('q=label%205')).toEqual(['list-5']);
  expect(await listed('q=none-of-them')).toEqual([]);
  for (const name of ['next', 'cursor']) {
    const found: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { json } = await house.ask('GET', `/v1/devices?tag=l&limit=3${next === '' ? '' : `&${name}=${next}`}`);
      found.push(...json.items.map((one: { id: string }) => one.id));
      next = json.next;
    }
    expect(found).toEqual(ids);
  }
});

test('a device shows the latest of each metric with its unit, and when it was last seen', async () => {
  const t = 1_700_000_000;
  await house.store('latest-1', [
    { n: 'temp', u: 'Cel', v: 20, t },
    { n: 'temp', u: 'degF', v: 68.5, t: t + 1 },
    { n: 'open', vb: false, t: t + 0.000001 },
    { n: 'state', vs: 'idle', t },
  ]);
  const { json } = await house.ask('GET', '/v1/devices/latest-1');
  expect(json.latest).toEqual({
    temp: [(t + 1) * 1000, 68.5, 'degF'],
    open: [1700000000000.001, false, ''],
    state: [t * 1000, 'idle', ''],
  });
  const series = (await house.ask('GET', '/v1/devices/latest-1/series', { as: 'viewer' })).json;
  expect(series.next).toBeNull();
  expect(series.items).toContainEqual({
    device: 'latest-1',
    metric: 'temp',
    unit: 'degF',
    kind: 'number',
    count: 1,
    firstMs: (t + 1) * 1000,
    lastMs: (t + 1) * 1000,
    latest: [(t + 1) * 1000, 68.5],
    clockSuspect: 0,
  });
  expect(series.items.map((one: { kind: string }) => one.kind).sort()).toEqual(['boolean', 'number', 'number', 'string']);
});

test('a token is rotated with an overlap and without, and revoked, one or all', async () => {
  const first = (await house.ask('POST', '/v1/devices', { json: { id: 'tok-1' } })).json.token;
  const works = async (token: string): Promise<boolean> =>
    (
      await house.ask('POST', '/v1/readings', {
        as: 'nobody',
        body: '[{"n":"m","v":1}]',
        headers: { ...bearer(token).headers, 'content-type': 'application/json' },
      })
    ).status === 200;
  const rotated = await house.ask('POST', '/v1/devices/tok-1/tokens', { as: 'operator', json: { overlapSeconds: 3600 } });
  expect(rotated.status).toBe(201);
  expect(rotated.json).toEqual({ id: expect.any(String), token: expect.stringMatching(/^fgd_/), expiresAt: null });
  expect([await works(first), await works(rotated.json.token)]).toEqual([true, true]);
  const tokens = (await house.ask('GET', '/v1/devices/tok-1')).json.tokens;
  expect(tokens.filter((one: { expiresAt: string | null }) => one.expiresAt !== null).length).toBe(1);

  const third = (await house.ask('POST', '/v1/devices/tok-1/tokens')).json;
  expect([await works(first), await works(rotated.json.token), await works(third.token)]).toEqual([false, false, true]);
  expect((await house.ask('DELETE', `/v1/devices/tok-1/tokens/${third.id}`, { as: 'operator' })).status).toBe(204);
  expect((await house.ask('DELETE', `/v1/devices/tok-1/tokens/${third.id}`)).status).toBe(404);
  const fourth = (await house.ask('POST', '/v1/devices/tok-1/tokens', { json: {} })).json;
  expect(await works(fourth.token)).toBe(true);
  expect((await house.ask('DELETE', '/v1/devices/tok-1/tokens')).status).toBe(204);
  expect(await works(fourth.token)).toBe(false);
  for (const overlapSeconds of [-1, '1h', 1e12, null]) {
    expect((await house.ask('POST', '/v1/devices/tok-1/tokens', { json: { overlapSeconds } })).status).toBe(422);
  }
});

test('an enrolment key gives new devices their tokens until it is used up', async () => {
  const made = await house.ask('POST', '/v1/enrolments', { json: { max: 2, expiresSeconds: 600 } });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({ max: 2, used: 0, reenrol: false, key: expect.stringMatching(/^fge_/) });
  const enrol = (device: unknown, key = made.json.key) =>
    house.ask('POST', '/v1/enrol', { as: 'nobody', json: { device }, ...bearer(key) });
  const one = await enrol('enr-1');
  expect(one.status).toBe(201);
  expect(one.json).toEqual({ token: expect.stringMatching(/^fgd_/) });
  expect([(await enrol('enr-1')).status, (await enrol('-bad-')).status]).toEqual([409, 422]);
  expect((await enrol('enr-2')).status).toBe(201);
  expect((await enrol('enr-3')).json).toEqual((await house.ask('GET', '/v1/devices', { as: 'nobody' })).json);
  const listed = (await house.ask('GET', '/v1/enrolments')).json;
  expect(listed.items).toContainEqual(expect.objectContaining({ id: made.json.id, used: 2 }));
  expect(JSON.stringify(listed)).not.toContain(made.json.key);
  expect((await house.ask('DELETE', `/v1/enrolments/${made.json.id}`)).status).toBe(204);
  expect((await house.ask('DELETE', '/v1/enrolments/none-such')).status).toBe(404);
  expect((await house.ask('POST', '/v1/enrolments')).json).toMatchObject({ max: 1000 });
});

test('a pack by POST is stored, its bad records are named, and nothing of worth is 422', async () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    house.ask('POST', '/v1/readings', { as: 'device', body, headers: { 'content-type': 'application/senml+json', ...headers } });
  const good = await post('[{"n":"http","v":1},{"n":"http","v":2}]');
  expect([good.status, good.json]).toEqual([200, { stored: 2, errors: [] }]);
  const half = await post('[{"n":"http","v":3},{"n":"http"}]');
  expect([half.status, half.json]).toEqual([200, { stored: 1, errors: [{ index: 1, code: 'no-value', message: expect.any(String) }] }]);
  const none = await post('[{"n":"http"}]');
  expect(none.status).toBe(422);
  expect(none.headers.get('content-type')).toBe('application/problem+json');
  expect(none.json).toMatchObject({
    code: 'nothing-stored',
    stored: 0,
    errors: [{ pointer: '/0', index: 0, code: 'no-value', detail: expect.any(String) }],
  });
  for (const [body, code] of [
    ['{', 'bad-json'],
    ['5', 'bad-shape'],
    ['', 'empty-message'],
  ] as const) {
    const answer = await post(body);
    expect([answer.status, answer.json.code]).toEqual([400, code]);
  }
  expect((await post('x', { 'content-type': 'application/senml+xml' })).status).toBe(415);
  const { json } = await house.ask('GET', `/v1/readings?device=${house.device}&metric=http`);
  expect(json.readings.map(([, v]: [number, number]) => v)).toEqual([1, 2, 3]);
});

test('the books add up, and the same when they are counted again', async () => {
  await house.store('books-1', [
    { n: 'm', v: 1 },
    { n: 'm', v: 2 },
  ]);
  await house.store('books-1', [{ n: 'm', v: 3 }]);
  for (const verify of ['', '&verify=true', '&verify=false']) {
    const { status, json } = await house.ask('GET', `/v1/accounting?device=books-1${verify}`, { as: 'viewer' });
    expect(status).toBe(200);
    expect(json).toEqual({
      items: [
        {
          device: 'books-1',
          stream: '~http',
          acked: 2,
          settled: 2,
          stored: 2,
          quarantined: 0,
          gaps: 0,
          unexplained: 0,
          readings: 3,
          refused: 0,
          expired: 0,
          evicted: 0,
          discarded: 0,
        },
      ],
      next: null,
    });
  }
  expect((await house.ask('GET', '/v1/accounting')).json.items.length).toBeGreaterThan(1);
  expect((await house.ask('GET', '/v1/accounting?verify=yes')).json.code).toBe('bad-request');
});

test('what was refused is in quarantine with its raw text, newest first and in pages', async () => {
  for (const n of [1, 2, 3]) {
    await house.ask('POST', '/v1/readings', { as: 'device', body: `[{"n":"q${n}"}]`, headers: { 'content-type': 'application/json' } });
  }
  const first = (await house.ask('GET', `/v1/quarantine?device=${house.device}&limit=2`, { as: 'operator' })).json;
  expect(first.items).toMatchObject([
    { code: 'no-value', raw: expect.stringContaining('q3'), stream: '~http', index: 0 },
    { raw: expect.stringContaining('q2') },
  ]);
  const second = (await house.ask('GET', `/v1/quarantine?device=${house.device}&limit=2&next=${first.next}`)).json;
  expect(second.items[0].raw).toContain('q1');
  expect((await house.ask('GET', '/v1/quarantine?device=none-such')).json).toEqual({ items: [], next: null });
});

test('events and the audit are listed newest first, in pages', async () => {
  await house.store('ev-1', [{ n: 'temp', u: 'Cel', v: 1 }]);
  await house.store('ev-1', [{ n: 'temp', u: 'degF', v: 1 }]);
  await expect
    .poll(async () => (await house.ask('GET', '/v1/events?device=ev-1', { as: 'viewer' })).json.items.length, { timeout: 10_000 })
    .toBe(1);
  const { items, next } = (await house.ask('GET', '/v1/events?device=ev-1')).json;
  expect(items[0]).toMatchObject({
    device: 'ev-1',
    type: 'unit-changed',
    atMs: expect.any(Number),
    id: expect.any(Number),
    reason: expect.any(String),
  });
  expect(next).toBeNull();

  const ids: number[] = [];
  let token: string | null = '';
  while (token !== null) {
    const page: Asked = await house.ask('GET', `/v1/audit?limit=3${token === '' ? '' : `&next=${token}`}`);
    ids.push(...page.json.items.map((one: { id: number }) => one.id));
    token = page.json.next;
  }
  expect(ids.length).toBeGreaterThan(5);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  await house.ask('POST', '/v1/devices', { as: 'operator', json: { id: 'audited' } });
  expect((await house.ask('GET', '/v1/audit?limit=1')).json.items[0]).toMatchObject({
    actor: 'key operator',
    act: 'device.create',
    target: 'audited',
  });
});

test('the numbers of the moment are the ones of the store', async () => {
  const { json } = await house.ask('GET', '/v1/stats', { as: 'viewer' });
  expect(json).toEqual({
    devices: house.deps.identity.devices.count,
    online: 0,
    subscribers: 0,
    readings: expect.any(Number),
    readingsPerSecond: 0,
    commitP50Ms: null,
    commitP99Ms: null,
    unexplained: 0,
    bytes: expect.any(Number),
    storage: { state: 'storing', message: '', freeBytes: null },
    written: expect.objectContaining({ logBytes: expect.any(Number), databaseBytes: expect.any(Number) }),
    alarms: [],
  });
  expect(json.bytes).toBeGreaterThan(1000);
});

test('anybody may ask whether it lives, whether it is ready, what it is and for the certificate to trust', async () => {
  expect((await house.ask('GET', '/healthz', { as: 'nobody' })).json).toEqual({ status: 'ok' });
  expect((await house.ask('GET', '/readyz', { as: 'nobody' })).json).toEqual({ status: 'ready' });
  house.state.ready = { ready: false, reason: 'the disk is full' };
  const unready = await house.ask('GET', '/readyz', { as: 'nobody' });
  house.state.ready = { ready: true };
  expect([unready.status, unready.json.code, unready.json.detail]).toEqual([503, 'store-unavailable', 'the disk is full']);
  const { json } = await house.ask('GET', '/v1/info', { as: 'nobody' });
  expect(json).toMatchObject({
    name: 'fieldgate',
    version: '0.0.0-test',
    store: house.deps.catalogue.store,
    protocol: ['fieldgate.v1', 'fieldgate.live.v1'],
    setupOpen: false,
    isNew: false,
  });
  const ca = await house.ask('GET', '/ca.crt', { as: 'nobody' });
  expect([ca.status, ca.text]).toEqual([200, house.deps.caPem]);
  expect(ca.headers.get('content-type')).toBe('application/x-x509-ca-cert');
  await using bare = await openApiHouse({ deps: { caPem: null } });
  expect((await bare.ask('GET', '/ca.crt', { as: 'nobody' })).status).toBe(404);
});

test('being alive is answered while the database is not', async () => {
  await using house2 = await openApiHouse();
  await house2.deps.store.close();
  expect((await house2.ask('GET', '/healthz', { as: 'nobody' })).status).toBe(200);
});

test('the addresses of the sockets tell a plain GET what they speak', async () => {
  for (const path of ['/v1/device', '/v1/live']) {
    const answer = await house.ask('GET', path, { as: 'nobody' });
    expect([answer.status, answer.json.code]).toEqual([426, 'upgrade-required']);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  }
});
