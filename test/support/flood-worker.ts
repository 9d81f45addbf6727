// One flood in a thread of its own, so that a device that is measured beside it shares no event loop with it. Told to end, it posts how
// many connections it made.

import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { FLOODS, type FloodTarget } from './flood-kinds.ts';

export interface FloodOrder {
  readonly row: string;
  readonly targets: readonly FloodTarget[];
}

const REST_MS = 200;

const { row, targets } = workerData as FloodOrder;
const flood = FLOODS.find((kind) => kind.row === row);
if (flood === undefined || parentPort === null) throw new Error(`there is no flood ${row}`);
const stop = new AbortController();
let connections = 0;
const port = parentPort;
port.once('message', () => stop.abort());
await Promise.all(
  targets.map(async (target) => {
    while (!stop.signal.aborted) {
      connections++;
      await flood.run(target, stop.signal).catch(() => undefined);
      if (!stop.signal.aborted) await wait(REST_MS * Math.random());
    }
  }),
);
port.postMessage(connections);
