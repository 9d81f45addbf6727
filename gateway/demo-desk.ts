// The simulated fleet that the console starts: processes of the simulator beside the gateway, and a record of which devices are theirs, so
// that taking them away touches no other. A device is known by its id and the moment it was made: whoever makes it anew later keeps it.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DemoBook } from './api/demo-book.ts';
import { createDemoFleet, type DemoFleet } from './commands/demo-fleet.ts';
import type { FetchLocal } from './control-socket.ts';
import type { Identity } from './identity/identity.ts';
import type { Log } from './observe.ts';
import type { DemoView } from './protocol/rest.ts';
import type { Purge } from './purge.ts';

/** The way in for the simulator, known when the doors are open. */
export interface DemoDoor {
  readonly url: string;
  readonly fetchLocal: FetchLocal;
}
export interface DemoDesk extends DemoBook {
  openTo(door: DemoDoor): void;
  /** Ends the processes; the devices stay. Idempotent. */
  stop(): Promise<void>;
}
export interface DemoDeskOptions {
  readonly dataDir: string;
  /** The certificate of the gateway's own authority; null where it has none. */
  readonly ca: string | null;
  readonly identity: Pick<Identity, 'devices'>;
  readonly purge: Purge;
  readonly log: Log;
}

const DEVICES = 24;
const TAG = 'simulated';
/** Id and time of making of each. */
type Made = Record<string, number>;

export function createDemoDesk({ dataDir, ca, identity, purge, log }: DemoDeskOptions): DemoDesk {
  const { devices } = identity;
  const file = join(dataDir, 'demo.json');
  const folder = join(dataDir, 'demo');
  let made: Made = readMade(file);
  let door: DemoDoor | null = null;
  let fleet: DemoFleet | null = null;
  let isStopped = false;
  let state: DemoView['state'] = Object.keys(made).length > 0 ? 'stopped' : 'off';

  const isOurs = (id: string): boolean => devices.get(id)?.createdAtMs === made[id];
  const left = (): string[] => Object.keys(made).filter(isOurs);
  function record(id: string): void {
    const row = devices.get(id);
    if (row === undefined) return;
    made[id] = row.createdAtMs;
    writeFileSync(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  /** Ids that nobody has. */
  function freePrefix(): string {
    const ids = Array.from(devices.all(), ({ id }) => id);
    for (let turn = 1; ; turn++) {
      const prefix = turn === 1 ? 'demo-' : `demo${turn}-`;
      if (!ids.some((id) => id.startsWith(prefix))) return prefix;
    }
  }
  const run = async (mine: DemoFleet): Promise<void> => {
    try {
      await mine.start();
      if (fleet === mine && state === 'starting') state = 'running';
    } catch (error) {
      mine.kill();
      if (fleet !== mine || isStopped) return;
      fleet = null;
      state = 'stopped';
      log.error({ err: error }, 'The demo fleet could not be started');
    }
  };

  return {
    view: () => ({ state, devices: left().length }),
    async start() {
      if (state !== 'off') return { refused: 'demo-exists' };
      if (door === null || isStopped) return { refused: 'draining' };
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      state = 'starting';
      const mine = createDemoFleet({
        ...door,
        ca,
        folder,
        devices: DEVICES,
        prefix: freePrefix(),
        tags: [TAG],
        onMade: record,
        say(line) {
          log.warn({ said: line }, 'The demo fleet has ended');
          if (fleet === mine && state === 'running') state = 'stopped';
        },
      });
      fleet = mine;
      void run(mine);
      return { state, devices: mine.ids.length };
    },
    async remove(actor) {
      if (state === 'off' || state === 'removing') return { refused: 'no-demo' };
      state = 'removing';
      try {
        const mine = fleet;
        fleet = null;
        await mine?.stop();
        for (const id of left()) {
          const removed = await devices.remove(id, actor);
          if (removed !== true) {
            state = 'stopped';
            return removed;
          }
        }
        // what somebody made anew under such an id keeps what is there
        await purge(Object.keys(made).filter((id) => devices.get(id) === undefined));
        rmSync(file, { force: true });
        rmSync(folder, { recursive: true, force: true });
        made = {};
        state = 'off';
        return true;
      } finally {
        // it broke off: the rest is taken away by the next one who asks
        if (state === 'removing') state = 'stopped';
      }
    },
    openTo(opened) {
      door = opened;
    },
    async stop() {
      isStopped = true;
      await fleet?.stop();
    },
  };
}

function readMade(file: string): Made {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Made;
  } catch (error) {
    // a power cut can leave it empty; its devices are the operator's to remove then, and nothing else waits for it
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}
