// The registry in SQLite, for identity. SQL runs in a thread of its own; commits that arrive while one is under way go together in the
// next transaction, so that a thousand devices that enrol at once cost some tens of syncs, not a thousand.

import { Worker } from 'node:worker_threads';
import type { AuditRow, Registry, RegistryChange, RegistryRows } from './registry.ts';

export interface OpenRegistryOptions {
  readonly file: string;
  readonly migrationsDir: string;
}

/** What the thread is asked; it answers in the same order, one answer an ask. */
export type RegistryAsk =
  | { readonly ask: 'load' }
  /** One transaction, in which each list stands or falls by itself. */
  | { readonly ask: 'commit'; readonly lists: readonly (readonly RegistryChange[])[] }
  | { readonly ask: 'audit'; readonly limit: number; readonly before: number | null }
  | { readonly ask: 'close' };

/** `exitCode` travels with the refusal of a file that may not be opened. */
export interface ThreadFault {
  readonly message: string;
  readonly code?: string;
  readonly exitCode?: number;
}
export type RegistryAnswer =
  | { readonly answer: 'opened' }
  | { readonly answer: 'load'; readonly rows: RegistryRows }
  | { readonly answer: 'commit'; readonly faults: readonly (ThreadFault | null)[] }
  | { readonly answer: 'audit'; readonly page: AuditPage }
  | { readonly answer: 'close' }
  | { readonly answer: 'fault'; readonly fault: ThreadFault };

type AuditPage = { items: readonly (AuditRow & { id: number })[]; more: boolean };

interface Waiting {
  resolve(answer: RegistryAnswer): void;
  reject(error: Error): void;
}
interface QueuedCommit {
  readonly changes: readonly RegistryChange[];
  resolve(): void;
  reject(error: Error): void;
}

/** Rejects when the file may not be opened (see migrate.ts). */
export async function openSqliteRegistry(options: OpenRegistryOptions): Promise<Registry> {
  const worker = new Worker(new URL('./sqlite-registry-thread.ts', import.meta.url), { workerData: options });
  const waiting: Waiting[] = [];
  let broken: Error | null = null;
  const end = (error: Error): void => {
    broken ??= error;
    for (const one of waiting.splice(0)) one.reject(broken);
  };
  const answered = (): Promise<RegistryAnswer> => new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  const ask = (message: RegistryAsk): Promise<RegistryAnswer> => {
    if (broken !== null) return Promise.reject(broken);
    const answer = answered();
    worker.postMessage(message);
    return answer;
  };
  worker.on('message', (answer: RegistryAnswer) => {
    const one = waiting.shift();
    if (answer.answer === 'fault') one?.reject(toError(answer.fault));
    else one?.resolve(answer);
  });
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      end(new Error('the registry is closed'));
      resolve();
    });
  });

  const opened = answered();
  try {
    await opened;
  } catch (error) {
    await exited;
    throw error;
  }

  let queue: QueuedCommit[] = [];
  let closing: Promise<void> | null = null;
  let committing: Promise<void> | null = null;

  async function commitQueue(): Promise<void> {
    while (queue.length > 0) {
      const group = queue;
      queue = [];
      try {
        const answer = await ask({ ask: 'commit', lists: group.map((one) => one.changes) });
        const faults = answer.answer === 'commit' ? answer.faults : [];
        group.forEach((one, index) => {
          const fault = faults[index];
          if (fault) one.reject(toError(fault));
          else one.resolve();
        });
      } catch (error) {
        for (const one of group) one.reject(error as Error);
      }
    }
    committing = null;
  }

  async function shut(): Promise<void> {
    while (committing !== null) await committing;
    await ask({ ask: 'close' }).catch(() => undefined); // a thread that broke is closed
    await exited;
  }

  const refuseWhenClosed = (): void => {
    if (closing !== null) throw new Error('the registry is closed');
  };
  return {
    async load() {
      refuseWhenClosed();
      const answer = await ask({ ask: 'load' });
      if (answer.answer !== 'load') throw new Error('the registry thread answered out of order');
      return answer.rows;
    },
    async commit(changes) {
      refuseWhenClosed();
      const done = new Promise<void>((resolve, reject) => queue.push({ changes, resolve, reject }));
      committing ??= commitQueue();
      await done;
    },
    async audit({ limit, before }) {
      refuseWhenClosed();
      const answer = await ask({ ask: 'audit', limit, before: before ?? null });
      if (answer.answer !== 'audit') throw new Error('the registry thread answered out of order');
      return answer.page;
    },
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

function toError({ message, code, exitCode }: ThreadFault): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code }, exitCode === undefined ? {} : { exitCode });
}
