// Devices behind a link that delays, slices, stalls, cuts, resets and half-closes. After it has healed, everything that any device made
// is stored, once, in order.

import { join } from 'node:path';
import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { openFaultFleet } from '../support/fault-fleet.ts';
import { openFaultyProxy } from '../support/faulty-proxy.ts';
import { createLinkSchedule, type LinkFault } from '../support/link-schedule.ts';
import { createOracle, type Judgement } from '../support/oracle.ts';
import { createRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

export interface ChaosRun {
  readonly seed: string;
  readonly seconds: number;
  /** Without TLS a cut lands inside frames, with it inside records and handshakes. */
  readonly tls: 'auto' | 'off';
  readonly canary?: CanaryName;
}
export interface ChaosResult {
  readonly judgement: Judgement;
  readonly links: number;
  readonly frames: number;
  readonly struck: Readonly<Record<LinkFault, number>>;
  readonly ends: Readonly<Record<string, number>>;
}

const DEVICES = 12;
const FRAMES_PER_SECOND = 25;
const READINGS = 6;
/** Dead links have to be found soon, on both sides. */
const LIVENESS = { FIELDGATE_LIVENESS__PING_SECONDS: '1', FIELDGATE_LIVENESS__PONG_SECONDS: '1' };

export async function runChaos({ seed, seconds, tls, canary }: ChaosRun): Promise<ChaosResult> {
  const random = createRandom(seed);
  const process = canary === undefined ? undefined : canaryProcess(canary);
  await using gateway = await startChildGateway(['--tls', tls], { ...LIVENESS, ...process?.env }, process?.nodeArgs);
  const schedule = createLinkSchedule(random.fork('links'));
  await using proxy = await openFaultyProxy({ port: () => gateway.port, onLink: schedule.onLink, onBytes: schedule.onBytes });
  const tokens = new Map<string, string>();
  for (let i = 0; i < DEVICES; i++) {
    const id = `device-${i}`;
    tokens.set(id, (await gateway.local('POST', '/v1/devices', { id })).token);
  }
  const oracle = createOracle();
  using fleet = openFaultFleet({
    url: `${tls === 'off' ? 'ws' : 'wss'}://localhost:${proxy.port}`,
    caFile: tls === 'off' ? undefined : join(gateway.data, 'tls', 'ca.crt'),
    tokens,
    random: random.fork('fleet'),
    witness: oracle.witness,
    load: { framesPerSecond: FRAMES_PER_SECOND },
    readingsPerFrame: READINGS,
  });
  // the faults themselves take their time
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  schedule.stop();
  proxy.heal();
  fleet.stopProducing();
  await until(
    () => fleet.unsettled === 0,
    () => `${fleet.unsettled} frames are not settled, ends ${JSON.stringify(fleet.ends)}`,
    { patienceMs: 90_000 },
  );
  return { judgement: await oracle.judge(gateway), links: proxy.count, frames: fleet.settled, struck: schedule.struck, ends: fleet.ends };
}
