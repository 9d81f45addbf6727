import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Registry } from '../../gateway/storage/registry.ts';
import { openSqliteRegistry } from '../../gateway/storage/sqlite-registry.ts';
import { REGISTRY_MIGRATIONS } from '../support/test-identity.ts';
import { registryContract } from './registry.ts';

registryContract(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-registry-'));
  const open = (): Promise<Registry> => openSqliteRegistry({ file: path.join(folder, 'registry.db'), migrationsDir: REGISTRY_MIGRATIONS });
  let registry = await open();
  return {
    get registry() {
      return registry;
    },
    async reopen() {
      await registry.close();
      registry = await open();
      return registry;
    },
    async [Symbol.asyncDispose]() {
      await registry.close();
      await rm(folder, { recursive: true });
    },
  };
});

test('a file that may not be opened rejects the opening with the exit code of a bad configuration', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-registry-'));
  const file = path.join(folder, 'registry.db');
  await writeFile(file, 'not a database, but long enough to be looked at as one');
  await expect(openSqliteRegistry({ file, migrationsDir: REGISTRY_MIGRATIONS })).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining(file),
  });
  await rm(folder, { recursive: true });
});

test('the registry is for its owner alone', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-registry-'));
  const file = path.join(folder, 'registry.db');
  const registry = await openSqliteRegistry({ file, migrationsDir: REGISTRY_MIGRATIONS });
  await registry.commit([{ put: 'settings', row: { id: 'a', value: 'b' } }]);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
  await registry.close();
  await rm(folder, { recursive: true });
});
