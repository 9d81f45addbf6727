import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodeOf, sentenceOf } from '../../gateway/failure.ts';
import { FLOORS, presentRuntime, runtimeProblems } from '../../gateway/runtime-checks.ts';
import { createFolder, runCli } from '../support/cli-process.ts';
import { selfSigned } from '../support/test-certificates.ts';

test.each([
  [['start', '--prot', '1'], /unknown option '--prot'/, /usage: fieldgate start /],
  [['device', 'add', 'x', '--labl', 'y'], /Did you mean --label\?/, /usage: fieldgate device add \[options\] <id>/],
  [['start', '--port', '1', '--port', '2'], /given twice/, /usage: fieldgate start /],
  [['device', 'list', '--json', '--json'], /given twice/, /usage: fieldgate device list /],
  [['start', '--port'], /argument missing/, /usage: fieldgate start /],
  [['device', 'add'], /missing required argument 'id'/, /usage: fieldgate device add /],
  [['device', 'add', 'a', 'b'], /too many arguments/, /usage: fieldgate device add /],
  [['device', 'ad'], /unknown command 'ad'/, /add/],
  [['strat'], /unknown command 'strat'/, /start/],
  [['user', 'add', 'bob'], /'--role <role>' not specified/, /usage: fieldgate user add /],
  [['user', 'add', 'bob', '--role', 'king'], /viewer, operator, admin/, /usage: fieldgate user add /],
  [['device', 'rotate', 'x', '--overlap', 'soon'], /a number and s, m, h or d/, /usage: fieldgate device rotate /],
  [['enrol', 'add', '--max', '0'], /whole number from 1 to/, /usage: fieldgate enrol add /],
  [['device', 'set', 'x', '--ping', '301'], /whole number from 1 to 300/, /usage: fieldgate device set /],
  [['device'], /devices and their tokens/, /add/],
  [[], /Usage: fieldgate/, /start/],
])('L1 %j is a usage error', async (args, says, shows) => {
  const { code, stdout, stderr } = await runCli(args);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(shows);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

const TOKEN = `fgd_${'a'.repeat(43)}`;
test.each([
  ['start', '--token', 'xyz'],
  ['device', 'list', '--token=xyz'],
  ['--token', 'xyz'],
  ['device', 'add', TOKEN],
  ['config', 'show', `--config=${TOKEN}`],
  ['device', 'revoke', 'pump-1', '--token', TOKEN],
  ['user', 'add', 'bob', '--role', 'admin', '--password', 'hunter2'],
])('L2 a secret on the command line is refused, and not repeated: %s', async (...args) => {
  const { code, stdout, stderr } = await runCli(args);
  expect(stderr).toMatch(/(tokens|passwords) are read from (file\/)?stdin|a token itself does not belong/);
  expect(stdout + stderr).not.toContain(TOKEN);
  expect(code).toBe(2);
});

test.each(['65536', '-1', 'http', '80a', '1e3', ''])('L3 --port %j is a usage error', async (port) => {
  const { code, stderr } = await runCli(['start', `--port=${port}`]);
  expect(stderr).toMatch(/whole number from 0 to 65535|argument missing/);
  expect(code).toBe(2);
});

test('L4 a port in use ends the start with 69, and says what to do', async () => {
  using folder = createFolder();
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
  );
  const { code, stdout, stderr } = await runCli([
    'start',
    '--data',
    join(folder.path, 'data'),
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
  ]);
  other.close();
  expect(stderr).toMatch(new RegExp(`port ${port} is in use on 127\\.0\\.0\\.1: .*--port`));
  expect(stdout).toBe('');
  expect(code).toBe(69);
});

test('L4 a port below 1024 without the right to it ends the start with 77', async () => {
  const refusal = Object.assign(new Error('listen EACCES'), { code: 'EACCES', syscall: 'listen', address: '127.0.0.1', port: 81 });
  expect(exitCodeOf(refusal)).toBe(77);
  expect(sentenceOf(refusal)).toMatch(/port 81 needs rights .*--port 8443/);
  // containers often give low ports to everybody: there the kernel has nothing to refuse
  if (Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 81) return;
  using folder = createFolder();
  const args = ['start', '--data', join(folder.path, 'data'), '--host', '127.0.0.1', '--port', '81'];
  const { code, stderr } = await runCli(args, { unprivileged: true });
  expect(stderr).toMatch(/port 81 needs rights .*--port 8443/);
  expect(code).toBe(77);
});

test('K1 a missing configuration file is 78, and named', async () => {
  const { code, stderr } = await runCli(['start', '--config', '/nowhere/f.yaml']);
  expect(stderr).toBe('fieldgate: config not found: /nowhere/f.yaml\n');
  expect(code).toBe(78);
});

test('K4 config check tells every problem on a line of its own, with 78', async () => {
  using folder = createFolder();
  const config = folder.file('f.yaml', 'http: {port: 70000, prot: 1}\nlimits: {devices: 0}\n');
  const { code, stdout, stderr } = await runCli(['config', 'check', '--config', config]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(3);
  expect(stderr).toContain('did you mean http.port?');
  expect(stdout).toBe('');
  expect(code).toBe(78);
});

test('K5 K6 config check looks at the certificate too: 77 for an open key, 78 for a dead pair', async () => {
  using folder = createFolder();
  const good = await selfSigned();
  const tls = `tls: {cert: own.crt, key: own.key}\n`;
  const config = folder.file('f.yaml', tls);
  folder.file('own.crt', good.cert);
  const key = folder.file('own.key', good.key);
  expect(await runCli(['config', 'check', '--config', config])).toMatchObject({ code: 0 });
  chmodSync(key, 0o644);
  expect(await runCli(['config', 'check', '--config', config])).toMatchObject({
    code: 77,
    stderr: expect.stringContaining(`chmod 600 ${key}`),
  });
  chmodSync(key, 0o600);
  folder.file('own.crt', (await selfSigned()).cert);
  expect(await runCli(['config', 'check', '--config', config])).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('does not belong to'),
  });
  expect(await runCli(['start', '--config', config, '--data', join(folder.path, 'd'), '--port', '0'])).toMatchObject({ code: 78 });
});

test('K7 start refuses to listen beyond this machine without TLS', async () => {
  using folder = createFolder();
  const { code, stderr } = await runCli(['start', '--tls', 'off', '--host', '0.0.0.0', '--data', join(folder.path, 'data')]);
  expect(stderr).toMatch(/http\.host 0\.0\.0\.0 is reachable from outside and tls is off/);
  expect(code).toBe(78);
  expect(existsSync(join(folder.path, 'data'))).toBe(false);
});

test('K16 limits above the memory cap end the start with 78 and both keys', async () => {
  const { code, stderr } = await runCli(['start'], { env: { FIELDGATE_LIMITS__DEVICES: '50000' } });
  expect(stderr).toMatch(/limits\.devices \(50000\).*limits\.memoryBytes/);
  expect(code).toBe(78);
});

test('config show gives each value with its source, and masks what came from a secret file', async () => {
  using folder = createFolder();
  const secret = folder.file('name.txt', 'hidden.example\n');
  const env = { FIELDGATE_HTTP__HOST_FILE: secret, FIELDGATE_STORE__COMMIT_INTERVAL_MS: '20' };
  const json = await runCli(['config', 'show', '--json'], { cwd: folder.path, env });
  const shown = JSON.parse(json.stdout) as Record<string, { value: unknown; source: string }>;
  expect(shown['store.commitIntervalMs']).toEqual({ value: 20, source: 'environment FIELDGATE_STORE__COMMIT_INTERVAL_MS' });
  expect(shown['http.host']).toEqual({ value: '********', source: 'environment FIELDGATE_HTTP__HOST_FILE' });
  expect(shown['http.port']).toEqual({ value: 8443, source: 'default' });
  const text = await runCli(['config', 'show'], { cwd: folder.path, env });
  expect(text.stdout).toMatch(/^store\.commitIntervalMs +20 +environment FIELDGATE_STORE__COMMIT_INTERVAL_MS$/m);
  expect(json.stdout + text.stdout).not.toContain('hidden');
});

test('config init writes a file that passes config check, and never over another', async () => {
  using folder = createFolder();
  const file = join(folder.path, 'fieldgate.yaml');
  expect(await runCli(['config', 'init', '--config', file])).toMatchObject({ code: 0, stdout: '' });
  expect(await runCli(['config', 'check'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: expect.stringContaining(file) });
  expect(await runCli(['config', 'init', '--config', file])).toMatchObject({ code: 73 });
  const { stdout } = await runCli(['config', 'init']);
  expect(`${stdout}`).toBe(readFileSync(file, 'utf8').trimEnd() + '\n');
});

test('E1 NODE_TLS_REJECT_UNAUTHORIZED=0 ends every command with 78', async () => {
  const { code, stderr } = await runCli(['config', 'show'], { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  expect(stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED=0 .*unset it/);
  expect(code).toBe(78);
});

test('E3 an older Node, SQLite or ws is refused with what was found and what is needed', () => {
  const present = presentRuntime({});
  expect(runtimeProblems(present)).toEqual([]);
  expect(runtimeProblems({ ...present, ...FLOORS })).toEqual([]);
  for (const [name, found] of [
    ['node', '26.3.0'],
    ['node', '25.9.9'],
    ['sqlite', '3.51.2'],
    ['sqlite', '3.9.99'],
    ['ws', '8.22.9'],
  ] as const) {
    const [problem, ...others] = runtimeProblems({ ...present, [name]: found });
    expect(problem).toMatch(new RegExp(`${found.replaceAll('.', '\\.')} is too old, ${FLOORS[name].replaceAll('.', '\\.')} or later`));
    expect(others).toEqual([]);
  }
  expect(runtimeProblems({ ...present, node: '26.3.1-nightly' })).toEqual([]);
});

test('E5 neither the language nor the time zone of the machine changes what is understood', async () => {
  using folder = createFolder();
  folder.file('fieldgate.yaml', 'LIVENESS: {}\ninsecure: true\n');
  const usual = await runCli(['config', 'show', '--json'], { cwd: folder.path, env: { TZ: 'UTC', LANG: 'C' } });
  const odd = await runCli(['config', 'show', '--json'], {
    cwd: folder.path,
    env: { TZ: 'Antarctica/Troll', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  });
  expect(odd).toEqual(usual);
  expect(usual.stderr).toMatch(/did you mean liveness\?/);
  const fine = { FIELDGATE_LIVENESS__PINGSECONDS: '30', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', TZ: 'Nowhere/Atall' };
  const { stdout } = await runCli(['config', 'show'], { env: fine });
  expect(stdout).toMatch(/^liveness\.pingSeconds +30 /m);
});

test('E6 without HOME everything works, and nothing is dropped into the working directory', async () => {
  using folder = createFolder();
  using data = createFolder();
  const env = { HOME: undefined, XDG_RUNTIME_DIR: undefined, XDG_CONFIG_HOME: undefined };
  const made = await runCli(['device', 'add', 'pump-1', '--data', join(data.path, 'd')], { cwd: folder.path, env });
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^fgd_[A-Za-z0-9_-]{43}\n$/) });
  expect(await runCli(['device', 'list', '--data', join(data.path, 'd')], { cwd: folder.path, env })).toMatchObject({ code: 0 });
  expect(await runCli(['device', 'list'], { cwd: folder.path, env })).toMatchObject({
    code: 73,
    stderr: expect.stringContaining('no data directory'),
  });
  expect(readdirSync(folder.path)).toEqual([]);
});
