import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type CliOptions, createFolder, type RunningCli, runCli, startCli } from '../support/cli-process.ts';
import { selfSigned } from '../support/test-certificates.ts';

const mode = (path: string): number => statSync(path).mode & 0o777;

async function startGateway(
  data: string,
  more: readonly string[] = [],
  options: CliOptions = {},
): Promise<{ cli: RunningCli; port: number } & AsyncDisposable> {
  const cli = startCli(['start', '--data', data, '--port', '0', '--host', '127.0.0.1', ...more], options);
  const [, port] = await cli.until('stdout', /^ready https?:\/\/127\.0\.0\.1:(\d+)$/m);
  return { cli, port: Number(port), [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose]() };
}

/** A device whose socket is open, and which then reads nothing more when it is told to. */
async function connectDevice(port: number, ask: { data: string; token: string }): Promise<WebSocket> {
  const ca = readFileSync(join(ask.data, 'tls/ca.crt'));
  const socket = new WebSocket(`wss://localhost:${port}/v1/device`, { ca, headers: { authorization: `Bearer ${ask.token.trim()}` } });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}

test('start prints one line when it accepts connections, logs to stderr, and ends with 0 on SIGTERM', async () => {
  using folder = createFolder();
  const data = join(folder.path, 'data');
  await using gateway = await startGateway(data);
  const { cli, port } = gateway;
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: readFileSync(join(data, 'tls/ca.crt')) });
  await once(socket, 'secureConnect');
  socket.destroy();
  cli.process.kill('SIGTERM');
  const { code, stdout, stderr } = await cli.ended;
  expect(code).toBe(0);
  expect(stdout).toBe(`ready https://127.0.0.1:${port}\n`);
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; fingerprint?: string });
  expect(lines.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['starting', 'memory budget with everything full', 'accepting connections', 'stopped']),
  );
  expect(lines.find(({ msg }) => msg === 'accepting connections')?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  for (const left of ['pid', 'control.sock', 'control.json', 'fieldgate.db-wal']) expect(existsSync(join(data, left)), left).toBe(false);
});

test('everything in the data directory is for its owner alone', async () => {
  using folder = createFolder();
  const data = join(folder.path, 'data');
  await using gateway = await startGateway(data);
  expect(gateway.port).toBeGreaterThan(0);
  expect(mode(data)).toBe(0o700);
  for (const name of ['fieldgate.db', 'registry.db', 'lock', 'pid', 'control.sock', 'tls/ca.key', 'tls/server.key'])
    expect(mode(join(data, name)), name).toBe(0o600);
});

test('--tls off without a host listens on loopback, and a wildcard host is printed as localhost', async () => {
  using folder = createFolder();
  await using plain = startCli(['start', '--data', join(folder.path, 'a'), '--port', '0', '--tls', 'off']);
  await plain.until('stdout', /^ready http:\/\/127\.0\.0\.1:\d+$/m);
  await using wild = startCli(['start', '--data', join(folder.path, 'b'), '--port', '0', '--host', '0.0.0.0']);
  await wild.until('stdout', /^ready https:\/\/localhost:\d+$/m);
});

test('K10 a second gateway on the same directory ends with 75 and names the first', async () => {
  using folder = createFolder();
  await using gateway = await startGateway(folder.path);
  const { code, stderr } = await runCli(['start', '--data', folder.path, '--port', '0']);
  expect(stderr).toContain(`locked by pid ${gateway.cli.process.pid}`);
  expect(code).toBe(75);
  // the second one did not take anything of the first away
  expect(await runCli(['device', 'add', 'pump-1', '--data', folder.path])).toMatchObject({ code: 0 });
});

test('K7 insecure: true listens beyond this machine, with a loud line and a metric', async () => {
  using folder = createFolder();
  await using cli = startCli(['start', '--data', folder.path, '--port', '0', '--tls', 'off'], { env: { FIELDGATE_INSECURE: 'true' } });
  const [, port] = await cli.until('stdout', /^ready http:\/\/localhost:(\d+)$/m);
  await cli.until('stderr', /INSECURE/);
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(await metrics.text()).toMatch(/^fieldgate_insecure 1$/m);
});

test('E4 fewer open files than the limits need: fewer devices and a warning, and below 512 no start', async () => {
  using folder = createFolder();
  const few = await runCli(['start', '--data', folder.path, '--port', '0'], { openFiles: 500 });
  expect(few).toMatchObject({ code: 78, stdout: '', stderr: expect.stringMatching(/ulimit -n is 500; at least 512/) });
  await using gateway = await startGateway(folder.path, [], { openFiles: 1000 });
  const [line] = await gateway.cli.until('stderr', /.*limits\.devices was lowered.*/);
  expect(JSON.parse(line)).toMatchObject({ level: 'warn', devices: 744, asked: 5000 });
});

test('L7 a second Ctrl-C ends a draining gateway at once with 130', async () => {
  using folder = createFolder();
  await using gateway = await startGateway(folder.path);
  const { stdout: token } = await runCli(['device', 'add', 'pump-1', '--data', folder.path]);
  const device = await connectDevice(gateway.port, { data: folder.path, token });
  // it never answers the goodbye, which keeps the drain waiting
  device.pause();
  gateway.cli.process.kill('SIGINT');
  await gateway.cli.until('stderr', /stopping; once more/);
  // pressed until it works: one that comes within moments of the first counts as the same
  const pressing = setInterval(() => gateway.cli.process.kill('SIGINT'), 50);
  const ended = await gateway.cli.ended;
  clearInterval(pressing);
  expect(ended).toMatchObject({ code: 130 });
  device.terminate();
});

test('L7 SIGHUP reads changed certificate files again, SIGPIPE and a closed stdout do nothing', async () => {
  using folder = createFolder();
  const [first, second] = [await selfSigned(), await selfSigned()];
  const tls = [folder.file('own.crt', first.cert), folder.file('own.key', first.key)];
  await using gateway = await startGateway(join(folder.path, 'data'), ['--tls', tls.join(',')]);
  const { cli, port } = gateway;
  const serverCert = async (ca: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca });
    await once(socket, 'secureConnect');
    const pem = socket.getPeerX509Certificate()?.toString() ?? '';
    socket.destroy();
    return pem;
  };
  expect(await serverCert(first.cert)).toBe(first.cert);
  writeFileSync(tls[0] ?? '', second.cert);
  writeFileSync(tls[1] ?? '', second.key);
  cli.process.kill('SIGHUP');
  await cli.until('stderr', /was read again/);
  expect(await serverCert(second.cert)).toBe(second.cert);
  cli.process.stdout?.destroy();
  cli.process.kill('SIGPIPE');
  expect(await serverCert(second.cert)).toBe(second.cert);
  cli.process.kill('SIGTERM');
  expect(await cli.ended).toMatchObject({ code: 0 });
});

test('E7 a gateway whose log has no reader goes on', async () => {
  using folder = createFolder();
  await using gateway = await startGateway(folder.path);
  gateway.cli.process.stderr?.destroy();
  const { stdout: token } = await runCli(['device', 'add', 'pump-1', '--data', folder.path]);
  gateway.cli.process.kill('SIGHUP');
  const device = await connectDevice(gateway.port, { data: folder.path, token });
  device.send('[{"n":"temperature","v":1}]');
  const [answer] = await once(device, 'message');
  expect(JSON.parse(String(answer))).toEqual({ type: 'stored', readings: 1 });
  device.terminate();
});

test('after kill -9 the next start takes lock and socket over', async () => {
  using folder = createFolder();
  {
    await using gateway = await startGateway(folder.path);
    gateway.cli.process.kill('SIGKILL');
    await gateway.cli.ended;
  }
  expect(existsSync(join(folder.path, 'control.sock'))).toBe(true);
  expect(await runCli(['device', 'add', 'offline-1', '--data', folder.path])).toMatchObject({ code: 0 });
  await using gateway = await startGateway(folder.path);
  expect(gateway.port).toBeGreaterThan(0);
  expect((await runCli(['device', 'list', '--data', folder.path])).stdout).toMatch(/^offline-1 /m);
});

test('a control socket that a dead gateway left elsewhere is removed, and nothing else is', async () => {
  using folder = createFolder();
  const data = join(folder.path, 'x'.repeat(120));
  const kept = folder.file('kept', 'yes');
  const env = { XDG_RUNTIME_DIR: undefined };
  const socketOf = (): string => (JSON.parse(readFileSync(join(data, 'control.json'), 'utf8')) as { socket: string }).socket;
  let stale = '';
  {
    await using gateway = await startGateway(data, [], { env });
    stale = socketOf();
    gateway.cli.process.kill('SIGKILL');
    await gateway.cli.ended;
  }
  await using gateway = await startGateway(data, [], { env });
  expect(gateway.port).toBeGreaterThan(0);
  expect(socketOf()).not.toBe(stale);
  expect(existsSync(dirname(stale))).toBe(false);
  expect(existsSync(kept)).toBe(true);
  const last = socketOf();
  gateway.cli.process.kill('SIGTERM');
  await gateway.cli.ended;
  expect(existsSync(dirname(last))).toBe(false);
});

test.each([true, false])('a data directory with a long path has its socket elsewhere (with XDG_RUNTIME_DIR: %s)', async (hasRuntime) => {
  using folder = createFolder();
  using runtime = createFolder();
  const data = join(folder.path, 'x'.repeat(120));
  mkdirSync(data);
  const env = { XDG_RUNTIME_DIR: hasRuntime ? runtime.path : undefined };
  await using gateway = await startGateway(data, [], { env });
  const { socket } = JSON.parse(readFileSync(join(data, 'control.json'), 'utf8')) as { socket: string };
  if (hasRuntime) expect(socket.startsWith(`${runtime.path}/`)).toBe(true);
  expect(mode(socket)).toBe(0o600);
  expect(mode(join(data, 'control.json'))).toBe(0o600);
  // the command finds it by the file alone
  expect(await runCli(['device', 'add', 'pump-1', '--data', data], { env: { XDG_RUNTIME_DIR: undefined } })).toMatchObject({ code: 0 });
  gateway.cli.process.kill('SIGTERM');
  await gateway.cli.ended;
  expect(existsSync(socket)).toBe(false);
  expect(existsSync(join(data, 'control.json'))).toBe(false);
});
