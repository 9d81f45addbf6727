// Random `kill -9` of a loaded gateway: while it commits, while it starts, while it has nothing to do. What was acked is there after all
// of it, once, in order.

import { join } from 'node:path';
import { startChildGateway } from '../support/child-gateway.ts';
import { openFaultFleet } from '../support/fault-fleet.ts';
import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { createOracle, type Judgement } from '../support/oracle.ts';
import { createRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

export interface KillRun {
  readonly seed: string;
  readonly kills: number;
  readonly canary?: CanaryName;
}
export interface KillResult {
  readonly judgement: Judgement;
  readonly kills: number;
  readonly frames: number;
  readonly connects: number;
  readonly slowestStartMs: number;
}

const DEVICES = 8;
/** Frames of a device under way: one commit follows the other, so that nearly every kill hits one. */
const WINDOW = 2;
const READINGS = 5;
/** One kill in so many hits a gateway that is still starting. */
const EARLY = 5;

export async function runKills({ seed, kills, canary }: KillRun): Promise<KillResult> {
  const random = createRandom(seed);
  const process = canary === undefined ? undefined : canaryProcess(canary);
  await using gateway = await startChildGateway([], process?.env, process?.nodeArgs);
  const tokens = new Map<string, string>();
  for (let i = 0; i < DEVICES; i++) {
    const id = `device-${i}`;
    tokens.set(id, (await gateway.local('POST', '/v1/devices', { id })).token);
  }
  const oracle = createOracle();
  using fleet = openFaultFleet({
    url: `wss://localhost:${gateway.port}`,
    caFile: join(gateway.data, 'tls', 'ca.crt'),
    tokens,
    random: random.fork('fleet'),
    witness: oracle.witness,
    load: { window: WINDOW },
    readingsPerFrame: READINGS,
  });
  let slowestStartMs = 0;
  for (let kill = 0; kill < kills; kill++) {
    const goal = fleet.settled + random.whole(1, 600);
    await until(
      () => fleet.settled >= goal,
      () => `kill ${kill}: ${fleet.settled} of ${goal} frames settled, ends ${JSON.stringify(fleet.ends)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, random.whole(0, 25)));
    await gateway.kill('SIGKILL');
    if (kill % EARLY === EARLY - 1 && kill + 1 < kills) {
      // the next kill comes while it starts, wherever it is by then
      kill++;
      const starting = gateway.start().then(
        () => undefined,
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, random.whole(20, 700)));
      await gateway.kill('SIGKILL');
      await starting;
    }
    slowestStartMs = Math.max(slowestStartMs, await gateway.start());
  }
  fleet.stopProducing();
  await until(
    () => fleet.unsettled === 0,
    () => `${fleet.unsettled} frames are not settled, ends ${JSON.stringify(fleet.ends)}`,
  );
  return { judgement: await oracle.judge(gateway), kills, frames: fleet.settled, connects: fleet.connects, slowestStartMs };
}
