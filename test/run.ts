// `npm test`: the machine, the checks, the console's build, then every suite. The last line counts everything; nothing is left out in
// silence: what cannot run has failed.

import { join } from 'node:path';
import { prepareMachine } from './check/machine.ts';
import { runChecks } from './check/run-checks.ts';
import { runSuite, runTool, stopAll, type Suite, type Totals } from './check/suites.ts';

const ROOT = join(import.meta.dirname, '..');
const SUITES: readonly Suite[] = [
  { name: 'unit', budgetSeconds: 300 },
  { name: 'contract', budgetSeconds: 300 },
  { name: 'gateway', budgetSeconds: 900 },
  { name: 'fault', budgetSeconds: 900 },
  { name: 'browser', budgetSeconds: 600 },
];
const BUILD_BUDGET_SECONDS = 120;

const startedAtMs = performance.now();
const say = (line: string): void => console.log(line);
const total = { passed: 0, failed: 0, skipped: 0 };

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopAll();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

async function step(name: string, work: () => Promise<Totals>): Promise<void> {
  say(`\n── ${name}`);
  const stepAtMs = performance.now();
  let totals: Totals;
  try {
    totals = await work();
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    totals = { passed: 0, failed: 1, skipped: 0 };
  }
  total.passed += totals.passed;
  total.failed += totals.failed;
  total.skipped += totals.skipped;
  const seconds = ((performance.now() - stepAtMs) / 1000).toFixed(1);
  say(`── ${name}: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped in ${seconds} s`);
}

if (Number.parseInt(process.versions.node, 10) < 26) {
  say(`This is Node ${process.versions.node}; run it as \`npm ci && npm test\`, which brings Node 26.`);
  process.exitCode = 1;
} else if (process.argv.length > 2) {
  say('npm test takes no arguments. For one suite or file: npx vitest run --project unit [FILE]');
  process.exitCode = 2;
} else if (!prepareMachine(process.env['CI'] === 'true', say)) {
  say('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
} else {
  await step('checks', async () => ({ ...(await runChecks(ROOT, say)), skipped: 0 }));
  await step('console build', async () => {
    const { code, isOverBudget } = await runTool(ROOT, 'vite', ['build', 'web'], BUILD_BUDGET_SECONDS);
    return code === 0 && !isOverBudget ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
  });
  for (const suite of SUITES) await step(suite.name, () => runSuite(ROOT, suite, say));
  if (total.skipped > 0) say('A skipped test is a promise that nobody checks: this run has failed.');
  say(`\nNode ${process.versions.node}, ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
  say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 || total.skipped > 0 ? 1 : 0;
}
