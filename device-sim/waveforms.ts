// Believable measurements. Each is a pure function of (seed, device, metric) and time, so the same seed always tells the same story, and
// what is made up for yesterday joins what is measured now.

import type { SenmlRecord, Value } from '../gateway/protocol/messages.ts';
import { createDoor, createMachine, type Door, type Machine } from './machine.ts';
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

/** Where a device is mounted: it decides what its temperature follows. */
type Place = 'machine' | 'cold-room' | 'open-air';

interface Site {
  readonly place: Place;
  readonly machine: Machine;
  readonly door: Door;
}

type Make = (seed: number, site: Site) => Pick<Waveform, 'unit' | 'at'>;

/** Highest in the early afternoon (UTC), rising faster than it falls; −1 … 1. */
function daily(timeMs: number, peak: number): number {
  const turn = TURN * (timeMs / DAY - peak);
  return (Math.cos(turn) + 0.18 * Math.cos(2 * turn + 0.9)) / 1.15;
}

const TEMPERATURES: Record<Place, (seed: number, site: Site) => (timeMs: number) => number> = {
  /** A motor: the hall's air, and the heat of work that comes and goes over a quarter of an hour. */
  machine(seed, { machine }) {
    const hall = 19 + 4 * chance(seed, 1);
    const heat = 14 + 12 * chance(seed, 2);
    return (timeMs) => hall + 1.8 * daily(timeMs, 0.6) + heat * machine.follow(timeMs, 9 * MINUTE, 16 * MINUTE);
  },
  /** The compressor's saw teeth, and a door that lets the warmth in. */
  'cold-room'(seed, { door }) {
    const set = 3 + 2 * chance(seed, 1);
    const toothMs = (26 + 16 * chance(seed, 2)) * MINUTE;
    return (timeMs) => {
      const part = (timeMs / toothMs + chance(seed, 3)) % 1;
      const tooth = part < 0.3 ? 1 - part / 0.3 : (part - 0.3) / 0.7;
      return set + 0.7 * (tooth - 0.5) + 3.2 * door.warmth(timeMs);
    };
  },
  /** Sun, and a cloud now and then. */
  'open-air'(seed) {
    const mean = 15 + 7 * chance(seed, 1);
    const swing = 4 + 3 * chance(seed, 2);
    const peak = 0.56 + 0.06 * chance(seed, 3);
    return (timeMs) => mean + swing * daily(timeMs, peak) + 0.35 * drift(seed, timeMs / (26 * MINUTE));
  },
};

const MAKERS = {
  temperature(seed, site) {
    const air = TEMPERATURES[site.place](seed, site);
    return {
      unit: 'Cel',
      at: (timeMs) =>
        rounded(air(timeMs) + 0.05 * drift(seed ^ 5, timeMs / (3 * MINUTE)) + 0.02 * drift(seed ^ 7, timeMs / (4 * SECOND)), 100),
    };
  },
  pressure(seed, { machine }) {
    const rest = 1.1 + 0.3 * chance(seed, 1);
    const setPoint = 3.4 + 2.6 * chance(seed, 2);
    return {
      unit: 'bar',
      at(timeMs) {
        // A vessel fills within minutes and empties over more of them; how much is drawn meanwhile changes all the time.
        const filled = machine.follow(timeMs, 1.5 * MINUTE, 4 * MINUTE);
        const drawn = 0.12 * drift(seed, timeMs / (7 * MINUTE)) + 0.03 * drift(seed ^ 5, timeMs / (40 * SECOND));
        return rounded(rest + (setPoint - rest + drawn) * filled + 0.012 * drift(seed ^ 7, timeMs / SECOND), 1000);
      },
    };
  },
  vibration(seed, { machine }) {
    const level = 0.9 + 1.6 * chance(seed, 1);
    return {
      unit: 'mm/s',
      at(timeMs) {
        // A bearing complains now and then, for some minutes.
        const part = timeMs / (6 * MINUTE);
        const complaint = chance(seed, Math.floor(part)) < 0.05 ? 0.7 * Math.sin(Math.PI * (part % 1)) ** 2 : 0;
        const rough = 0.07 * drift(seed, timeMs / (5 * MINUTE)) + 0.05 * drift(seed ^ 5, timeMs / (2 * SECOND));
        const shaking = level * machine.follow(timeMs, 10 * SECOND, 25 * SECOND) * (1 + complaint + rough);
        return rounded(0.09 + shaking + 0.012 * drift(seed ^ 7, timeMs / 700), 1000);
      },
    };
  },
  battery(seed) {
    const full = 4.1 + 0.08 * chance(seed, 1);
    const lastsMs = (1.8 + 2 * chance(seed, 2)) * DAY;
    const span = 0.55;
    return {
      unit: 'V',
      at(timeMs) {
        // Sinks over days, a little faster towards the end, and is charged within two hours; the cold of the night takes its share.
        const part = (timeMs / lastsMs + chance(seed, 3)) % 1;
        const chargeFrom = 1 - (120 * MINUTE) / lastsMs;
        const used = part < chargeFrom ? 0.8 * (part / chargeFrom) + 0.2 * (part / chargeFrom) ** 3 : (1 - part) / (1 - chargeFrom);
        return rounded(full - span * used + 0.008 * daily(timeMs, 0.6) + 0.0006 * drift(seed, timeMs / MINUTE), 1000);
      },
    };
  },
  door: (_seed, { door }) => ({ unit: '', at: (timeMs) => door.isOpen(timeMs) }),
  state: (_seed, { machine }) => ({ unit: '', at: (timeMs) => machine.state(timeMs) }),
} satisfies Record<string, Make>;

export type MetricName = keyof typeof MAKERS;

export const METRICS = Object.keys(MAKERS) as readonly MetricName[];

/** What is measured together in the field. */
const KITS: readonly { readonly place: Place; readonly metrics: readonly MetricName[] }[] = [
  { place: 'machine', metrics: ['temperature', 'pressure', 'vibration', 'state'] },
  { place: 'machine', metrics: ['temperature', 'vibration', 'state'] },
  { place: 'cold-room', metrics: ['temperature', 'door', 'battery'] },
  { place: 'open-air', metrics: ['temperature', 'battery'] },
  { place: 'machine', metrics: ['pressure', 'state', 'battery'] },
];

/** A device's metrics: one of the kits, as far as `wanted` has them; never none. */
export function createWaveforms(seed: string, device: string, wanted: readonly MetricName[]): Waveform[] {
  const own = seedOf(`${seed} ${device}`);
  const kit = KITS[Math.floor(chance(own, 0) * KITS.length)]!;
  const site: Site = { place: kit.place, machine: createMachine(own), door: createDoor(seedOf(`${seed} ${device} door`)) };
  const fitting = kit.metrics.filter((metric) => wanted.includes(metric));
  const metrics = fitting.length > 0 ? fitting : [wanted[Math.floor(chance(own, 1) * wanted.length)]!];
  return metrics.map((metric) => {
    const make: Make = MAKERS[metric];
    return { metric, ...make(seedOf(`${seed} ${device} ${metric}`), site) };
  });
}

/** What the device measures at that time, as it goes on the wire. */
export function measure({ metric, unit, at }: Waveform, timeMs: number): SenmlRecord {
  // Whole milliseconds, so that the seconds on the wire give the same microseconds back.
  const t = Math.round(timeMs) / 1000;
  const value = at(timeMs);
  const record = unit === '' ? { n: metric } : { n: metric, u: unit };
  if (typeof value === 'number') return { ...record, t, v: value };
  return typeof value === 'boolean' ? { ...record, t, vb: value } : { ...record, t, vs: value };
}

function rounded(value: number, perUnit: number): number {
  return Math.round(value * perUnit) / perUnit;
}
