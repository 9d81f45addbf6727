// What was refused, from the outside: kept as it was sent, listed, stored after all or thrown away; and books that add up all the while.

import Database from 'better-sqlite3';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { SUBPROTOCOL } from '../../gateway/protocol/messages.ts';
import type { QuarantineView } from '../../gateway/protocol/rest.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { balanced, openQuarantinedDevice, type QuarantinedDevice } from '../support/quarantined-device.ts';

const STREAM = 'stream-00001';

let shared: TestGateway;
beforeAll(async () => {
  shared = await startTestGateway();
});
afterAll(() => shared[Symbol.asyncDispose]());
const newDevice = (gateway: TestGateway = shared): Promise<QuarantinedDevice> => openQuarantinedDevice(gateway);
function tamper(gateway: TestGateway, sql: string): void {
  const db = new Database(path.join(gateway.data, 'fieldgate.db'));
  db.exec(sql);
  db.close();
}

test('a refused record is kept as it was sent, letter by letter', async () => {
  const { post, rows } = await newDevice();
  const raws = [
    '{ "n" : "a", "v":1e400 }',
    '{"n":"a", "vs":"\\ud800"}',
    '5',
    '"]}"',
    '{"n":"a","v":1,"v":"two"}',
    '{"n":[{"\\"]":1}]}',
    'null',
  ];
  await post(`[ {"n":"ok","v":1},${raws.join(' ,\n')}]`);
  expect((await rows()).map(({ index, raw, encoding, base }) => [index, raw, encoding, base]).reverse()).toEqual(
    raws.map((raw, i) => [i + 1, raw, 'utf8', null]),
  );
});

test('a record of a numbered frame is found in it wherever the readings are', async () => {
  const house = await newDevice();
  await using device = await house.gateway.device(house.id);
  await device.hello(STREAM, { oldest: 1, next: 9 });
  device.send(
    '{"readings":[1],"note":{"readings":[{"n":"x"}]},"r\\u0065adings": [{"n":"a","v":1} , {"n":"b" } ],"seq":1,"type":"readings"}',
  );
  await device.until((message) => message.type === 'ack');
  expect(await house.rows()).toMatchObject([{ raw: '{"n":"b" }', index: 1, seq: 1, stream: STREAM, replayedAtMs: null }]);
});

test('what is no UTF-8 is kept as base64, and so is a record of CBOR', async () => {
  const house = await newDevice();
  const bytes = Buffer.from('[{"n":"\xff","v":1}]', 'latin1');
  expect((await house.post(bytes)).status).toBe(400);
  await using device = await house.gateway.device(house.id, { subprotocols: [SUBPROTOCOL.cbor] });
  device.send([{ n: 'a', v: 1 }, { n: 'b' }]);
  await device.next();
  expect(await house.rows()).toMatchObject([
    { encoding: 'base64', raw: Buffer.from(encodeCbor({ n: 'b' })).toString('base64'), code: 'no-value' },
    { encoding: 'base64', raw: bytes.toString('base64'), code: 'bad-json', seq: 0, index: null },
  ]);
});

test('the list is by device and code, newest first, in pages that belong to their question', async () => {
  const { id, post, rows, ask } = await newDevice();
  for (const v of [1, 2, 3, 4]) await post([{ n: 'm', v: String(v) }, { n: `n${v}` }]);
  expect((await rows()).map((row) => row.code)).toEqual(Array(4).fill(['no-value', 'wrong-type']).flat());
  const first = (await ask('GET', `/v1/quarantine?device=${id}&code=no-value&limit=3`)).json();
  expect(first.items.map((row: QuarantineView) => row.raw)).toEqual(['{"n":"n4"}', '{"n":"n3"}', '{"n":"n2"}']);
  const second = (await ask('GET', `/v1/quarantine?device=${id}&code=no-value&limit=3&next=${first.next}`)).json();
  expect([second.items.map((row: QuarantineView) => row.raw), second.next]).toEqual([['{"n":"n1"}'], null]);
  expect((await ask('GET', `/v1/quarantine?device=${id}&code=wrong-type&limit=3&next=${first.next}`)).json().code).toBe('bad-token');
  expect((await ask('GET', '/v1/quarantine?code=no-value&limit=1')).json().items).toMatchObject([{ raw: '{"n":"n4"}' }]);
});

test('an amended record gets the name, unit, value and time that its pack gave it, and is stored once', async () => {
  const house = await newDevice();
  const { id, post, rows, replay, readings, ask } = house;
  await post([
    { bn: 'x:', bt: 1_700_000_000.123456, bu: 'Cel', bv: 20 },
    { n: 'a', v: 1 },
    { n: 'b', v: '2', t: 1 },
    { bn: 'y:', n: 'c', v: 3 },
  ]);
  const [row] = await rows();
  expect(row).toMatchObject({
    code: 'wrong-type',
    raw: '{"n":"b","v":"2","t":1}',
    base: { bn: 'x:', bt: 1_700_000_000.123456, bu: 'Cel', bv: 20 },
  });
  expect(await replay(row.id)).toEqual([422, 'still-refused']);
  expect(await replay(row.id, '{"n":"b","v":2,"t":1}')).toEqual([200, 1]);
  expect(await replay(row.id, '{"n":"b","v":2,"t":1}')).toEqual([200, 'duplicate']);
  expect(await readings('x:b')).toEqual([[1_700_000_001_123.456, 22]]);
  const { json } = await ask('GET', `/v1/devices/${id}/series`);
  expect(json().items).toContainEqual(expect.objectContaining({ metric: 'x:b', unit: 'Cel' }));
  expect((await rows())[0].replayedAtMs).toBeGreaterThan(row.atMs);
  expect(await balanced(house)).toMatchObject([
    { stream: '~http', stored: 1, refused: 1 },
    { stream: '~replay', settled: 1, stored: 1, readings: 1 },
  ]);
});

test.each([
  ['bn', 5],
  ['bt', '1700000000'],
  ['bu', null],
  ['bv', true],
  ['bver', 11],
])('a record behind a %s of %o stays refused alone too, until it is said', async (label, wrong) => {
  const { post, rows, replay, readings } = await newDevice();
  await post([{ [label]: wrong }, { n: 'm', v: 1 }]);
  const [row] = await rows();
  expect(row).toMatchObject({ raw: '{"n":"m","v":1}', base: { [label]: null } });
  expect(await replay(row.id)).toEqual([422, 'still-refused']);
  const right = { bn: '', bt: 1_700_000_000, bu: 'Cel', bv: 0, bver: 10 }[label];
  expect(await replay(row.id, JSON.stringify({ [label]: right, n: 'm', v: 1 }))).toEqual([200, 1]);
  expect((await readings('m')).length).toBe(1);
});

test('a replayed record without a time has the time at which it came, even behind newer ones', async () => {
  const { post, rows, replay, readings, gateway } = await newDevice();
  await post([{ n: 'm', v: '1' }]);
  const [row] = await rows();
  await post([{ n: 'm', v: 2 }]);
  await gateway.restart();
  expect(await replay(row.id, '{"n":"m","v":1}')).toEqual([200, 1]);
  const [first, second] = (await readings('m')) as number[][];
  expect(first).toEqual([row.atMs, 1]);
  expect(second[1]).toBe(2);
});

test('a whole frame is amended to a pack; what is bad of it stays in quarantine anew', async () => {
  const house = await newDevice();
  const { post, rows, replay, readings } = house;
  expect((await post('[{"n":"m","v":1},{"n":"m","v":2},')).json().code).toBe('bad-json');
  const [row] = await rows();
  expect(await replay(row.id)).toEqual([422, 'still-refused']);
  expect(await replay(row.id, '[{"bn":"q:"},{"n":"m","v":1},{"n":"m"}]')).toEqual([200, 1]);
  expect((await readings('q:m')).length).toBe(1);
  expect(await rows()).toMatchObject([
    { stream: '~replay', seq: 1, index: 2, raw: '{"n":"m"}', base: { bn: 'q:' }, code: 'no-value', atMs: row.atMs },
    { id: row.id, replayedAtMs: expect.any(Number) },
  ]);
  await balanced(house);
});

test('a record of CBOR is replayed by the rules of today', async () => {
  const house = await newDevice();
  await using device = await house.gateway.device(house.id, { subprotocols: [SUBPROTOCOL.cbor] });
  device.send([
    { bn: 'm', v: 1 },
    { n: 'ü', v: 3 },
  ]);
  await device.next();
  const [row] = await house.rows();
  expect(row).toMatchObject({ code: 'bad-name', encoding: 'base64' });
  expect(await house.replay(row.id)).toEqual([422, 'still-refused']);
  // as if the rule had changed: the row has a name that passes now
  tamper(
    house.gateway,
    `UPDATE quarantine SET raw = '${Buffer.from(encodeCbor({ n: 'x', v: 3 })).toString('base64')}' WHERE id = ${row.id}`,
  );
  expect(await house.replay(row.id)).toEqual([200, 1]);
  expect((await house.readings('mx')).length).toBe(1);
});

test('replays of one row at the same moment, and after a restart, store it once', async () => {
  const house = await newDevice();
  const { post, rows, replay, readings, gateway } = house;
  await post([{ n: 'm', v: '1' }]);
  const [row] = await rows();
  const answers = await Promise.all(Array.from({ length: 5 }, () => replay(row.id, '{"n":"m","v":1}')));
  for (const [what, count] of [
    [1, 1],
    ['duplicate', 4],
  ])
    expect(answers.filter((answer) => answer[1] === what)).toHaveLength(count as number);
  await gateway.restart();
  expect(await replay(row.id, '{"n":"m","v":1}')).toEqual([200, 'duplicate']);
  expect((await readings('m')).length).toBe(1);
  await balanced(house);
});

test('what an operator throws away is gone, on the books and in the audit', async () => {
  const house = await newDevice();
  const { id, post, rows, ask, gateway } = house;
  await post([
    { n: 'm', v: '1' },
    { n: 'm', v: 2 },
  ]);
  await post('[');
  await post([{ n: 'm' }]);
  const all = await rows();
  expect((await ask('DELETE', `/v1/quarantine/${all[0].id}`)).status).toBe(204);
  expect((await ask('DELETE', `/v1/quarantine/${all[0].id}`)).status).toBe(404);
  expect(await balanced(house)).toMatchObject([{ refused: 2, discarded: 1, evicted: 0, quarantined: 1, stored: 1 }]);
  expect((await ask('DELETE', `/v1/quarantine?device=${id}`)).json()).toEqual({ discarded: 2 });
  expect(await rows()).toEqual([]);
  expect(await balanced(house)).toMatchObject([{ refused: 2, discarded: 2 }]);
  expect((await ask('DELETE', '/v1/quarantine')).status).toBe(400);
  const audit = (await gateway.admin('/v1/audit?limit=20')).json().items.filter((act: { target: string }) => act.target === id);
  expect(audit.map((act: { act: string; actor: string }) => [act.act, act.actor])).toEqual([
    ['quarantine.discard', 'key test operator'],
    ['quarantine.discard', 'key test operator'],
    ['device.create', 'local'],
  ]);
  const events = (await ask('GET', `/v1/events?device=${id}`)).json().items;
  expect(events.map((event: { type: string }) => event.type)).toEqual(['quarantine-discarded', 'quarantine-discarded']);
});

test.each(['0', '-1', 'x', '1e3', '99999999999999999999', '999999999'])('there is no row %s to replay or to throw away', async (id) => {
  const { ask } = await newDevice();
  expect((await ask('POST', `/v1/quarantine/${id}/replay`)).json().code).toBe('not-found');
  expect((await ask('DELETE', `/v1/quarantine/${id}`)).json().code).toBe('not-found');
});

test('a device keeps its newest rows within its bound, and takes nothing from another', async () => {
  await using own = await startTestGateway({ limits: { quarantineDeviceBytes: 64 * 1024, quarantineBytes: 150 * 1024 } });
  const [quiet, loud, louder] = [await newDevice(own), await newDevice(own), await newDevice(own)];
  await quiet.post([{ n: 'evidence' }]);
  const flood = Array.from({ length: 500 }, (_, i) => ({ n: `m${i}`, vs: 5 }));
  for (let n = 0; n < 3; n++) await loud.post(flood);
  for (let n = 0; n < 3; n++) await louder.post(flood);
  const kept = await loud.rows('&limit=1000');
  expect(kept[0]).toMatchObject({ index: 499, seq: 3 });
  expect(kept.length).toBeGreaterThan(200);
  expect(kept.length).toBeLessThan(500);
  expect(await quiet.rows()).toMatchObject([{ raw: '{"n":"evidence"}' }]);
  const [books] = await balanced(loud);
  expect(books).toMatchObject({ refused: 1500, evicted: 1500 - kept.length, discarded: 0, quarantined: 3 });
  expect(await own.observe.metrics()).toMatch(/^fieldgate_rows_dropped_total\{table="quarantine"\} [1-9]/m);
  await own.restart();
  expect(await balanced(loud)).toMatchObject([books]);
  await loud.post(flood);
  expect((await balanced(loud))[0].refused).toBe(2000);
});

test('when all of it is too much, the device that has the most gives up its oldest', async () => {
  await using own = await startTestGateway({ limits: { quarantineDeviceBytes: 96 * 1024, quarantineBytes: 112 * 1024 } });
  const [small, large] = [await newDevice(own), await newDevice(own)];
  const rowsOf = (count: number): object[] => Array.from({ length: count }, (_, i) => ({ n: `m${i}`, vs: 5 }));
  await large.post(rowsOf(500));
  await small.post(rowsOf(300));
  await small.post(rowsOf(60));
  expect(await small.rows('&limit=1000')).toHaveLength(360);
  const left = await large.rows('&limit=1000');
  expect([left.length < 500, left[0].index]).toEqual([true, 499]);
  expect((await balanced(large))[0].evicted).toBe(500 - left.length);
  expect((await balanced(small))[0].evicted).toBe(0);
});

test.each([
  ['a reading is taken out of the log', 'DELETE FROM log WHERE position = (SELECT max(position) FROM log)'],
  ['a frame is taken out', 'DELETE FROM frames WHERE id = (SELECT max(id) FROM frames)'],
  ['a gap is taken out', 'DELETE FROM gaps'],
  ['a refused record is taken out of quarantine', 'DELETE FROM quarantine'],
  ['a total says one reading more', 'UPDATE streams SET readings = readings + 1'],
  ['a total says one refused record less', 'UPDATE streams SET refused = refused - 1'],
  ['a total says one frame more', 'UPDATE streams SET frames_stored = frames_stored + 1'],
  ['the mark is one too high', 'UPDATE streams SET acked = acked + 1'],
  ['a reading went to another device', 'UPDATE series SET device = device || 2'],
])('verify=true finds it when %s', async (_, sql) => {
  await using own = await startTestGateway();
  const house = await newDevice(own);
  const numbered = (seq: number): Record<string, string> => ({ 'Fieldgate-Stream': STREAM, 'Fieldgate-Seq': String(seq) });
  await house.post([{ n: 'm', v: 1 }, { n: 'm' }], numbered(1));
  await house.post([{ n: 'm', v: 1 }], { ...numbered(4), 'Fieldgate-Gap': '2-3;lost' });
  await balanced(house);
  tamper(own, sql);
  const [row] = await house.books(true);
  expect(row.unexplained).not.toBe(0);
});

test('the books add up at any moment while data flows', async () => {
  const house = await newDevice();
  await using device = await house.gateway.device(house.id);
  await device.hello(STREAM);
  let isSending = true;
  const sending = (async () => {
    for (let seq = 1; seq <= 400; seq++) {
      device.send({
        type: 'readings',
        seq,
        readings:
          seq % 5 === 0
            ? [{ n: 'm' }]
            : [
                { n: 'm', v: seq },
                { n: 'm', vs: seq },
              ],
      });
      if (seq % 20 === 0) await device.until((message) => message.type === 'ack' && message.seq === seq);
    }
    isSending = false;
  })();
  while (isSending) for (const verify of [true, false]) for (const row of await house.books(verify)) expect(row.unexplained).toBe(0);
  await sending;
  expect(await balanced(house)).toMatchObject([{ settled: 400, stored: 320, quarantined: 80, refused: 400, readings: 320 }]);
});
