// The checks that compare two lists (settings and their readers, codes and tests, routes and roles, package and lock), each with a case in
// which it must fail.

import { expect, test } from 'vitest';
import { checkConfigKeys } from '../check/config-keys.ts';
import { checkErrorCodes } from '../check/error-codes.ts';
import { checkLockFile, type Lock, type Manifest } from '../check/lock-file.ts';
import { checkRoutes, eventStreamsIn, upgradesIn } from '../check/routes.ts';
import { treeOf } from '../check/source-tree.ts';

const DEFAULTS = { data: './data', tls: 'auto', http: { port: 8443, origins: [] }, limits: { depth: 8 } };
const READS_ALL = 'open(config.data); use(config.tls); const { port, origins } = config.http; scan(options.limits.depth);';

test('config keys passes when each key is read by a member or by taking its group apart', () => {
  expect(checkConfigKeys(DEFAULTS, treeOf({ 'gateway/x.ts': READS_ALL })).findings).toEqual([]);
});

test('config keys knows a part of the configuration by its type, whatever its name', () => {
  const text = `open(config.data, config.tls); const f = (own: Config['http'], caps: Limits) => [own.port, own.origins, caps.depth];`;
  expect(checkConfigKeys(DEFAULTS, treeOf({ 'gateway/x.ts': text })).findings).toEqual([]);
  expect(checkConfigKeys(DEFAULTS, treeOf({ 'gateway/x.ts': text.replace('Limits', 'Heights') })).findings).toHaveLength(1);
});

test.each([
  ['read nowhere', READS_ALL.replace('limits.depth', 'limits.width')],
  ['named in a comment alone', `${READS_ALL.replace('options.limits.depth', '0')} // limits.depth`],
  ['named in a text alone', READS_ALL.replace('options.limits.depth', "'limits.depth'")],
  ['written, not read', `${READS_ALL.replace('options.limits.depth', '0')} limits.depth = 4;`],
  ['a member of something else', READS_ALL.replace('limits.depth', 'tree.depth')],
])('config keys fails when a key is %s', (_what, text) => {
  expect(checkConfigKeys(DEFAULTS, treeOf({ 'gateway/x.ts': text })).findings).toEqual([
    'gateway/config.ts: limits.depth is read nowhere in gateway/; use it or remove it',
  ]);
});

test('config keys does not take the configuration itself, a test or the console for a reader', () => {
  const tree = treeOf({ 'gateway/config.ts': READS_ALL, 'test/unit/x.ts': READS_ALL, 'web/src/x.ts': READS_ALL });
  expect(checkConfigKeys(DEFAULTS, tree).findings).toHaveLength(5);
});

test.each([
  ['not at all', "expect(answer.code).toBe('other');"],
  ['in a sentence', "test('the queue is full', run);"],
  ['in a comment', "// 'full'"],
  ['as a part of a longer word', "expect(answer.code).toBe('full-stop');"],
])('error codes fails when a code is named %s', (_what, text) => {
  expect(checkErrorCodes(['full'], treeOf({ 'test/gateway/x.test.ts': text })).findings).toHaveLength(1);
});

test.each([
  ['as a literal', "expect(answer.code).toBe('full');"],
  ['in a table', "const ROWS = [['H5', 503, `full`]];"],
  ['inside JSON text', 'expect(body).toBe(\'{"code":"full"}\');'],
])('error codes passes when a code is named %s', (_what, text) => {
  expect(checkErrorCodes(['full'], treeOf({ 'test/gateway/x.test.ts': text })).findings).toEqual([]);
});

test('error codes does not count the product or the tests of the checks', () => {
  const tree = treeOf({ 'gateway/x.ts': "refuse('full');", 'test/unit/check-tree.test.ts': "['full'];" });
  expect(checkErrorCodes(['full'], tree).findings).toHaveLength(1);
});

const TABLE = [
  { method: 'GET', path: '/v1/devices', role: 'viewer' },
  { method: 'GET', path: '/v1/devices/:id', role: 'viewer' },
  { method: 'UPGRADE', path: '/v1/live', role: 'viewer' },
  { method: 'EVENTS', path: '/v1/live', role: 'viewer' },
];
const STREAM = { responses: { '200': { content: { 'text/event-stream': {} } } } };
const PLAIN = { responses: { '200': { content: { 'application/json': {} } } } };
const SERVED = [
  { method: 'get', path: '/v1/devices' },
  { method: 'GET', path: '/v1/devices/{device}' },
  ...upgradesIn(
    treeOf({ 'gateway/gateway.ts': "serve({ access: 'UPGRADE /v1/live' });", 'gateway/identity/access.ts': "'UPGRADE /v1/device'" }),
  ),
  ...eventStreamsIn({
    getOpenAPI31Document: () => ({ paths: { '/v1/live': { get: STREAM }, '/v1/devices': { get: PLAIN }, '/v1/x': {} } }),
  }),
];

test('routes passes when the table and the API agree, however a parameter is written', () => {
  expect(checkRoutes(TABLE, SERVED).findings).toEqual([]);
});

test.each([
  ['a route without a role', TABLE, [...SERVED, { method: 'POST', path: '/v1/devices' }], /^POST \/v1\/devices is served and has no role/],
  [
    'a role without a route',
    TABLE,
    SERVED.filter((route) => !route.path.includes('{')),
    /^GET \/v1\/devices\/:_ has a role .* served by nobody/,
  ],
  ['a socket without a role', TABLE.filter(({ method }) => method !== 'UPGRADE'), SERVED, /^UPGRADE \/v1\/live is served and has no role/],
  ['an event stream without a role', TABLE.slice(0, 3), SERVED, /^EVENTS \/v1\/live is served and has no role/],
  ['a role without an event stream', TABLE, SERVED.slice(0, 3), /^EVENTS \/v1\/live has a role .* served by nobody/],
  [
    'a role without a socket',
    TABLE,
    SERVED.filter(({ method }) => method !== 'UPGRADE'),
    /^UPGRADE \/v1\/live has a role .* served by nobody/,
  ],
  [
    'an entry without a role',
    [...TABLE.filter(({ method }) => method !== 'UPGRADE'), { method: 'UPGRADE', path: '/v1/live' }],
    SERVED,
    /^UPGRADE \/v1\/live .* without a role/,
  ],
  ['an entry that is there twice', [...TABLE, { method: 'GET', path: '/v1/devices/:name', role: 'admin' }], SERVED, /twice/],
])('routes fails on %s', (_what, table, served, finding) => {
  expect(checkRoutes(table, served).findings).toEqual([expect.stringMatching(finding)]);
});

const MANIFEST: Manifest = { dependencies: { a: '^1.0.0' }, allowScripts: { b: true } };
const LOCK: Lock = {
  packages: {
    '': { dependencies: { a: '^1.0.0' } },
    'node_modules/a': { version: '1.0.0', dependencies: { b: '^2.0.0' }, optionalDependencies: { 'a-darwin': '1.0.0' } },
    'node_modules/a/node_modules/b': { version: '2.0.0', hasInstallScript: true, dependencies: { c: '*' } },
    'node_modules/a-darwin': { version: '1.0.0' },
    'node_modules/c': { version: '1.0.0' },
  },
};
const without = (path: string): Lock => ({ packages: Object.fromEntries(Object.entries(LOCK.packages).filter(([one]) => one !== path)) });
const never = (): boolean => false;

test('lock file passes a lock that is complete', () => {
  expect(checkLockFile(MANIFEST, LOCK, never).findings).toEqual([]);
});

const LOCKS: readonly [what: string, manifest: Manifest, lock: Lock, isBuiltByNpm: (path: string) => boolean, finding: RegExp][] = [
  ['a package of another platform is missing', MANIFEST, without('node_modules/a-darwin'), never, /a-darwin, which a asks for/],
  ['a package of a package is missing', MANIFEST, without('node_modules/c'), never, /c, which b asks for/],
  ['package.json asks for more', { ...MANIFEST, devDependencies: { d: '1' } }, LOCK, never, /d is missing, package.json says 1/],
  ['package.json asks for less', { allowScripts: { b: true } }, LOCK, never, /a is \^1\.0\.0, package.json says nothing/],
  ['a script is neither allowed nor denied', { ...MANIFEST, allowScripts: {} }, LOCK, never, /b runs a script/],
  ['npm would compile a package', MANIFEST, LOCK, (path) => path === 'node_modules/c', /would compile c/],
  [
    'an address is in the lock',
    MANIFEST,
    { packages: { ...LOCK.packages, 'node_modules/c': { version: '1.0.0', resolved: 'https://example.org/c.tgz' } } },
    never,
    /c names an address/,
  ],
];

test.each(LOCKS)('lock file fails when %s', (_what, manifest, lock, isBuiltByNpm, finding) => {
  expect(checkLockFile(manifest, lock, isBuiltByNpm).findings).toEqual([expect.stringMatching(finding)]);
});
