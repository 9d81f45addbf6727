// Appends readings of a few devices to a store, a frame a call, as an ingest of its own would.

import { Batcher } from '../../gateway/ingest/batcher.ts';
import type { StreamEntry } from '../../gateway/ingest/streams.ts';
import type { Value } from '../../gateway/protocol/messages.ts';
import { KIND, type ReadingStore, type SeriesRow } from '../../gateway/storage/store.ts';

export interface WrittenReading {
  readonly series: number;
  readonly timeUs: number;
  readonly value: Value;
}

/** Each device has one stream; all readings of a call are of one device. */
export function createReadingWriter(store: () => ReadingStore, series: readonly SeriesRow[], nowUs: number) {
  const devices = [...new Set(series.map(({ device }) => device))];
  const streams = devices.map(
    (device, i): StreamEntry => ({
      id: i + 1,
      device,
      stream: `stream-${String(i + 1).padStart(4, '0')}`,
      createdAtUs: nowUs,
      acked: 0,
      bodyHash: '',
      retired: false,
      lastUsedAtUs: nowUs,
      markSerial: 0,
      markIndex: 0,
    }),
  );
  const batcher = new Batcher(() => undefined);
  let isFirst = true;
  return (readings: readonly WrittenReading[]): Promise<number> => {
    if (isFirst) {
      for (const row of series) batcher.addSeries(row);
      for (const stream of streams) batcher.addStream(stream);
    }
    isFirst = false;
    const device = series.find(({ id }) => id === readings[0]?.series)?.device;
    const stream = streams.find((one) => one.device === device) as StreamEntry;
    batcher.beginFrame();
    for (const { series: id, timeUs, value } of readings) {
      if (typeof value === 'number') batcher.add(id, timeUs, KIND.number, value);
      else if (typeof value === 'boolean') batcher.add(id, timeUs, KIND.boolean, value ? 1 : 0);
      else batcher.add(id, timeUs, KIND.string, batcher.addString(value));
    }
    batcher.endFrame(stream, ++stream.acked, 0, nowUs);
    return store().append(batcher.seal().batch);
  };
}
