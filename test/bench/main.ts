// npm run bench -- NAME: each benchmark prints one JSON line a scenario and exits 1 when a figure is outside what it must be.

import { chunkBench } from './chunk.ts';
import { exportBench } from './export.ts';
import { fleetBench } from './fleet.ts';
import { floorBench } from './floor-bench.ts';
import { idleBench } from './idle.ts';
import { ingestBench } from './ingest.ts';
import { liveTabBench } from './live-tab.ts';
import { neighboursBench } from './neighbours.ts';
import { nmeaBench } from './nmea.ts';
import { replayBench } from './replay.ts';
import { restartBench } from './restart.ts';
import { serialBench } from './serial.ts';
import { soakBench } from './soak.ts';
import { startBench } from './start.ts';
import { storageBench } from './storage.ts';

const BENCHES: Readonly<Record<string, { readonly says: string; run(args: readonly string[]): Promise<boolean> }>> = {
  chunk: { says: 'the chunk codec alone: bytes a reading, readings a second in and out  [--csv FILE…]', run: chunkBench },
  floor: { says: 'the bare prototype alone: what this machine can do', run: floorBench },
  ingest: { says: 'the gateway beside the floor, in turns  [--scenario 1|2|3] [--turns 3] [--seconds 8]', run: ingestBench },
  idle: { says: 'memory of an idle wss device beside bare ws  [--devices 5000]', run: idleBench },
  fleet: {
    says: 'simulated devices at 1 reading/s, nothing lost  [--devices 2000] [--duration 300] [--browser] [--one-core]; with --page the Fleet page of 10,000',
    run: fleetBench,
  },
  'live-tab': {
    says: '100 live series at 10,000 readings/s in one tab: heap, delay, long tasks, script time a frame  [--minutes 10] [--series 100] [--rate 10000]',
    run: liveTabBench,
  },
  neighbours: { says: 'good devices beside one far over its limit and deaf dashboards  [--seconds 10] [--turns 3]', run: neighboursBench },
  serial: {
    says: 'serial lines at full speed, no byte lost; CPU a megabyte  [--seconds 20] [--devices 2000] [--beside alone|stall|devices] [--garbage]',
    run: serialBench,
  },
  nmea: { says: 'recorded NMEA logs through a line: the expected readings, or counted reasons  LOG…', run: nmeaBench },
  export: {
    says: 'CSV by the command to a pipe, readings a second; with files: in, out, in elsewhere, out: the same bytes?  [CSV…]',
    run: exportBench,
  },
  soak: { says: 'half an hour of coming and going: memory and descriptors  [--minutes 30]', run: soakBench },
  replay: { says: 'a recorded CSV in and out again, bit for bit  --file CSV', run: replayBench },
  restart: { says: 'time to ready after kill -9 with a large database  [--mib 1024]', run: restartBench },
  storage: {
    says: 'the storage engine: bytes a reading, appends while sealing, charts over a year, retention beside appends  [--only size|append|year|writes|retention]',
    run: storageBench,
  },
  start: { says: 'time to ready, and memory with 100 devices at 1 reading/s', run: startBench },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  console.error(
    `usage: npm run bench -- NAME\n${Object.entries(BENCHES)
      .map(([key, { says }]) => `  ${key.padEnd(11)}${says}`)
      .join('\n')}`,
  );
  process.exitCode = 2;
} else process.exitCode = (await bench.run(args)) ? 0 : 1;
