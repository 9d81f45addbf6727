// The floor alone, for the three ingest scenarios: what ws, TLS, SQLite and this machine can do with nothing in between.

import { measureScenario, option, SCENARIOS } from './ingest.ts';
import { startFloor } from './servers.ts';

export async function floorBench(args: readonly string[]): Promise<boolean> {
  const seconds = Number(option(args, '--seconds') ?? 8);
  for (const scenario of SCENARIOS)
    console.log(JSON.stringify({ floor: scenario.name, ...(await measureScenario(await startFloor(), scenario, seconds)) }));
  return true;
}
