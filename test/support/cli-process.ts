// The command line as a person runs it: a process, its two outputs, its exit code. And a folder that goes away again.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const MAIN = join(import.meta.dirname, '../../gateway/main.ts');
const DEADLINE_MS = 20_000;

export interface CliEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface CliOptions {
  readonly cwd?: string;
  /** Replaces the environment's entries; undefined removes one. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** As a user with no privileges: a superuser keeps the files but loses every capability. */
  readonly unprivileged?: boolean;
  /** How many open files the process may have (ulimit -n). */
  readonly openFiles?: number;
}
export interface RunningCli extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the match once stdout or stderr has it; rejects when the process ends first. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<CliEnd>;
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  // other people's settings are not this test's
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(FIELDGATE_|STATE_DIRECTORY$|NODE_OPTIONS$)/.test(name)),
  );
  const limited = options.openFiles === undefined ? [] : ['sh', '-c', `ulimit -n ${options.openFiles}; exec "$0" "$@"`];
  const dropped = options.unprivileged === true && process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
  const [program, ...given] = [...limited, ...dropped, process.execPath, MAIN, ...args];
  const child = spawn(program, given, {
    cwd: options.cwd ?? tmpdir(),
    env: { ...clean, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (part: string) => {
      text[stream] += part;
      for (const look of watchers) look();
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<CliEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...text });
      for (const look of watchers) look();
    });
  });
  return {
    process: child,
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
    until: (stream, pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => give(new Error(`no ${pattern} on ${stream} in time; stdout: ${text.stdout} stderr: ${text.stderr}`)),
          DEADLINE_MS,
        );
        const give = (answer: RegExpExecArray | Error): void => {
          clearTimeout(timer);
          watchers.delete(look);
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        };
        const look = (): void => {
          const match = pattern.exec(text[stream]);
          if (match !== null) give(match);
          else if (child.exitCode !== null) give(new Error(`ended with ${child.exitCode} before ${pattern}; stderr: ${text.stderr}`));
        };
        watchers.add(look);
        look();
      }),
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  await using cli = startCli(args, options);
  return await cli.ended;
}

export interface TestFolder extends Disposable {
  readonly path: string;
  file(name: string, content: string | Uint8Array, mode?: number): string;
}

export function createFolder(): TestFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-test-')));
  return {
    path,
    file(name, content, mode = 0o600) {
      const file = join(path, name);
      writeFileSync(file, content, { mode });
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
