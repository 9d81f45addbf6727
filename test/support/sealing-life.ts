// A store's short life as a process of its own, to be ended anywhere: readings are appended, sealed, merged with late ones, cut anew and
// trimmed. What it appends is always the same; `ACKED_FILE` says how many readings of it were acknowledged.

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { createBatches, EAGER, type Reading, SERIES, T0 } from './store-model.ts';

/** The batches of a life; the second half is late, doubled or of another kind. */
export function lifeBatches(): readonly (readonly Reading[])[] {
  const at = (series: number, second: number, value: Reading['value']): Reading => ({ series, timeUs: T0 + second * 1_000_000, value });
  const batches: Reading[][] = [];
  for (let b = 0; b < 6; b++) batches.push(Array.from({ length: 120 }, (_, i) => at(SERIES[i % 3]!, b * 120 + i, ((b * 7 + i) % 50) / 10)));
  // late, into chunks that are there; at times that are there; strings and booleans between numbers
  batches.push(Array.from({ length: 90 }, (_, i) => at(1, i * 5 + 0.5, i)));
  batches.push(Array.from({ length: 60 }, (_, i) => at(2, i * 3 + 1, i % 2 === 0)));
  batches.push(Array.from({ length: 60 }, (_, i) => at(3, 100, `word ${i % 4}`)));
  batches.push([at(1, -1000, -0), at(2, 100_000, 1e300), at(3, 50, 7)]);
  return batches;
}

async function live(file: string, acked: string): Promise<void> {
  const store = await openSqliteStore({ file, walCheckpointBytes: 2 ** 16, readers: 1, sealing: EAGER });
  const batchOf = createBatches();
  let readings = 0;
  for (const [b, batch] of lifeBatches().entries()) {
    await store.append(batchOf(batch));
    readings += batch.length;
    writeFileSync(acked, String(readings));
    // sealed, cut anew and trimmed now and then, with readings behind that are not
    if (b % 3 === 2) await store.compact(() => undefined);
  }
  await store.compact(() => undefined);
  await store.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await live(process.argv[2]!, process.argv[3]!);
