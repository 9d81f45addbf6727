// A simulated fleet as a process of its own beside a child gateway: to be stopped, or to live behind a link that breaks. At its end the
// simulator itself holds its manifest against the gateway.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ChildGateway } from './child-gateway.ts';
import { createSimFolder, type SimEnd } from './sim-process.ts';

export interface SimFleetOptions {
  readonly gateway: ChildGateway;
  /** The gateway's host as the fleet sees it. */
  readonly host?: string;
  readonly devices: number;
  readonly rateHz: number;
  readonly seconds: number;
  readonly seed: string;
  /** What runs the program: nothing, or a command that ends by executing it. */
  readonly within?: readonly string[];
}
export interface SimFleet extends AsyncDisposable {
  /** When every device was online. */
  readonly online: Promise<void>;
  freeze(): void;
  thaw(): void;
  /** The run's end, and after it the verdict of `device-sim verify`. */
  finish(): Promise<{ readonly run: SimEnd; readonly verify: SimEnd }>;
}

const MAIN = new URL('../../device-sim/main.ts', import.meta.url).pathname;

export async function startSimFleet(options: SimFleetOptions): Promise<SimFleet> {
  const { gateway, host = 'localhost', devices, rateHz, seconds, seed, within = [] } = options;
  const enrolment = await gateway.local('POST', '/v1/enrolments', { max: devices, expiresSeconds: 3600 });
  const key = await gateway.local('POST', '/v1/keys', { name: `sim ${seed}`, role: 'operator' });
  const folder = createSimFolder();
  const manifest = folder.file('manifest', '');
  const common = ['--url', `wss://${host}:${gateway.port}`, '--ca', join(gateway.data, 'tls', 'ca.crt')];
  common.push('--key-file', folder.file('key', key.key), '--manifest', manifest);
  const enrolled = ['--enrol-key-file', folder.file('enrol', enrolment.key)];
  const load = ['--devices', String(devices), '--rate', String(rateHz), '--duration', `${seconds}s`, '--seed', seed];
  const [command = '', ...before] = [...within, process.execPath, MAIN];
  const start = (args: readonly string[]) => {
    const child = spawn(command, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    const { promise: online, resolve, reject } = Promise.withResolvers<void>();
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
      if (stderr.includes(`${devices} devices are online`)) resolve();
    });
    const ended = new Promise<SimEnd>((done) => {
      child.on('close', (code) => {
        reject(new Error(`the simulator ended with ${code}: ${stdout}${stderr}`));
        done({ code, stdout, stderr });
      });
    });
    return { child, online, ended };
  };
  const run = start(['run', ...common, ...enrolled, ...load]);
  // who only waits for the end does not care
  run.online.catch(() => undefined);
  return {
    online: run.online,
    freeze: () => void run.child.kill('SIGSTOP'),
    thaw: () => void run.child.kill('SIGCONT'),
    async finish() {
      const end = await run.ended;
      const verify = start(['verify', ...common]);
      verify.online.catch(() => undefined);
      return { run: end, verify: await verify.ended };
    },
    async [Symbol.asyncDispose]() {
      if (run.child.exitCode === null && run.child.signalCode === null) run.child.kill('SIGKILL');
      await run.ended;
      folder[Symbol.dispose]();
    },
  };
}
