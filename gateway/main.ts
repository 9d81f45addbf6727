#!/usr/bin/env node
// The edge of the process: arguments in, exit code out. What it stands on is checked before anything else is loaded.

import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { beginWithLittleRoom } from './allocator.ts';

const CONFIGURATION = 78;

// a reader that has gone (`| head`), or a closed terminal, is not our end
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

/** What runs for long, or is handed much at once. */
const LONG_LIVED = ['start', 'demo', 'bridge', 'import', 'export'];
// Compiled sources are kept beside them: the next start is three times as fast, and needs 60 MiB less in its threads. Never in a folder
// that others may write to, because what lies there is run.
const COMPILE_CACHE = join(import.meta.dirname, '../.cache/compiled');
if (process.argv.slice(2).some((word) => LONG_LIVED.includes(word))) beginWithLittleRoom(COMPILE_CACHE);
const { directory } = enableCompileCache(COMPILE_CACHE);
// threads read the environment, not this call
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= COMPILE_CACHE;

const { presentRuntime, runtimeProblems } = await import('./runtime-checks.ts');
const problems = runtimeProblems(presentRuntime(process.env));
if (problems.length > 0) {
  for (const problem of problems) process.stderr.write(`fieldgate: ${problem}\n`);
  process.exitCode = CONFIGURATION;
} else {
  const [{ COMMANDS }, { runProgram }] = await Promise.all([import('./commands/commands.ts'), import('./commands/program.ts')]);
  process.exitCode = await runProgram(
    {
      env: process.env,
      cwd: process.cwd(),
      out: (text) => void process.stdout.write(`${text}\n`),
      say: (text) => void process.stderr.write(`${text}\n`),
      get stdin() {
        return process.stdin;
      },
    },
    COMMANDS,
    process.argv.slice(2),
  );
}
