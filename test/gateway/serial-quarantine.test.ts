// Lines of a serial port that were refused, once more: by the rule that the port has today, as they were or amended, exactly once.

import { expect, test } from 'vitest';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import type { QuarantineView, SerialPortBody } from '../../gateway/protocol/rest.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => Promise<boolean>): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 15_000 });
const body = (path: string, more: SerialPortBody = {}): SerialPortBody => ({
  path,
  baudRate: 9600,
  device: 'weather-1',
  rule: { kind: 'csv', columns: [{ metric: 'temperature' }] },
  ...more,
});
async function added(gateway: TestGateway, ask: SerialPortBody): Promise<string> {
  const { id } = (await gateway.admin('/v1/serial', { method: 'POST', body: ask })).json();
  await until(async () => (await gateway.local('/v1/serial')).json().items.some((one: { state: string }) => one.state === 'open'));
  return id;
}
const quarantineOf = async (gateway: TestGateway): Promise<QuarantineView[]> =>
  (await gateway.local('/v1/quarantine?device=weather-1')).json().items;
const replay = (gateway: TestGateway, { id }: QuarantineView, raw?: string): Promise<TestAnswer> =>
  gateway.admin(`/v1/quarantine/${id}/replay`, { method: 'POST', ...(raw !== undefined && { body: { raw } }) });
const pointsOf = async (gateway: TestGateway, metric: string): Promise<[number, number][]> => {
  const answer = await gateway.local(`/v1/readings?device=weather-1&metric=${metric}&from=now-1h&to=${Date.now() + 60_000}`);
  return answer.status === 200 ? answer.json().readings : [];
};

test('a refused line is stored amended, with the time at which it came, and only once', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  await added(gateway, body(plug.path));
  await plug.sayAll('2l.5\n');
  await until(async () => (await quarantineOf(gateway)).length === 1);
  const [row] = await quarantineOf(gateway);
  expect(row).toMatchObject({ stream: '~serial', index: null, raw: '2l.5', code: 'bad-number' });
  expect((await replay(gateway, row)).json()).toMatchObject({ status: 422, code: 'still-refused', errors: [{ code: 'bad-number' }] });
  expect((await replay(gateway, row, '')).json()).toMatchObject({ status: 422, errors: [{ code: 'empty' }] });
  const both = await Promise.all([replay(gateway, row, '21.5'), replay(gateway, row, '21.5')]);
  expect(both.map((answer) => answer.json())).toEqual([
    { stored: 1, errors: [] },
    { stored: 0, errors: [], duplicate: true },
  ]);
  await gateway.restart();
  expect((await replay(gateway, row, '21.5')).json()).toEqual({ stored: 0, errors: [], duplicate: true });
  expect(await pointsOf(gateway, 'temperature')).toEqual([[row.atMs, 21.5]]);
});

test('a refused line is stored as it was once the rule of its port can read it', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const id = await added(gateway, body(plug.path));
  await plug.sayAll('21.5,48\n');
  await until(async () => (await quarantineOf(gateway)).length === 1);
  const [row] = await quarantineOf(gateway);
  const rule = { kind: 'csv', columns: [{ metric: 'temperature' }, { metric: 'humidity' }] };
  expect((await gateway.admin(`/v1/serial/${id}`, { method: 'PUT', body: body(plug.path, { rule }) })).status).toBe(200);
  expect((await replay(gateway, row)).json()).toEqual({ stored: 2, errors: [] });
  expect(await pointsOf(gateway, 'humidity')).toEqual([[row.atMs, 48]]);
});

test('a sentence with a wrong checksum stays refused as it was, and is stored with the right one or with none', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  await added(gateway, body(plug.path, { framing: 'nmea', rule: 'nmea' }));
  await plug.sayAll('$SDDBT,7.8,f,2.4,M,1.3,F*00\r\n$SDDBT,7.8,f,2.4,M,1.3,F\r\n');
  await plug.sayAll(`${buildSentence('SDDBT', ['x', 'f', 'x', 'M', 'x', 'F'])}\r\n`);
  await until(async () => (await quarantineOf(gateway)).length === 3);
  const [number, missing, wrong] = await quarantineOf(gateway);
  expect([number.code, missing.code, wrong.code]).toEqual(['bad-number', 'bad-checksum', 'bad-checksum']);
  for (const row of [wrong, missing])
    expect((await replay(gateway, row)).json()).toMatchObject({ status: 422, errors: [{ code: 'bad-checksum' }] });
  // the framing had taken the checksum off
  expect(number.raw).toBe('$SDDBT,x,f,x,M,x,F');
  expect((await replay(gateway, number)).json()).toMatchObject({ status: 422, errors: [{ code: 'bad-number' }] });
  expect((await replay(gateway, wrong, '$SDDBT,7.8,f,2.4,M,1.3,F*0D')).json()).toEqual({ stored: 1, errors: [] });
  expect((await replay(gateway, missing, '$SDDBT,7.8,f,2.4,M,1.3,F*0C')).json()).toMatchObject({ errors: [{ code: 'bad-checksum' }] });
  expect((await replay(gateway, number, '$SDDBT,7.8,f,2.4,M,1.3,F')).json()).toEqual({ stored: 1, errors: [] });
});

test('a line whose port is gone is refused in words, and kept', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const id = await added(gateway, body(plug.path));
  await plug.sayAll('warm\n');
  await until(async () => (await quarantineOf(gateway)).length === 1);
  const [row] = await quarantineOf(gateway);
  await gateway.admin(`/v1/serial/${id}`, { method: 'DELETE' });
  expect((await replay(gateway, row, '21')).json()).toMatchObject({ status: 409, code: 'no-serial-port' });
  expect(await quarantineOf(gateway)).toMatchObject([{ id: row.id, replayedAtMs: null }]);
  await added(gateway, body(plug.path));
  expect((await replay(gateway, row, '21')).json()).toEqual({ stored: 1, errors: [] });
});

test('a record that a rule made and the gateway refused is amended as what it is, a record', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  await added(gateway, body(plug.path, { rule: 'json' }));
  await plug.sayAll('[{"n":"temperature","v":1},{"n":"bad name","v":2}]\n');
  await until(async () => (await quarantineOf(gateway)).length === 1);
  const [row] = await quarantineOf(gateway);
  expect(row.index).toBe(1);
  expect((await replay(gateway, row, '{"n":"humidity","v":2}')).json()).toEqual({ stored: 1, errors: [] });
});
