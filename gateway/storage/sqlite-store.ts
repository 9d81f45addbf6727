// ReadingStore over SQLite: one writer thread, a few reader threads, this file between them and the network thread.

import { openThread, type Thread } from './thread.ts';
import type { Batch, Catalogue, Queries, QueryName, ReadingStore, SinceResult } from './store.ts';

export interface SqliteStoreOptions {
  readonly file: string;
  readonly walCheckpointBytes: number;
  readonly readers?: number;
}

/** Opens or creates the database; rejects when the file is not ours, newer than this version, or can't be written. */
export async function openSqliteStore({ file, walCheckpointBytes, readers = 2 }: SqliteStoreOptions): Promise<ReadingStore> {
  const writer = await openThread(new URL('./sqlite-writer.ts', import.meta.url), { file, walCheckpointBytes });
  // readers open after the writer: it is the one that creates the tables
  const pool: Thread[] = [];
  for (let i = 0; i < readers; i++) pool.push(await openThread(new URL('./sqlite-reader.ts', import.meta.url), { file }));
  const idlest = (): Thread => pool.reduce((best, thread) => (thread.waiting < best.waiting ? thread : best));
  let closing: Promise<void> | null = null;

  return {
    append: (batch: Batch) => writer.call<number>('append', batch),
    read: <Q extends QueryName>(name: Q, ask: Queries[Q]['ask']) => idlest().call<Queries[Q]['answer']>(name, ask),
    since: (position, series, limit) => idlest().call<SinceResult>('since', { position, series, limit }),
    catalogue: (device) => writer.call<Catalogue>('catalogue', device ?? null),
    close() {
      closing ??= Promise.all(pool.map((thread) => thread.close())).then(() => writer.close());
      return closing;
    },
  };
}
