// A witness that notes when devices were told something, on somebody else's scale (a place in a write journal): what a disk must hold
// depends on what had been acknowledged by then.

import type { Happening } from '../../device-sim/happening.ts';
import { type Counts, type Example, noCounts, VERDICTS } from '../../device-sim/findings.ts';
import { createSentDevice, type SentDevice } from '../../device-sim/sent-device.ts';
import { verifyDevice } from '../../device-sim/verify-device.ts';
import type { Witness } from './fault-fleet.ts';
import { openStoredReadings } from './stored-readings.ts';

export interface TimedWitness extends Witness {
  /** Of all acknowledgements, in order. */
  readonly moments: readonly number[];
  /** The devices as they were at `cut`: they had sent whatever they ever sent, and heard what came until then. */
  devicesAt(cut: number): SentDevice[];
}

export function createTimedWitness(now: () => number): TimedWitness {
  const notes: { readonly device: string; readonly stream: string; readonly happening: Happening; readonly at: number }[] = [];
  const moments: number[] = [];
  return {
    moments,
    note(device, stream, happening) {
      const at = isHeard(happening) ? now() : 0;
      notes.push({ device, stream, happening, at });
      if (happening.type === 'ack' || happening.type === 'stored') moments.push(at);
    },
    devicesAt(cut) {
      const devices = new Map<string, SentDevice>();
      for (const { device, stream, happening, at } of notes) {
        let sent = devices.get(device);
        if (sent === undefined) devices.set(device, (sent = createSentDevice(device)));
        if (at <= cut) sent.take(stream, happening);
      }
      return [...devices.values()];
    },
  };
}

export interface StoreVerdict {
  readonly counts: Record<keyof Counts, number>;
  readonly examples: readonly Example[];
}

/** The oracle over all devices, against the database in a data directory. A device that nobody knows is a phantom. */
export function judgeStore(data: string, devices: readonly SentDevice[]): StoreVerdict {
  using file = openStoredReadings(data);
  const counts = noCounts();
  const examples: Example[] = [];
  const known = new Map(devices.map((sent) => [sent.device, sent]));
  for (const id of new Set([...known.keys(), ...file.devices])) {
    const verdict = verifyDevice(known.get(id) ?? createSentDevice(id), file.device(id));
    for (const name of VERDICTS) counts[name] += verdict.counts[name];
    examples.push(...verdict.examples);
  }
  return { counts, examples };
}

function isHeard({ type }: Happening): boolean {
  return type === 'welcome' || type === 'ack' || type === 'reject' || type === 'stored';
}
