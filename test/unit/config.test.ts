import { chmodSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Config, DEFAULTS } from '../../gateway/config.ts';
import { starterFile } from '../../gateway/commands/config-starter.ts';
import { type ConfigFlags, environmentName, type LoadedConfig, loadConfig } from '../../gateway/load-config.ts';
import { memoryBudget } from '../../gateway/memory-budget.ts';
import { createFolder } from '../support/cli-process.ts';

/** Loads a file's text (none: no file) in a folder of its own. */
function load(
  text: string | null,
  { env = {}, flags = {} }: { env?: NodeJS.ProcessEnv; flags?: ConfigFlags } = {},
): LoadedConfig & { folder: string } {
  using folder = createFolder();
  if (text !== null) folder.file('fieldgate.yaml', text);
  return { ...loadConfig({ flags, env, cwd: folder.path }), folder: folder.path };
}
const messages = (loaded: LoadedConfig): string[] => loaded.problems.map((problem) => problem.message);

test('without a file, environment and flags the defaults hold', () => {
  const { config, problems, file, sources, folder } = load(null);
  expect(problems).toEqual([]);
  expect(file).toBeNull();
  expect(config).toEqual({ ...DEFAULTS, data: join(folder, 'data') });
  expect(new Set(sources.values())).toEqual(new Set(['default']));
});

test('flags are stronger than the environment, the environment than the file, the file than the defaults', () => {
  const text = 'http:\n  port: 1001\n  host: 127.0.0.1\nliveness:\n  pingSeconds: 30\nstore: {commitIntervalMs: 20}\n';
  const { config, sources, problems, folder } = load(text, {
    env: {
      FIELDGATE_HTTP__PORT: '1002',
      FIELDGATE_LIVENESS__PING_SECONDS: '40',
      FIELDGATE_HTTP__ORIGINS: 'https://a.example, https://b.example:8443',
    },
    flags: { port: 1003 },
  });
  expect(problems).toEqual([]);
  expect(config.http).toMatchObject({ port: 1003, host: '127.0.0.1', origins: ['https://a.example', 'https://b.example:8443'] });
  expect(config.liveness.pingSeconds).toBe(40);
  expect(config.store.commitIntervalMs).toBe(20);
  expect(Object.fromEntries(sources)).toMatchObject({
    'http.port': 'flag --port',
    'liveness.pingSeconds': 'environment FIELDGATE_LIVENESS__PING_SECONDS',
    'store.commitIntervalMs': `${join(folder, 'fieldgate.yaml')}:6`,
    'http.publicUrl': 'default',
  });
});

test('every key can be set from the environment under its own name', () => {
  expect(environmentName('http.publicUrl')).toBe('FIELDGATE_HTTP__PUBLIC_URL');
  const { sources } = load(null);
  for (const path of sources.keys()) {
    const { sources: after, problems } = load(null, { env: { [environmentName(path)]: 'x' } });
    expect(after.get(path), path).toBe(`environment ${environmentName(path)}`);
    if (path === 'http.host' || path === 'data') expect(problems).toEqual([]);
    else expect(problems.map((problem) => problem.path)).toContain(path);
  }
});

test('the data directory comes from the flag, the environment, $STATE_DIRECTORY, the file, or the working directory', () => {
  const at = (env: NodeJS.ProcessEnv, flags: ConfigFlags = {}, text: string | null = null): string => {
    const { config, folder } = load(text, { env, flags });
    return config.data.replace(folder, '.');
  };
  expect(at({})).toBe('./data');
  expect(at({}, {}, 'data: mine')).toBe('./mine');
  expect(at({ STATE_DIRECTORY: '/var/lib/fieldgate' }, {}, 'data: mine')).toBe('/var/lib/fieldgate');
  expect(at({ STATE_DIRECTORY: '/var/lib/fieldgate', FIELDGATE_DATA: 'env' })).toBe('./env');
  expect(at({ FIELDGATE_DATA: 'env' }, { data: 'flag' })).toBe('./flag');
});

test('the starter file is a configuration, and with its comments opened it is the defaults', () => {
  expect(load(starterFile()).problems).toEqual([]);
  const { config, problems, folder } = load(starterFile().replace(/^( *)#([A-Za-z]+: )/gm, '$1$2'));
  expect(problems).toEqual([]);
  expect(config).toEqual({ ...DEFAULTS, data: join(folder, 'data') });
});

test('K1 a file that was asked for and is missing is an error that names it', () => {
  expect(messages(load(null, { flags: { config: 'none.yaml' } }))).toEqual([expect.stringMatching(/^config not found: .*none\.yaml$/)]);
  expect(messages(load(null, { env: { FIELDGATE_CONFIG: '/nowhere/at/all' } }))).toEqual(['config not found: /nowhere/at/all']);
});

test.each(['', '\n', '# nothing but words\n', '---\n', 'http:\n', '{}', 'http:\n  # port: 1\n'])(
  'K2 an empty file %j leaves the defaults',
  (text) => {
    const { problems, config } = load(text);
    expect(problems).toEqual([]);
    expect(config.http).toEqual(DEFAULTS.http);
  },
);

test.each([
  ['http:\n  prot: 1\n', /fieldgate\.yaml:2: unknown key "http\.prot"; did you mean http\.port\?/],
  ['tls:\n  requierd: true\n', /tls must be auto, off, or the files/],
  ['livenes: {}\n', /unknown key "livenes"; did you mean liveness\?/],
  ['limits: {deviceFrameByte: 70000}\n', /did you mean limits\.deviceFrameBytes\?/],
  ['zzzzzzzzzzzzzzzz: 1\n', /unknown key "zzzzzzzzzzzzzzzz"; known here: data, http, tls/],
  ['__proto__: {x: 1}\n', /unknown key "__proto__"/],
  ['http: {constructor: 1}\n', /unknown key "http\.constructor"/],
  ['backup: {kep: 3}\n', /unknown key "backup\.kep"; did you mean backup\.keep\?/],
  ['backup: {every: 5}\n', /backup\.every must be never, or a number and m, h or d/],
  ['- http\n', /must be a map of keys/],
])('K3 an unknown key in %j is told with the nearest one', (text, says) => {
  expect(messages(load(text))).toEqual([expect.stringMatching(says)]);
});

test('K3 an environment variable that sets no key is an error, and those that Kubernetes makes are not', () => {
  expect(messages(load(null, { env: { FIELDGATE_HTTP__PROT: '1' } }))).toEqual([
    'environment variable FIELDGATE_HTTP__PROT sets no key: did you mean FIELDGATE_HTTP__PORT?',
  ]);
  const linked = { FIELDGATE_SERVICE_HOST: '10.0.0.1', FIELDGATE_PORT: 'tcp://10.0.0.1:8443', FIELDGATE_PORT_8443_TCP_ADDR: '10.0.0.1' };
  expect(messages(load(null, { env: linked }))).toEqual([]);
});

test.each([
  ['http:\n  port: 1\n  port: 2\n', /unique/],
  ['http: {port: "80a"}', /http\.port must be a whole number from 0 to 65535.*not "80a"/],
  ['http: {port: "80"}', /http\.port must be a whole number/],
  ['http: {port: 70000}', /http\.port must be a whole number from 0 to 65535.*not 70000/],
  ['http: {port: -1}', /not -1/],
  ['http: {port: 1e309}', /not Infinity/],
  ['http: {port: .nan}', /not NaN/],
  ['http: {port: 80.5}', /not 80\.5/],
  ['http: {port: [80]}', /not \[80\]/],
  ['http: {port: {a: 1}}', /http\.port must be/],
  ['http: {host: "a b"}', /http\.host must be an IP address or a host name/],
  ['insecure: yes', /insecure must be true or false, not "yes"/],
  ['tls: on', /tls must be auto, off, or the files/],
  ['tls: {cert: a}', /tls must be auto, off, or the files/],
  ['log: {level: loud}', /log\.level must be one of debug, info, warn, error, not "loud"/],
  ['liveness: {pingSeconds: 301}', /liveness\.pingSeconds must be a whole number from 1 to 300/],
  ['http: {publicUrl: "https://u:p@x.example"}', /http\.publicUrl must be/],
  ['http: {trustedProxies: [10.0.0.0/33]}', /http\.trustedProxies must be an IP address or a range/],
])('K4 %j is refused with the key and what is allowed', (text, says) => {
  expect(messages(load(text))).toEqual([expect.stringMatching(says)]);
});

test('K4 every problem is told at once', () => {
  const { problems } = load('http: {port: 70000, prot: 1}\nlog: {level: loud}\n', {
    env: { FIELDGATE_LIVENESS__PONG_SECONDS: 'soon', FIELDGATE_X: '1' },
  });
  expect(problems.map(({ path }) => path).sort()).toEqual(['', 'http.port', 'http.prot', 'liveness.pongSeconds', 'log.level']);
  expect(new Set(problems.map(({ exit }) => exit))).toEqual(new Set([78]));
});

test('K5 a key or secret file that others may read is refused with the chmod that mends it', () => {
  using folder = createFolder();
  const key = folder.file('own.key', 'secret', 0o644);
  chmodSync(key, 0o644);
  const own = loadConfig({ flags: { tls: `own.crt,own.key` }, env: {}, cwd: folder.path });
  expect(own.problems).toEqual([{ path: 'tls.key', exit: 77, message: expect.stringContaining(`chmod 600 ${key}`) }]);
  const fromFile = loadConfig({ flags: {}, env: { FIELDGATE_HTTP__HOST_FILE: 'own.key' }, cwd: folder.path });
  expect(fromFile.problems).toEqual([{ path: 'http.host', exit: 77, message: expect.stringContaining(`chmod 600 ${key}`) }]);
  chmodSync(key, 0o600);
  const closed = loadConfig({ flags: {}, env: { FIELDGATE_HTTP__HOST_FILE: 'own.key' }, cwd: folder.path });
  expect(closed.problems).toEqual([]);
  expect(closed.config.http.host).toBe('secret');
  expect([...closed.secrets]).toEqual(['http.host']);
});

test('K7 listening beyond this machine without TLS needs insecure: true, and the default moves to loopback', () => {
  expect(load('tls: off').config.http.host).toBe('127.0.0.1');
  expect(messages(load('tls: off\nhttp: {host: 0.0.0.0}'))).toEqual([expect.stringMatching(/http\.host 0\.0\.0\.0 .*insecure: true/)]);
  expect(messages(load('tls: off\nhttp: {host: "::"}'))).toHaveLength(1);
  expect(messages(load('tls: off\nhttp: {host: gateway.local}'))).toHaveLength(1);
  expect(messages(load('tls: off\nhttp: {host: "::1"}'))).toEqual([]);
  const insecure = load('tls: off\ninsecure: true');
  expect(insecure.problems).toEqual([]);
  expect(insecure.config.http.host).toBe('0.0.0.0');
});

test.each(['"*"', 'https://*.example.com', 'https://a.example/path', 'HTTPS://a.example', 'https://a.example:443', 'a.example', 'null'])(
  'K8 the origin %s is refused: origins are exact',
  (origin) => {
    expect(messages(load(`http: {origins: [${origin}]}`))).toEqual([expect.stringMatching(/http\.origins must be/)]);
  },
);

test.each([
  ['http: {port: &p 1}\nliveness: {pingSeconds: *p}\n', /aliases/],
  ['http: {port: &p 1}\n', /anchors/],
  ['http: {port: !!int "1"}\n', /tags/],
  ['http: !mine {port: 1}\n', /tags/],
  ['%YAML 1.1\n---\nhttp: {port: 1}\n', /1\.2/],
  ['http: {port: 1}\n---\nhttp: {port: 2}\n', /2 YAML documents/],
  [`http: ${'['.repeat(20_000)}`, /./],
  ['http: {port: 1', /fieldgate\.yaml:1/],
  ['\tx: 1', /./],
])('K14 %j is not read', (text, says) => {
  const found = messages(load(text));
  expect(found.length).toBeGreaterThan(0);
  expect(found.join('\n')).toMatch(says);
});

test('K14 a file of 10 MB is not even opened, and one that is not UTF-8 is refused', () => {
  using folder = createFolder();
  const file = folder.file('big.yaml', '# x\n');
  truncateSync(file, 10_000_000);
  expect(loadConfig({ flags: { config: file }, env: {}, cwd: folder.path }).problems[0]?.message).toMatch(/10000000 bytes/);
  const latin = folder.file('latin.yaml', Buffer.from([0x23, 0xe4, 0x0a]));
  expect(loadConfig({ flags: { config: latin }, env: {}, cwd: folder.path }).problems[0]?.message).toMatch(/not UTF-8/);
});

test.each([
  ['limits: {devices: 6000}', ['limits.devices', 'limits.memoryBytes']],
  ['limits: {memoryBytes: 134217728}', ['limits.devices', 'limits.memoryBytes']],
  ['limits: {outboxResumeBytes: 262144}', ['limits.outboxResumeBytes', 'limits.outboxFoldBytes']],
  ['limits: {headersSeconds: 60}', ['limits.headersSeconds', 'limits.requestSeconds']],
  ['limits: {unackedFrames: 4096}', ['limits.unackedFrames', 'limits.deviceFrameBytes']],
  ['limits: {sessionIdleMinutes: 800}', ['limits.sessionIdleMinutes', 'limits.sessionHours']],
  ['limits: {failedAuthPerMinute: 30}', ['limits.failedAuthPerMinute', 'limits.failedAuthBurst']],
])('K16 %j contradicts another limit, and both are named', (text, keys) => {
  const found = messages(load(text));
  expect(found).toHaveLength(1);
  for (const key of keys) expect(found[0]).toContain(key);
});

test('K16 what the refusal of a memory cap proposes is accepted', () => {
  const [message = ''] = messages(load('limits: {devices: 20000}'));
  const [, bytes, devices] = /set limits\.memoryBytes to (\d+) or more, or limits\.devices to (\d+) or less/.exec(message) ?? [];
  expect(messages(load(`limits: {devices: 20000, memoryBytes: ${bytes}}`))).toEqual([]);
  expect(messages(load(`limits: {devices: ${devices}}`))).toEqual([]);
});

test('the defaults fit into their own memory cap', () => {
  const { total, cap } = memoryBudget(DEFAULTS.limits);
  expect(total).toBe((150 + 96 + 64 + 32 + 96 + 8) * 1024 * 1024 + 5000 * 64 * 1024);
  expect(cap).toBe(768 * 1024 * 1024);
});

test('K17 a variable that is used and not set is named, without any value', () => {
  const text = 'http:\n  publicUrl: https://${HOST_NAME}\n  port: ${PORT}\n';
  const set = load(text, { env: { HOST_NAME: 'a.example', PORT: '8444' } });
  expect(set.problems).toEqual([]);
  expect(set.config.http).toMatchObject({ publicUrl: 'https://a.example', port: 8444 });
  const missing = load(text, { env: { HOST_NAME: 'a.example', SECRET: 'hidden' } });
  expect(messages(missing)).toEqual([expect.stringMatching(/fieldgate\.yaml:3: the environment variable "PORT" is not set/)]);
  expect(messages(missing).join()).not.toContain('hidden');
});

test('a literal ${ is written $${', () => {
  const { config } = load('data: "/srv/$${x}"');
  expect(config.data).toBe('/srv/${x}');
});

test('paths in the file are relative to the file, paths in flags and environment to the working directory', () => {
  using folder = createFolder();
  using other = createFolder();
  const file = folder.file('f.yaml', 'data: here\ntls: {cert: a.crt, key: a.key}\n');
  const fromFile: Config = loadConfig({ flags: { config: file }, env: {}, cwd: other.path }).config;
  expect(fromFile.data).toBe(join(folder.path, 'here'));
  expect(fromFile.tls).toEqual({ cert: join(folder.path, 'a.crt'), key: join(folder.path, 'a.key') });
  const fromFlag = loadConfig({ flags: { config: file, tls: 'b.crt,b.key' }, env: {}, cwd: other.path }).config;
  expect(fromFlag.tls).toEqual({ cert: join(other.path, 'b.crt'), key: join(other.path, 'b.key') });
});

test('store.minFreeBytes is auto or bytes, from the file and from the environment', () => {
  expect(load(null).config.store.minFreeBytes).toBe('auto');
  expect(load('store: {minFreeBytes: 0}').config.store.minFreeBytes).toBe(0);
  const name = environmentName('store.minFreeBytes');
  expect(load(null, { env: { [name]: '1048576' } }).config.store.minFreeBytes).toBe(1_048_576);
  expect(load('store: {minFreeBytes: 5}', { env: { [name]: 'auto' } }).config.store.minFreeBytes).toBe('auto');
  for (const wrong of ['-1', '1.5', '256MiB', '[]'])
    expect(messages(load(`store: {minFreeBytes: ${wrong}}`))).toStrictEqual([
      expect.stringMatching(/store\.minFreeBytes must be auto, or a whole number/),
    ]);
});

test('rules of retention are read with what they leave out, and stay as they are written', () => {
  const { config, problems } = load(
    "retention:\n  - {device: 'pump-*', days: 30, summariesDays: 0}\n  - {metric: heat, maxBytes: 2000000}\n  - {}\n",
  );
  expect(problems).toEqual([]);
  expect(config.retention).toEqual([
    { device: 'pump-*', metric: '*', days: 30, maxBytes: null, summariesDays: 0 },
    { device: '*', metric: 'heat', days: null, maxBytes: 2_000_000, summariesDays: null },
    { device: '*', metric: '*', days: null, maxBytes: null, summariesDays: null },
  ]);
  expect(load(`retention: ${JSON.stringify(config.retention)}\n`).config.retention).toEqual(config.retention);
});

test.each([
  ['retention: 30\n', /retention must be a list of rules/],
  ['retention: [30]\n', /fieldgate\.yaml:1: retention\[0\] must be a map of device, metric, days, maxBytes, summariesDays/],
  ['retention: [{days: 0}]\n', /retention\[0\]\.days must be a whole number from 1 to 36500, not 0/],
  ['retention: [{day: 3}]\n', /retention\[0\] has an unknown key "day"; did you mean days\?/],
  ["retention: [{days: 3}, {device: '', days: 3}]\n", /retention\[1\]\.device must be a name, or a pattern with \*, not ""/],
  ['retention: [{maxBytes: 5}]\n', /retention\[0\]\.maxBytes must be a whole number from 1048576 to/],
  ['retention: [{days: 9, summariesDays: 3}]\n', /retention\[0\]\.summariesDays \(3\) must be 0, or no less than days \(9\)/],
  ['retention: [{summariesDays: 3}]\n', /is of no use without days or maxBytes/],
  [`retention: [${'{days: 3}, '.repeat(101)}]\n`, /has at most 100 rules, not 101/],
])('K4 a rule of retention as in %.60s is refused with its place', (text, says) => {
  expect(messages(load(text))).toEqual([expect.stringMatching(says)]);
});
