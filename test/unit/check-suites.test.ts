// The runner must not turn a crash, an empty suite or a switched-off test into a success.

import { chmodSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { missingPackages } from '../check/machine.ts';
import { count, runSuite } from '../check/suites.ts';

const CONFIG = "export default { test: { pool: 'forks', projects: [{ test: { name: 'small', include: ['*.test.ts'] } }] } };\n";

function project(text: string): string {
  const root = mkdtempSync(join(tmpdir(), 'fieldgate-suites-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(root, 'vitest.config.ts'), CONFIG);
  if (text !== '') writeFileSync(join(root, 'small.test.ts'), `import { test } from 'vitest';\n${text}`);
  return root;
}

const dot = '.';
const SUITES: readonly [what: string, text: string, totals: { passed: number; failed: number; skipped: number }][] = [
  ['a passing test', "test('a', () => {});", { passed: 1, failed: 0, skipped: 0 }],
  ['a failing test', "test('a', () => {}); test('b', () => { throw new Error('as meant'); });", { passed: 1, failed: 1, skipped: 0 }],
  ['a test that is switched off', `test('a', () => {}); test${dot}skip('b', () => {});`, { passed: 1, failed: 0, skipped: 1 }],
  ['a file that breaks before its first test', "throw new Error('as meant');", { passed: 0, failed: 1, skipped: 0 }],
  [
    'a rejection that nobody handles',
    "test('a', () => { void Promise.reject(new Error('as meant')); });",
    { passed: 1, failed: 1, skipped: 0 },
  ],
  ['a process that dies', "test('a', () => { process.kill(process.pid, 'SIGKILL'); });", { passed: 0, failed: 1, skipped: 0 }],
  ['no test at all', '', { passed: 0, failed: 1, skipped: 0 }],
];

test.each(SUITES)('a suite with %s is counted as what it is', async (_what, text, totals) => {
  expect(await runSuite(project(text), { name: 'small', budgetSeconds: 25 }, () => {}, 'ignore')).toEqual(totals);
});

test('a suite that hangs is stopped at its budget and has failed', async () => {
  const said: string[] = [];
  const root = project("test('a', () => new Promise(() => {}), 600_000);");
  const totals = await runSuite(root, { name: 'small', budgetSeconds: 3 }, (line) => said.push(line), 'ignore');
  expect(totals.failed).toBe(1);
  expect(said.join()).toContain('budget of 3 s');
});

test('a run that ends badly has failed whatever its report says', () => {
  const report = JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] });
  expect(count(report, { code: 0, isOverBudget: false })).toEqual({ passed: 3, failed: 0, skipped: 0 });
  expect(count(report, { code: 1, isOverBudget: false }).failed).toBe(1);
  expect(count(report, { code: null, isOverBudget: true }).failed).toBe(1);
});

test('programs that are not on the path are named by their package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-path-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(missingPackages(folder)).toContain('chromium');
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin/google-chrome');
  writeFileSync(program, '', { mode: 0o644 });
  expect(missingPackages(`/nowhere:${join(folder, 'bin')}`)).toContain('chromium');
  chmodSync(program, 0o755);
  expect(missingPackages(`/nowhere:${join(folder, 'bin')}`)).not.toContain('chromium');
});
