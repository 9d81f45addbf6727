// The fault suites at their long size, each as slices of a minute or so: what a slice does, what it counts, and how much of it is wanted.

import { type Counts, isClean } from '../../device-sim/findings.ts';
import { runAdmission } from './admission.ts';
import { runBridgeFaults } from './bridge.ts';
import { runChaos } from './chaos.ts';
import { runKills } from './kill.ts';
import { floodFaults, runFloods } from './floods.ts';
import { noticeLimitMs, runCutLink } from './link.ts';
import { runModel } from './model.ts';
import { runPowerCut } from './power-cut.ts';
import { runQuietClient } from './quiet-client.ts';
import { runEndlessLine, runGarbage, runUnplugs } from './serial.ts';
import { runFrozenDevices, runFrozenGateway } from './stop.ts';

export interface Slice {
  /** What was done, by name: kills, images, runs. */
  readonly done: Readonly<Record<string, number>>;
  /** The oracle's verdicts, where the slice has an oracle. */
  readonly counts?: Counts;
  /** Why it has failed; empty when it has not. */
  readonly faults: readonly string[];
}
export interface FaultSuite {
  readonly says: string;
  /** The long size: so many of one of the things that it counts. */
  readonly goal: readonly [what: string, count: number];
  slice(seed: string): Promise<Slice>;
}

const KILLS = 25;
const IMAGES = 100;
const LIVES = 200;
const CHAOS_SECONDS = 30;
const STANDSTILL = { connections: 500, stopSeconds: 15 };
const FLOOD = { sockets: 200, seconds: 20, settleSeconds: 60 };
const SERIAL = { garbageSeconds: 60, megabytes: 50, unplugs: 100 };
const BRIDGE_ROUNDS = 5;
const DEFAULT_LIVENESS = { pingSeconds: 25, pongSeconds: 10 };
const NOTICED_MS = 40_000;

export const FAULT_SUITES: Readonly<Record<string, FaultSuite>> = {
  kill: {
    says: 'random kill -9 of a loaded gateway',
    goal: ['kills', 500],
    async slice(seed) {
      const { judgement, kills, frames } = await runKills({ seed, kills: KILLS });
      return { done: { kills, frames }, counts: judgement.counts, faults: wrong(judgement.counts, judgement.examples) };
    },
  },
  'power-cut': {
    says: "images of a cut power supply, from a journal of the data directory's writes and syncs",
    goal: ['images', 2_000],
    async slice(seed) {
      const { counts, examples, broken, images, frames } = await runPowerCut({ seed, images: IMAGES });
      return { done: { images, frames }, counts, faults: [...broken, ...wrong(counts, examples)] };
    },
  },
  chaos: {
    says: 'links that delay, slice, stall, cut, reset and half-close; with TLS and without',
    goal: ['links', 2_000],
    async slice(seed) {
      const tls = await runChaos({ seed, seconds: CHAOS_SECONDS, tls: 'auto' });
      const plain = await runChaos({ seed, seconds: CHAOS_SECONDS, tls: 'off' });
      const counts = sumOf(tls.judgement.counts, plain.judgement.counts);
      const examples = [...tls.judgement.examples, ...plain.judgement.examples];
      return { done: { links: tls.links + plain.links, frames: tls.frames + plain.frames }, counts, faults: wrong(counts, examples) };
    },
  },
  admission: {
    says: 'crowds before the port: 10,000 mute sockets, half handshakes, slow headers, a storm of 5,000, 1,000 failures a second',
    goal: ['connections', 50_000],
    async slice(seed) {
      const { connections, faults } = await runAdmission(seed);
      return { done: { connections }, faults };
    },
  },
  model: {
    says: 'random lives of a device against a model of the gateway',
    goal: ['runs', 5_000],
    async slice(seed) {
      const { runs, commands } = await runModel({ seed, runs: LIVES });
      return { done: { runs, commands: Object.values(commands).reduce((sum, count) => sum + count, 0) }, faults: [] };
    },
  },
  stop: {
    says: 'SIGSTOP of a gateway with 500 connections for 15 s, and of its devices',
    goal: ['standstills', 20],
    async slice(seed) {
      const faults: string[] = [];
      const { lost, offline, answered } = await runFrozenGateway(STANDSTILL);
      if (lost + offline > 0 || answered !== STANDSTILL.connections)
        faults.push(`${lost} connections were lost, ${offline} offline events, ${answered} answers`);
      const { noticedMs, run, verify } = await runFrozenDevices(seed, 20, 30);
      if (noticedMs === Number.POSITIVE_INFINITY) faults.push('the devices that stood still were not noticed');
      for (const end of [run, verify]) if (end.code !== 0) faults.push(end.stdout + end.stderr);
      return { done: { standstills: 2 }, faults };
    },
  },
  floods: {
    says: 'each flood of bad bytes and good ones with 200 sockets for 20 s',
    goal: ['floods', 28],
    async slice() {
      const results = await runFloods({ ...FLOOD, say: (result) => console.error(JSON.stringify(result)) });
      return { done: { floods: results.length }, faults: results.flatMap((result) => floodFaults(result, true)) };
    },
  },
  'go-liveness': {
    says: 'a client in Go with a read deadline of 15 s that only pings move, for five minutes',
    goal: ['minutes', 60],
    async slice() {
      const { pings, faults } = await runQuietClient({ pingSeconds: 5, deadlineSeconds: 15, seconds: 300 });
      return { done: { minutes: 5, pings }, faults };
    },
  },
  serial: {
    says: 'garbage on eight serial lines for a minute, 50 MB without a line end, 100 times unplugged',
    goal: ['unplugs', 500],
    async slice(seed) {
      const garbage = await runGarbage(seed, SERIAL.garbageSeconds);
      const endless = await runEndlessLine(SERIAL.megabytes);
      const unplugged = await runUnplugs(SERIAL.unplugs);
      for (const result of [garbage, endless, unplugged]) console.error(JSON.stringify(result));
      const done = { unplugs: unplugged.unplugs, garbageBytes: garbage.garbageBytes, endlessBytes: endless.bytes };
      return { done, faults: [...garbage.faults, ...endless.faults, ...unplugged.faults] };
    },
  },
  bridge: {
    says: 'a bridge and its gateway killed five times each, the link between them cut five times, while two sensors speak',
    goal: ['bridgeKills', 200],
    async slice(seed) {
      const { faults, ...done } = await runBridgeFaults({ seed, rounds: BRIDGE_ROUNDS });
      return { done, faults };
    },
  },
  link: {
    says: 'a link set down, with the liveness that is the default',
    goal: ['outages', 20],
    async slice(seed) {
      const faults: string[] = [];
      const { noticedMs, run, verify } = await runCutLink({ seed, ...DEFAULT_LIVENESS, seconds: 60 });
      if (noticedMs > Math.min(NOTICED_MS, noticeLimitMs(DEFAULT_LIVENESS))) faults.push(`noticed after ${noticedMs} ms`);
      for (const end of [run, verify]) if (end.code !== 0) faults.push(end.stdout + end.stderr);
      return { done: { outages: 1 }, faults };
    },
  },
};

function wrong(counts: Counts, examples: readonly object[]): string[] {
  return isClean(counts) ? [] : [JSON.stringify(counts), ...examples.map((example) => JSON.stringify(example))];
}

function sumOf(a: Counts, b: Counts): Counts {
  return Object.fromEntries(Object.entries(a).map(([name, count]) => [name, count + b[name as keyof Counts]])) as unknown as Counts;
}
