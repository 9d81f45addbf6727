// The checks that read the tree, each on a small tree in which it must fail and one in which it must not.

import { expect, test } from 'vitest';
import { checkArchitecture } from '../check/architecture.ts';
import { checkConfigKeys } from '../check/config-keys.ts';
import { checkErrorCodes } from '../check/error-codes.ts';
import { checkLockFile, type Lock, type Manifest } from '../check/lock-file.ts';
import { checkRoutes, upgradesIn } from '../check/routes.ts';
import { importsOf, treeOf } from '../check/source-tree.ts';
import { checkWords } from '../check/words.ts';

const imports = (...from: string[]): string => from.map((one) => `import '${one}';\n`).join('');

test('every kind of import is seen, with its line and whether it is gone at run time', () => {
  const text = [
    "import { a } from './a.ts';",
    "import type { B } from './b.ts';",
    "import { type C, type D } from './c.ts';",
    "export { e } from './e.ts';",
    "export * from './f.ts';",
    "const g = await import('./g.ts');",
    "type H = import('./h.ts').H;",
    "const i = new Worker(new URL('./i.ts', import.meta.url));",
    "// import './comment.ts';",
    'const text = "import \'./string.ts\'";',
  ].join('\n');
  const [file] = treeOf({ 'gateway/x.ts': text });
  const found = file ? importsOf(file).map((one) => `${one.line} ${one.from}${one.isTypeOnly ? ' type' : ''}`) : [];
  expect(found).toEqual(['1 ./a.ts', '2 ./b.ts type', '3 ./c.ts type', '4 ./e.ts', '5 ./f.ts', '6 ./g.ts', '7 ./h.ts type', '8 ./i.ts']);
});

const FORBIDDEN: readonly [what: string, path: string, text: string][] = [
  ['the protocol imports node', 'gateway/protocol/x.ts', imports('node:fs')],
  ['the protocol imports a package', 'gateway/protocol/x.ts', imports('zod')],
  ['the protocol imports another folder', 'gateway/protocol/x.ts', imports('../storage/store.ts')],
  ['an interface imports an implementation', 'gateway/storage/store.ts', imports('./sqlite-store.ts')],
  ['an interface imports more than types', 'gateway/storage/store.ts', imports('../protocol/messages.ts')],
  ['ingest imports an implementation of the store', 'gateway/ingest/x.ts', imports('../storage/sqlite-store.ts')],
  ['ingest imports a package', 'gateway/ingest/x.ts', imports('ws')],
  ['ingest imports the edge', 'gateway/ingest/x.ts', imports('../gateway.ts')],
  ['a transport takes the defaults of the configuration', 'gateway/transports/ws.ts', imports('../config.ts')],
  ['the relay takes the catalogue and not its type alone', 'gateway/relay/live-feed.ts', imports('../ingest/catalogue.ts')],
  ['a transport imports ingest', 'gateway/transports/ws.ts', imports('../ingest/session.ts')],
  ['a transport names ingest in a type', 'gateway/transports/ws.ts', "type T = import('../ingest/session.ts').T;\n"],
  ['a transport imports the storage', 'gateway/transports/ws.ts', imports('../storage/sqlite-store.ts')],
  ['the API imports a transport', 'gateway/api/x.ts', imports('../transports/ws.ts')],
  [
    'the API hands an implementation of the store to a worker',
    'gateway/api/x.ts',
    "new Worker(new URL('../storage/sqlite-writer.ts', import.meta.url));\n",
  ],
  ['the storage imports the API', 'gateway/storage/x.ts', imports('../api/api.ts')],
  ['the storage imports a command', 'gateway/storage/x.ts', imports('../commands/start.ts')],
  ['the simulator imports the storage', 'device-sim/x.ts', imports('../gateway/storage/store.ts')],
  ['the console imports the API', 'web/src/x.ts', imports('../../gateway/api/api.ts')],
  ['the console imports node', 'web/src/x.ts', imports('node:fs')],
  ['the product imports a test', 'gateway/api/x.ts', imports('../../test/support/x.ts')],
  ['a folder is missing from the table', 'gateway/utils/x.ts', ''],
  ['a top folder is missing from the table', 'lib/x.ts', ''],
  ['a folder that is missing from the table is imported', 'gateway/gateway.ts', imports('./utils/x.ts')],
  ['the database is opened outside the storage', 'gateway/api/x.ts', imports('better-sqlite3')],
  ['a file name is not kebab-case', 'gateway/api/liveSocket.ts', ''],
  ['a file is too long', 'gateway/api/x.ts', '// A header.\n'.padEnd(450, '\n')],
  ['the composition root is too long', 'gateway/gateway.ts', '\n'.repeat(101)],
];

test.each(FORBIDDEN)('architecture fails when %s', (_what, path, text) => {
  expect(checkArchitecture(treeOf({ [path]: text })).findings).toHaveLength(1);
});

test('architecture fails when two files import one package', () => {
  const tree = treeOf({ 'gateway/config-file.ts': imports('yaml'), 'gateway/commands/import.ts': imports('yaml') });
  expect(checkArchitecture(tree).findings).toEqual([
    'yaml (in gateway) is imported by gateway/config-file.ts and gateway/commands/import.ts: one package, one importing file',
  ]);
});

test('architecture passes a house in order', () => {
  const tree = treeOf({
    'gateway/protocol/senml.ts': imports('./messages.ts'),
    'gateway/storage/store.ts': "import type { Value } from '../protocol/messages.ts';\n",
    'gateway/storage/sqlite-store.ts': imports('node:worker_threads', './store.ts', '../protocol/messages.ts'),
    'gateway/storage/sqlite-writer.ts': imports('better-sqlite3'),
    'gateway/storage/sqlite-registry.ts': imports('better-sqlite3'),
    'gateway/transports/ws.ts': `${imports('ws', './transport.ts')}import type { Limits } from '../config.ts';\n`,
    'gateway/api/live-socket.ts': imports('ws', 'hono', '../relay/live-feed.ts', '../identity/access.ts'),
    'gateway/ingest/ingest.ts': imports('../storage/store.ts', '../relay/bus.ts', './validate.ts'),
    'gateway/relay/live-feed.ts': "import type { Catalogue } from '../ingest/catalogue.ts';\n",
    'gateway/gateway.ts': imports('./storage/sqlite-store.ts', './ingest/ingest.ts', './api/api.ts'),
    'device-sim/command-line.ts': imports('commander'),
    'gateway/commands/program.ts': imports('commander'),
    'device-sim/main.ts': imports('../gateway/protocol/device-client.ts', 'ws', 'node:fs'),
    'web/src/main.tsx': imports('preact', '../../gateway/protocol/rest.ts', './app.css'),
    'web/src/ui/chart.tsx': imports('preact', 'uplot'),
    'gateway/api/long.ts': '// The whole table in one place: over 400 lines\n// because it is one table.\n'.padEnd(450, '\n'),
  });
  expect(checkArchitecture(tree).findings).toEqual([]);
});

test('a file of 300 lines is worth a warning', () => {
  expect(checkArchitecture(treeOf({ 'gateway/api/x.ts': '\n'.repeat(300) }))).toEqual({
    findings: [],
    warnings: ['gateway/api/x.ts: 300 lines'],
  });
});

// Put together here, so that the check does not find its own test.
const dot = '.';
const WORDS: readonly [what: string, path: string, text: string][] = [
  ['a test that runs alone', 'test/unit/x.test.ts', `test${dot}only('a', run);`],
  ['a test that does not run', 'test/unit/x.test.ts', `describe${dot}skip('a', run);`],
  ['a test that runs sometimes', 'test/unit/x.test.ts', `test${dot}${'sk'}ipIf(broken)('a', run);`],
  ['a test that is switched off by an option', 'test/unit/x.test.ts', `test('a', { ${'sk'}ip: true }, run);`],
  ['a test that is to be written', 'test/unit/x.test.ts', `test${dot}todo('a');`],
  ['a test that is expected to fail', 'test/unit/x.test.ts', `test${dot}fails('a', run);`],
  ['a note to self', 'gateway/x.ts', `// ${'TO'}${'DO'}: later`],
  ['a note of a fault', 'docs/x.md', `${'FIX'}${'ME'}`],
  ['a path in a home', 'README.md', `see ${'/ho'}me/jane/fieldgate/x`],
  ['a path in the home of root', 'gateway/x.ts', `const file = '${'/ro'}ot/x';`],
  ['a path of a Mac', 'docs/x.md', `${'/Us'}ers/jane/x`],
  ['a registry', 'docs/x.md', `https://${'registry'}.npmjs.org/ws`],
  ['a registry setting', '.npmrc', `${'registry'}=https://example.org`],
];

test.each(WORDS)('words fails on %s', (_what, path, text) => {
  expect(checkWords(treeOf({ [path]: text })).findings).toHaveLength(1);
});

test('words passes what only looks alike', () => {
  const tree = treeOf({
    'gateway/x.ts': `list${dot}skip(1); const only = read.only; // the only way to skip`,
    'docs/operations.md': 'sudo install -d -o fieldgate /var/lib/fieldgate; the file is registry.db; https://example.org/home/work/x',
    'package-lock.json': '{"version": "1.0.0"}',
  });
  expect(checkWords(tree).findings).toEqual([]);
});

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
];
const SERVED = [
  { method: 'get', path: '/v1/devices' },
  { method: 'GET', path: '/v1/devices/{device}' },
  ...upgradesIn(
    treeOf({ 'gateway/gateway.ts': "serve({ access: 'UPGRADE /v1/live' });", 'gateway/identity/access.ts': "'UPGRADE /v1/device'" }),
  ),
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
  ['a socket without a role', TABLE.slice(0, 2), SERVED, /^UPGRADE \/v1\/live is served and has no role/],
  ['a role without a socket', TABLE, SERVED.slice(0, 2), /^UPGRADE \/v1\/live has a role .* served by nobody/],
  [
    'an entry without a role',
    [...TABLE.slice(0, 2), { method: 'UPGRADE', path: '/v1/live' }],
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
  ['npm would compile a package', MANIFEST, LOCK, (path) => path === 'node_modules/c', /c runs a script/],
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
