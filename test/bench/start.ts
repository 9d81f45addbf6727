// How long a start takes until the gateway accepts connections, and its memory with 100 devices at 1 reading a second.

import { setTimeout as wait } from 'node:timers/promises';
import { median, rounded } from './child.ts';
import { startFleet } from './fleet.ts';
import { startGatewayProcess } from './servers.ts';

const STARTS = 5;
const READY_MS = 1500;
const RSS_MIB = 200;
const RUN_SECONDS = 60;

export async function startBench(): Promise<boolean> {
  const readyMs: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const gateway = await startGatewayProcess({ devices: 0 });
    readyMs.push(gateway.readyMs);
    await gateway.stop();
  }
  const gateway = await startGatewayProcess({ devices: 0 });
  const fleet = await startFleet(gateway, { devices: 100, seconds: RUN_SECONDS });
  await wait((RUN_SECONDS - 10) * 1000);
  const rssMiB = gateway.child.rssBytes() / 2 ** 20;
  const { code } = await fleet.ended;
  await gateway.stop();
  const line = {
    readyMs: rounded(median(readyMs), 0),
    readyAtMostMs: READY_MS,
    rssMiB: rounded(rssMiB, 0),
    rssAtMostMiB: RSS_MIB,
    fleetExit: code,
  };
  console.log(JSON.stringify(line));
  return line.readyMs <= READY_MS && rssMiB <= RSS_MIB && code === 0;
}
