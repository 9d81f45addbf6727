// The oracle for devices that run in this process: what passed on their wires, held against the database file of a gateway and against
// what that gateway says of its books.

import { type Counts, type Example, isClean, noCounts } from '../../device-sim/findings.ts';
import { createSentDevice, type SentDevice } from '../../device-sim/sent-device.ts';
import type { StoredBook } from '../../device-sim/stored-device.ts';
import { verifyDevice } from '../../device-sim/verify-device.ts';
import type { ChildGateway } from './child-gateway.ts';
import type { Witness } from './fault-fleet.ts';
import { openStoredReadings } from './stored-readings.ts';

export interface Judgement {
  readonly counts: Counts;
  /** Every verdict but ok is zero. */
  readonly isClean: boolean;
  readonly examples: readonly Example[];
}

export interface Oracle {
  readonly witness: Witness;
  /** Of a gateway that runs. */
  judge(gateway: ChildGateway): Promise<Judgement>;
}

const EXAMPLES = 5;

export function createOracle(): Oracle {
  const devices = new Map<string, SentDevice>();
  return {
    witness: {
      note(id, stream, happening) {
        let sent = devices.get(id);
        if (sent === undefined) {
          sent = createSentDevice(id);
          devices.set(id, sent);
        }
        sent.take(stream, happening);
      },
    },
    async judge(gateway) {
      const counts = noCounts();
      const examples: Example[] = [];
      const books = async (id: string, verify: boolean): Promise<StoredBook[]> =>
        (await gateway.local('GET', `/v1/accounting?device=${id}&verify=${verify}`)).items;
      using file = openStoredReadings(gateway.data);
      for (const [id, sent] of devices) {
        const stored = { ...file.device(id), books: await books(id, false), recount: await books(id, true) };
        const verdict = verifyDevice(sent, stored);
        for (const [name, count] of Object.entries(verdict.counts)) counts[name as keyof Counts] += count;
        examples.push(...verdict.examples);
      }
      const strangers = file.devices.filter((id) => !devices.has(id));
      if (strangers.length > 0) throw new Error(`the store knows devices that were not there: ${strangers.join(', ')}`);
      return { counts, isClean: isClean(counts), examples: examples.slice(0, EXAMPLES) };
    },
  };
}
