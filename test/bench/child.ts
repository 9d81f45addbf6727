// Processes under measurement: started, watched for a line on stdout, ended; CPU and memory from /proc, so that both sides of a
// comparison are measured by the same means.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const TICKS_PER_SECOND = 100;

export interface Child {
  readonly pid: number;
  /** The next line on stdout; rejects when the process ends first. */
  line(): Promise<string>;
  /** CPU seconds, user and system, all threads. */
  cpuSeconds(): number;
  rssBytes(): number;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** What a process has sent to disks, by the kernel's count. */
export const writtenBytes = (pid: number): number => Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly nodeFlags?: readonly string[];
  /** Pin the process to this core. */
  readonly core?: number;
}

export function startChild(file: string, args: readonly string[], options: ChildOptions = {}): Child {
  const pin = options.core === undefined ? [] : ['taskset', '-c', String(options.core)];
  const [command, ...all] = [...pin, process.execPath, ...(options.nodeFlags ?? []), file, ...args];
  const child: ChildProcess = spawn(command, all, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const lines: string[] = [];
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let errors = '';
  child.stderr?.on('data', (part: Buffer) => {
    errors = (errors + part.toString()).slice(-4000);
  });
  const exited = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      for (const one of waiting) one.reject(new Error(`${file} ended with ${code}: ${errors}`));
      resolve(code);
    });
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const first = waiting.shift();
      if (first === undefined) lines.push(line);
      else first.resolve(line);
    });
  }
  const pid = child.pid as number;
  return {
    pid,
    line() {
      const ready = lines.shift();
      if (ready !== undefined) return Promise.resolve(ready);
      if (child.exitCode !== null) return Promise.reject(new Error(`${file} ended with ${child.exitCode}: ${errors}`));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    cpuSeconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    rssBytes() {
      const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return Number(found?.[1]) * 1024;
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
