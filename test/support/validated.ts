// A frame through the validator into a batch of its own, as plain rows: for tests that compare what two encodings of one model become.

import { Batcher } from '../../gateway/ingest/batcher.ts';
import { createCatalogue } from '../../gateway/ingest/catalogue.ts';
import type { JsonFrame } from '../../gateway/ingest/json-frame.ts';
import { createValidator } from '../../gateway/ingest/validate.ts';
import type { RecordFault } from '../../gateway/protocol/messages.ts';

export const RECEIVED_US = 1_800_000_000_000_000;
export const READER_LIMITS = { depth: 8, keysPerObject: 64 } as const;
const LIMITS = { readingsPerFrame: 1000, nameBytes: 128, stringBytes: 1024 } as const;

export interface Validated {
  readonly faults: readonly RecordFault[];
  readonly series: readonly { readonly metric: string; readonly unit: string }[];
  /** Columns side by side: series, time in µs, kind, value (a text's is its index in `strings`). */
  readonly readings: readonly (readonly [series: number, timeUs: number, kind: number, value: number])[];
  readonly strings: readonly string[];
}

/** The records of a pack, or of a message's `readings`; nothing when the frame has none. */
export function recordsOf(frame: JsonFrame): readonly unknown[] {
  if ('pack' in frame) return frame.pack;
  return 'message' in frame && Array.isArray(frame.message.readings) ? frame.message.readings : [];
}

export function validated(records: readonly unknown[]): Validated {
  const batcher = new Batcher(() => undefined);
  const catalogue = createCatalogue({ store: 's', position: 0, series: [], streams: [] });
  batcher.beginFrame();
  const faults = createValidator(batcher, catalogue, LIMITS).read(records, {
    series: catalogue.deviceSeries('pump-1'),
    receivedUs: RECEIVED_US,
    isGatewayClock: false,
    onUnitChange: () => undefined,
    onClockSuspect: () => undefined,
  });
  if (faults.length > 0 && faults[0].index === undefined) batcher.dropFrameReadings();
  const count = batcher.frameReadings;
  const { batch } = batcher.seal();
  return {
    faults,
    series: batch.newSeries.map(({ metric, unit }) => ({ metric, unit })),
    readings: Array.from({ length: count }, (_, i) => [batch.series[i], batch.timeUs[i], batch.kind[i], batch.value[i]] as const),
    strings: batch.strings,
  };
}
