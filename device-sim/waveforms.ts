// Believable measurements. Each is a pure function of (seed, device, metric) and time, so the same seed always tells the same story.

import type { Value } from '../gateway/protocol/messages.ts';
import { chance, drift, seedOf } from './noise.ts';

export interface Waveform {
  readonly metric: string;
  /** A SenML unit code; '' for what has none. */
  readonly unit: string;
  /** The value at a point in time, in epoch ms. */
  at(timeMs: number): Value;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const TURN = 2 * Math.PI;

type MachineState = 'idle' | 'running' | 'fault';

/** What the metrics of one machine have in common: a pump that stands still does not shake. */
interface Machine {
  readonly seed: number;
  state(timeMs: number): MachineState;
  /** 0 at rest … 1 at work, with a ramp of some seconds. */
  activity(timeMs: number): number;
}

function createMachine(seed: number): Machine {
  const slotMs = Math.round((3 + 5 * chance(seed, 1)) * MINUTE);
  const inSlot = (slot: number): MachineState => {
    const draw = chance(seed ^ 0x51, slot);
    return draw < 0.03 ? 'fault' : draw < 0.3 ? 'idle' : 'running';
  };
  const workOf = (slot: number) => (inSlot(slot) === 'running' ? 1 : 0);
  return {
    seed,
    state: (timeMs) => inSlot(Math.floor(timeMs / slotMs)),
    activity(timeMs) {
      const slot = Math.floor(timeMs / slotMs);
      const ramp = Math.min(1, (timeMs - slot * slotMs) / (20 * SECOND));
      return workOf(slot - 1) * (1 - ramp) + workOf(slot) * ramp;
    },
  };
}

/** The time of day at which a daily curve stands highest, and the like, differ from device to device. */
type Make = (seed: number, machine: Machine) => Pick<Waveform, 'unit' | 'at'>;

const MAKERS = {
  temperature(seed) {
    const mean = 17 + 7 * chance(seed, 1);
    const swing = 2 + 4 * chance(seed, 2);
    const peak = 0.55 + 0.1 * chance(seed, 3);
    return {
      unit: 'Cel',
      at(timeMs) {
        const daily = swing * Math.cos(TURN * (timeMs / DAY - peak));
        return rounded(mean + daily + 0.8 * drift(seed, timeMs / (20 * MINUTE)) + 0.06 * drift(seed ^ 7, timeMs / (4 * SECOND)), 100);
      },
    };
  },
  pressure(seed, machine) {
    const setPoint = 3.2 + 3 * chance(seed, 1);
    const cycleMs = (40 + 60 * chance(seed, 2)) * SECOND;
    return {
      unit: 'bar',
      at(timeMs) {
        // Up while the pump runs for the first fifth of a cycle, down slowly while the water is used.
        const part = (timeMs % cycleMs) / cycleMs;
        const cycle = part < 0.2 ? part / 0.2 : 1 - (part - 0.2) / 0.8;
        const worked = setPoint - 0.4 + 0.8 * cycle;
        const rest = 1.1 + 0.1 * drift(seed, timeMs / (10 * MINUTE));
        const work = machine.activity(timeMs);
        return rounded(rest * (1 - work) + worked * work + 0.02 * drift(seed ^ 7, timeMs / SECOND), 1000);
      },
    };
  },
  vibration(seed, machine) {
    const level = 0.9 + 1.6 * chance(seed, 1);
    return {
      unit: 'mm/s',
      at(timeMs) {
        // Bearings complain now and then, for half a minute.
        const burst = chance(seed, Math.floor(timeMs / (30 * SECOND))) < 0.04 ? 1.7 : 1;
        const work = machine.activity(timeMs) * level * burst;
        return rounded(
          0.08 + Math.max(0, work * (1 + 0.15 * drift(seed, timeMs / (2 * SECOND)))) + 0.02 * drift(seed ^ 7, timeMs / 700),
          1000,
        );
      },
    };
  },
  battery(seed) {
    const full = 4.05 + 0.12 * chance(seed, 1);
    const daily = 0.25 + 0.2 * chance(seed, 2);
    const noon = 0.45 + 0.1 * chance(seed, 3);
    return {
      unit: 'V',
      at(timeMs) {
        // A small solar panel: charged within a quarter of the day, drained over the rest.
        const part = (timeMs / DAY + 1 - noon) % 1;
        const charge = part < 0.25 ? part / 0.25 : 1 - (part - 0.25) / 0.75;
        return rounded(full - daily * (1 - charge) + 0.004 * drift(seed, timeMs / (5 * SECOND)), 1000);
      },
    };
  },
  door(seed) {
    return {
      unit: '',
      at(timeMs) {
        const slot = Math.floor(timeMs / (90 * SECOND));
        const hour = (timeMs % DAY) / (DAY / 24);
        const isOpened = chance(seed, slot) < (hour >= 6 && hour < 20 ? 0.25 : 0.04);
        const openMs = (5 + 40 * chance(seed ^ 3, slot)) * SECOND;
        return isOpened && timeMs - slot * 90 * SECOND < openMs;
      },
    };
  },
  state(_seed, machine) {
    return { unit: '', at: (timeMs) => machine.state(timeMs) };
  },
} satisfies Record<string, Make>;

export type MetricName = keyof typeof MAKERS;

export const METRICS = Object.keys(MAKERS) as readonly MetricName[];

/** What is measured together in the field. */
const KITS: readonly (readonly MetricName[])[] = [
  ['temperature', 'pressure', 'vibration', 'state'],
  ['temperature', 'vibration', 'state'],
  ['temperature', 'door', 'battery'],
  ['temperature', 'battery'],
  ['pressure', 'state', 'battery'],
];

/** A device's metrics: one of the kits, as far as `wanted` has them; never none. */
export function createWaveforms(seed: string, device: string, wanted: readonly MetricName[]): Waveform[] {
  const own = seedOf(`${seed} ${device}`);
  const machine = createMachine(own);
  const kit = KITS[Math.floor(chance(own, 0) * KITS.length)]!.filter((metric) => wanted.includes(metric));
  const metrics = kit.length > 0 ? kit : [wanted[Math.floor(chance(own, 1) * wanted.length)]!];
  return metrics.map((metric) => {
    const make: Make = MAKERS[metric];
    return { metric, ...make(seedOf(`${seed} ${device} ${metric}`), machine) };
  });
}

function rounded(value: number, perUnit: number): number {
  return Math.round(value * perUnit) / perUnit;
}
