// How every part of identity changes something: in turn for one thing, durable first, then in memory, then told. For the files beside it.

import type { Log } from '../observe.ts';
import type { Registry, RegistryChange } from '../storage/registry.ts';
import type { CredentialEnd } from './identity.ts';

export interface Ledger {
  readonly nowMs: () => number;
  /** Runs `work` when the work before it on the same thing has ended, so that a check still holds after the commit that it led to. */
  inTurn<T>(thing: string, work: () => Promise<T>): Promise<T>;
  commit(...changes: readonly RegistryChange[]): Promise<void>;
  /** For changes that nobody waits for (an expiry, the time of last use): a failure is logged. */
  commitLater(...changes: readonly RegistryChange[]): void;
  /** The audit row of an act, to be committed with it. */
  act(actor: string, act: string, target: string, detail?: string): RegistryChange;
  ended(end: CredentialEnd): void;
  onEnd(listener: (end: CredentialEnd) => void): () => void;
  /** Resolves when what was handed to `commitLater` is done. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly registry: Registry;
  readonly nowMs: () => number;
  readonly log: Log;
}

export function createLedger({ registry, nowMs, log }: LedgerOptions): Ledger {
  const turns = new Map<string, Promise<unknown>>();
  const listeners = new Set<(end: CredentialEnd) => void>();
  const later = new Set<Promise<void>>();
  return {
    nowMs,
    async inTurn(thing, work) {
      const before = turns.get(thing) ?? Promise.resolve();
      const mine = before.then(work, work);
      turns.set(thing, mine);
      try {
        return await mine;
      } finally {
        if (turns.get(thing) === mine) turns.delete(thing);
      }
    },
    commit: (...changes) => registry.commit(changes),
    commitLater(...changes) {
      const done = registry
        .commit(changes)
        .catch((error: unknown) => log.error({ err: error }, 'a change to the registry was not written'))
        .finally(() => later.delete(done));
      later.add(done);
    },
    act: (actor, act, target, detail = '') => ({ audit: { atMs: nowMs(), actor, act, target, detail } }),
    ended(end) {
      for (const listener of [...listeners]) {
        try {
          listener(end);
        } catch (error) {
          log.error({ err: error }, 'a listener to ended credentials failed');
        }
      }
    },
    onEnd(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await Promise.all(later);
    },
  };
}
