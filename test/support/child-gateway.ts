// The gateway as a process of its own, for what a test in the same process can't do to it: kill it, stop it, read its memory.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { connectSocket, type TestSocket } from './socket.ts';

const MAIN = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));

export interface ChildGateway extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly data: string;
  /** '' without TLS. */
  readonly caPem: string;
  /** With the rights of the control socket. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it asked for
  local(method: string, target: string, body?: object): Promise<any>;
  device(token: string): Promise<TestSocket>;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Starts again on the same data and port; resolves with the milliseconds until ready. */
  start(): Promise<number>;
  /** SIGSTOP: the process stands still, the kernel goes on taking what is sent to it. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Everything that it said on stderr, over all its starts. */
  readonly log: string;
}

/** `nodeArgs` go before the program: a preload, for instance. A `folder` of the caller's own becomes the data directory and stays at the end. */
export async function startChildGateway(
  args: readonly string[] = [],
  env: Record<string, string> = {},
  nodeArgs: readonly string[] = [],
  folder: string | null = null,
): Promise<ChildGateway> {
  const data = folder ?? (await mkdtemp(path.join(tmpdir(), 'fieldgate-child-')));
  let child: ChildProcess;
  let ended: Promise<number | null>;
  let port = 0;
  let log = '';

  async function start(): Promise<number> {
    const startedMs = performance.now();
    const host = args.includes('--host') ? [] : ['--host', '127.0.0.1'];
    const command = [...nodeArgs, MAIN, 'start', '--data', data, '--port', String(port), ...host, ...args];
    child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FIELDGATE_LOG__LEVEL: 'error', ...env },
    });
    ended = new Promise((resolve) => child.on('exit', resolve));
    let errors = '';
    child.stderr?.on('data', (part: Buffer) => {
      errors = (errors + part.toString()).slice(-4000);
      log += part.toString();
    });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ready = await Promise.race([
      new Promise<string>((resolve) => lines.once('line', resolve)),
      ended.then((code) => Promise.reject(new Error(`the gateway ended with ${code}: ${errors}`))),
    ]);
    port = Number(new URL(ready.split(' ')[1]).port);
    return performance.now() - startedMs;
  }

  await start();
  const caFile = path.join(data, 'tls', 'ca.crt');
  const caPem = existsSync(caFile) ? readFileSync(caFile, 'utf8') : '';
  const kill = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return {
    get port() {
      return port;
    },
    get pid() {
      return child.pid as number;
    },
    data,
    caPem,
    async local(method, target, body) {
      const answer = await askSocket(socketPath(data), { method, target, ...(body && { body: JSON.stringify(body) }) });
      if (answer === null || answer.status >= 300) throw new Error(`${method} ${target}: ${answer?.status} ${answer?.body}`);
      return answer.body === '' ? null : JSON.parse(answer.body);
    },
    device(token) {
      return connectSocket({ port, caPem, path: '/v1/device', headers: { Authorization: `Bearer ${token}` } });
    },
    kill,
    start,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    get log() {
      return log;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await kill('SIGKILL');
      if (folder === null) await rm(data, { recursive: true, force: true });
    },
  };
}
