// Runs one vitest suite as a child, with a time budget, and counts what its report says. A suite that says nothing has failed.

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Suite {
  /** A project of vitest.config.ts. */
  readonly name: string;
  readonly budgetSeconds: number;
}

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

export interface Ended {
  readonly code: number | null;
  readonly isOverBudget: boolean;
}

const BIN = join(import.meta.dirname, '../../node_modules/.bin');
const SHOWN: StdioOptions = ['ignore', 'inherit', 'inherit'];
const running = new Set<ChildProcess>();

export async function runSuite(root: string, suite: Suite, say: (line: string) => void, stdio: StdioOptions = SHOWN): Promise<Totals> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-suite-'));
  try {
    const reportFile = join(folder, 'report.json');
    const args = ['run', '--project', suite.name, '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
    const ended = await runTool(root, 'vitest', args, suite.budgetSeconds, stdio);
    if (ended.isOverBudget) say(`${suite.name}: stopped after its budget of ${suite.budgetSeconds} s`);
    const totals = count(existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : '', ended);
    if (totals.passed + totals.failed + totals.skipped === 0) {
      say(`${suite.name}: no test ran`);
      return { ...totals, failed: 1 };
    }
    return totals;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Failed tests, plus files that failed before their first test, plus one when the run failed and the report names no culprit. */
export function count(reportText: string, ended: Ended): Totals {
  const isGood = ended.code === 0 && !ended.isOverBudget;
  if (reportText === '') return { passed: 0, failed: isGood ? 0 : 1, skipped: 0 };
  const report = JSON.parse(reportText) as Report;
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !isGood ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Runs one of the project's tools on this Node with its output shown, and stops it and its children when the budget is over. */
export async function runTool(
  root: string,
  tool: string,
  args: readonly string[],
  budgetSeconds: number,
  stdio: StdioOptions = SHOWN,
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: [BIN, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter) };
  // A run inside a test must not take itself for a part of the outer one.
  for (const name of Object.keys(env)) if (name.startsWith('VITEST') || name === 'NODE_OPTIONS') delete env[name];
  // A process group of its own, so that browsers and gateways that it started end with it.
  const child = spawn(process.execPath, [join(BIN, tool), ...args], {
    cwd: root,
    env,
    stdio,
    detached: true,
  });
  running.add(child);
  let isOverBudget = false;
  const timer = setTimeout(() => {
    isOverBudget = true;
    stop(child);
  }, budgetSeconds * 1000);
  child.on('error', reject);
  child.on('exit', (code) => resolve(code));
  try {
    return { code: await promise, isOverBudget };
  } finally {
    clearTimeout(timer);
    stop(child);
    running.delete(child);
  }
}

/** For Ctrl-C: nothing that was started here outlives the runner. */
export function stopAll(): void {
  for (const child of running) stop(child);
}

function stop(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group is gone already.
  }
}
