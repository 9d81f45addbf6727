import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';
import { storeContract } from './store.ts';

storeContract(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-store-'));
  const open = (): Promise<ReadingStore> =>
    openSqliteStore({ file: path.join(folder, 'fieldgate.db'), walCheckpointBytes: 4 * 2 ** 20, readers: 1 });
  let store = await open();
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
