// The registry in SQLite, for identity. SQL runs in a thread of its own; commits that arrive while one is under way go together in the
// next transaction, so that a thousand devices that enrol at once cost some tens of syncs, not a thousand.

import type { AuditPage, Registry, RegistryChange, RegistryRows } from './registry.ts';
import type { DiskError } from './store.ts';
import { openThread, type Thread } from './thread.ts';

export interface OpenRegistryOptions {
  readonly file: string;
  readonly migrationsDir: string;
}

/** What the thread answers, by question. */
export interface RegistryQuestions {
  load: { ask: null; answer: RegistryRows };
  /** One transaction, in which each list stands or falls by itself: null, or why it fell. */
  commit: { ask: readonly (readonly RegistryChange[])[]; answer: readonly (string | null)[] };
  audit: { ask: { limit: number; before: number | null; about: string }; answer: AuditPage };
}

interface QueuedCommit {
  readonly changes: readonly RegistryChange[];
  resolve(): void;
  reject(error: unknown): void;
}

/** Rejects with a DatabaseRefusal when the file may not be opened (see migrate.ts). */
export async function openSqliteRegistry(options: OpenRegistryOptions): Promise<Registry> {
  const open = (): Promise<Thread> => openThread(new URL('./sqlite-registry-thread.ts', import.meta.url), options);
  let thread = await open();
  /** A commit met a disk that fails: what the connection believes to be on disk may not be. */
  let isBroken = false;
  let reopening: Promise<void> | null = null;
  async function reopen(): Promise<void> {
    const fresh = await open(); // writes and syncs, or rejects
    thread.abandon();
    thread = fresh;
    isBroken = false;
  }
  async function ask<Q extends keyof RegistryQuestions>(
    question: Q,
    detail: RegistryQuestions[Q]['ask'],
  ): Promise<RegistryQuestions[Q]['answer']> {
    if (closing !== null && question !== 'commit') throw new Error('the registry is closed');
    if ((thread.hasEnded || (isBroken && question === 'commit')) && closing === null) {
      reopening ??= reopen().finally(() => {
        reopening = null;
      });
      await reopening;
    }
    try {
      return await thread.call(question, detail);
    } catch (error) {
      if ((error as Partial<DiskError>).fault !== undefined) isBroken = true;
      throw error;
    }
  }
  let queue: QueuedCommit[] = [];
  let committing: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  async function commitQueue(): Promise<void> {
    while (queue.length > 0) {
      const group = queue;
      queue = [];
      try {
        const faults = await ask(
          'commit',
          group.map((one) => one.changes),
        );
        group.forEach((one, index) => {
          const fault = faults[index] ?? null;
          if (fault === null) one.resolve();
          else one.reject(new Error(fault));
        });
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    committing = null;
  }

  async function shut(): Promise<void> {
    await committing;
    await reopening?.catch(() => undefined);
    await thread.close();
  }

  return {
    load: () => ask('load', null),
    commit(changes) {
      if (closing !== null) return Promise.reject(new Error('the registry is closed'));
      const done = new Promise<void>((resolve, reject) => queue.push({ changes, resolve, reject }));
      committing ??= commitQueue();
      return done;
    },
    audit: ({ limit, before, about = '' }) => ask('audit', { limit, before: before ?? null, about }),
    close() {
      closing ??= shut();
      return closing;
    },
  };
}
