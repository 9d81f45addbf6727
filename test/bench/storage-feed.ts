// A store on a file of its own for a benchmark, and what feeds it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RetentionSettings } from '../../gateway/storage/retention.ts';
import type { SealBounds } from '../../gateway/storage/sealing.ts';
import { openSqliteStore, type SqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { type Batch, KIND, type ReadingStore } from '../../gateway/storage/store.ts';

/** `value` says which series and readings; the arrays are the caller's, and free again when the append is done. */
export function createFeed(store: ReadingStore, series: number) {
  let isFirst = true;
  let seq = 0;
  return (block: { count: number; series: Int32Array; timeUs: Float64Array; value: Float64Array }, firstSeries = 1): Promise<number> => {
    const nowUs = Date.now() * 1000;
    const batch: Batch = {
      count: block.count,
      series: block.series.map((one) => one + firstSeries),
      timeUs: block.timeUs,
      kind: new Uint8Array(block.count).fill(KIND.number),
      value: block.value,
      strings: [],
      frames: 1,
      frameStream: Int32Array.of(1),
      frameSeq: Float64Array.of(++seq),
      frameReadings: Int32Array.of(block.count),
      frameRefused: Int32Array.of(0),
      frameReceivedUs: Float64Array.of(nowUs),
      marks: 1,
      markStream: Int32Array.of(1),
      markAcked: Float64Array.of(seq),
      bodyHashes: [],
      newSeries: isFirst
        ? Array.from({ length: series }, (_, i) => ({
            id: i + 1,
            device: `device-${Math.floor(i / 10)}`,
            metric: `metric-${i % 10}`,
            unit: 'Cel',
          }))
        : [],
      newStreams: isFirst ? [{ id: 1, device: 'device-0', stream: 'benchmark', createdAtUs: nowUs }] : [],
      retiredStreams: [],
      quarantine: [],
      quarantineReplayed: [],
      quarantineDiscarded: [],
      gaps: [],
      events: [],
    };
    isFirst = false;
    return store.append(batch);
  };
}

export async function withStore<T>(
  sealing: SealBounds,
  use: (store: SqliteStore, file: string) => Promise<T>,
  retention: RetentionSettings = { rules: [] },
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-storage-'));
  const file = path.join(folder, 'fieldgate.db');
  const store = await openSqliteStore({
    file,
    walCheckpointBytes: 4 * 2 ** 20,
    readers: 1,
    sealing,
    retention,
    onSealFailed: (error) => console.error(error),
  });
  try {
    return await use(store, file);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}
