// The checks that are a tool's work, each in a folder of its own in which it must fail, with the project's own settings.

import { cpSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Check } from '../check/check.ts';
import { runChecks } from '../check/run-checks.ts';
import { deadCodeCheck, formatCheck, lintCheck, typesCheck } from '../check/tools.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const CLEAN = "import { second } from './second.ts';\n\nconsole.log(second);\n";

/** A small project with the settings of this one: gateway/main.ts imports gateway/second.ts. */
function project(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'fieldgate-check-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ['.oxlintrc.json', '.gitignore', 'biome.json', 'knip.json', 'tsconfig.json'])
    cpSync(join(REPOSITORY, name), join(root, name));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  const all = {
    'package.json': '{ "name": "small", "version": "1.0.0", "type": "module" }\n',
    'web/tsconfig.json':
      '{ "files": ["src/main.ts"], "compilerOptions": { "strict": true, "noEmit": true, "types": [], "lib": ["esnext", "dom"] } }\n',
    'web/src/main.ts': 'export const title = document.title;\n',
    'gateway/main.ts': CLEAN,
    'gateway/second.ts': 'export const second = 2;\n',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test.each([formatCheck, lintCheck, typesCheck, deadCodeCheck])('$name passes a clean project', async (check) => {
  expect((await check.run(project({}))).findings).toEqual([]);
});

const BROKEN: readonly [check: Check, what: string, path: string, text: string, finding: RegExp][] = [
  [formatCheck, 'a file is not formatted', 'gateway/second.ts', 'export const second   =   2\n', /^gateway\/second\.ts: not formatted/],
  [formatCheck, 'a file cannot be parsed', 'gateway/second.ts', 'export const second = (((\n', /^gateway\/second\.ts:2/],
  [
    lintCheck,
    'a promise floats',
    'gateway/second.ts',
    'async function f(): Promise<void> {}\nf();\nexport const second = 2;\n',
    /second\.ts:2:.*no-floating-promises/,
  ],
  [
    lintCheck,
    'a promise is taken for a condition',
    'gateway/second.ts',
    'async function f(): Promise<boolean> {\n  return true;\n}\nexport const second = f() ? 1 : 2;\n',
    /second\.ts:4:.*no-misused-promises/,
  ],
  [
    lintCheck,
    'a switch forgets a case',
    'gateway/second.ts',
    "declare const word: 'a' | 'b';\nswitch (word) {\n  case 'a':\n}\nexport const second = 2;\n",
    /second\.ts:2:.*switch-exhaustiveness-check/,
  ],
  [lintCheck, 'two files import each other', 'gateway/second.ts', "import './main.ts';\nexport const second = 2;\n", /no-cycle/],
  [
    typesCheck,
    'a type is wrong',
    'gateway/second.ts',
    "export const second: number = '2';\n",
    /^gateway\/second\.ts\(1,14\): error TS2322/,
  ],
  [typesCheck, 'the syntax cannot be erased', 'gateway/second.ts', 'export enum second {}\n', /TS1294/],
  [
    typesCheck,
    'a type of the console is wrong',
    'web/src/main.ts',
    'export const title: number = document.title;\n',
    /web\/src\/main\.ts\(1,14\): error TS2322/,
  ],
  [typesCheck, 'the console is not checked', 'web/tsconfig.json', '{', /web\/tsconfig\.json/],
  [deadCodeCheck, 'a file is used by nobody', 'gateway/third.ts', 'export const third = 3;\n', /^gateway\/third\.ts: unused file$/],
  [
    deadCodeCheck,
    'an export is used by nobody',
    'gateway/second.ts',
    'export const second = 2;\nexport const more = 3;\n',
    /^gateway\/second\.ts: unused exports: more$/,
  ],
  [
    deadCodeCheck,
    'a dependency is used by nobody',
    'package.json',
    '{ "name": "small", "type": "module", "dependencies": { "ws": "^8.0.0" } }\n',
    /^package\.json: unused dependencies: ws$/,
  ],
];

test.each(BROKEN.map((row) => [row[0].name, row[1], row] as const))(
  '%s fails when %s',
  async (_name, _what, [check, , path, text, finding]) => {
    const { findings } = await check.run(project({ [path]: text }));
    expect(findings).toContainEqual(expect.stringMatching(finding));
  },
);

test('the run counts the checks that found something, tells each finding, and takes a broken check for a failed one', async () => {
  const said: string[] = [];
  const checks: Check[] = [
    { name: 'fine', run: async () => ({ findings: [], warnings: ['long'] }) },
    { name: 'finds', run: async () => ({ findings: ['a.ts:1: bad'], warnings: [] }) },
    {
      name: 'breaks',
      run: async () => {
        throw new Error('broken');
      },
    },
  ];
  expect(await runChecks(REPOSITORY, (line) => said.push(line), checks)).toEqual({ passed: 1, failed: 2 });
  const text = said.join('\n');
  for (const part of [/ok {3}fine/, /FAIL finds.*1 found/, /a\.ts:1: bad/, /FAIL breaks/, /Error: broken/, /\(warning\) long/])
    expect(text).toMatch(part);
});
