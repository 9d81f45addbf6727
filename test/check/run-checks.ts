// Runs all checks, a few at a time, and tells each result as soon as it is known.

import { architectureCheck } from './architecture.ts';
import type { Check, Outcome } from './check.ts';
import { configKeysCheck } from './config-keys.ts';
import { errorCodesCheck } from './error-codes.ts';
import { lockFileCheck } from './lock-file.ts';
import { routesCheck } from './routes.ts';
import { deadCodeCheck, formatCheck, lintCheck, typesCheck } from './tools.ts';
import { wordsCheck } from './words.ts';

// The slow ones first, so that they overlap with the others.
const CHECKS: readonly Check[] = [
  deadCodeCheck,
  lintCheck,
  typesCheck,
  formatCheck,
  architectureCheck,
  wordsCheck,
  lockFileCheck,
  routesCheck,
  configKeysCheck,
  errorCodesCheck,
];

const AT_ONCE = 2;

export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

export async function runChecks(root: string, say: (line: string) => void, checks: readonly Check[] = CHECKS): Promise<Totals> {
  const waiting = [...checks];
  let failed = 0;
  const lane = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const startedAtMs = performance.now();
      const { findings, warnings } = await outcomeOf(check, root);
      if (findings.length > 0) failed += 1;
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      say(
        `${findings.length > 0 ? 'FAIL' : 'ok  '} ${check.name.padEnd(14)} ${seconds.padStart(5)} s${findings.length > 0 ? `  ${findings.length} found` : ''}`,
      );
      for (const finding of findings) say(`       ${finding}`);
      for (const warning of warnings) say(`       (warning) ${warning}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { passed: checks.length - failed, failed };
}

async function outcomeOf(check: Check, root: string): Promise<Outcome> {
  try {
    return await check.run(root);
  } catch (error) {
    return {
      findings: [`the check itself broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
      warnings: [],
    };
  }
}
