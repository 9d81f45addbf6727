// The demo's devices: processes of the simulator, one for the many and one for each device with habits of its own; then names for all.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { FetchLocal } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import type { DeviceCreated, DeviceView } from '../protocol/rest.ts';
import { createNaming } from './demo-names.ts';

export interface DemoFleetAsk {
  readonly fetchLocal: FetchLocal;
  /** For the files with the credentials. */
  readonly folder: string;
  readonly url: string;
  /** Of the authority; null: the gateway, which is this machine's own, is not checked. */
  readonly ca: string | null;
  readonly devices: number;
  /** Before each id. */
  readonly prefix?: string;
  /** On each device, beside its own. */
  readonly tags?: readonly string[];
  /** Told of each device as soon as it is there. */
  readonly onMade?: (id: string) => void;
  readonly say: (line: string) => void;
}
export interface DemoFleet {
  /** Once. Resolves when every device has told its history and has its name. */
  start(): Promise<void>;
  /** All its devices, whether they are made yet or not. */
  readonly ids: readonly string[];
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

export function createDemoFleet({
  fetchLocal,
  folder,
  url,
  ca,
  devices,
  prefix = '',
  tags: common = [],
  onMade,
  say,
}: DemoFleetAsk): DemoFleet {
  const call: Call = (method, path, body) => callLocal(fetchLocal, method, path, body);
  const processes = createProcesses(say);
  async function make(id: string, more: object): Promise<string> {
    const { token } = await call<DeviceCreated>('POST', '/v1/devices', { id, ...more });
    onMade?.(id);
    return token;
  }
  const flags = [
    'run',
    '--url',
    url.replace(/^http/, 'ws'),
    ...(ca === null ? ['--insecure'] : ['--ca', ca]),
    '--no-compare',
    '--until-stdin-ends',
  ];
  const loners = devices >= FEWEST_WITH_LONERS ? LONERS.map((loner) => ({ ...loner, id: prefix + loner.id })) : [];
  const crowd = Array.from({ length: devices - loners.length }, (_, index) => `${prefix}sim-${String(index + 1).padStart(4, '0')}`);
  return {
    ids: [...crowd, ...loners.map(({ id }) => id)],
    async start() {
      const lines: string[] = [];
      for (const id of crowd) {
        if (processes.isOver) return;
        lines.push(`${id} ${await make(id, { tags: common })}`);
      }
      const tokens = secretFile(folder, 'demo-tokens', lines.join('\n'));
      await processes.start([...flags, '--tokens-file', tokens, '--rate', '1', '--history', HISTORY], 'forever');
      for (const loner of loners) {
        const { id, label, tags, expectEverySeconds, metrics, seed, rateHz } = loner;
        if (processes.isOver) return;
        const token = await make(id, { label, tags: [...common, ...tags] });
        await call('PATCH', `/v1/devices/${id}`, { expectEverySeconds });
        const tokenFlags = ['--token-file', secretFile(folder, `${id}-token`, token)];
        const habits = ['--metrics', metrics, '--seed', seed, '--rate', rateHz.toFixed(4)];
        // a process that cannot begin is missing in the demo, and no more than that
        void live(loner, [...flags, ...tokenFlags, ...habits], processes).catch((error: unknown) => say(`${id}: ${String(error)}`));
      }
      await giveNames({ call, ids: crowd, tags: common, isOver: () => processes.isOver });
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

interface NamesAsk {
  readonly call: Call;
  readonly ids: readonly string[];
  readonly tags: readonly string[];
  readonly isOver: () => boolean;
}

async function giveNames({ call, ids, tags: common, isOver }: NamesAsk): Promise<void> {
  const untilMs = performance.now() + HISTORY_WAIT_MS;
  let telling: DeviceView[] = [];
  while (telling.length < ids.length && performance.now() < untilMs && !isOver()) {
    await after(LOOK_EVERY_MS, undefined, { ref: false });
    const views = await Promise.all(ids.map((id) => call<DeviceView>('GET', `/v1/devices/${id}`)));
    telling = views.filter(({ latest }) => Object.keys(latest).length > 0);
  }
  if (isOver()) return;
  const name = createNaming();
  const named = telling.map(({ id, latest }) => ({ id, ...name(Object.keys(latest)) }));
  await Promise.all(named.map(({ id, label, tags }) => call('PATCH', `/v1/devices/${id}`, { label, tags: [...common, ...tags] })));
}

interface Processes {
  /** Null: it is over. */
  start(flags: readonly string[], lasts: 'forever' | 'a while'): Promise<ChildProcess | null>;
  /** False: it is over. */
  pause(ms: number): Promise<boolean>;
  readonly isOver: boolean;
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
      const child = spawn(process.execPath, [SIMULATOR, ...flags], { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
      running.add(child);
      let lastWords = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        lastWords = (lastWords + text).slice(-2000);
      });
      child.on('error', () => running.delete(child));
      child.on('exit', (code) => {
        running.delete(child);
        // what ends while the demo runs has a reason to tell
        if (!over.signal.aborted && (lasts === 'forever' || code !== 0)) say(`${lastWords.trimEnd()}\nsimulated devices have ended`);
      });
      await once(child, 'spawn');
      return child;
    },
    get isOver() {
      return over.signal.aborted;
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
