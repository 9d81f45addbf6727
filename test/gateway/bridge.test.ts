// `fieldgate bridge` as a process, from a pseudo-terminal over wss into a gateway's database.

import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AccountingRow, QuarantineView, SerialPortView } from '../../gateway/protocol/rest.ts';
import { linePort, setUpBridge } from '../support/bridge.ts';
import { runCli } from '../support/cli-process.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { openSmallDisk } from '../support/small-disk.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => boolean | Promise<boolean>, what = (): string => holds.toString()): Promise<void> =>
  untilWithin(holds, what, { patienceMs: 20_000 });
const urlOf = ({ port }: TestGateway): string => `wss://localhost:${port}`;
async function readingsOf(gateway: TestGateway, device: string, metric = 'value'): Promise<[number, number][]> {
  const answer = await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=now-1h&to=${Date.now() + 60_000}&limit=10000`);
  return answer.status === 200 ? answer.json().readings : [];
}
const valuesOf = async (gateway: TestGateway, device: string): Promise<number[]> =>
  (await readingsOf(gateway, device)).map(([, value]) => value);
const portsOf = async (gateway: TestGateway): Promise<SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;
const booksOf = async (gateway: TestGateway, device: string): Promise<AccountingRow[]> =>
  (await gateway.local(`/v1/accounting?device=${device}&verify=true`)).json().items;

test('a line on another box is a reading of its device, with the time at which it arrived there', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('far-1');
  await using bridge = setUpBridge({ url: urlOf(gateway), caPem: gateway.caPem, tokens: token, ports: [linePort(plug.path, 'far-1')] });
  await bridge.run();
  expect(bridge.cli.stdout).toBe(`ready 1 port for ${urlOf(gateway)}\n`);
  const saidMs = Date.now();
  await plug.sayAll('21.5\r\n22\r\n');
  await until(async () => (await valuesOf(gateway, 'far-1')).length === 2);
  const [first, second] = await readingsOf(gateway, 'far-1');
  expect([first[1], second[1]]).toEqual([21.5, 22]);
  expect(first[0]).toBeGreaterThanOrEqual(saidMs - 1);
  expect(second[0]).toBeGreaterThan(first[0]);
  expect((await gateway.local('/v1/devices/far-1')).json()).toMatchObject({ online: true });
});

test('a line that is refused on another box is in the quarantine of the gateway, with its bytes and the reason', {
  timeout: 60_000,
}, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('far-1');
  await using bridge = setUpBridge({ url: urlOf(gateway), caPem: gateway.caPem, tokens: token, ports: [linePort(plug.path, 'far-1')] });
  await bridge.run();
  await plug.sayAll(Buffer.concat([Buffer.from('1\nhello there\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('2\n')]));
  await until(async () => (await valuesOf(gateway, 'far-1')).length === 2);
  const refused: QuarantineView[] = (await gateway.local('/v1/quarantine?device=far-1')).json().items;
  expect(refused.map(({ code, raw, encoding }) => [code, raw, encoding])).toEqual([
    ['undecodable', Buffer.from([0xff, 0xfe]).toString('base64'), 'base64'],
    ['bad-number', 'hello there', 'utf8'],
  ]);
  const metrics = await gateway.observe.metrics();
  expect(metrics).toContain('fieldgate_refusals_total{code="refused-by-device"} 2');
  expect((await booksOf(gateway, 'far-1')).every(({ unexplained }) => unexplained === 0)).toBe(true);
});

test('the ports of a bridge are in the list of the gateway, and absent when it has gone', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const tokens = `# both\nfar-1 ${await gateway.addDevice('far-1')}\n\nfar-2 ${await gateway.addDevice('far-2')}\n`;
  const ports = [linePort(plug.path, 'far-1'), linePort('/dev/no-such-port', 'far-2')];
  await using bridge = setUpBridge({ url: urlOf(gateway), caPem: gateway.caPem, tokens, ports, args: ['--name', 'shed'] });
  await bridge.run();
  expect(bridge.cli.stdout).toContain('ready 2 ports');
  await plug.sayAll('1\n');
  await until(async () => (await portsOf(gateway)).length === 2);
  await until(async () => ['absent,open', 'open,absent'].includes(String((await portsOf(gateway)).map(({ state }) => state))));
  const shown = (await portsOf(gateway)).sort((a, b) => (a.device < b.device ? -1 : 1));
  expect(shown[0]).toMatchObject({ path: plug.path, device: 'far-1', origin: 'bridge', bridge: 'shed', settings: null, state: 'open' });
  expect(shown[1]).toMatchObject({ path: '/dev/no-such-port', device: 'far-2', state: 'absent', reason: 'there is no such port' });
  await plug.unplug();
  await until(async () => (await portsOf(gateway)).every(({ state }) => state === 'absent'));
  const types = (await gateway.local('/v1/events?device=far-1')).json().items.map((event: { type: string }) => event.type);
  expect(types).toContain('port-absent');
  expect(await bridge.kill('SIGTERM')).toBe(0);
  await until(async () => (await portsOf(gateway)).every(({ reason }) => reason === 'the bridge shed is not connected'));
});

test('what a bridge read while the gateway was away is sent when both are back, over its own restart', { timeout: 90_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('far-1');
  const away = setUpBridge({ url: 'wss://localhost:1', caPem: gateway.caPem, tokens: token, ports: [linePort(plug.path, 'far-1')] });
  await using bridge = away;
  await bridge.run();
  for (let i = 0; i < 20; i++) await plug.sayAll(`${i}\n`);
  await bridge.cli.until('stderr', /nothing listens at wss:\/\/localhost:1/);
  const log = join(bridge.folder.path, 'bridge-data/buffers/far-1/frames.log');
  // what is still in the terminal when its reader goes is nobody's any more
  await until(() => /"v":19\b/.test(readFileSync(log, 'utf8')));
  expect(await bridge.kill('SIGTERM')).toBe(0);
  expect(statSync(log).mode & 0o777).toBe(0o600);
  await using back = setUpBridge({
    url: urlOf(gateway),
    caPem: gateway.caPem,
    tokens: token,
    ports: [linePort(plug.path, 'far-1')],
    args: ['--data', join(bridge.folder.path, 'bridge-data')],
  });
  await back.run();
  await plug.sayAll('20\n');
  await until(async () => (await valuesOf(gateway, 'far-1')).length === 21);
  expect(await valuesOf(gateway, 'far-1')).toEqual(Array.from({ length: 21 }, (_, i) => i));
});

test('a token of another device is refused before anything is sent with it', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('other-1');
  await using bridge = setUpBridge({ url: urlOf(gateway), caPem: gateway.caPem, tokens: token, ports: [linePort(plug.path, 'far-1')] });
  const { code, stderr } = await bridge.start().ended;
  expect(code).toBe(78);
  expect(stderr).toContain('the token is that of the device other-1, but ports of the configuration name far-1: set device: other-1');
  expect((await gateway.local('/v1/accounting?device=other-1')).json().items.every(({ settled }: AccountingRow) => settled === 0)).toBe(
    true,
  );
});

test('a revoked token is no end: the bridge goes on reading, and takes a new one from its file', { timeout: 90_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('far-1');
  await using bridge = setUpBridge({ url: urlOf(gateway), caPem: gateway.caPem, tokens: token, ports: [linePort(plug.path, 'far-1')] });
  await bridge.run();
  await bridge.cli.until('stderr', /"Connected"/);
  const next = (await gateway.local('/v1/devices/far-1/tokens', { method: 'POST', body: {} })).json().token;
  await bridge.cli.until('stderr', /does not take the token/);
  await plug.sayAll('7\n');
  bridge.folder.file('token', next);
  bridge.cli.process.kill('SIGHUP');
  await until(async () => (await valuesOf(gateway, 'far-1')).length === 1);
});

test('a full buffer gives up its oldest frames, says so, and declares them as a gap', { timeout: 90_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('far-1');
  const rule = { kind: 'csv', columns: [{ metric: 'value' }, { metric: 'text', as: 'text' }] };
  const port = { path: plug.path, baudRate: 115_200, device: 'far-1', framing: 'line', rule };
  const common = { caPem: gateway.caPem, tokens: token, ports: [port], bridge: { bufferBytes: 1024 * 1024 } };
  await using bridge = setUpBridge({ url: 'wss://localhost:1', ...common });
  await bridge.run();
  for (let i = 0; i < 2000; i++) await plug.sayAll(`${i},${'x'.repeat(900)}\n`);
  await bridge.cli.until('stderr', /"lostFrames":\d+.*The buffer is full/);
  // what is still in the terminal when its reader goes is nobody's any more
  const log = join(bridge.folder.path, 'bridge-data/buffers/far-1/frames.log');
  await until(() => /"v":1999\b/.test(readFileSync(log, 'utf8')));
  expect(await bridge.kill('SIGTERM')).toBe(0);
  await using back = setUpBridge({ url: urlOf(gateway), ...common, args: ['--data', join(bridge.folder.path, 'bridge-data')] });
  await back.run();
  await until(async () => (await valuesOf(gateway, 'far-1')).at(-1) === 1999);
  const values = await valuesOf(gateway, 'far-1');
  // in order and none twice; lines that the first bridge had not read may cost the second one some that it has not sent yet
  expect(values).toEqual([...new Set(values)].sort((a, b) => Number(a) - Number(b)));
  expect(values[0]).toBeGreaterThan(0);
  const books = await booksOf(gateway, 'far-1');
  expect(books.reduce((sum, { gaps }) => sum + gaps, 0)).toBeGreaterThan(0);
  expect(books.every(({ unexplained }) => unexplained === 0)).toBe(true);
});

test.each([
  ['no ports', [], 'tok', 'a bridge needs serial.ports'],
  ['a device without a token', [linePort('/dev/a', 'one'), linePort('/dev/b', 'two')], 'one tok\n', 'has no token for two'],
  [
    'one token for two devices',
    [linePort('/dev/a', 'one'), linePort('/dev/b', 'two')],
    'tok',
    "which is one device's, but the ports name one, two",
  ],
  ['a line that is no token', [linePort('/dev/a', 'one')], 'one tok more\n', 'line 1: a line is DEVICE TOKEN'],
  ['two tokens for a device', [linePort('/dev/a', 'one')], 'one tok\none tok2\n', 'line 2: one has a token further up already'],
  ['an empty token file', [linePort('/dev/a', 'one')], '# later\n', 'holds no token'],
])('a bridge with %s ends with 78 and says what to do', async (_what, ports, tokens, says) => {
  await using bridge = setUpBridge({ url: 'wss://localhost:1', caPem: '', tokens, ports });
  const { code, stderr, stdout } = await bridge.start().ended;
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toContain(says);
});

test('a bridge refuses a directory that is in use, an address that is none and a missing token file', { timeout: 60_000 }, async () => {
  const ports = [linePort('/dev/no-such-port', 'far-1')];
  await using bridge = setUpBridge({ url: 'wss://localhost:1', caPem: '', tokens: 'tok', ports });
  await bridge.run();
  const cwd = bridge.folder.path;
  const second = await runCli(['bridge', '--url', 'wss://localhost:1', '--token-file', 'token'], { cwd });
  expect(second).toMatchObject({ code: 75, stderr: expect.stringContaining(`locked by pid ${bridge.cli.process.pid}`) });
  const address = await runCli(['bridge', '--url', 'localhost', '--token-file', 'token'], { cwd });
  expect(address).toMatchObject({ code: 2, stderr: expect.stringContaining('wss://') });
  const missing = await runCli(['bridge', '--url', 'wss://localhost:1', '--token-file', 'none', '--data', 'other'], { cwd });
  expect(missing).toMatchObject({ code: 74, stderr: expect.stringContaining('there is no file') });
});

test('K5 a token file that others may read is only warned about', { timeout: 60_000 }, async () => {
  await using bridge = setUpBridge({ url: 'wss://localhost:1', caPem: '', tokens: 'tok', ports: [linePort('/dev/no-such-port', 'far-1')] });
  chmodSync(join(bridge.folder.path, 'token'), 0o644);
  await bridge.run();
  expect(bridge.cli.stderr).toContain('can be read by other users of this machine; mend it with: chmod 600');
});

test('a line is in the buffer 50 ms after its last byte, whether the gateway is there or not', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  await using bridge = setUpBridge({ url: 'wss://localhost:1', caPem: '', tokens: 'tok', ports: [linePort(plug.path, 'far-1')] });
  await bridge.run();
  await bridge.cli.until('stderr', /"state":"open"/);
  const file = join(bridge.folder.path, 'bridge-data/buffers/far-1/frames.log');
  const delays: number[] = [];
  for (let i = 0; i < 21; i++) {
    const saidMs = performance.now();
    await plug.sayAll(`${i}.5\n`);
    await untilWithin(
      () => readFileSync(file, 'utf8').includes(`"v":${i}.5,`),
      () => `line ${i} is not in the buffer`,
      { patienceMs: 10_000, everyMs: 2 },
    );
    delays.push(performance.now() - saidMs);
  }
  delays.sort((a, b) => a - b);
  expect(delays[10]).toBeLessThan(50);
});

test('without --ca the certificates that the machine trusts decide', { timeout: 60_000 }, async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const setup = { url: urlOf(gateway), tokens: await gateway.addDevice('far-1'), ports: [linePort(plug.path, 'far-1')] };
  await using wary = setUpBridge({ ...setup, caPem: '' });
  await wary.run();
  await wary.cli.until('stderr', /signed by a CA that is not trusted here/);
  await using bridge = setUpBridge({ ...setup, caPem: '' });
  const trusted = bridge.folder.file('trusted.pem', gateway.caPem);
  const cli = bridge.start({ env: { SSL_CERT_FILE: trusted, SSL_CERT_DIR: undefined, NODE_EXTRA_CA_CERTS: undefined } });
  await cli.until('stderr', /"Connected"/);
  await using careless = setUpBridge({ ...setup, caPem: '', args: ['--insecure'] });
  await careless.run();
  await careless.cli.until('stderr', /INSECURE[^]*"Connected"/);
});

test('a disk that is full makes the port wait, and costs no line that the port has room for', { timeout: 90_000 }, async () => {
  await using disk = await openSmallDisk(2 * 1024 * 1024);
  await using plug = await plugSerial();
  await using gateway = await startTestGateway();
  const rule = { kind: 'csv', columns: [{ metric: 'value' }, { metric: 'text', as: 'text' }] };
  const port = { path: plug.path, baudRate: 115_200, device: 'far-1', framing: 'line', rule };
  const setup = { caPem: gateway.caPem, tokens: await gateway.addDevice('far-1'), ports: [port], args: ['--data', disk.data] };
  await using bridge = setUpBridge({ url: 'wss://localhost:1', ...setup });
  await bridge.run();
  disk.fillTo(64 * 1024);
  for (let i = 0; i < 200; i++) await plug.sayAll(`${i},${'x'.repeat(900)}\n`);
  await bridge.cli.until('stderr', /ENOSPC.*The buffer cannot be written/);
  disk.free();
  await bridge.cli.until('stderr', /The buffer can be written again/);
  expect(await bridge.kill('SIGTERM')).toBe(0);
  await using back = setUpBridge({ url: urlOf(gateway), ...setup });
  await back.run();
  await until(async () => (await valuesOf(gateway, 'far-1')).length >= 200);
  expect(await valuesOf(gateway, 'far-1')).toEqual(Array.from({ length: 200 }, (_, i) => i));
});
