// The checks that are a tool's work: formatter, linter, compiler, and the search for dead code. Each runs as a child on this Node.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { outcome, type Check, type Outcome } from './check.ts';

const BIN = join(import.meta.dirname, '../../node_modules/.bin');

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export const formatCheck: Check = {
  name: 'format',
  run: (root) =>
    runTool(root, 'biome', ['format', '--reporter=github', '--max-diagnostics=200', '.'], (output) => formatterLines(output, root)),
};

export const lintCheck: Check = {
  name: 'lint',
  run: (root) => runTool(root, 'oxlint', ['--type-aware', '--deny-warnings', '--format=unix', '.'], unixLines),
};

export const typesCheck: Check = {
  name: 'types',
  async run(root) {
    const server = await runTool(root, 'tsc', ['-p', root, '--pretty', 'false'], compilerLines);
    const web = existsSync(join(root, 'web/tsconfig.json'))
      ? await runTool(root, 'tsc', ['-p', join(root, 'web/tsconfig.json'), '--pretty', 'false'], compilerLines)
      : outcome(['web/tsconfig.json is missing: the console is not type-checked']);
    return outcome([...server.findings, ...web.findings], [...server.warnings, ...web.warnings]);
  },
};

export const deadCodeCheck: Check = {
  name: 'dead code',
  run: (root) => runTool(root, 'knip', ['--reporter', 'compact', '--no-progress', '--no-config-hints'], deadCodeLines),
};

/** Runs one tool; its lines become findings, and a tool that fails without a word is a finding too. */
export async function runTool(
  root: string,
  tool: string,
  args: readonly string[],
  findingsIn: (output: string) => string[],
): Promise<Outcome> {
  const { code, output } = await run(process.execPath, [join(BIN, tool), ...args], root);
  if (code === 0) return outcome([]);
  const findings = findingsIn(output);
  return outcome(
    findings.length > 0 ? findings : [`${tool} ended with ${code ?? 'a signal'}: ${output.trim().slice(-2000) || 'without a word'}`],
  );
}

function run(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  // Tools start further children by the name `node`: they must find this one.
  const env = {
    ...process.env,
    PATH: [BIN, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    NO_COLOR: '1',
    FORCE_COLOR: '0',
  };
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, output }));
  return promise;
}

function plainLines(output: string): string[] {
  return output.split('\n').filter((line) => line.trim() !== '');
}

/** tsc explains an error in indented lines below it; the first one says where. */
function compilerLines(output: string): string[] {
  return plainLines(output).filter((line) => !line.startsWith(' '));
}

/** `Unused exports (2)`, then `a.ts: one, two`, becomes `a.ts: unused exports: one, two`. */
function deadCodeLines(output: string): string[] {
  let heading = '';
  return plainLines(output).flatMap((line) => {
    const found = /^([A-Z][\w ]+) \(\d+\)$/.exec(line)?.[1];
    if (found) heading = found.toLowerCase();
    const [file, ...names] = line.split(': ');
    return found ? [] : [names.join() === file ? `${file}: ${heading.replace(/s$/, '')}` : `${file}: ${heading}: ${names.join(': ')}`];
  });
}

function unixLines(output: string): string[] {
  return plainLines(output).filter((line) => /^\S+:\d+:\d+:/.test(line));
}

/** `::error title=format,file=/…/a.ts,line=1,…::…` says only which file it is: the formatter itself shows and mends the rest. */
function formatterLines(output: string, root: string): string[] {
  return [...output.matchAll(/^::error title=([^,]+),file=([^,]+),(?:line=(\d+))?[^\n]*::(.*)$/gm)].map(
    ([, title, file = '', line = '1', text = '']) => {
      const path = isAbsolute(file) ? relative(root, file) : file;
      return title === 'format' ? `${path}: not formatted; run npx biome format --write ${path}` : `${path}:${line}: ${text}`;
    },
  );
}
