// Builds the console when it is missing or older than its sources, so that a checkout starts with one command. Built beside and moved in
// whole: two gateways that start at once do not meet in a half-written folder.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type ConsoleBuild = 'fresh' | 'built' | 'no-sources' | 'no-vite' | 'failed';

const ROOT = join(import.meta.dirname, '..');
/** The page uses the wire's types and rules too. */
const SOURCES = ['web/src', 'web/public', 'web/index.html', 'web/vite.config.ts', 'gateway/protocol'];

export async function buildConsole(say: (line: string) => void): Promise<ConsoleBuild> {
  const dist = join(ROOT, 'web/dist');
  const builtAtMs = statSync(join(dist, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (!existsSync(join(ROOT, 'web/index.html'))) return builtAtMs > 0 ? 'fresh' : 'no-sources';
  if (builtAtMs > newestOf(SOURCES.map((name) => join(ROOT, name)))) return 'fresh';
  const vite = viteProgram();
  if (vite === null) return 'no-vite';

  say('building the console (once, some seconds)');
  const folder = join(ROOT, '.cache', `console-${process.pid}`);
  mkdirSync(dirname(folder), { recursive: true });
  try {
    const code = await run(vite, ['build', join(ROOT, 'web'), '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn']);
    if (code !== 0 || !existsSync(join(folder, 'index.html'))) return 'failed';
    const old = `${folder}-old`;
    if (existsSync(dist)) renameSync(dist, old);
    try {
      renameSync(folder, dist);
    } catch (error) {
      // another start was first, with the same sources
      if (!existsSync(join(dist, 'index.html'))) throw error;
    }
    rmSync(old, { recursive: true, force: true });
    return 'built';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function viteProgram(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  } catch {
    return null;
  }
}

/** stdout of the build goes to stderr: stdout is for the one line that says ready. */
function run(program: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // the console is for everybody to read, whatever the data directory is
    const umask = process.umask(0o022);
    const child = spawn(process.execPath, [program, ...args], { cwd: ROOT, stdio: ['ignore', 2, 2] });
    process.umask(umask);
    child.on('error', reject);
    child.on('exit', (code) => resolve(code));
  });
}

function newestOf(paths: readonly string[]): number {
  let newest = 0;
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    // a folder's own time tells of files that were removed
    newest = Math.max(newest, stat.mtimeMs);
    if (stat.isDirectory()) newest = Math.max(newest, newestOf(readdirSync(path).map((name) => join(path, name))));
  }
  return newest;
}
