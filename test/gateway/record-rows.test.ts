// What records may say, through the wire: what is refused is told with its index and kept as it was sent, what is good beside it is stored.

import { Encoder } from 'cbor-x';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CborValue, encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const CBOR = { subprotocols: ['fieldgate.v1.cbor'] };
const STREAM = 'stream-00001';
let gateway: TestGateway;
let devices = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const newDevice = (): string => `rows-${++devices}`;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const quarantine = async (device: string) => (await gateway.admin(`/v1/quarantine?device=${device}`)).json().items;

interface Stored {
  readonly metric: string;
  readonly unit: string;
  readonly readings: readonly (readonly [timeMs: number, value: unknown])[];
}
/** Everything that the device has in the store, a series each. */
async function stored(device: string): Promise<readonly Stored[]> {
  const { items } = (await gateway.admin(`/v1/devices/${device}/series`)).json();
  const all: Stored[] = [];
  for (const metric of new Set<string>(items.map((series: Stored) => series.metric))) {
    const query = `device=${device}&metric=${encodeURIComponent(metric)}&from=-9007199254740&to=9007199254740`;
    const page = (await gateway.admin(`/v1/readings?${query}`)).json();
    all.push(...(page.series ?? [page]));
  }
  return all;
}

test.for([
  ['J7 1e400', '{"n":"a","v":1e400}', 'non-finite'],
  ['J7 -1e400', '{"n":"a","v":-1e400}', 'non-finite'],
  ['J12 a name with NUL', '{"n":"a\\u0000","v":1}', 'bad-name'],
  ['J12 a name with a C1 control', '{"n":"a\\u0085","v":1}', 'bad-name'],
  ['J12 a name with a bidi override', '{"n":"a\\u202eb","v":1}', 'bad-name'],
  ['J12 a name with a bidi isolate', '{"n":"a\\u2066b","v":1}', 'bad-name'],
  ['J12 a name with an ANSI escape', '{"n":"\\u001b[31mred","v":1}', 'bad-name'],
  ['J12 NUL in a text', '{"n":"a","vs":"a\\u0000b"}', 'not-well-formed'],
  ['J13 a lone surrogate in a text', '{"n":"a","vs":"\\ud800"}', 'not-well-formed'],
  ['J13 a lone surrogate in a unit', '{"n":"a","u":"\\udfff","v":1}', 'not-well-formed'],
  ['J13 a lone surrogate in a name', '{"n":"\\ud800","v":1}', 'bad-name'],
  ['J14 a name of 129 bytes', `{"n":"${'a'.repeat(129)}","v":1}`, 'too-long'],
  ['J14 a text of 1,025 bytes', `{"n":"a","vs":"${'x'.repeat(1025)}"}`, 'too-long'],
  ['J15 markup', '{"n":"<img src=x onerror=alert(1)>","v":1}', 'bad-name'],
  ['J15 SQL', '{"n":"\'; DROP TABLE log; --","v":1}', 'bad-name'],
  ['J15 a path', '{"n":"../../etc/passwd","v":1}', 'bad-name'],
  ['J15 a formula', '{"n":"=cmd|x","v":1}', 'bad-name'],
  ['J15 a lookup', '{"n":"${jndi:ldap://x}","v":1}', 'bad-name'],
  ['J17 an unknown label that ends in _', '{"n":"a","v":1,"x_":null}', 'must-understand'],
  ['S1 no value', '{"n":"a"}', 'no-value'],
  ['S1 base fields and a name', '{"bn":"b/","n":"a"}', 'no-value'],
  ['S2 a number and a boolean', '{"n":"a","v":1,"vb":true}', 'multiple-values'],
  ['S2 a text and a number', '{"n":"a","vs":"1","v":1}', 'multiple-values'],
  ['S4 a label that must be understood', '{"n":"a","v":1,"foo_":{}}', 'must-understand'],
  ['S6 an empty name', '{"n":"","v":1}', 'bad-name'],
  ['S6 no name', '{"v":1}', 'bad-name'],
  ['S6 a name that starts with a dash', '{"n":"-a","v":1}', 'bad-name'],
  ['S6 a name with a space', '{"n":"a b","v":1}', 'bad-name'],
  ['S6 a name with an umlaut', '{"n":"flüssig","v":1}', 'bad-name'],
  ['S6 a resolved name of 129 bytes', `{"bn":"${'b'.repeat(100)}","n":"${'a'.repeat(29)}","v":1}`, 'too-long'],
  ['S11 a unit of 100 characters', `{"n":"a","u":"${'x'.repeat(100)}","v":1}`, 'bad-unit'],
  ['S12 opaque data', '{"n":"a","vd":"AA"}', 'unsupported-value'],
  ['S12 a sum', '{"n":"a","s":1}', 'unsupported-value'],
  ['S13 a boolean as text', '{"n":"a","vb":"true"}', 'wrong-type'],
  ['S13 a number as text', '{"n":"a","v":"21.5"}', 'wrong-type'],
  ['S13 a record that is no object', '"a"', 'wrong-type'],
  ['S1 a record of nothing', '{}', 'no-value'],
  ['S1 labels that nobody knows', '{"name":"c","value":3}', 'no-value'],
  ['S16 an update time below zero', '{"n":"a","v":1,"ut":-1}', 'wrong-type'],
  ['S16 an update time that is no number', '{"n":"a","v":1,"ut":"1"}', 'wrong-type'],
] as const)('%s is refused in its place, and kept as it was sent', async ([, record, code]) => {
  const id = newDevice();
  await using device = await gateway.device(id);
  device.send(`[{"n":"good","v":1}, ${record} ,{"bn":"","n":"good","v":2}]`);
  const answer = await device.next();
  expect(answer).toStrictEqual({ type: 'stored', readings: 2, errors: [{ index: 1, code, message: expect.stringMatching(/\S/) }] });
  expect(await quarantine(id)).toMatchObject([{ device: id, stream: '~ws', index: 1, code, raw: record, encoding: 'utf8' }]);
  const values = (await stored(id)).map(({ metric, readings }) => [metric, readings.map(([, value]) => value)]);
  expect(values).toStrictEqual([['good', [1, 2]]]);
});

test.for([
  ['S3 version 11', '{"bver":11,"n":"a","v":1}', 'unsupported-version'],
  ['S3 version "10"', '{"bver":"10","n":"a","v":1}', 'unsupported-version'],
  ['S13 a base name that is no text', '{"bn":1,"n":"a","v":1}', 'wrong-type'],
] as const)('%s is refused with all that comes after it, and what came before is stored', async ([, record, code]) => {
  const id = newDevice();
  await using device = await gateway.device(id);
  device.send(`[{"n":"good","v":1},${record},{"n":"good","v":2}]`);
  const answer = await device.next();
  expect(answer).toMatchObject({
    type: 'stored',
    readings: 1,
    errors: [
      { index: 1, code },
      { index: 2, code },
    ],
  });
  expect(await quarantine(id)).toMatchObject([
    { index: 2, raw: '{"n":"good","v":2}' },
    { index: 1, raw: record },
  ]);
});

test.for([
  ['J5 __proto__ in a record', '[{"n":"a","v":1},{"__proto__":{"x":1},"n":"b","v":1}]', 'forbidden-key'],
  ['J5 an escaped __proto__, deep inside', '[{"n":"a","v":1,"x":[{"\\u005f_proto__":1}]}]', 'forbidden-key'],
  ['J5 constructor', '[{"n":"a","v":1,"constructor":{"prototype":{"x":1}}}]', 'forbidden-key'],
  ['J14 1,001 readings', JSON.stringify(Array(1001).fill({ n: 'a', v: 1 })), 'too-many-readings'],
  ['S14 base fields only', '[{"bn":"a","bt":1}]', 'empty-pack'],
] as const)('%s refuses the whole frame, which is kept', async ([, pack, code]) => {
  const id = newDevice();
  await using device = await gateway.device(id);
  device.send(pack);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 0, errors: [{ code, message: expect.stringMatching(/\S/) }] });
  expect(await quarantine(id)).toMatchObject([{ index: null, code, raw: pack }]);
  expect(await stored(id)).toStrictEqual([]);
  expect({}).not.toHaveProperty('x');
});

test.for([
  ['J1 an end that is missing', '[{"n":"a","v":1}', 'bad-json', 'Look at character 16.'],
  ['J1 garbage behind', '[{"n":"a","v":1}]x', 'bad-json', 'Look at character 17.'],
  ['J1 a comment', '[{"n":"a"/**/,"v":1}]', 'bad-json', 'Look at character 9.'],
  ['J1 a byte order mark', '\ufeff[{"n":"a","v":1}]', 'bad-json', 'Look at character 0.'],
  ['J1 single quotes', "[{'n':'a','v':1}]", 'bad-json', 'Look at character 2.'],
  ['J2 a text', '"readings"', 'bad-shape', ''],
  ['J2 true', 'true', 'bad-shape', ''],
  ['J3 depth 9', '[{"n":"a","v":1,"x":[[[[[[[]]]]]]]}]', 'too-deep', ''],
  ['J3 32,000 levels', '['.repeat(32_000), 'too-deep', ''],
  ['J4 6,000 keys that look like numbers', `[{${Array.from({ length: 6000 }, (_, i) => `"${i}":1`)}}]`, 'too-many-keys', ''],
  ['J8 Infinity', '[{"n":"a","v":Infinity}]', 'bad-json', 'Look at character 14.'],
  ['J26 white space alone', ' \t\r\n'.repeat(16_384), 'bad-json', 'Look at character 65536.'],
] as const)('%s can not be read; it is kept, and told where it is wrong', async ([, text, code, detail]) => {
  const id = newDevice();
  await using device = await gateway.device(id);
  device.send(text);
  const error = await device.next();
  expect(error).toMatchObject({ type: 'error', code, fatal: false, message: expect.stringContaining(detail) });
  expect(error.message).not.toContain(text.slice(0, 10));
  expect(await quarantine(id)).toMatchObject([{ index: null, seq: 0, code, raw: text }]);
  device.send([{ n: 'still', v: 1 }]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
});

test('J1 a POST that is no UTF-8 is refused, and its bytes are kept', async () => {
  const id = newDevice();
  const headers = { Authorization: `Bearer ${await gateway.addDevice(id)}`, 'Content-Type': 'application/json' };
  const body = Buffer.concat([Buffer.from('[{"n":"a","vs":"'), hex('ff c3'), Buffer.from('"}]')]);
  const answer = await gateway.request('/v1/readings', { method: 'POST', headers, body });
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'bad-json' });
  const [row] = await quarantine(id);
  expect(row).toMatchObject({ code: 'bad-json', encoding: 'base64' });
  expect(Buffer.from(row.raw, 'base64')).toStrictEqual(body);
  // the character that stands for broken ones is a character like others
  const good = { method: 'POST', headers, body: '[{"n":"a","vs":"\ufffd"}]' };
  expect((await gateway.request('/v1/readings', good)).status).toBe(200);
});

const AT = 1_700_000_000;
const AT_MS = AT * 1000;
test.for([
  ['J6 of a key that comes twice the last', `[{"n":"x","v":1,"n":"a","v":2,"t":${AT}}]`, [['a', '', AT_MS, 2]]],
  ['J10 −0 as 0', `[{"n":"a","v":-0,"t":${AT}}]`, [['a', '', AT_MS, 0]]],
  ['J10 1E-400 as 0', `[{"n":"a","v":1E-400,"t":${AT}}]`, [['a', '', AT_MS, 0]]],
  ['J10 many digits as the nearest double', `[{"n":"a","v":0.1${'0'.repeat(300)}1,"t":${AT}}]`, [['a', '', AT_MS, 0.1]]],
  [
    'J12 controls in a text',
    `[{"n":"a","vs":"\\u001b[31m\\u202e\\u2066\\u0085","t":${AT}}]`,
    [['a', '', AT_MS, '\u001b[31m\u202e\u2066\u0085']],
  ],
  ['J14 a text of 1,024 bytes', `[{"n":"a","vs":"${'ü'.repeat(512)}","t":${AT}}]`, [['a', '', AT_MS, 'ü'.repeat(512)]]],
  ['J17 S5 a record with unknown labels', `[{"n":"a","v":1,"t":${AT},"foo":{"_":[1]},"_x":2}]`, [['a', '', AT_MS, 1]]],
  ['J26 a pack in 64 KiB of white space', `[{"n":"a",\t"v" : 1 , "t":${AT}}]`.padStart(65_536, ' \r\n'), [['a', '', AT_MS, 1]]],
  ['S3 version 10', `[{"bver":10,"n":"a","v":1,"t":${AT}}]`, [['a', '', AT_MS, 1]]],
  ['S6 a name of 128 bytes', `[{"n":"${'a'.repeat(128)}","v":1,"t":${AT}}]`, [['a'.repeat(128), '', AT_MS, 1]]],
  ['S8 a time that integers just hold', '[{"n":"a","v":1,"t":9007199254.739}]', [['a', '', 9007199254739, 1]]],
  ['S8 a time before 1970', '[{"n":"a","v":1,"t":-2208988800.5}]', [['a', '', -2208988800500, 1]]],
  [
    'S9 times that go backwards',
    `[{"n":"a","v":1,"t":${AT + 1}},{"n":"a","v":2,"t":${AT}}]`,
    [
      ['a', '', AT_MS, 2],
      ['a', '', AT_MS + 1000, 1],
    ],
  ],
  [
    'S10 two values of one time',
    `[{"n":"a","v":1,"t":${AT}},{"n":"a","v":2,"t":${AT}}]`,
    [
      ['a', '', AT_MS, 1],
      ['a', '', AT_MS, 2],
    ],
  ],
  ['S11 a unit that nobody knows', `[{"n":"a","u":"furlong/fortnight","v":1,"t":${AT}}]`, [['a', 'furlong/fortnight', AT_MS, 1]]],
] as const)('%s is stored', async ([, pack, expected]) => {
  const id = newDevice();
  await using device = await gateway.device(id);
  device.send(pack);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: expected.length });
  const rows = (await stored(id)).flatMap(({ metric, unit, readings }) => readings.map(([timeMs, value]) => [metric, unit, timeMs, value]));
  expect(rows).toStrictEqual(expected);
  expect(await quarantine(id)).toStrictEqual([]);
});

test('S7 S8 a time that is relative, or that nothing can hold, is told from the moment of receipt', async () => {
  const id = newDevice();
  await using device = await gateway.device(id);
  const startedMs = Date.now();
  device.send('[{"n":"a","v":1,"t":-60},{"n":"b","v":2,"t":1e300},{"n":"c","v":3,"t":1e400},{"n":"d","v":4,"t":253402300799}]');
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 4 });
  const endedMs = Date.now();
  for (const { metric, readings } of await stored(id)) {
    const backMs = metric === 'a' ? 60_000 : 0;
    expect(readings[0][0] + backMs).toBeGreaterThanOrEqual(startedMs);
    expect(readings[0][0] + backMs).toBeLessThanOrEqual(endedMs + 1);
  }
  const { items } = (await gateway.admin(`/v1/events?device=${id}`)).json();
  expect(items).toContainEqual(expect.objectContaining({ type: 'clock-suspect' }));
});

test.for([
  ['J19 60,000 arrays in each other', '81'.repeat(60_000), 'too-deep'],
  ['J20 an array of 2^32 items', '9b 0000000100000000', 'bad-cbor'],
  ['J21 an array without length', '9f a1 02 01', 'indefinite-not-allowed'],
  ['J21 a text without length', '81 a1 00 7f 6161', 'indefinite-not-allowed'],
  ['J22 a date', '81 a2 00 6161 02 c1 1a514b67b0', 'tag-not-allowed'],
  ['J22 undefined', '81 a2 00 6161 02 f7', 'tag-not-allowed'],
  ['J23 a label that is no text and no integer', '81 a1 80 01', 'bad-cbor'],
  ['J23 a label twice', '81 a3 00 6161 02 01 6176 02', 'bad-cbor'],
  ['J23 __proto__', '81 a1 695f5f70726f746f5f5f a0', 'forbidden-key'],
  ['J25 a byte behind', '81 a2 00 6161 02 01 00', 'bad-cbor'],
  ['J25 two items', '81 a2 00 6161 02 01 81 a2 00 6161 02 01', 'bad-cbor'],
] as const)('%s ends a session with 4400, and is kept', async ([, bytes, code]) => {
  const id = newDevice();
  await using device = await gateway.device(id, CBOR);
  await device.hello(STREAM);
  device.send(hex(bytes));
  expect(await device.next()).toMatchObject({ type: 'error', code, fatal: true, expected: 1 });
  expect(await device.closed()).toStrictEqual({ code: 4400, reason: code });
  await expect.poll(() => quarantine(id)).toMatchObject([{ index: null, seq: 0, code }]);
  const [row] = await quarantine(id);
  // bytes that are text are kept as text
  expect(Buffer.from(row.raw, row.encoding)).toStrictEqual(hex(bytes));
  expect({}).not.toHaveProperty('polluted');
});

test('J24 numbers that are none are refused one by one, each kept as its bytes, and their frame settles', async () => {
  const id = newDevice();
  await using device = await gateway.device(id, CBOR);
  await device.hello(STREAM);
  const records = ['a2 00 6161 02 f97e00', 'a2 00 6161 02 fb7ff0000000000001', 'a2 00 6161 02 f97c00', 'a2 00 6161 02 01'];
  const message = `a3 6474797065 6872656164696e6773 63736571 01 6872656164696e6773 84 ${records.join(' ')}`;
  device.send(hex(message));
  const reject = await device.next();
  expect(reject).toMatchObject({ type: 'reject', seq: 1 });
  expect(reject.errors.map(({ index, code }: { index: number; code: string }) => [index, code])).toStrictEqual([
    [0, 'non-finite'],
    [1, 'non-finite'],
    [2, 'non-finite'],
  ]);
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
  const rows: { index: number; raw: string; encoding: string }[] = await quarantine(id);
  expect(new Set(rows.map(({ index }) => index))).toStrictEqual(new Set([0, 1, 2]));
  expect(rows.map(({ encoding }) => encoding)).toStrictEqual(['base64', 'base64', 'base64']);
  for (const { index, raw } of rows) expect(Buffer.from(raw, 'base64')).toStrictEqual(hex(records[index]));
});

test('one model sent as JSON, as CBOR with texts and as CBOR with integer labels is stored three times alike', async () => {
  const pack: CborValue = [
    { bn: 'urn:dev:ow:10e2073a01080063:', bt: 1320067464.25, bu: '%RH', n: 'humidity', v: 20 },
    { n: 'humidity', t: 60, v: 20.3 },
    { n: 'long', u: 'lon', v: 24.30621 },
    { n: 'door', vb: true },
    { n: 'state', vs: 'läuft 𐅑', t: -1 },
    { n: 'bad name', v: 1 },
    { bv: 0.5, n: 'offset', v: -1e-7, ut: 10 },
  ];
  const labels = ['n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut'];
  const bases = ['bver', 'bn', 'bt', 'bu', 'bv'];
  const numbered = (label: string): number => (labels.includes(label) ? labels.indexOf(label) : -1 - bases.indexOf(label));
  const asMaps = pack.map((record) => new Map(Object.entries(record as object).map(([label, value]) => [numbered(label), value])));
  const ways = [
    { options: {}, frame: JSON.stringify(pack) },
    { options: CBOR, frame: Buffer.from(encodeCbor(pack)) },
    { options: CBOR, frame: new Encoder({ useRecords: false, mapsAsObjects: false }).encode(asMaps) },
  ];
  const outcomes = [];
  for (const { options, frame } of ways) {
    const id = newDevice();
    await using device = await gateway.device(id, options);
    device.send(frame);
    const answer = await device.next();
    const series = (await stored(id)).map(({ metric, unit, readings }) => ({ metric, unit, readings }));
    outcomes.push({ answer, series });
  }
  expect(outcomes[0].answer).toMatchObject({ type: 'stored', readings: 6, errors: [{ index: 5, code: 'bad-name' }] });
  expect(outcomes[1]).toStrictEqual(outcomes[0]);
  expect(outcomes[2]).toStrictEqual(outcomes[0]);
});
