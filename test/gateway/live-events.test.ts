// Server-sent events on /v1/live: what the live socket says, for who can only read; the same places, the same patience, the same end.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EventStreamTarget, openEventStream, type StreamEvent, type TestEventStream } from '../support/event-stream.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { connectSocket, type TestSocket } from '../support/socket.ts';

const PROMISED_MS = 1000;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ limits: { failedAuthBurst: 10_000, failedAuthPerMinute: 10_000 } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const bearer = (secret: string) => ({ Authorization: `Bearer ${secret}` });
async function streamOf(
  query = '',
  { headers, at = gateway }: { headers?: Record<string, string>; at?: TestGateway } = {},
): Promise<TestEventStream> {
  const target: EventStreamTarget = { port: at.port, caPem: at.caPem, path: `/v1/live${query}` };
  return openEventStream({ ...target, headers: headers ?? bearer(await at.key('viewer')) });
}
const refusalOf = (query: string, headers?: Record<string, string>) =>
  streamOf(query, headers === undefined ? {} : { headers }).then(
    () => 'open',
    (error: { status: number; body: string }) => `${error.status} ${JSON.parse(error.body).code}`,
  );
const ownHeaders = (at = gateway): Record<string, string> => ({ Host: `localhost:${at.port}`, Origin: `https://localhost:${at.port}` });
async function signIn(ask: object, at = gateway): Promise<Record<string, string>> {
  const answer = await at.request('/v1/session', { method: 'POST', headers: ownHeaders(at), body: ask });
  expect(answer.status, answer.text).toBe(200);
  return { ...ownHeaders(at), Cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' };
}
const addUser = (name: string, role = 'viewer'): Promise<TestAnswer> =>
  gateway.local('/v1/users', { method: 'POST', body: { name, role, password: 'secret' } });
async function store(device: TestSocket, ...values: number[]): Promise<void> {
  device.send(values.map((v) => ({ n: 'temperature', u: 'Cel', v })));
  expect(await device.next()).toMatchObject({ type: 'stored', readings: values.length });
}
const readings = ({ data }: StreamEvent): boolean => data.type === 'readings';

test('a stream says what the socket says, and the id of an event is the cursor behind it', async () => {
  await using device = await gateway.device('same');
  await store(device, 1);
  await using socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'live', devices: ['same'], metrics: ['temp*'] });
  const snapshot = await socket.next();
  await using stream = await streamOf('?device=same&metric=temp*');
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  const first = await stream.next();
  expect(first).toEqual({ id: snapshot.cursor, data: snapshot });
  device.send([
    { n: 'temperature', u: 'Cel', v: 2 },
    { n: 'other', v: 3 },
  ]);
  await device.next();
  const told = await socket.next();
  expect(await stream.next()).toEqual({ id: told.cursor, data: told });
  expect(told.readings.map((one: unknown[]) => [one[1], one[3]])).toEqual([['temperature', 2]]);
  device.ws.close();
  const gone = await socket.next();
  expect(gone).toMatchObject({ type: 'device', device: 'same', online: false });
  expect(await stream.next()).toEqual({ id: null, data: gone });
  expect(stream.retryMs).toBeGreaterThan(0);
});

test('Last-Event-ID goes on behind the event it names, without hole or repeat, over a restart too', async () => {
  await using own = await startTestGateway();
  await using device = await own.device('resume');
  await device.hello('stream-resume');
  const send = async (seq: number): Promise<void> => {
    device.send({ type: 'readings', seq, readings: [{ n: 'a', v: seq }] });
    await device.until((message) => message.type === 'ack' && message.seq === seq);
  };
  await using first = await streamOf('?device=resume', { at: own });
  await first.next();
  await send(1);
  const { id } = await first.until(readings);
  await first[Symbol.asyncDispose]();
  await send(2);
  await send(3);
  const headers = { ...bearer(await own.key('viewer')), 'Last-Event-ID': id ?? '' };
  const valuesOf = async (stream: TestEventStream, count: number): Promise<number[]> => {
    const values: number[] = [];
    while (values.length < count) values.push(...(await stream.until(readings)).data.readings.map((one: unknown[]) => one[3]));
    return values;
  };
  await using second = await streamOf('?device=resume', { at: own, headers });
  expect((await second.next()).data).toMatchObject({ type: 'resumed', cursor: id });
  expect(await valuesOf(second, 2)).toEqual([2, 3]);
  await own.restart();
  // the header goes before `since`, which stays in the address of a page that reconnects
  await using third = await streamOf('?device=resume&since=0.0', { at: own, headers });
  expect((await third.next()).data).toMatchObject({ type: 'resumed', cursor: id });
  expect(await valuesOf(third, 2)).toEqual([2, 3]);
}, 60_000);

test('D4 a cursor of another store or of no store at all gets a reset, then a snapshot', async () => {
  for (const since of ['0123456789abcdef.1', 'nonsense', '-1']) {
    await using stream = await streamOf(`?since=${since}`);
    expect((await stream.next()).data).toEqual({ type: 'reset', id: 'live', reason: 'foreign' });
    expect((await stream.next()).data).toMatchObject({ type: 'snapshot' });
  }
});

test('maxRateHz folds a stream on purpose', async () => {
  await using device = await gateway.device('folded');
  await using stream = await streamOf('?device=folded&maxRateHz=2');
  await stream.next();
  for (let v = 1; v <= 20; v++) await store(device, v);
  let [seen, folded, last] = [0, 0, 0];
  while (last !== 20) {
    const { data } = await stream.until(readings);
    seen += data.readings.length;
    folded += data.conflated;
    last = data.readings.at(-1)[3];
  }
  expect(seen + folded).toBe(20);
  expect(folded).toBeGreaterThan(0);
});

test.each([
  ['?sort=value;DROP', '400 unknown-parameter'],
  ['?devices=a', '400 unknown-parameter'],
  ['?maxRateHz=-1', '400 bad-request'],
  ['?maxRateHz=fast', '400 bad-request'],
  ['?maxRateHz=1&maxRateHz=2', '400 bad-request'],
  ['?since=a&since=b', '400 bad-cursor'],
  [`?device=${'x'.repeat(300)}`, '400 bad-request'],
  ['?token=x', '400 token-in-url'],
])('R4 a stream with %s is refused with %s', async (query, expected) => {
  expect(await refusalOf(query)).toBe(expected);
});

test('D2 more patterns than a subscription may have are refused before the stream begins', async () => {
  await using small = await startTestGateway({ limits: { patterns: 3 } });
  const answer = await small.request('/v1/live?device=a&device=b&metric=c&metric=d', {
    headers: { ...bearer(await small.key('viewer')), Accept: 'text/event-stream' },
  });
  expect([answer.status, answer.json().code]).toEqual([400, 'limit-exceeded']);
});

test('H14 without the Accept header, or by HEAD, it is as before: 426, to everybody', async () => {
  const asks: Record<string, string>[] = [
    {},
    bearer(await gateway.key('viewer')),
    { Accept: 'application/json' },
    { Accept: 'text/event-streams' },
  ];
  for (const headers of asks) {
    const answer = await gateway.request('/v1/live', { headers });
    expect([answer.status, answer.json().code]).toEqual([426, 'upgrade-required']);
  }
  const head = await gateway.request('/v1/live', { method: 'HEAD', headers: { Accept: 'text/event-stream' } });
  expect(head.status).toBe(426);
});

test('A9 who may not read over HTTP does not get the stream either, and a page elsewhere does not get it with the cookie', async () => {
  const token = await gateway.addDevice('a9-stream');
  expect(await refusalOf('', bearer(token))).toBe('403 forbidden');
  expect(await refusalOf('', {})).toBe('401 unauthorized');
  await addUser('a9');
  const session = await signIn({ user: 'a9', password: 'secret' });
  const { Origin: _, ...cookieAlone } = session;
  expect(await refusalOf('', { ...cookieAlone, 'Sec-Fetch-Site': 'cross-site' })).toBe('403 origin-denied');
  expect(await refusalOf('', { ...cookieAlone, 'Sec-Fetch-Site': 'same-site' })).toBe('403 origin-denied');
  expect(await refusalOf('', { ...cookieAlone, 'Sec-Fetch-Site': 'same-origin' })).toBe('open');
});

test('D8 sockets and streams of one session share its ten places; it is told which, and a place that is left is free', async () => {
  await addUser('d8');
  const session = await signIn({ user: 'd8', password: 'secret' });
  const other = await signIn({ user: 'd8', password: 'secret' });
  const socketOf = (headers: Record<string, string>): Promise<TestSocket> =>
    connectSocket({ port: gateway.port, caPem: gateway.caPem, path: '/v1/live', headers });
  const live = async (headers: Record<string, string>): Promise<string> => (await gateway.request('/v1/session', { headers })).json().live;
  await using open = new AsyncDisposableStack();
  for (let i = 0; i < 6; i++) open.use(await socketOf(session));
  for (let i = 0; i < 4; i++) open.use(await streamOf('?metric=none', { headers: session }));
  expect([await live(session), await live(other)]).toEqual(['too-many-sockets', 'ready']);

  await using eleventh = await socketOf(session);
  expect(await eleventh.closed()).toMatchObject({ code: 4413 });
  expect(await refusalOf('', session)).toBe('429 too-many-sockets');
  open.use(await socketOf(other));
  await open.disposeAsync();
  await expect.poll(() => live(session), { timeout: 10_000 }).toBe('ready');
  await using again = await socketOf(session);
  expect(again.ws.readyState).toBe(again.ws.OPEN);
});

test('D8 of 50 tabs of one session ten stay and the others are closed with 4413', async () => {
  await addUser('d8-tabs');
  const headers = await signIn({ user: 'd8-tabs', password: 'secret' });
  await using open = new AsyncDisposableStack();
  const tabs = await Promise.all(
    Array.from({ length: 50 }, async () =>
      open.use(await connectSocket({ port: gateway.port, caPem: gateway.caPem, path: '/v1/live', headers })),
    ),
  );
  await expect.poll(() => tabs.filter(({ ws }) => ws.readyState === ws.OPEN).length, { timeout: 15_000 }).toBe(10);
  for (const tab of tabs) if (tab.ws.readyState !== tab.ws.OPEN) expect((await tab.closed()).code).toBe(4413);
});

test('a gateway that is full says so to a socket, to a stream, and to who asks afterwards', async () => {
  await using small = await startTestGateway({ limits: { subscribers: 1 } });
  await using only = await small.live();
  const headers = bearer(await small.key('viewer'));
  await expect(small.live()).rejects.toMatchObject({ status: 503 });
  const answer = await small.request('/v1/live', { headers: { ...headers, Accept: 'text/event-stream' } });
  expect([answer.status, answer.json().code]).toEqual([503, 'full']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect((await small.request('/v1/session', { headers })).json()).toMatchObject({ user: 'test viewer', live: 'full' });
  expect(only.ws.readyState).toBe(only.ws.OPEN);
});

test.each<[string, string, (name: string, session: Record<string, string>) => Promise<TestAnswer>]>([
  ['A21 signing out', 'unauthorized', (_, headers) => gateway.request('/v1/session', { method: 'DELETE', headers })],
  ['A20 another role', 'forbidden', (name) => gateway.admin(`/v1/users/${name}`, { method: 'PATCH', body: { role: 'operator' } })],
  ['another password', 'unauthorized', (name) => gateway.admin(`/v1/users/${name}`, { method: 'PATCH', body: { password: 'better' } })],
  ['removing the user', 'unauthorized', (name) => gateway.admin(`/v1/users/${name}`, { method: 'DELETE' })],
])('%s ends an open stream within a second, with the reason', async (what, code, act) => {
  const name = what.toLowerCase().replaceAll(' ', '-');
  await addUser(name);
  const session = await signIn({ user: name, password: 'secret' });
  await using stream = await streamOf('?metric=none', { headers: session });
  await stream.next();
  const answer = await act(name, session);
  expect(answer.status, answer.text).toBeLessThan(300);
  const answeredMs = performance.now();
  expect((await stream.ended())?.data).toMatchObject({ type: 'error', code, fatal: true });
  expect(performance.now() - answeredMs).toBeLessThan(PROMISED_MS);
});

test('a revoked key ends its streams and those of the kiosk that was opened with it', async () => {
  const { id, key } = (await gateway.local('/v1/keys', { method: 'POST', body: { name: 'wall', role: 'viewer' } })).json();
  await using byKey = await streamOf('?metric=none', { headers: bearer(key) });
  await using byKiosk = await streamOf('?metric=none', { headers: await signIn({ key }) });
  await gateway.admin(`/v1/keys/${id}`, { method: 'DELETE' });
  for (const stream of [byKey, byKiosk]) expect((await stream.ended())?.data).toMatchObject({ code: 'unauthorized', fatal: true });
});

test('D10 a session that ends by itself ends its sockets with 4401 and its streams', async () => {
  await using short = await startTestGateway({ limits: { sessionHours: 6 / 3600 } });
  await short.local('/v1/users', { method: 'POST', body: { name: 'ada', role: 'viewer', password: 'secret' } });
  const headers = await signIn({ user: 'ada', password: 'secret' }, short);
  const { expiresAt } = (await short.request('/v1/session', { headers })).json();
  await using socket = await connectSocket({ port: short.port, caPem: short.caPem, path: '/v1/live', headers });
  await using stream = await streamOf('?metric=none', { headers, at: short });
  expect((await socket.closed()).code).toBe(4401);
  const endedMs = Date.now();
  expect((await stream.ended())?.data).toMatchObject({ code: 'unauthorized', fatal: true });
  expect(endedMs).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  expect(endedMs - Date.parse(expiresAt)).toBeLessThan(PROMISED_MS);
  expect((await short.request('/v1/session', { headers })).status).toBe(401);
});

test('a restart says so, and when to come back', async () => {
  await using own = await startTestGateway();
  await using stream = await streamOf('', { at: own });
  await using socket = await own.live();
  await stream.next();
  const restarting = own.restart();
  expect((await stream.ended())?.data).toMatchObject({ type: 'error', code: 'draining', fatal: true });
  expect(stream.retryMs).toBeLessThan(2_000);
  expect(await socket.closed()).toMatchObject({ code: 1012, reason: expect.stringMatching(/^retry-after-ms=\d+$/) });
  await restarting;
});

test('D7 a stream that takes nothing is folded, then cut, and its place is free', async () => {
  const limits = { outboxFoldBytes: 32 * 1024, outboxResumeBytes: 1024, outboxStallSeconds: 2 };
  await using own = await startTestGateway({ limits });
  await using device = await own.device('d7');
  await device.hello('stream-d7-1');
  const subscribers = async (): Promise<number> => (await own.admin('/v1/stats')).json().subscribers;
  await using stream = await streamOf('', { at: own });
  await stream.next();
  stream.pause();
  expect(await subscribers()).toBe(1);
  const text = 'x'.repeat(1000);
  let seq = 0;
  const isGone = async (): Promise<boolean> => {
    for (let n = 0; n < 10; n++)
      device.send({ type: 'readings', seq: ++seq, readings: Array.from({ length: 50 }, (_, i) => ({ n: `m${i}`, vs: `${seq} ${text}` })) });
    await device.until((message) => message.type === 'ack' && message.seq === seq);
    return (await subscribers()) === 0;
  };
  await expect.poll(isGone, { timeout: 25_000, interval: 100 }).toBe(true);
}, 60_000);

test('a heartbeat comes every 15 s, and its id goes on behind all that was said', async () => {
  await using device = await gateway.device('beat');
  await using stream = await streamOf('?device=beat');
  await stream.next();
  await store(device, 1);
  const { id } = await stream.until(readings);
  const beat = await stream.until(({ data }) => data.type === 'heartbeat');
  expect(beat).toEqual({ id, data: { type: 'heartbeat', atMs: expect.any(Number), cursors: { live: id } } });
}, 40_000);
