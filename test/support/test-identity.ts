// A real identity over a real registry in a temporary folder, with a clock that a test can set forward.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULTS } from '../../gateway/config.ts';
import { type Identity, type IdentityLimits, type Issued, openIdentity, type Refusal } from '../../gateway/identity/identity.ts';
import type { Registry } from '../../gateway/storage/registry.ts';
import { openSqliteRegistry } from '../../gateway/storage/sqlite-registry.ts';
import { createRecordedObserve, type RecordedObserve } from './recorded-observe.ts';

export const REGISTRY_MIGRATIONS = fileURLToPath(new URL('../../migrations/registry', import.meta.url));

export interface TestIdentity {
  readonly identity: Identity;
  readonly registry: Registry;
  readonly registryFile: string;
  readonly observe: RecordedObserve;
  /** The codes that the log would have shown. */
  readonly setupCodes: readonly string[];
  /** The time of day, which stands still, and how far the time for intervals is ahead of the real one. */
  readonly clock: { nowMs: number; aheadMs: number };
  /** Stops and starts over the same file, as a new process would. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The clock stands still unless the test moves it; `real` lets it run. */
export async function openTestIdentity(limits: Partial<IdentityLimits> = {}, kind: 'still' | 'real' = 'still'): Promise<TestIdentity> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-identity-'));
  const observe = createRecordedObserve();
  const clock = { nowMs: Date.now(), aheadMs: 0 };
  const setupCodes: string[] = [];
  const registryFile = path.join(folder, 'registry.db');
  const open = async (): Promise<{ identity: Identity; registry: Registry }> => {
    const registry = await openSqliteRegistry({ file: registryFile, migrationsDir: REGISTRY_MIGRATIONS });
    const identity = await openIdentity({
      registry,
      revocationsFile: path.join(folder, 'revocations.log'),
      observe,
      nowMs: kind === 'real' ? Date.now : () => clock.nowMs,
      steadyMs: () => performance.now() + clock.aheadMs,
      limits: { ...DEFAULTS.limits, ...limits },
      onSetupCode: (code) => setupCodes.push(code),
    });
    return { identity, registry };
  };
  const close = async (): Promise<void> => {
    await now.identity.close();
    await now.registry.close();
  };
  let now = await open();
  return {
    get identity() {
      return now.identity;
    },
    get registry() {
      return now.registry;
    },
    registryFile,
    observe,
    setupCodes,
    clock,
    async restart() {
      await close();
      now = await open();
    },
    async [Symbol.asyncDispose]() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What a test needs to have been granted. */
export function granted<T extends object | number | boolean>(answer: T | Refusal): T {
  if (typeof answer === 'object' && 'refused' in answer) throw new Error(`refused: ${answer.refused} ${answer.detail ?? ''}`);
  return answer;
}

export function secretOf<Row>(answer: Issued<Row> | Refusal): string {
  return granted(answer).secret;
}
