// What happens to a gateway's process, drawn from a seed: killed while it works, killed while it starts, stopped in an orderly way, or
// frozen for a while. After each of them it runs again.

import type { ChildGateway } from './child-gateway.ts';
import type { SeededRandom } from './seeded-random.ts';

export type ProcessFault = 'kill' | 'kill while starting' | 'terminate' | 'freeze';

export interface ProcessSchedule {
  /** The next fault; resolves when the gateway runs again. Never a kill more than asked for. */
  strike(gateway: ChildGateway, killsLeft: number): Promise<void>;
  readonly struck: Readonly<Record<ProcessFault, number>>;
  /** SIGKILLs so far: one that starts is killed twice. */
  readonly kills: number;
  readonly slowestStartMs: number;
}

/** Mostly kills. */
const DRAWN: readonly ProcessFault[] = [
  ...Array<ProcessFault>(7).fill('kill'),
  ...Array<ProcessFault>(2).fill('kill while starting'),
  'terminate',
  'freeze',
];

export function createProcessSchedule(random: SeededRandom): ProcessSchedule {
  const struck: Record<ProcessFault, number> = { kill: 0, 'kill while starting': 0, terminate: 0, freeze: 0 };
  let kills = 0;
  let slowestStartMs = 0;
  const wait = (fromMs: number, toMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, random.whole(fromMs, toMs)));

  async function kill(gateway: ChildGateway): Promise<void> {
    await gateway.kill('SIGKILL');
    kills++;
  }
  async function start(gateway: ChildGateway): Promise<void> {
    slowestStartMs = Math.max(slowestStartMs, await gateway.start());
  }
  return {
    struck,
    get kills() {
      return kills;
    },
    get slowestStartMs() {
      return slowestStartMs;
    },
    async strike(gateway, killsLeft) {
      const drawn = random.pick(DRAWN);
      const fault = drawn === 'kill while starting' && killsLeft < 2 ? 'kill' : drawn;
      struck[fault]++;
      switch (fault) {
        case 'kill':
          await kill(gateway);
          return await start(gateway);
        case 'kill while starting': {
          await kill(gateway);
          // it ends before it is ready, or was ready just in time
          const starting = gateway.start().catch(() => undefined);
          await wait(20, 700);
          await kill(gateway);
          await starting;
          return await start(gateway);
        }
        case 'terminate': {
          const code = await gateway.kill('SIGTERM');
          if (code !== 0) throw new Error(`after SIGTERM the gateway ended with ${code}, not with 0`);
          return await start(gateway);
        }
        case 'freeze':
          gateway.freeze();
          await wait(100, 1_500);
          return gateway.thaw();
        default:
          fault satisfies never;
      }
    },
  };
}
