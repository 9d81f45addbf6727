// Devices under faults: the reference client at a steady, small rate, and a witness of every frame and answer on its wire. Settled frames
// are not kept, so that a loss at the gateway cannot heal itself unseen; waits are shorter than a real device's.

import { type ClientState, createDeviceClient } from '../../gateway/protocol/device-client.ts';
import type { Clock } from '../../gateway/protocol/device-socket.ts';
import { createMemoryBuffer, makeStreamId } from '../../gateway/protocol/send-buffer.ts';
import type { Happening } from '../../device-sim/happening.ts';
import type { Manifest } from '../../device-sim/manifest.ts';
import { tapConnections } from '../../device-sim/manifest-tap.ts';
import { openTarget, type Target } from '../../gateway/client/target.ts';
import { openWsSocket } from '../../gateway/client/ws-socket.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Hears what passes on the devices' wires, in order, and before it is sent. */
export interface Witness {
  note(device: string, stream: string, happening: Happening): void;
}

export interface FaultFleetOptions {
  /** `wss://localhost:PORT`, of the gateway or of a proxy before it. */
  readonly url: string;
  readonly caFile?: string;
  /** Device id → token. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly random: SeededRandom;
  readonly witness: Witness;
  /** Either so many frames a second and device, or the next one whenever fewer than `window` are unsettled: then commits follow close. */
  readonly load: { readonly framesPerSecond: number } | { readonly window: number };
  readonly readingsPerFrame: number;
  /** Waits that are longer than this pass ten times as fast; 10 s when left out. */
  readonly longWaitMs?: number;
}

export interface FaultFleet extends Disposable {
  /** Frames acknowledged so far, as the clients believe. */
  readonly settled: number;
  /** The least that any one device has settled. */
  readonly leastSettled: number;
  readonly unsettled: number;
  readonly connects: number;
  /** Why connections ended, and how often. */
  readonly ends: Readonly<Record<string, number>>;
  stopProducing(): void;
}

const BASE_S = 1_700_000_000;
const TICK_MS = 20;
/** Frames that a device may have waiting: what does not fit into a commit queues up here while the gateway is away. */
const WAITING = 400;
/** Back-off against a real device's, and the waits that are longer than any test. */
const HASTE = 0.01;
const LONG_MS = 10_000;

export function openFaultFleet(options: FaultFleetOptions): FaultFleet {
  const { random, load, readingsPerFrame } = options;
  const target = openTarget({ url: options.url, ca: options.caFile });
  const clock = createHastyClock(options.longWaitMs ?? LONG_MS);
  const ends: Record<string, number> = {};
  const refill = 'window' in load ? load.window : 0;
  const devices: Device[] = [...options.tokens].map(([id, token]) =>
    openDevice({ ...options, id, token, target, clock, random: random.fork(id), ends, refill }),
  );
  const startedAtMs = performance.now();
  let made = 0;
  const tick = ({ framesPerSecond }: { framesPerSecond: number }): void => {
    const due = ((performance.now() - startedAtMs) / 1000) * framesPerSecond;
    // after a standstill of this process the rest is left out: the load stays small
    if (due - made > framesPerSecond) made = due - framesPerSecond;
    for (; made < due; made++) for (const device of devices) if (device.unsettled < WAITING) device.produce(readingsPerFrame);
  };
  const producing = 'window' in load ? undefined : setInterval(() => tick(load), TICK_MS);
  const sum = (of: (device: Device) => number): number => devices.reduce((total, device) => total + of(device), 0);
  return {
    get settled() {
      return sum((device) => device.settled);
    },
    get leastSettled() {
      return Math.min(...devices.map((device) => device.settled));
    },
    get unsettled() {
      return sum((device) => device.unsettled);
    },
    get connects() {
      return sum((device) => device.connects);
    },
    ends,
    stopProducing() {
      clearInterval(producing);
      for (const device of devices) device.stopRefilling();
    },
    [Symbol.dispose]() {
      clearInterval(producing);
      for (const device of devices) device.close();
    },
  };
}

interface Device {
  readonly settled: number;
  readonly unsettled: number;
  readonly connects: number;
  produce(readings: number): void;
  stopRefilling(): void;
  close(): void;
}
interface DeviceOptions extends FaultFleetOptions {
  /** Frames that are always unsettled; 0: whatever `produce` makes. */
  readonly refill: number;
  readonly id: string;
  readonly token: string;
  readonly target: Target;
  readonly clock: Clock;
  readonly ends: Record<string, number>;
}

function openDevice({ id, token, target, clock, random, witness, ends, refill, readingsPerFrame }: DeviceOptions): Device {
  const buffer = createMemoryBuffer({ stream: makeStreamId(random.next), capacityBytes: 64 * 1024 * 1024, retainBytes: 0 });
  let settled = 0;
  let connects = 0;
  let made = 0;
  let isRefilling = refill > 0;
  const client = createDeviceClient({
    buffer,
    clock,
    random: () => random.next() * HASTE,
    software: 'fault-fleet',
    connect: tapConnections(manifestOf(witness), id, (events) => openWsSocket({ target, token, onFault: () => undefined }, events)),
    onSettled(entry) {
      settled += entry.to - entry.from + 1;
      // in a turn of its own: the client is in the middle of an ack
      if (isRefilling) setImmediate(refillNow);
    },
    onState(state: ClientState) {
      if (state.state === 'online') connects++;
      else if (state.state === 'waiting' || (state.state === 'stopped' && state.why !== 'closed'))
        ends[state.why] = (ends[state.why] ?? 0) + 1;
    },
  });

  /** The value of a reading is its number within the device, and its time follows from it. */
  function produce(readings: number): void {
    client.send(Array.from({ length: readings }, () => ({ n: 'm', v: ++made, t: BASE_S + made / 1000 })));
  }
  function refillNow(): void {
    while (isRefilling && client.unsettled < refill) produce(readingsPerFrame);
  }

  client.start();
  refillNow();
  return {
    get settled() {
      return settled;
    },
    get unsettled() {
      return client.unsettled;
    },
    get connects() {
      return connects;
    },
    produce,
    stopRefilling() {
      isRefilling = false;
    },
    close: () => client.close(),
  };
}

/** The witness in the seat of a manifest: it has nothing to write before a frame may go. */
function manifestOf(witness: Witness): Manifest {
  let packs = 0;
  return { note: witness.note, afterWrite: (send) => send(), numberPack: () => ++packs, flush: () => undefined, close: () => undefined };
}

/** Real time, but for waits that are longer than a test wants: those pass ten times as fast. */
function createHastyClock(longMs: number): Clock {
  return {
    nowMs: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs > longMs ? delayMs / 10 : delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
