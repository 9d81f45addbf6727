// ReadingStore over SQLite: one writer thread, a few reader threads, this file between them and the network thread.

import type { Batch, Catalogue, Queries, QueryName, ReadingStore, SinceResult } from './store.ts';
import { openThread, type Thread } from './thread.ts';

export interface SqliteStoreOptions {
  readonly file: string;
  readonly walCheckpointBytes: number;
  readonly readers?: number;
}

/** Opens or creates the database; rejects when the file is not ours, newer than this version, or can't be written. */
export async function openSqliteStore({ file, walCheckpointBytes, readers = 2 }: SqliteStoreOptions): Promise<ReadingStore> {
  const openWriter = (): Promise<Thread> => openThread(new URL('./sqlite-writer.ts', import.meta.url), { file, walCheckpointBytes });
  const openReader = (): Promise<Thread> => openThread(new URL('./sqlite-reader.ts', import.meta.url), { file });
  await using undo = new AsyncDisposableStack();
  let writer = await openWriter();
  undo.defer(() => writer.close());
  // readers open after the writer: it is the one that creates the tables
  const pool: Thread[] = [];
  undo.defer(async () => void (await Promise.all(pool.map((thread) => thread.close()))));
  for (let i = 0; i < readers; i++) pool.push(await openReader());
  const closers = undo.move();
  let closing: Promise<void> | null = null;

  /** The reader with the shortest queue; one that broke is replaced when it is its turn. */
  async function reader(): Promise<Thread> {
    const idlest = pool.reduce((best, thread) => (thread.waiting < best.waiting ? thread : best));
    if (!idlest.hasEnded || closing !== null) return idlest;
    const fresh = await openReader();
    pool[pool.indexOf(idlest)] = fresh;
    return fresh;
  }

  return {
    append: (batch: Batch) => writer.call<number>('append', batch),
    read: async <Q extends QueryName>(name: Q, ask: Queries[Q]['ask']) => (await reader()).call<Queries[Q]['answer']>(name, ask),
    since: async (position, series, limit) => (await reader()).call<SinceResult>('since', { position, series, limit }),
    async catalogue(device) {
      // whoever asks for the catalogue begins anew, and so does a writer that broke
      if (writer.hasEnded && closing === null) writer = await openWriter();
      return writer.call<Catalogue>('catalogue', device ?? null);
    },
    close() {
      closing ??= closers.disposeAsync();
      return closing;
    },
  };
}
