// What happens to the links of a faulty proxy: per link a few faults, each at a byte count, so that a seed brings the same ones back on
// however fast a machine. Only how long a fault lasts is time.

import type { FaultyLink, Way } from './faulty-proxy.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The link lives on, worse. */
const AILMENTS = ['delay', 'slice', 'stall'] as const;
/** Sooner or later somebody notices that it is over. */
const DEATHS = ['truncate', 'reset', 'fin', 'half-open'] as const;
export type LinkFault = (typeof AILMENTS)[number] | (typeof DEATHS)[number];

export interface LinkSchedule {
  /** To be handed to the proxy. */
  onLink(link: FaultyLink): void;
  onBytes(link: FaultyLink): void;
  /** How often each fault struck. */
  readonly struck: Readonly<Record<LinkFault, number>>;
  /** No further faults. */
  stop(): void;
}

interface Planned {
  readonly fault: LinkFault;
  readonly way: Way;
  readonly atBytes: number;
}

/** Where links break: in the TLS handshake, in the upgrade, in the first frames or later on. */
const REACH_BYTES = [3_000, 8_000, 20_000] as const;
const DEADLY = 0.85;
/** One link in so many leaves a ghost at the gateway; with more of them it takes the device for two. */
const GHOST_EACH = 12;

export function createLinkSchedule(random: SeededRandom): LinkSchedule {
  const plans = new WeakMap<FaultyLink, Planned[]>();
  const struck: Record<LinkFault, number> = { delay: 0, slice: 0, stall: 0, truncate: 0, reset: 0, 'half-open': 0, fin: 0 };
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;

  function strike(link: FaultyLink, { fault, way }: Planned): void {
    struck[fault]++;
    const own = random.fork(`strike ${link.index} ${struck[fault]}`);
    switch (fault) {
      case 'delay':
        link.delay(way, own.whole(5, 150));
        return;
      case 'slice':
        link.slice(way, own.whole(1, 9), own.whole(50, 2_000));
        return;
      case 'stall': {
        link.stall(way);
        const timer = setTimeout(
          () => {
            timers.delete(timer);
            link.resume(way);
          },
          own.whole(50, 2_500),
        );
        timers.add(timer);
        return;
      }
      case 'truncate':
        link.truncate(way, own.whole(1, 400));
        return;
      case 'reset':
        link.reset();
        return;
      case 'half-open':
        link.halfOpen();
        return;
      case 'fin':
        link.finish(way);
        return;
      default:
        fault satisfies never;
    }
  }

  return {
    struck,
    onLink(link) {
      const own = random.fork(`link ${link.index}`);
      const reach = own.pick(REACH_BYTES);
      const planned = (faults: readonly LinkFault[]): Planned => {
        return { fault: own.pick(faults), way: own.pick(['up', 'down']), atBytes: own.whole(0, reach) };
      };
      const plan = Array.from({ length: own.whole(0, 3) }, () => planned(AILMENTS));
      if (own.next() < DEADLY) plan.push(planned(link.index % GHOST_EACH === 0 ? ['half-open'] : DEATHS.slice(0, -1)));
      plans.set(
        link,
        plan.sort((a, b) => a.atBytes - b.atBytes),
      );
    },
    onBytes(link) {
      const plan = plans.get(link);
      while (!isStopped && plan?.[0] !== undefined && link.bytes(plan[0].way) >= plan[0].atBytes) strike(link, plan.shift()!);
    },
    stop() {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
