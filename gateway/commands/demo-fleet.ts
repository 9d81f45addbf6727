// The demo's devices: processes of the simulator, one for the many and one for each device with habits of its own; then names for all.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { FetchLocal } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import type { DeviceCreated, DeviceView, IssuedEnrolment, List } from '../protocol/rest.ts';
import { createNaming } from './demo-names.ts';

export interface DemoFleetAsk {
  readonly fetchLocal: FetchLocal;
  /** For the files with the credentials. */
  readonly folder: string;
  readonly url: string;
  readonly ca: string;
  readonly devices: number;
  readonly say: (line: string) => void;
}
export interface DemoFleet {
  /** Once. Resolves when every device has told its history and has its name. */
  start(): Promise<void>;
  /** At once, and without looking back: for the end of the process. */
  kill(): void;
  /** Resolves when no process is left. */
  stop(): Promise<void>;
}

/** A device that is a process of its own. */
interface Loner {
  readonly id: string;
  readonly label: string;
  readonly tags: readonly string[];
  readonly expectEverySeconds: number | null;
  readonly metrics: string;
  readonly seed: string;
  readonly rateHz: number;
  /** In reach for some seconds and out of it for others, in turns from the first; nothing: always in reach. */
  readonly reachSeconds?: readonly [inReach: number, outOfReach: number][];
}

const SIMULATOR = join(import.meta.dirname, '../../device-sim/main.ts');
const HISTORY = '6h';
/** Fewer devices are all alike. */
const FEWEST_WITH_LONERS = 8;
const STOP_MS = 3000;
/** How long names wait for what the devices measure. */
const HISTORY_WAIT_MS = 20_000;
const LOOK_EVERY_MS = 100;

const LONERS: readonly Loner[] = [
  {
    id: 'weather-mast',
    label: 'Weather mast, ridge',
    tags: ['site:north', 'climate', 'battery', 'radio'],
    // a weak radio: it says something every 75 s, which is late for what is expected of it
    expectEverySeconds: 20,
    metrics: 'temperature,battery',
    seed: 'mast',
    rateHz: 1 / 75,
  },
  {
    id: 'tractor-2',
    label: 'Tractor 2',
    tags: ['site:east', 'machine', 'mobile'],
    expectEverySeconds: null,
    metrics: 'temperature,vibration,state',
    seed: 'tractor-6',
    rateHz: 1,
    reachSeconds: [
      [60, 100],
      [240, 100],
    ],
  },
];

export function createDemoFleet({ fetchLocal, folder, url, ca, devices, say }: DemoFleetAsk): DemoFleet {
  const call: Call = (method, path, body) => callLocal(fetchLocal, method, path, body);
  const processes = createProcesses(say);
  const common = ['run', '--url', url.replace('https', 'wss'), '--ca', ca, '--no-compare'];
  const loners = devices >= FEWEST_WITH_LONERS ? LONERS : [];
  const crowd = devices - loners.length;
  return {
    async start() {
      const enrolment = await call<IssuedEnrolment>('POST', '/v1/enrolments', { max: crowd, expiresSeconds: 3600 });
      const keyFlags = ['--enrol-key-file', secretFile(folder, 'enrolment-key', enrolment.key)];
      await processes.start([...common, ...keyFlags, '--devices', String(crowd), '--rate', '1', '--history', HISTORY], 'forever');
      for (const loner of loners) {
        const { id, label, tags, expectEverySeconds, metrics, seed, rateHz } = loner;
        const { token } = await call<DeviceCreated>('POST', '/v1/devices', { id, label, tags });
        await call('PATCH', `/v1/devices/${id}`, { expectEverySeconds });
        const tokenFlags = ['--token-file', secretFile(folder, `${id}-token`, token)];
        const habits = ['--metrics', metrics, '--seed', seed, '--rate', rateHz.toFixed(4)];
        void live(loner, [...common, ...tokenFlags, ...habits], processes);
      }
      await giveNames(call, crowd, new Set(loners.map(({ id }) => id)));
    },
    kill: processes.kill,
    stop: processes.stop,
  };
}

/** Out of reach a device goes on measuring, and tells it when it is back. */
async function live({ reachSeconds }: Loner, flags: readonly string[], processes: Processes): Promise<void> {
  if (reachSeconds === undefined) {
    await processes.start([...flags, '--history', HISTORY], 'forever');
    return;
  }
  let history = HISTORY;
  for (let turn = 0; ; turn++) {
    const [inReach, outOfReach] = reachSeconds[Math.min(turn, reachSeconds.length - 1)]!;
    const child = await processes.start([...flags, '--history', history, '--duration', `${inReach}s`], 'a while');
    if (child === null) return;
    await once(child, 'exit');
    if (!(await processes.pause(outOfReach * 1000))) return;
    history = `${outOfReach}s`;
  }
}

type Method = 'GET' | 'POST' | 'PATCH';
type Call = <T>(method: Method, path: string, body?: object) => Promise<T>;

/** The same handlers as over HTTPS, with the rights of a local admin. */
export async function callLocal<T>(fetchLocal: FetchLocal, method: Method, path: string, body?: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const request = new Request(`http://localhost${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  const response = await fetchLocal(request);
  if (!response.ok) throw new Failure(EXIT.failed, `${method} ${path} was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

async function giveNames(call: Call, crowd: number, named: ReadonlySet<string>): Promise<void> {
  const untilMs = performance.now() + HISTORY_WAIT_MS;
  let telling: DeviceView[] = [];
  while (telling.length < crowd && performance.now() < untilMs) {
    await after(LOOK_EVERY_MS, undefined, { ref: false });
    const { items } = await call<List<DeviceView>>('GET', '/v1/devices?limit=1000');
    telling = items.filter(({ id, latest }) => !named.has(id) && Object.keys(latest).length > 0);
  }
  const name = createNaming();
  telling.sort((a, b) => (a.id < b.id ? -1 : 1));
  await Promise.all(telling.map(({ id, latest }) => call('PATCH', `/v1/devices/${id}`, name(Object.keys(latest)))));
}

interface Processes {
  /** Null: it is over. */
  start(flags: readonly string[], lasts: 'forever' | 'a while'): Promise<ChildProcess | null>;
  /** False: it is over. */
  pause(ms: number): Promise<boolean>;
  kill(): void;
  stop(): Promise<void>;
}

function createProcesses(say: (line: string) => void): Processes {
  const running = new Set<ChildProcess>();
  const over = new AbortController();
  return {
    async start(flags, lasts) {
      if (over.signal.aborted) return null;
      // a group of its own: Ctrl-C is told to the demo, and the demo tells its devices
      const child = spawn(process.execPath, [SIMULATOR, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
      running.add(child);
      let lastWords = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        lastWords = (lastWords + text).slice(-2000);
      });
      child.on('exit', (code) => {
        running.delete(child);
        // what ends while the demo runs has a reason to tell
        if (!over.signal.aborted && (lasts === 'forever' || code !== 0)) say(`${lastWords.trimEnd()}\nsimulated devices have ended`);
      });
      await once(child, 'spawn');
      return child;
    },
    pause: (ms) =>
      after(ms, undefined, { ref: false, signal: over.signal }).then(
        () => true,
        () => false,
      ),
    kill() {
      over.abort();
      for (const child of running) child.kill('SIGKILL');
    },
    async stop() {
      over.abort();
      const ends = [...running].map((child) => once(child, 'exit'));
      for (const child of running) child.kill('SIGTERM');
      const timer = setTimeout(() => {
        for (const child of running) child.kill('SIGKILL');
      }, STOP_MS);
      await Promise.all(ends);
      clearTimeout(timer);
    },
  };
}

function secretFile(folder: string, name: string, secret: string): string {
  const file = join(folder, name);
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return file;
}
