// How every part of identity changes something: in turn for one thing, durable first, then in memory, then told. For the files beside it.

import type { Log } from '../observe.ts';
import type { Registry, RegistryChange } from '../storage/registry.ts';
import { askedFrom } from './asked-from.ts';
import type { CredentialEnd, Refusal } from './identity.ts';
import type { Revocation, Revocations } from './revocations.ts';

export interface Ledger {
  readonly nowMs: () => number;
  /** Runs `work` when the work before it on the same thing has ended, so that a check still holds after the commit that it led to. */
  inTurn<T>(thing: string, work: () => Promise<T>): Promise<T>;
  commit(...changes: readonly RegistryChange[]): Promise<void>;
  /**
   * Ends a credential: first in the log of revocations, then in the registry, then `inForce` is called, which ends it in memory and tells
   * its sockets. A disk that fails or takes its time puts that off by half a second at most. Resolves when all is done: null, or what the
   * caller answers in place of success.
   */
  end(ending: Ending): Promise<Refusal | null>;
  /** For changes that nobody waits for (an expiry, the time of last use): a failure is logged. */
  commitLater(...changes: readonly RegistryChange[]): void;
  /** The audit row of an act, to be committed with it. */
  act(actor: string, act: string, target: string, detail?: string): RegistryChange;
  /** For the audit, what was refused: at most one row a second of a kind, since it is others who decide how often it happens. */
  attempted(attempt: Attempt): void;
  ended(end: CredentialEnd): void;
  onEnd(listener: (end: CredentialEnd) => void): () => void;
  /** Resolves when what was handed to `commitLater` is done. */
  close(): Promise<void>;
}

export interface Attempt {
  readonly actor: string;
  readonly act: string;
  /** As it was sent. */
  readonly target: string;
  readonly address: string;
}

/** A revocation without its time, which is now. */
export type RevocationOf = Revocation extends infer Line ? (Line extends Revocation ? Omit<Line, 'atMs'> : never) : never;

export interface Ending {
  readonly lines: readonly RevocationOf[];
  readonly changes?: readonly RegistryChange[];
  readonly inForce?: () => void;
}

/** Sockets are told within a second, whatever the disk does. */
const IN_FORCE_MS = 500;
const ATTEMPT_EVERY_MS = 1000;

export interface LedgerOptions {
  readonly registry: Registry;
  readonly revocations: Revocations;
  readonly nowMs: () => number;
  readonly log: Log;
}

export function createLedger({ registry, revocations, nowMs, log }: LedgerOptions): Ledger {
  const turns = new Map<string, Promise<unknown>>();
  const listeners = new Set<(end: CredentialEnd) => void>();
  const later = new Set<Promise<void>>();

  /** Which of the two could not be written. */
  async function write(lines: readonly RevocationOf[], changes: readonly RegistryChange[]): Promise<readonly string[]> {
    const unwritten: string[] = [];
    if (!(await revocations.append(lines.map((line) => ({ atMs: nowMs(), ...line }))))) unwritten.push('revocations.log');
    try {
      if (changes.length > 0) await registry.commit(changes);
    } catch (error) {
      log.error({ err: error }, 'what was revoked stays so in memory and in revocations.log, but the registry did not take it');
      unwritten.push('registry.db');
    }
    return unwritten;
  }

  /** When the last attempt of a kind was written. */
  const attemptedAtMs = new Map<string, number>();

  function commitLater(...changes: readonly RegistryChange[]): void {
    const done = registry
      .commit(changes)
      .catch((error: unknown) => log.error({ err: error }, 'a change to the registry was not written'))
      .finally(() => later.delete(done));
    later.add(done);
  }

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
    async end({ lines, changes = [], inForce = () => undefined }) {
      let isInForce = false;
      const enforce = (): void => {
        if (isInForce) return;
        isInForce = true;
        inForce();
      };
      const latest = setTimeout(enforce, IN_FORCE_MS);
      const unwritten = await write(lines, changes);
      clearTimeout(latest);
      enforce();
      if (unwritten.length === 0) return null;
      return { refused: 'revocation-not-durable', detail: `${unwritten.join(' and ')} could not be written` };
    },
    commitLater,
    act: (actor, act, target, detail = '') => ({ audit: { atMs: nowMs(), actor, act, target, detail, address: askedFrom() } }),
    attempted({ actor, act, target, address }) {
      const atMs = nowMs();
      if (Math.abs(atMs - (attemptedAtMs.get(act) ?? Number.NEGATIVE_INFINITY)) < ATTEMPT_EVERY_MS) return;
      attemptedAtMs.set(act, atMs);
      commitLater({ audit: { atMs, actor, act, target: target.replace(/(?! )[\p{C}\p{Z}]/gu, '?').slice(0, 64), detail: '', address } });
    },
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
