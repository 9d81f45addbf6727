// What a device socket answers to what it must refuse: a table, each row by its id.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const STREAM = 'stream-00001';
interface Case {
  readonly row: string;
  /** Sent after a hello, unless `bare`. */
  readonly send: readonly (string | object)[];
  readonly bare?: true;
  readonly code: string;
  /** Close code; absent: not fatal. */
  readonly close?: number;
  readonly expected?: number;
}
const reading = (seq: unknown): object => ({ type: 'readings', seq, readings: [{ n: 'a', v: 1 }] });
const hello = (fields: object): object => ({ type: 'hello', stream: STREAM, oldest: 1, next: 1, ...fields });

const CASES: readonly Case[] = [
  { row: 'Q1 readings before hello', bare: true, send: [reading(1)], code: 'hello-first', close: 4400 },
  { row: 'Q1 a gap before hello', bare: true, send: [{ type: 'gap', from: 1, to: 1, reason: 'x' }], code: 'hello-first', close: 4400 },
  { row: 'Q1 a second hello', send: [hello({})], code: 'bad-message', close: 4400 },
  { row: 'Q2 hello without stream', bare: true, send: [{ type: 'hello', oldest: 1, next: 1 }], code: 'bad-stream', close: 4400 },
  { row: 'Q2 a stream of 7 bytes', bare: true, send: [hello({ stream: 'abcdefg' })], code: 'bad-stream', close: 4400 },
  { row: 'Q2 a stream of zeros', bare: true, send: [hello({ stream: '00000000' })], code: 'bad-stream', close: 4400 },
  { row: 'Q2 a stream of 1 KiB', bare: true, send: [hello({ stream: 'x'.repeat(1024) })], code: 'bad-stream', close: 4400 },
  { row: 'Q4 a seq that skips', send: [reading(3)], code: 'seq-gap', close: 4409, expected: 1 },
  { row: 'Q5 the same seq twice', send: [reading(1), reading(1)], code: 'seq-regression', close: 4409, expected: 2 },
  {
    row: 'Q8 a gap that does not start at the expected seq',
    send: [{ type: 'gap', from: 2, to: 3, reason: 'x' }],
    code: 'bad-gap',
    close: 4400,
    expected: 1,
  },
  {
    row: 'Q8 a gap that ends before it starts',
    send: [{ type: 'gap', from: 1, to: 0, reason: 'x' }],
    code: 'bad-gap',
    close: 4400,
    expected: 1,
  },
  { row: 'Q8 a gap without a reason', send: [{ type: 'gap', from: 1, to: 1 }], code: 'bad-gap', close: 4400, expected: 1 },
  { row: 'Q13 an ack sent by a device', send: [{ type: 'ack', seq: 1 }], code: 'unknown-type' },
  { row: 'Q14 oldest above next', bare: true, send: [hello({ oldest: 3, next: 2 })], code: 'bad-message', close: 4400 },
  { row: 'Q14 next 0', bare: true, send: [hello({ next: 0 })], code: 'bad-message', close: 4400 },
  { row: 'Q14 fractions', bare: true, send: [hello({ next: 1.5 })], code: 'bad-message', close: 4400 },
  { row: 'J1 truncated JSON', bare: true, send: ['[{"n":"a","v":1}'], code: 'bad-json' },
  { row: 'J1 a comment', bare: true, send: ['[{"n":"a","v":1} /* x */]'], code: 'bad-json' },
  { row: 'J1 truncated JSON in a session with a stream', send: ['{"type":"readings","seq":1'], code: 'bad-json', close: 4400, expected: 1 },
  { row: 'J2 a number', bare: true, send: ['17'], code: 'bad-shape' },
  { row: 'J2 null', bare: true, send: ['null'], code: 'bad-shape' },
  { row: 'J2 an empty array', bare: true, send: ['[]'], code: 'bad-shape' },
  { row: 'J2 an object without type', bare: true, send: ['{}'], code: 'bad-shape' },
  { row: 'J3 10,000 levels', bare: true, send: ['['.repeat(10_000)], code: 'too-deep' },
  { row: 'J3 levels of objects', bare: true, send: ['{"a":'.repeat(5_000)], code: 'too-deep' },
  { row: 'J4 65 keys', bare: true, send: [`[{${Array.from({ length: 65 }, (_, i) => `"${i}":1`).join(',')}}]`], code: 'too-many-keys' },
  { row: 'J5 a forbidden key of the message', bare: true, send: ['{"type":"x","\\u005f_proto__":{}}'], code: 'forbidden-key' },
  { row: 'J8 NaN', bare: true, send: ['[{"n":"a","v":NaN}]'], code: 'bad-json' },
  ...[0, -1, 1.5, '"1"', true, null, 9007199254740993n].map((seq): Case => {
    const text = `{"type":"readings","seq":${seq},"readings":[{"n":"a","v":1}]}`;
    return { row: `${seq === 9007199254740993n ? 'J9' : 'J11'} seq ${seq}`, send: [text], code: 'bad-seq', close: 4400, expected: 1 };
  }),
  { row: 'J11 seq missing', send: ['{"type":"readings","readings":[]}'], code: 'bad-seq', close: 4400, expected: 1 },
  { row: 'J16 an unknown type', send: [{ type: 'nope' }], code: 'unknown-type' },
  { row: 'F19 an empty message', bare: true, send: [''], code: 'empty-message' },
];

let gateway: TestGateway;
let devices = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

test.for(CASES)('$row', async ({ send, bare, code, close, expected }) => {
  await using device = await gateway.device(`table-${++devices}`);
  if (bare === undefined) await device.hello(STREAM);
  for (const message of send) device.send(message);
  const error = await device.until((message) => message.type === 'error');
  expect(error).toMatchObject({ code, fatal: close !== undefined, ...(expected !== undefined && { expected }) });
  expect(error.message).not.toBe('');
  if (close !== undefined) expect(await device.closed()).toStrictEqual({ code: close, reason: code });
  else {
    device.send([{ n: 'still', v: 1 }]);
    expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
  }
});

test('Q3 Q11 a counter that was reset is told, and the device makes a new stream', async () => {
  {
    await using device = await gateway.device('q3-1');
    await device.hello(STREAM);
    for (let seq = 1; seq <= 3; seq++) device.send(reading(seq));
    await device.until((message) => message.type === 'ack' && message.seq === 3);
  }
  {
    await using device = await gateway.device('q3-1');
    device.send(hello({ oldest: 1, next: 3 }));
    expect(await device.next()).toMatchObject({ type: 'error', code: 'seq-regression', fatal: true });
    expect((await device.closed()).code).toBe(4409);
  }
  {
    await using device = await gateway.device('q3-1');
    expect((await device.hello(STREAM, { oldest: 1, next: 5 })).acked).toBe(3);
    device.send(reading(2));
    expect(await device.next()).toMatchObject({ type: 'error', code: 'seq-regression', expected: 4 });
    expect((await device.closed()).code).toBe(4409);
  }
  await using device = await gateway.device('q3-1');
  expect((await device.hello('stream-00002')).acked).toBe(0);
});

test('Q15 what a device no longer has becomes a gap row, and the stream goes on', async () => {
  await using lost = await gateway.device('q15-1');
  expect((await lost.hello(STREAM, { oldest: 11, next: 12 })).acked).toBe(10);
  await using restored = await gateway.device('q15-2');
  expect((await restored.hello(STREAM, { oldest: 21, next: 22, acked: 20 })).acked).toBe(20);
  lost.send(reading(11));
  expect(await lost.next()).toStrictEqual({ type: 'ack', seq: 11 });
  const { items } = (await gateway.admin('/v1/accounting?verify=true')).json();
  expect(items.filter((row: { device: string }) => row.device.startsWith('q15'))).toMatchObject([
    { device: 'q15-1', settled: 11, stored: 1, gaps: 10, unexplained: 0 },
    { device: 'q15-2', settled: 20, stored: 0, gaps: 20, unexplained: 0 },
  ]);
  const events = (await gateway.admin('/v1/events?device=q15-2')).json().items;
  expect(events).toContainEqual(expect.objectContaining({ type: 'store-went-back' }));
});

test('Q9 Q10 a 17th open stream retires the one unused longest, and too many new ones in an hour are refused', async () => {
  await using gateway = await startTestGateway({ limits: { openStreams: 2, newStreamsPerHour: 4 } });
  const say = async (stream: string) => {
    const device = await gateway.device('q9-1');
    device.send(hello({ stream }));
    const answer = await device.next();
    if (answer.type === 'welcome') device.ws.close();
    return { answer, closed: await device.closed() };
  };
  for (const stream of ['stream-a', 'stream-b', 'stream-c']) expect((await say(stream)).answer.type).toBe('welcome');
  expect(await say('stream-a')).toMatchObject({ answer: { code: 'stream-closed' }, closed: { code: 4409 } });
  expect((await say('stream-d')).answer.type).toBe('welcome');
  expect(await say('stream-e')).toMatchObject({ answer: { code: 'stream-quota' }, closed: { code: 4429 } });
});

test('J1 J16 too many unreadable or unknown messages in a minute close 4400', async () => {
  await using gateway = await startTestGateway({ limits: { unreadablePerMinute: 3, unknownPerMinute: 4 } });
  await using unreadable = await gateway.device('j1-1');
  for (let i = 0; i < 4; i++) unreadable.send('{');
  expect(await unreadable.closed()).toStrictEqual({ code: 4400, reason: 'bad-json' });
  await using unknown = await gateway.device('j1-2');
  for (let i = 0; i < 5; i++) unknown.send({ type: 'nope' });
  expect(await unknown.closed()).toStrictEqual({ code: 4400, reason: 'unknown-type' });
});

test('F8 F9 F17 frames over the limits close with the code of the rule they break', async () => {
  await using big = await gateway.device('f8-1');
  big.send(`["${'x'.repeat(65_533)}"]`);
  expect((await big.closed()).code).toBe(1009);
  await using binary = await gateway.device('f8-2');
  binary.ws.send(Buffer.from([1, 2, 3]));
  expect((await binary.closed()).code).toBe(1003);
  await using whole = await gateway.device('f8-3');
  whole.send(`[{"n":"a","vs":"${'x'.repeat(65_536 - 19)}"}]`);
  expect(await whole.next()).toMatchObject({ type: 'stored', readings: 0, errors: [{ code: 'too-long' }] });
});
