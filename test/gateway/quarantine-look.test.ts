// Quarantine looked at: found by text, discarded by what fits, how full it is, and what a replay would do.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { balanced, openQuarantinedDevice, type QuarantinedDevice } from '../support/quarantined-device.ts';

let shared: TestGateway;
beforeAll(async () => {
  shared = await startTestGateway();
});
afterAll(() => shared[Symbol.asyncDispose]());
const newDevice = (gateway: TestGateway = shared): Promise<QuarantinedDevice> => openQuarantinedDevice(gateway);

test('rows are found by a text in them, whatever its case and marks, and discarded by it up to the newest that was seen', async () => {
  const { id, post, rows, ask } = await newDevice();
  for (const name of ['Needle-1', '100%_', 'other']) await post([{ n: name, v: 'x' }]);
  expect((await rows('&text=nEEDLE')).map((row) => row.raw)).toEqual(['{"n":"Needle-1","v":"x"}']);
  expect((await rows('&text=%25_')).map((row) => row.raw)).toEqual(['{"n":"100%_","v":"x"}']);
  expect((await rows('&text=wrong%20type')).length).toBe(3);
  const [newest, second] = await rows();
  expect((await rows(`&upTo=${second.id}`)).map((row) => row.id)).toEqual((await rows()).slice(1).map((row) => row.id));
  const page = (await ask('GET', `/v1/quarantine?device=${id}&text=x&limit=1`)).json();
  expect((await ask('GET', `/v1/quarantine?device=${id}&text=y&limit=1&next=${page.next}`)).json().code).toBe('bad-token');
  await post([{ n: 'needle-2', v: 'x' }]);
  const gone = await ask('DELETE', `/v1/quarantine?device=${id}&text=needle&upTo=${newest.id}`);
  expect(gone.json()).toEqual({ discarded: 1 });
  expect((await rows()).map((row) => row.raw)).toEqual(['{"n":"needle-2","v":"x"}', '{"n":"other","v":"x"}', '{"n":"100%_","v":"x"}']);
  const all = await ask('DELETE', '/v1/quarantine?upTo=9999');
  expect([all.status, all.json().code, all.json().errors[0].pointer]).toEqual([400, 'bad-request', '?device']);
});

test('by code the rows of several devices go, and their books go on adding up', async () => {
  const [one, other] = [await newDevice(), await newDevice()];
  for (const { post } of [one, other]) await post([{ n: 'a', v: 1 }, { n: 'b', vs: 'x'.repeat(2000) }, { n: 'c' }]);
  expect((await one.ask('DELETE', '/v1/quarantine?code=too-long')).json().discarded).toBe(2);
  for (const house of [one, other]) {
    expect((await house.rows()).map((row) => row.code)).toEqual(['no-value']);
    expect((await balanced(house))[0]).toMatchObject({ refused: 2, discarded: 1 });
  }
});

test('how full it is: rows and bytes by device and code, with the limits and what went for room', async () => {
  await using gateway = await startTestGateway({ limits: { quarantineDeviceBytes: 2000 } });
  const { id, post, ask } = await newDevice(gateway);
  expect((await ask('GET', '/v1/quarantine/size')).json()).toEqual({
    rows: 0,
    bytes: 0,
    evicted: 0,
    limitBytes: 256 * 2 ** 20,
    deviceLimitBytes: 2000,
    devices: [],
    codes: [],
  });
  for (let i = 0; i < 20; i++) await post([{ n: 'a' }, { n: 'b', v: 'x' }]);
  const size = async () => (await ask('GET', '/v1/quarantine/size')).json();
  await expect.poll(async () => (await size()).evicted, { timeout: 20_000 }).toBeGreaterThan(0);
  const { rows, bytes, evicted, devices, codes } = await size();
  expect(rows + evicted).toBe(40);
  expect(bytes).toBeLessThanOrEqual(2000);
  expect(devices).toEqual([{ device: id, rows, bytes }]);
  expect(codes.reduce((sum: number, one: { rows: number }) => sum + one.rows, 0)).toBe(rows);
});

test('a trial says what a replay would do, with the series it would make, and does nothing', async () => {
  const house = await newDevice();
  const { id, post, rows, ask, readings } = house;
  await post([
    { bn: 'x:', bt: 1_700_000_000, bu: 'Cel' },
    { n: 'ok', v: 1 },
    { n: 'a', v: '2', t: 1 },
  ]);
  const [row] = await rows();
  const attempt = async (raw?: string) =>
    (await ask('POST', `/v1/quarantine/${row.id}/try`, raw === undefined ? undefined : { raw })).json();
  expect(await attempt()).toMatchObject({ readings: 0, first: [], errors: [{ index: 0, code: 'wrong-type' }] });
  expect(await attempt('[{"n":"a","v":2,"t":1},{"n":"on","vb":true},{"n":"say","u":"","vs":"hi"},{"n":"b"}]')).toMatchObject({
    readings: 3,
    first: [
      { metric: 'x:a', unit: 'Cel', timeMs: 1_700_000_001_000, value: 2 },
      { metric: 'x:on', unit: 'Cel', timeMs: 1_700_000_000_000, value: true },
      { metric: 'x:say', unit: '', timeMs: 1_700_000_000_000, value: 'hi' },
    ],
    errors: [{ index: 3, code: 'no-value' }],
  });
  expect(await attempt('{"n":')).toMatchObject({ readings: 0, errors: [{ code: 'bad-json' }] });
  expect((await ask('GET', `/v1/devices/${id}/series`)).json().items.map((one: { metric: string }) => one.metric)).toEqual(['x:ok']);
  expect(await readings('x:a')).toEqual([]);
  expect((await rows())[0].replayedAtMs).toBeNull();
  expect((await ask('POST', '/v1/quarantine/999999/try')).json().code).toBe('not-found');
  await balanced(house);
});
