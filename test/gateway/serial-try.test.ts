// The rule workbench: bytes that are pasted give the frames, readings and reasons that a port would give.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SerialTried } from '../../gateway/protocol/rest.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';
import { startTestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { until } from '../support/until.ts';

let house: ApiHouse;
beforeAll(async () => {
  house = await openApiHouse();
});
afterAll(() => house[Symbol.asyncDispose]());

async function tried(ask: object): Promise<SerialTried> {
  const answer = await house.ask('POST', '/v1/serial/try', { as: 'operator', json: ask });
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  return answer.json;
}
const CSV = { kind: 'csv', columns: [{ metric: 'temperature', unit: 'Cel' }, { metric: 'humidity' }] };

test('lines give records, and a line that is none the reason', async () => {
  const { frames, more } = await tried({ framing: 'line', rule: CSV, raw: '21.5,48\r\nhello,there\r\n,\r\n22,4' });
  expect(more).toBe(false);
  expect(frames).toMatchObject([
    {
      number: 1,
      raw: '21.5,48',
      encoding: 'utf8',
      bytes: 7,
      outcome: 'readings',
      readings: 2,
      says: 'temperature 21.5 Cel, humidity 48',
      records: [
        { n: 'temperature', u: 'Cel', v: 21.5 },
        { n: 'humidity', v: 48 },
      ],
    },
    { number: 2, raw: 'hello,there', outcome: 'bad-number', readings: 0, records: [] },
    { number: 3, raw: ',', outcome: 'empty', records: [] },
    // nothing ends this line: on a port its end may still come
    { number: 4, raw: '22,4', outcome: 'stale-partial', records: [] },
  ]);
});

test('the framing that is left out is line, and the checksum of a sentence is verified', async () => {
  expect((await tried({ rule: CSV, raw: '1,2\n' })).frames).toMatchObject([{ outcome: 'readings' }]);
  const good = '$SDDBT,7.8,f,2.4,M,1.3,F*0D';
  const { frames } = await tried({ framing: 'nmea', rule: 'nmea', raw: `${good}\r\n${good.replace('7.8', '7.9')}\r\n${good}` });
  expect(frames.map(({ outcome }) => outcome)).toEqual(['readings', 'bad-checksum', 'readings']);
});

test('bytes come as base64, and a frame that silence ends is complete where they end', async () => {
  const rule = { kind: 'binary', fields: [{ metric: 'level', atByte: 1, type: 'u16' }] };
  const { frames } = await tried({ framing: { kind: 'gap' }, rule, raw: Buffer.of(0xff, 1, 2).toString('base64'), encoding: 'base64' });
  expect(frames).toMatchObject([{ raw: '/wEC', encoding: 'base64', outcome: 'readings', records: [{ n: 'level', v: 258 }] }]);
});

test('200 frames are shown of many, and 64 KiB are taken', async () => {
  const { frames, more } = await tried({ rule: CSV, raw: '1,2\n'.repeat(16_384) });
  expect([frames.length, more]).toEqual([200, true]);
  expect((await tried({ rule: CSV, raw: '1,2\n'.repeat(200) })).more).toBe(false);
  const tooMuch = await house.ask('POST', '/v1/serial/try', { as: 'operator', json: { rule: CSV, raw: `${'1,2\n'.repeat(16_384)}x` } });
  expect(tooMuch.json).toMatchObject({
    status: 400,
    code: 'bad-serial',
    errors: [{ pointer: '/raw', detail: 'must be at most 65536 bytes, not 65537' }],
  });
});

test('every fault of framing, rule and bytes is told with its place', async () => {
  const faults = async (json: object): Promise<unknown> =>
    (await house.ask('POST', '/v1/serial/try', { as: 'operator', json })).json.errors.map(({ pointer }: { pointer: string }) => pointer);
  expect(await faults({ framing: 'lines', rule: 'morse' })).toEqual(['/framing/kind', '/rule/kind', '/raw']);
  expect(await faults({ rule: CSV, raw: '%%', encoding: 'base64' })).toEqual(['/raw']);
  expect(await faults({ rule: { kind: 'regex', pattern: '(?P<v>' }, raw: '' })).toEqual(['/rule']);
  expect(await faults({ rule: CSV, raw: '', device: 'x' })).toEqual(['']);
  // there is nothing to be made of an answer without its request
  expect(await faults({ framing: 'modbus-rtu', rule: CSV, raw: '' })).toEqual(['/framing/kind']);
});

test('a rule takes no longer for bytes that were made for it', async () => {
  const rule = { kind: 'regex', pattern: '(?P<v>(a+)+)$' };
  const startedMs = performance.now();
  await tried({ framing: { kind: 'delimiter', delimiterHex: '00' }, rule, raw: `${'a'.repeat(4000)}b\0`.repeat(16) });
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

test('the workbench says of bytes what a port says of them', async () => {
  const said = '21.5,48\nhello there\n\n22\n,\n1e999,2\n\xff\xfe,3\n7,8\n';
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const body = { path: plug.path, baudRate: 9600, device: 'weather-1', rule: CSV };
  const { id } = (await gateway.admin('/v1/serial', { method: 'POST', body })).json();
  const port = async () => (await gateway.local('/v1/serial')).json().items.find((one: { id: string }) => one.id === id);
  await until(
    async () => (await port()).state === 'open',
    () => 'open',
    { patienceMs: 15_000 },
  );
  await plug.sayAll(Buffer.from(said, 'latin1'));
  await until(
    async () => (await port()).lastFrames.at(-1)?.raw === '7,8',
    () => 'the last line',
    { patienceMs: 15_000 },
  );
  const outcomes = (frames: readonly { outcome: string; says: string; raw: string }[]) =>
    frames.map(({ outcome, says, raw }) => [raw, outcome, says]);
  const { frames } = await tried({ rule: CSV, raw: Buffer.from(said, 'latin1').toString('base64'), encoding: 'base64' });
  expect(outcomes(frames)).toEqual(outcomes((await port()).lastFrames));
});

test('bytes that take a rule long hold nobody up, several at once neither', async () => {
  // as large as a pattern may be, and it has to look everywhere
  const rule = { kind: 'regex', pattern: `(?P<v>${'.?'.repeat(240)}[yz])` };
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  count();
  const ask = { rule, raw: `${'a'.repeat(4000)}\n`.repeat(8) };
  const both = await Promise.all([tried(ask), tried(ask)]);
  isOver = true;
  expect(both.map(({ frames }) => frames.length)).toEqual([8, 8]);
  expect(turns).toBeGreaterThan(2 * 15);
});
