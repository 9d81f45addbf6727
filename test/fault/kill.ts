// Random `kill -9` of a loaded gateway, while it commits and while it starts, with an orderly stop or a standstill in between. What was
// acked is there after all of it, once, in order.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { startChildGateway } from '../support/child-gateway.ts';
import { openFaultFleet } from '../support/fault-fleet.ts';
import { type CanaryName, canaryProcess, eagerSealing } from '../support/canaries.ts';
import { createOracle, type Judgement } from '../support/oracle.ts';
import { createProcessSchedule, type ProcessFault } from '../support/process-schedule.ts';
import { createRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

export interface KillRun {
  readonly seed: string;
  readonly kills: number;
  readonly canary?: CanaryName;
  /** Sealing is always under way. */
  readonly isSealing?: boolean;
}
export interface KillResult {
  readonly judgement: Judgement;
  readonly kills: number;
  readonly struck: Readonly<Record<ProcessFault, number>>;
  readonly frames: number;
  readonly connects: number;
  readonly slowestStartMs: number;
  /** Chunks that there are, and readings that have left the log. */
  readonly sealed: { readonly chunks: number; readonly trimmed: number };
}

const DEVICES = 8;
/** Frames of a device under way: one commit follows the other, so that nearly every kill hits one. */
const WINDOW = 2;
const READINGS = 5;

export async function runKills({ seed, kills, canary, isSealing = false }: KillRun): Promise<KillResult> {
  const random = createRandom(seed);
  const process = canary === undefined ? undefined : canaryProcess(canary);
  await using gateway = await startChildGateway([], { ...process?.env, ...(isSealing && eagerSealing()) }, process?.nodeArgs);
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
  const schedule = createProcessSchedule(random.fork('process'));
  while (schedule.kills < kills) {
    const goal = fleet.settled + random.whole(1, 600);
    await until(
      () => fleet.settled >= goal,
      () => `after ${schedule.kills} kills: ${fleet.settled} of ${goal} frames settled, ends ${JSON.stringify(fleet.ends)}`,
    );
    // somewhere in a commit, between two, or in between the acks
    await new Promise((resolve) => setTimeout(resolve, random.whole(0, 25)));
    await schedule.strike(gateway, kills - schedule.kills);
  }
  fleet.stopProducing();
  await until(
    () => fleet.unsettled === 0,
    () => `${fleet.unsettled} frames are not settled, ends ${JSON.stringify(fleet.ends)}`,
  );
  const { struck, slowestStartMs } = schedule;
  const judgement = await oracle.judge(gateway);
  const sealed = sealedIn(join(gateway.data, 'fieldgate.db'));
  return { judgement, kills: schedule.kills, struck, frames: fleet.settled, connects: fleet.connects, slowestStartMs, sealed };
}

function sealedIn(file: string): KillResult['sealed'] {
  const db = new Database(file, { readonly: true });
  const chunks = db.prepare('SELECT count(*) FROM chunks').pluck().get() as number;
  const trimmed = Number(db.prepare(`SELECT content FROM meta WHERE key = 'trimmed'`).pluck().get() ?? 0);
  db.close();
  return { chunks, trimmed };
}
