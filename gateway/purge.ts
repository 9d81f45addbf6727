// Deleting what devices have stored. They send nothing any more: whoever asks has removed them, which closed their sockets.

import type { Ingest } from './ingest/ingest.ts';
import type { IngestCatalogue } from './ingest/catalogue.ts';
import type { SqliteStore } from './storage/sqlite-store.ts';

export interface PurgeOptions {
  readonly store: Pick<SqliteStore, 'purge'>;
  readonly ingest: Pick<Ingest, 'settle'>;
  readonly catalogue: Pick<IngestCatalogue, 'forget'>;
}
/** Resolves with how many readings went. One at a time, in the order of the calls. */
export type Purge = (devices: readonly string[]) => Promise<number>;

export function createPurge({ store, ingest, catalogue }: PurgeOptions): Purge {
  let last: Promise<unknown> = Promise.resolve();
  async function purge(devices: readonly string[]): Promise<number> {
    // what was read of them before they were removed may be on its way
    await ingest.settle();
    const readings = await store.purge(devices);
    for (const device of devices) catalogue.forget(device);
    return readings;
  }
  return (devices) => {
    const own = last.then(() => purge(devices));
    last = own.catch(() => undefined);
    return own;
  };
}
