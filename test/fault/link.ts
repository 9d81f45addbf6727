// A link that goes down without a word: the gateway notices by its pings, and when the link is back the devices lose nothing.

import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { openNetNamespace } from '../support/net-namespace.ts';
import { timeUntilNoticed } from '../support/offline-events.ts';
import { startSimFleet } from '../support/sim-fleet.ts';
import type { SimEnd } from '../support/sim-process.ts';

export interface LinkRun {
  readonly seed: string;
  readonly pingSeconds: number;
  readonly pongSeconds: number;
  /** Of measuring, the outage included. */
  readonly seconds: number;
  readonly canary?: CanaryName;
}
export interface LinkResult {
  readonly noticedMs: number;
  readonly run: SimEnd;
  readonly verify: SimEnd;
}

const DEVICES = 6;

/** The longest that silence may last: the last ping was answered just before, the next is late by its jitter, and two sweeps. */
export function noticeLimitMs({ pingSeconds, pongSeconds }: { pingSeconds: number; pongSeconds: number }): number {
  return (pingSeconds * 1.1 + pongSeconds) * 1000 + 2_500;
}

export async function runCutLink({ seed, pingSeconds, pongSeconds, seconds, canary }: LinkRun): Promise<LinkResult> {
  using namespace = openNetNamespace();
  const weak = canary === undefined ? undefined : canaryProcess(canary);
  const liveness = { FIELDGATE_LIVENESS__PING_SECONDS: String(pingSeconds), FIELDGATE_LIVENESS__PONG_SECONDS: String(pongSeconds) };
  await using gateway = await startChildGateway(['--host', namespace.hostAddress], { ...liveness, ...weak?.env }, weak?.nodeArgs);
  const { hostAddress: host, within } = namespace;
  await using fleet = await startSimFleet({ gateway, host, within, devices: DEVICES, rateHz: 5, seconds, seed });
  await fleet.online;
  const sinceMs = Date.now();
  namespace.setLink('down');
  const noticedMs = await timeUntilNoticed(gateway, DEVICES, sinceMs, noticeLimitMs({ pingSeconds, pongSeconds }));
  namespace.setLink('up');
  return { noticedMs, ...(await fleet.finish()) };
}
