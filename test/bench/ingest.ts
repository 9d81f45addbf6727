// The gateway beside the floor, in turns on the same machine: CPU a reading of the server process, acked readings a second, ack times.

import { fileURLToPath } from 'node:url';
import { median, rounded, startChild } from './child.ts';
import { measureSync } from './disk.ts';
import type { GeneratorOrder, GeneratorReport } from './generator.ts';
import { BENCH_FOLDER, type Server, startFloor, startGatewayProcess } from './servers.ts';

/** A device's rate is there to protect the others; here one device is a whole fleet's load. */
const UNLIMITED = { FIELDGATE_LIMITS__DEVICE_FRAMES_PER_SECOND: '0', FIELDGATE_LIMITS__DEVICE_READINGS_PER_SECOND: '0' };

interface Scenario {
  readonly name: string;
  readonly connections: number;
  readonly inFlight: number;
  readonly readingsPerFrame: number;
  /** Server CPU a reading, as a ratio to the floor: the most that is right. */
  readonly atMost: number;
}
interface Turn extends GeneratorReport {
  readonly cpuUs: number;
  readonly rssMiB: number;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: '50 connections × 32 in flight × 1 reading', connections: 50, inFlight: 32, readingsPerFrame: 1, atMost: 1.7 },
  { name: '50 connections × 32 in flight × 20 readings', connections: 50, inFlight: 32, readingsPerFrame: 20, atMost: 1.5 },
  { name: '2000 connections × 1 in flight × 1 reading', connections: 2000, inFlight: 1, readingsPerFrame: 1, atMost: 1.25 },
];
const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));

export async function ingestBench(args: readonly string[]): Promise<boolean> {
  const turns = Number(option(args, '--turns') ?? 3);
  const seconds = Number(option(args, '--seconds') ?? 8);
  const only = option(args, '--scenario');
  let isWithin = true;
  for (const [index, scenario] of SCENARIOS.entries()) {
    if (only !== undefined && Number(only) !== index + 1) continue;
    const sync = measureSync(BENCH_FOLDER);
    const floor: Turn[] = [];
    const gateway: Turn[] = [];
    for (let turn = 0; turn < turns; turn++) {
      floor.push(await measureScenario(await startFloor(), scenario, seconds));
      gateway.push(await measureScenario(await startGatewayProcess({ devices: scenario.connections, env: UNLIMITED }), scenario, seconds));
    }
    const ratios = floor.map((one, turn) => gateway[turn].cpuUs / one.cpuUs);
    const ratio = median(ratios);
    isWithin &&= ratio <= scenario.atMost;
    const line = {
      scenario: scenario.name,
      ratio: rounded(ratio),
      atMost: scenario.atMost,
      spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
      ...sync,
      gateway: summary(gateway),
      floor: summary(floor),
    };
    console.log(JSON.stringify(line));
  }
  return isWithin;
}

export async function measureScenario(server: Server, scenario: Scenario, seconds: number): Promise<Turn> {
  try {
    const order: GeneratorOrder = {
      port: server.port,
      caFile: server.caFile,
      tokensFile: server.tokensFile,
      connections: scenario.connections,
      inFlight: scenario.inFlight,
      readingsPerFrame: scenario.readingsPerFrame,
      warmUpSeconds: 3,
      seconds,
    };
    const generator = startChild(GENERATOR, [JSON.stringify(order)]);
    await generator.line();
    const before = server.child.cpuSeconds();
    const report = JSON.parse(await generator.line()) as GeneratorReport;
    const cpuSeconds = server.child.cpuSeconds() - before;
    const rssMiB = server.child.rssBytes() / 2 ** 20;
    return { ...report, cpuUs: (cpuSeconds * 1e6) / report.ackedReadings, rssMiB };
  } finally {
    await server.stop();
  }
}

function summary(turns: readonly Turn[]) {
  const of = (pick: (turn: Turn) => number, digits = 2): number => rounded(median(turns.map(pick)), digits);
  return {
    ackedReadingsPerSecond: of((turn) => turn.ackedReadingsPerSecond, 0),
    cpuUs: of((turn) => turn.cpuUs, 3),
    p50Ms: of((turn) => turn.p50Ms),
    p99Ms: of((turn) => turn.p99Ms),
    rssMiB: of((turn) => turn.rssMiB, 0),
    generatorLoad: of((turn) => turn.generatorLoad),
  };
}

export function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}
