// The checks that read the tree, each on a small tree in which it must fail and one in which it must not.

import { expect, test } from 'vitest';
import { checkArchitecture } from '../check/architecture.ts';
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
  ['the client imports the storage', 'gateway/client/x.ts', imports('../storage/store.ts')],
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
    'docs/operations.md': `sudo install -d -o fieldgate /var/lib/fieldgate; the file is registry.db; https://example.org${'/wo'}rk/x`,
    'package-lock.json': '{"version": "1.0.0"}',
  });
  expect(checkWords(tree).findings).toEqual([]);
});
