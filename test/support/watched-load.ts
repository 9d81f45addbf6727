// A gateway as a child on a data directory of the caller's, devices that send to it, and the oracle's witness between them.

import { join } from 'node:path';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { type CanaryName, canaryProcess } from './canaries.ts';
import { type ChildGateway, startChildGateway } from './child-gateway.ts';
import { type FaultFleet, openFaultFleet } from './fault-fleet.ts';
import { damageOf } from './integrity.ts';
import { createRandom } from './seeded-random.ts';
import { createTimedWitness, judgeStore, type StoreVerdict } from './timed-witness.ts';
import { until } from './until.ts';

export interface WatchedLoad extends AsyncDisposable {
  readonly gateway: ChildGateway;
  readonly fleet: FaultFleet;
  readonly devices: readonly string[];
  /** The status of `/readyz`. */
  readyStatus(): Promise<number>;
  /** Resolves with the milliseconds until the gateway is ready and every device has been acked something new. */
  resumed(): Promise<number>;
  /** How many readings of a device the gateway gives out, by REST. */
  readable(device: string): Promise<number>;
  /** Lets everything settle, stops the gateway and looks at what it left: with SQLite's eyes and the oracle's. */
  finish(): Promise<StoreVerdict & { readonly damage: readonly string[] }>;
}

export interface WatchedLoadOptions {
  readonly data: string;
  readonly seed: string;
  readonly env?: Record<string, string>;
  readonly devices?: number;
  readonly framesPerSecond?: number;
  readonly readingsPerFrame?: number;
  readonly canary?: CanaryName;
}

const SLOWEST_RESUME_MS = 30_000;

export async function openWatchedLoad(options: WatchedLoadOptions): Promise<WatchedLoad> {
  const { data, seed, env = {}, framesPerSecond = 20, readingsPerFrame = 5 } = options;
  const weak = options.canary === undefined ? undefined : canaryProcess(options.canary);
  const gateway = await startChildGateway([], { ...env, ...weak?.env }, weak?.nodeArgs, data);
  const tokens = new Map<string, string>();
  for (let i = 0; i < (options.devices ?? 4); i++) {
    const id = `device-${i}`;
    tokens.set(id, (await gateway.local('POST', '/v1/devices', { id })).token);
  }
  const witness = createTimedWitness(() => 0);
  const fleet = openFaultFleet({
    url: `wss://localhost:${gateway.port}`,
    caFile: join(data, 'tls', 'ca.crt'),
    tokens,
    random: createRandom(seed),
    witness,
    load: { framesPerSecond },
    readingsPerFrame,
    // how long devices are told to stay away is not the question here
    longWaitMs: 1_000,
  });
  const readyStatus = async (): Promise<number> => {
    const answer = await askSocket(socketPath(data), { method: 'GET', target: '/readyz' });
    return answer?.status ?? 0;
  };
  return {
    gateway,
    fleet,
    devices: [...tokens.keys()],
    readyStatus,
    async resumed() {
      const startedMs = performance.now();
      let before: number | null = null;
      await until(
        async () => {
          if ((await readyStatus()) !== 200) return false;
          before ??= fleet.leastSettled;
          return fleet.leastSettled > before;
        },
        () => `not going on; connections ended so: ${JSON.stringify(fleet.ends)}; ${gateway.log.slice(-2000)}`,
        { patienceMs: SLOWEST_RESUME_MS },
      );
      return performance.now() - startedMs;
    },
    async readable(device) {
      const { readings } = await gateway.local('GET', `/v1/readings?device=${device}&metric=m&from=0&to=now&limit=10000`);
      return readings.length;
    },
    async finish() {
      fleet.stopProducing();
      await until(
        () => fleet.unsettled === 0,
        () => `${fleet.unsettled} frames are not settled; connections ended so: ${JSON.stringify(fleet.ends)}`,
      );
      await gateway.kill('SIGTERM');
      return { ...judgeStore(data, witness.devicesAt(0)), damage: damageOf(data) };
    },
    async [Symbol.asyncDispose]() {
      fleet[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}
