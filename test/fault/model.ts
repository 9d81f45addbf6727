// Random lives of a device, by fast-check: after each of them the gateway's books and rows are what the model says, to the unit and in
// order. A failing life is shrunk to its shortest form; its seed and path bring it back.

import * as fc from 'fast-check';
import { seedOf } from '../../device-sim/noise.ts';
import { type CanaryName, canaryProcess, eagerSealing } from '../support/canaries.ts';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { createModelDevice, FRAME_KINDS, type FrameKind, type ModelDevice } from '../support/model-device.ts';

export interface ModelRun {
  readonly seed: string;
  readonly runs: number;
  /** Sealing is always under way. */
  readonly isSealing?: boolean;
}
export interface ModelResult {
  readonly runs: number;
  /** How often each command was carried out. */
  readonly commands: Readonly<Record<string, number>>;
}
/** What a life left behind. */
interface Remains {
  readonly surprises: readonly string[];
  readonly lost: number;
  readonly doubled: number;
  readonly isMisordered: boolean;
}

const COMMANDS = 40;
/** Take-overs of one life: with more in a minute the gateway takes the device for two. */
const TAKE_OVERS = 3;
const NEW_STREAMS = 8;
/** One restart that is drawn in so many happens: each takes a second. */
const RESTARTS = 12;
/** Frames that a posted stream has to have for what comes next. */
const POSTS_BEFORE = { next: 0, again: 1, regression: 2, skip: 0 } as const;
const POISONS = [
  (seq: number) => `{"type":"readings","seq":${seq},"readings":[{"n":"m","v":1}`,
  (seq: number) => `{"type":"readings","seq":${seq},"readings":[{"n":"m","v":01}]}`,
  (seq: number) => `{"type":"readings" "seq":${seq}}`,
];

/** What a life may not do too often. */
interface Life {
  takeOvers: number;
  streams: number;
  posts: number;
}
interface Real {
  readonly gateway: ChildGateway;
  readonly device: ModelDevice;
  readonly count: (command: string) => void;
}
type Command = fc.AsyncCommand<Life, Real>;

interface Step {
  readonly name: string;
  readonly may: (device: ModelDevice, life: Life) => boolean;
  readonly run: (real: Real, life: Life) => Promise<void> | void;
}

/** A command whose precondition is asked of the device when its turn comes. */
function command(step: Step, deviceOf: () => ModelDevice): Command {
  return {
    check: (life) => step.may(deviceOf(), life),
    async run(life, real) {
      real.count(step.name);
      await step.run(real, life);
    },
    toString: () => step.name,
  };
}

const always = (): boolean => true;
const offline = (device: ModelDevice): boolean => !device.isOnline;
/** Online; what an earlier connection left behind is sent first where the step wants nothing under way. */
async function ready(device: ModelDevice, want: 'online' | 'idle'): Promise<ModelDevice> {
  if (!device.isOnline) await device.connect();
  if (want === 'idle' && device.pending > 0) await device.send('hear');
  return device;
}

function steps(): fc.Arbitrary<Step>[] {
  const kinds = fc.array(fc.constantFrom<FrameKind>('good', 'good', ...FRAME_KINDS), { minLength: 1, maxLength: 4 });
  const send = (end: 'hear' | 'deafen' | 'cut', name: string): fc.Arbitrary<Step> =>
    kinds.map((frames) => ({
      name,
      may: always,
      run: async ({ device }) => {
        await ready(device, 'online');
        device.make(frames);
        await device.send(end);
      },
    }));
  const connect: Step = { name: 'connect', may: offline, run: ({ device }) => device.connect() };
  return [
    send('hear', 'send'),
    send('hear', 'send'),
    send('deafen', 'drop the ack'),
    send('cut', 'cut with frames under way'),
    kinds.map((frames) => ({ name: 'measure offline', may: offline, run: ({ device }) => device.make(frames) })),
    fc.constant(connect),
    fc.constant({ name: 'hang up', may: (device) => device.isOnline, run: ({ device }) => device.hangUp() }),
    kinds.map((frames) => ({
      name: 'take over',
      may: (_device, life) => life.takeOvers < TAKE_OVERS,
      run: async ({ device }, life) => {
        life.takeOvers++;
        await ready(device, 'online');
        device.make(frames);
        await device.takeOver();
      },
    })),
    fc
      .integer({ min: 1, max: 5 })
      .map((count) => ({ name: 'gap', may: always, run: async ({ device }) => (await ready(device, 'idle')).gap(count, 'buffer-full') })),
    fc
      .constantFrom(...POISONS)
      .map((text) => ({ name: 'poison frame', may: always, run: async ({ device }) => (await ready(device, 'idle')).poison(text) })),
    fc.constantFrom(-1, -2, 1, 5).map((distance) => ({
      name: distance < 0 ? 'send an old frame' : 'skip a frame',
      may: (device) => device.doubt === 0 && device.acked + distance >= 0,
      run: async ({ device }) => (await ready(device, 'idle')).wrongSeq(distance),
    })),
    fc.constant({
      name: 'forget the counter',
      may: (device) => offline(device) && device.acked > 0 && device.doubt === 0,
      run: ({ device }) => device.forgetCounter(),
    }),
    fc.constantFrom('counter kept', 'new stream').map((how) => ({
      name: `reboot, ${how}`,
      may: (device, life) => offline(device) && device.doubt === 0 && (how === 'counter kept' || life.streams < NEW_STREAMS),
      run: ({ device }, life) => {
        if (how === 'new stream') life.streams++;
        device.reboot(how);
      },
    })),
    fc.constant({ name: 'bare pack', may: always, run: async ({ device }) => (await ready(device, 'idle')).pack() }),
    fc.constantFrom('next', 'again', 'regression', 'skip').map((what) => ({
      name: `post ${what}`,
      // what is in doubt may have been committed before or after it
      may: (device) => device.doubt === 0,
      run: async ({ device }, life) => {
        for (const needed = POSTS_BEFORE[what]; life.posts < needed; life.posts++) await device.post('next');
        await device.post(what);
        if (what === 'next') life.posts++;
      },
    })),
    fc.constant({
      name: 'post into the open stream',
      may: always,
      run: async ({ device }) => (await ready(device, 'idle')).postIntoOpen(),
    }),
    fc.tuple(fc.integer({ min: 1, max: RESTARTS }), fc.constantFrom('SIGTERM', 'SIGKILL')).map(([turn, signal]) => ({
      name: `restart by ${signal}`,
      may: () => turn === 1,
      run: async ({ device, gateway }) => {
        await gateway.kill(signal);
        await device.hangUp();
        await gateway.start();
      },
    })),
  ];
}

async function live(gateway: ChildGateway, id: string, commands: (real: Real) => Promise<void>, count: Real['count']): Promise<Remains> {
  const { token } = await gateway.local('POST', '/v1/devices', { id });
  await using device = createModelDevice(gateway, id, token);
  await commands({ gateway, device, count });
  // the last connection tells the fate of what is still in doubt
  if (!device.isOnline) await device.connect();
  await device.send('hear');
  return await compare(gateway, device);
}

async function compare(gateway: ChildGateway, device: ModelDevice): Promise<Remains> {
  const surprises = [...device.surprises];
  for (const verify of [false, true]) {
    const { items } = await gateway.local('GET', `/v1/accounting?device=${device.id}&verify=${verify}`);
    for (const [stream, book] of device.books) {
      const row = items.find((one: { stream: string }) => one.stream === stream);
      if (row === undefined && book.acked === 0) continue;
      const { acked, stored, quarantined, gaps, readings, refused, unexplained } = row ?? {};
      const said = JSON.stringify({ acked, stored, quarantined, gaps, readings, refused, unexplained });
      const wanted = JSON.stringify({ ...book, unexplained: 0 });
      if (said !== wanted) surprises.push(`books of ${stream}${verify ? ', counted' : ''}: ${said} instead of ${wanted}`);
    }
    if (items.length > device.books.size) surprises.push(`${items.length} streams instead of ${device.books.size}`);
  }
  const found = await stored(gateway, device.id);
  const wanted = new Set(device.rows);
  const seen = new Set(found);
  return {
    surprises,
    lost: wanted.difference(seen).size,
    doubled: found.length - seen.size,
    isMisordered: JSON.stringify(found) !== JSON.stringify(device.rows),
  };
}

/** Values in commit order: all have the same time. */
async function stored(gateway: ChildGateway, id: string): Promise<number[]> {
  const { items } = await gateway.local('GET', `/v1/devices/${id}/series`);
  if (items.length === 0) return [];
  const page = await gateway.local('GET', `/v1/readings?device=${id}&metric=m&from=0&to=now&limit=10000`);
  return page.readings.map(([, value]: [number, number]) => value);
}

/** Throws, with the shortest failing life, its seed and its path, when one does not end as the model says. */
export async function runModel({ seed, runs, isSealing = false }: ModelRun): Promise<ModelResult> {
  await using gateway = await startChildGateway([], isSealing ? eagerSealing() : {});
  const commands: Record<string, number> = {};
  let lives = 0;
  let device: ModelDevice | null = null;
  const arbitrary = fc.commands(
    steps().map((step) => step.map((one) => command(one, () => device!))),
    { maxCommands: COMMANDS, size: 'max' },
  );
  const property = fc.asyncProperty(arbitrary, async (life) => {
    const remains = await live(
      gateway,
      `life-${++lives}`,
      async (real) => {
        device = real.device;
        await fc.asyncModelRun(() => ({ model: { takeOvers: 0, streams: 0, posts: 0 }, real }), life);
      },
      (name) => (commands[name] = (commands[name] ?? 0) + 1),
    );
    const isGood = remains.surprises.length === 0 && remains.lost === 0 && remains.doubled === 0 && !remains.isMisordered;
    if (!isGood) throw new Error(JSON.stringify(remains, null, 1));
  });
  await fc.assert(property, { numRuns: runs, seed: seedOf(seed) | 0 });
  return { runs: lives, commands };
}

/** A life in which every ack is lost once, at a gateway without one of its protections. */
export async function runWeakModel(canary: CanaryName): Promise<Remains> {
  const { env, nodeArgs } = canaryProcess(canary);
  await using gateway = await startChildGateway([], env, nodeArgs);
  const commands = async ({ device }: Real): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await device.connect();
      device.make(['good', 'good']);
      await device.send('deafen');
    }
  };
  return await live(gateway, 'weak', commands, () => undefined);
}
