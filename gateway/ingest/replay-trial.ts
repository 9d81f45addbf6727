// What a replay would store, found out by the same validation on a batch that nobody commits and series that nobody numbers.

import type { RecordFault, Value } from '../protocol/messages.ts';
import { KIND, type QuarantinedItem } from '../storage/store.ts';
import { Batcher } from './batcher.ts';
import type { IngestCatalogue, SeriesEntry } from './catalogue.ts';
import type { SessionHouse } from './session-house.ts';
import { createValidator } from './validate.ts';

export interface ReplayTrial {
  readonly readings: number;
  /** The first of them. */
  readonly first: readonly { readonly metric: string; readonly unit: string; readonly timeMs: number; readonly value: Value }[];
  readonly errors: readonly RecordFault[];
}
export interface ReplayTrials {
  read(row: QuarantinedItem, records: readonly unknown[]): ReplayTrial;
}

const SHOWN = 20;
const nothing = (): void => undefined;

export function refusedTrial(errors: readonly RecordFault[]): ReplayTrial {
  return { readings: 0, first: [], errors };
}

export function createReplayTrials({
  catalogue,
  limits,
  settingsOf,
}: Pick<SessionHouse, 'catalogue' | 'limits' | 'settingsOf'>): ReplayTrials {
  return {
    read({ device, receivedAtUs }, records) {
      const batcher = new Batcher(nothing);
      const known = catalogue.deviceSeries(device);
      const series = { device, metrics: new Map(known.metrics), all: new Map(known.all) };
      /** By their numbers in this batch: below zero where they are new. */
      const made = new Map<number, SeriesEntry>();
      const scratch: Pick<IngestCatalogue, 'create'> = {
        create(into, metric, unit) {
          const entry: SeriesEntry = { id: -1 - made.size, device, metric, unit, lastGivenUs: 0 };
          made.set(entry.id, entry);
          into.metrics.set(metric, entry);
          into.all.set(`${metric}\0${unit}`, entry);
          return entry;
        },
      };
      batcher.beginFrame();
      const errors = createValidator(batcher, scratch as IngestCatalogue, limits).read(records, {
        series,
        receivedUs: receivedAtUs,
        isGatewayClock: settingsOf(device).clock === 'gateway',
        // times that nobody gave stay those of receipt, and no series remembers them
        isReplay: true,
        onUnitChange: nothing,
        onClockSuspect: nothing,
      });
      const readings = batcher.frameReadings;
      const { batch } = batcher.seal();
      const first = Array.from({ length: Math.min(readings, SHOWN) }, (_, i) => {
        const id = batch.series[i] as number;
        const { metric = '', unit = '' } = made.get(id) ?? catalogue.series(id) ?? {};
        const kind = batch.kind[i];
        const value = batch.value[i] as number;
        const shown: Value = kind === KIND.number ? value : kind === KIND.boolean ? value === 1 : (batch.strings[value] as string);
        return { metric, unit, timeMs: (batch.timeUs[i] as number) / 1000, value: shown };
      });
      return { readings, first, errors };
    },
  };
}
