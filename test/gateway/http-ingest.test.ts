// POST /v1/readings from the outside: at least once as it is, exactly once with a stream and a number.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';

const STREAM = 'post-stream-1';
const PACK = [{ n: 'level', v: 1 }];

interface Post {
  readonly stream?: string;
  readonly seq?: number | string;
  readonly gap?: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
/** For the tests that need no settings of their own: a device each. */
let shared: TestGateway;
beforeAll(async () => {
  shared = await startTestGateway();
});
afterAll(() => shared[Symbol.asyncDispose]());
let devices = 0;

interface House {
  readonly gateway: TestGateway;
  readonly id: string;
  readonly post: (post: Post) => Promise<TestAnswer>;
  stored(): Promise<unknown[]>;
  books(stream?: string): Promise<Record<string, unknown> | undefined>;
}
async function newDevice(gateway: TestGateway = shared): Promise<House> {
  const id = `pump-${++devices}`;
  const post = await poster(gateway, id);
  return { gateway, id, post, stored: () => stored(gateway, id), books: (stream = STREAM) => books(gateway, stream, id) };
}

/** A device that posts; `body` is sent as JSON unless it is text or bytes. */
async function poster(gateway: TestGateway, id: string): Promise<(post: Post) => Promise<TestAnswer>> {
  const token = await gateway.addDevice(id);
  return ({ stream, seq, gap, type = 'application/senml+json', body = PACK, headers }) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': type,
        ...(stream !== undefined && { 'Fieldgate-Stream': stream }),
        ...(seq !== undefined && { 'Fieldgate-Seq': String(seq) }),
        ...(gap !== undefined && { 'Fieldgate-Gap': gap }),
        ...headers,
      },
      body: body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body),
    });
}
/** Status, code or what was stored, and the mark: what a device decides by. */
const told = (answer: TestAnswer): unknown[] => {
  const body = answer.json();
  return [answer.status, body.code ?? (body.duplicate ? 'duplicate' : body.stored), answer.headers['fieldgate-acked']];
};
async function stored(gateway: TestGateway, device: string): Promise<unknown[]> {
  const { readings } = (await gateway.admin(`/v1/readings?device=${device}&metric=level&from=0`)).json();
  return (readings as unknown[][]).map((row) => row[1]);
}
async function books(gateway: TestGateway, stream: string, device: string) {
  const pages = await Promise.all(['false', 'true'].map((verify) => gateway.admin(`/v1/accounting?device=${device}&verify=${verify}`)));
  const [book, recounted] = pages.map((page) => page.json().items.find((row: { stream: string }) => row.stream === stream));
  expect(recounted).toStrictEqual(book);
  return book;
}

test('a post without a stream is stored once for each time that it comes, and says how far ~http is', async () => {
  const { post, stored } = await newDevice();
  expect(told(await post({}))).toEqual([200, 1, '1']);
  expect(told(await post({}))).toEqual([200, 1, '2']);
  expect(told(await post({ body: [{ n: 'level' }] }))).toEqual([422, 'nothing-stored', '3']);
  expect(await stored()).toEqual([1, 1]);
});

test('numbered posts are stored in order, and one that is repeated is stored once, after a restart too', async () => {
  await using own = await startTestGateway();
  const { gateway, post, stored, books } = await newDevice(own);
  const frame = (v: number): Post => ({ stream: STREAM, seq: v, body: [{ n: 'level', v }] });
  expect(told(await post(frame(1)))).toEqual([200, 1, '1']);
  expect(told(await post(frame(2)))).toEqual([200, 1, '2']);
  const again = await post(frame(2));
  expect(again.json()).toStrictEqual({ stored: 0, duplicate: true });
  expect(told(again)).toEqual([200, 'duplicate', '2']);
  await gateway.restart();
  expect(told(await post(frame(2)))).toEqual([200, 'duplicate', '2']);
  expect(told(await post(frame(3)))).toEqual([200, 1, '3']);
  expect(await stored()).toEqual([1, 2, 3]);
  expect(await books()).toMatchObject({ settled: 3, stored: 3, quarantined: 0, gaps: 0, unexplained: 0, readings: 3 });
});

test('the same body under the next number is another frame', async () => {
  const { post, stored } = await newDevice();
  for (const seq of [1, 2, 3]) expect(told(await post({ stream: STREAM, seq }))).toEqual([200, 1, String(seq)]);
  expect(await stored()).toEqual([1, 1, 1]);
});

test('Q3 a number that is settled, with another body or further back, is 409 seq-regression with acked and expected', async () => {
  const { post, stored } = await newDevice();
  for (const seq of [1, 2]) await post({ stream: STREAM, seq });
  for (const wrong of [
    { seq: 2, body: [{ n: 'level', v: 2 }] },
    { seq: 1, body: PACK },
  ]) {
    const answer = await post({ stream: STREAM, ...wrong });
    expect(told(answer)).toEqual([409, 'seq-regression', '2']);
    expect(answer.json()).toMatchObject({ acked: 2, expected: 3 });
  }
  expect(await stored()).toEqual([1, 1]);
});

test('Q4 a number that skips is 409 seq-gap, and makes no stream', async () => {
  const { post, books } = await newDevice();
  const answer = await post({ stream: STREAM, seq: 2 });
  expect(told(answer)).toEqual([409, 'seq-gap', '0']);
  expect(answer.json()).toMatchObject({ acked: 0, expected: 1 });
  expect(await books()).toBeUndefined();
  await post({ stream: STREAM, seq: 1 });
  expect(told(await post({ stream: STREAM, seq: 3 }))).toEqual([409, 'seq-gap', '1']);
});

test.each([
  ['Q2', 'bad-stream', { stream: 'seven77', seq: 1 }, '0'],
  ['Q2', 'bad-stream', { stream: '00000000', seq: 1 }, '0'],
  ['Q2', 'bad-stream', { stream: 'x'.repeat(65), seq: 1 }, '0'],
  ['Q2', 'bad-stream', { stream: '~http~~~~', seq: 1 }, '0'],
  ['J11', 'bad-seq', { stream: STREAM, seq: 0 }, '1'],
  ['J11', 'bad-seq', { stream: STREAM, seq: '-1' }, '1'],
  ['J11', 'bad-seq', { stream: STREAM, seq: '1.5' }, '1'],
  ['J11', 'bad-seq', { stream: STREAM, seq: '0x2' }, '1'],
  ['J9', 'bad-seq', { stream: STREAM, seq: '9007199254740993' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, seq: 4, gap: '2-3' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, seq: 3, gap: '3-2;lost' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, seq: 4, gap: '2-3;Lost!' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, seq: 4, gap: '3-3;lost' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, seq: 2, gap: '1-1;lost' }, '1'],
  ['Q8', 'bad-gap', { stream: STREAM, body: '', gap: '2-9007199254740991;lost' }, '1'],
] as const)('%s %s for %o', async (_, code, headers, acked) => {
  const { post, stored } = await newDevice();
  await post({ stream: STREAM, seq: 1 });
  expect(told(await post(headers))).toEqual([400, code, acked]);
  expect(await stored()).toEqual([1]);
});

test('one of the two headers without the other is 400, and nothing is stored', async () => {
  const { gateway, id, post } = await newDevice();
  for (const half of [{ stream: STREAM }, { seq: 1 }, { gap: '1-2;lost' }, { seq: 1, gap: '1-2;lost' }]) {
    expect((await post(half)).json()).toMatchObject({ status: 400, code: 'bad-request', detail: expect.stringContaining('is missing') });
  }
  expect(told(await post({ stream: STREAM, gap: '1-2;lost' }))).toEqual([400, 'bad-seq', '0']);
  expect((await gateway.admin(`/v1/accounting?device=${id}`)).json().items).toEqual([]);
});

test('a gap is declared alone or before the frame of the same request, and repeating either changes nothing', async () => {
  const { post, books } = await newDevice();
  const alone = { stream: STREAM, gap: '1-29;buffer-full', body: '' };
  expect(told(await post(alone))).toEqual([200, 0, '29']);
  expect(told(await post(alone))).toEqual([200, 'duplicate', '29']);
  const both = { stream: STREAM, gap: '30-35;buffer-full', seq: 36 };
  expect(told(await post({ ...both, seq: 37 }))).toEqual([409, 'seq-gap', '29']);
  expect(told(await post({ ...both, seq: 35 }))).toEqual([409, 'seq-regression', '29']);
  expect(told(await post(both))).toEqual([200, 1, '36']);
  expect(told(await post(both))).toEqual([200, 'duplicate', '36']);
  expect(await books()).toMatchObject({ settled: 36, stored: 1, gaps: 35, unexplained: 0 });
});

test('a request settles as a whole or not at all: with an unreadable frame its gap is not declared either', async () => {
  const { gateway, id, post } = await newDevice();
  await post({ stream: STREAM, seq: 1 });
  const answer = await post({ stream: STREAM, seq: 4, gap: '2-3;lost', body: '[{"n":' });
  expect(told(answer)).toEqual([400, 'bad-json', '1']);
  expect(answer.json()).toMatchObject({ acked: 1, expected: 2 });
  // the poison frame is said goodbye to, and the stream goes on
  expect(told(await post({ stream: STREAM, gap: '2-4;refused', body: '' }))).toEqual([200, 0, '4']);
  expect(told(await post({ stream: STREAM, seq: 5 }))).toEqual([200, 1, '5']);
  const { items } = (await gateway.admin(`/v1/quarantine?device=${id}`)).json();
  expect(items).toMatchObject([{ code: 'bad-json', raw: '[{"n":', seq: 0, stream: STREAM }]);
});

test('where nothing was storable it is 422, quarantined and settled: the next number follows', async () => {
  const { post, books } = await newDevice();
  const bad = { stream: STREAM, seq: 1, body: [{ n: 'level' }, { n: 'level', v: 'x' }] };
  const answer = await post(bad);
  expect(told(answer)).toEqual([422, 'nothing-stored', '1']);
  expect(answer.json().errors).toMatchObject([
    { index: 0, code: 'no-value' },
    { index: 1, code: 'wrong-type' },
  ]);
  expect(told(await post(bad))).toEqual([200, 'duplicate', '1']);
  expect(told(await post({ stream: STREAM, seq: 2, body: [{ n: 'level', v: 1 }, {}] }))).toEqual([200, 1, '2']);
  expect(await books()).toMatchObject({ settled: 2, stored: 1, quarantined: 1, refused: 3, unexplained: 0 });
});

test('two posts of one number at the same moment store it once, whatever their order', async () => {
  const { post, stored } = await newDevice();
  for (let seq = 1; seq <= 10; seq++) {
    const frame = { stream: STREAM, seq, body: [{ n: 'level', v: seq }] };
    const answers = (await Promise.all([post(frame), post(frame), post(frame)])).map((answer) => told(answer)[1]);
    expect(answers).toHaveLength(3);
    expect(answers.filter((answer) => answer === 1)).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'duplicate')).toHaveLength(2);
  }
  expect(await stored()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('a stream that is open on a socket is 409 stream-in-use, and goes on by either way afterwards', async () => {
  const { gateway, id, post, stored } = await newDevice();
  expect(told(await post({ stream: STREAM, seq: 1 }))).toEqual([200, 1, '1']);
  {
    await using device = await gateway.device(id);
    expect(await device.hello(STREAM, { oldest: 1, next: 5 })).toMatchObject({ acked: 1 });
    expect(told(await post({ stream: STREAM, seq: 2 }))).toEqual([409, 'stream-in-use', '1']);
    // another stream of the same device is nobody's
    expect(told(await post({ stream: 'post-stream-2', seq: 1 }))).toEqual([200, 1, '1']);
    // the same bytes as in the last post: they must not be taken for its repetition
    device.send({ type: 'readings', seq: 2, readings: PACK });
    await device.until((message) => message.type === 'ack' && message.seq === 2);
    device.ws.close();
    await device.closed();
  }
  await expect.poll(async () => told(await post({ stream: STREAM, seq: 2 }))[1], { timeout: 10_000 }).toBe('seq-regression');
  expect(told(await post({ stream: STREAM, seq: 3 }))).toEqual([200, 1, '3']);
  expect(await stored()).toEqual([1, 1, 1, 1]);
});

test('Q9 Q10 a stream too many in an hour is 429 stream-quota with Retry-After, a retired one 409 stream-closed', async () => {
  await using own = await startTestGateway({ limits: { openStreams: 2, newStreamsPerHour: 3 } });
  const { post, books } = await newDevice(own);
  for (const n of [1, 2, 3]) expect(told(await post({ stream: `stream-000${n}`, seq: 1 }))).toEqual([200, 1, '1']);
  expect(told(await post({ stream: 'stream-0001', seq: 2 }))).toEqual([409, 'stream-closed', '1']);
  const over = await post({ stream: 'stream-0004', seq: 1 });
  expect(told(over)).toEqual([429, 'stream-quota', '0']);
  expect(Number(over.headers['retry-after'])).toBeGreaterThan(60);
  expect(await books('stream-0001')).toMatchObject({ settled: 1, stored: 1, unexplained: 0 });
});

test('CBOR is read like JSON, with labels as numbers, and what is refused of it is kept as base64', async () => {
  const { gateway, id, post, stored } = await newDevice();
  const type = 'application/senml+cbor';
  // {0: "level", 2: 2.5} and {0: "level"}
  const bytes = Buffer.from('82a200656c6576656c02f94100a100656c6576656c', 'hex');
  expect(told(await post({ stream: STREAM, seq: 1, type, body: bytes }))).toEqual([200, 1, '1']);
  expect(told(await post({ stream: STREAM, seq: 2, type, body: encodeCbor([{ n: 'level', v: 7 }]) }))).toEqual([200, 1, '2']);
  expect(told(await post({ stream: STREAM, seq: 3, type, body: Buffer.from('82', 'hex') }))).toEqual([400, 'bad-cbor', '2']);
  expect(await stored()).toEqual([2.5, 7]);
  const { items } = (await gateway.admin(`/v1/quarantine?device=${id}`)).json();
  expect(items).toMatchObject([
    { code: 'bad-cbor', encoding: 'base64', raw: Buffer.from('82', 'hex').toString('base64') },
    { code: 'no-value', encoding: 'base64', raw: Buffer.from('a100656c6576656c', 'hex').toString('base64'), seq: 1, index: 1 },
  ]);
});

test.each([
  ['R8 another content type', { type: 'text/plain' }, 415, 'unsupported-media-type'],
  ['R8 another charset', { type: 'application/json; charset=utf-16' }, 415, 'unsupported-media-type'],
  ['R7 a body over the limit', { body: ' '.repeat(5000) }, 413, 'body-too-large'],
  ['an empty body', { body: '' }, 400, 'empty-message'],
  ['J2 an object', { body: { type: 'readings', seq: 2, readings: PACK } }, 400, 'bad-shape'],
  ['J3 nesting', { body: '['.repeat(1000) }, 400, 'too-deep'],
  ['J14 too many records', { body: Array.from({ length: 4 }, () => PACK[0]) }, 422, 'nothing-stored'],
] as const)('%s says where the stream is', async (_, wrong, status, code) => {
  await using own = await startTestGateway({ limits: { restBodyBytes: 4096, readingsPerFrame: 3 } });
  const { post } = await newDevice(own);
  await post({ stream: STREAM, seq: 1 });
  expect(told(await post({ stream: STREAM, seq: 2, ...wrong }))).toEqual([status, code, status === 422 ? '2' : '1']);
});

test('F21 a device over its rate waits for its answer; nothing is refused and nothing is lost', async () => {
  await using own = await startTestGateway({ limits: { deviceFramesPerSecond: 20, deviceFramesBurst: 2 } });
  const { post, stored } = await newDevice(own);
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 12 }, () => post({})));
  expect(answers.map((answer) => answer.status)).toEqual(Array(12).fill(200));
  expect(performance.now() - startedMs).toBeGreaterThan(300);
  expect(await stored()).toHaveLength(12);
});

test('the document describes the headers and all three content types', async () => {
  const { paths } = (await shared.request('/openapi.json')).json();
  const { post } = paths['/v1/readings'];
  expect(post.parameters.map((parameter: { name: string }) => parameter.name)).toEqual(
    expect.arrayContaining(['fieldgate-stream', 'fieldgate-seq', 'fieldgate-gap']),
  );
  expect(Object.keys(post.requestBody.content)).toEqual(['application/senml+json', 'application/json', 'application/senml+cbor']);
  expect(post.responses['200'].headers).toHaveProperty('Fieldgate-Acked');
});
