// Runs the simulator as people do: as a process of its own, with a folder for its files.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SimEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SimFolder extends Disposable {
  /** Writes a file into the folder; says its path. */
  file(name: string, content: string, mode?: number): string;
}

export function createSimFolder(): SimFolder {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-sim-'));
  return {
    file(name, content, mode = 0o600) {
      const path = join(folder, name);
      writeFileSync(path, content, { mode });
      return path;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface SimOptions {
  readonly input?: string;
  /** Called with all of stderr so far, whenever there is more. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly env?: Record<string, string>;
}

export function runSim(args: readonly string[], { input = '', onStderr, env = {} }: SimOptions = {}): Promise<SimEnd> {
  const main = new URL('../../device-sim/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
