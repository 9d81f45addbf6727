// Calls to a worker thread as promises, in call order. The worker's side is `serveThread`; errors come back with their code.

import { flushCompileCache } from 'node:module';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { diskFaultOf } from './disk-fault.ts';
import type { DiskError } from './store.ts';

interface Call {
  readonly id: number;
  readonly op: string;
  readonly ask: unknown;
}
type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string; readonly exitCode?: number } }
  | { readonly id: 0; readonly news: unknown };

export interface Thread {
  /** Rejects with what the worker threw, or at once when the thread has ended. */
  call<Result>(op: string, ask?: unknown): Promise<Result>;
  /** Calls not answered yet. */
  readonly waiting: number;
  /** It broke, or was closed: every call rejects. */
  readonly hasEnded: boolean;
  /** Ends the thread after a last `close` call; idempotent. */
  close(): Promise<void>;
  /** Ends it without that call: its connection is not trusted to write once more. */
  abandon(): void;
}

/**
 * Starts a thread and resolves once its `serveThread` has opened what it opens; rejects with the reason when it can't. `onNews` hears what
 * the thread tells unasked.
 */
export async function openThread<News = never>(file: URL, data: object, onNews?: (news: News) => void): Promise<Thread> {
  const worker = new Worker(file, { workerData: data, stdout: false, stderr: false });
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  let ended: Error | null = null;
  let closing: Promise<void> | null = null;

  const end = (error: Error): void => {
    ended ??= error;
    for (const waiting of calls.values()) waiting.reject(error);
    calls.clear();
  };
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => end(new Error('the storage thread has ended')));
  worker.on('message', (answer: Answer) => {
    if ('news' in answer) {
      onNews?.(answer.news as News);
      return;
    }
    const waiting = calls.get(answer.id);
    if (waiting === undefined) return;
    calls.delete(answer.id);
    if ('error' in answer) {
      const { message, code, exitCode } = answer.error;
      const fault = diskFaultOf(code);
      waiting.reject(Object.assign(new Error(message), { code, exitCode }, fault === null ? {} : ({ fault } satisfies Partial<DiskError>)));
    } else waiting.resolve(answer.result as never);
  });

  function call<Result>(op: string, ask: unknown = null): Promise<Result> {
    if (ended !== null) return Promise.reject(ended);
    const id = nextId++;
    return new Promise<Result>((resolve, reject) => {
      calls.set(id, { resolve, reject });
      worker.postMessage({ id, op, ask } satisfies Call);
    });
  }

  try {
    await call('open');
  } catch (error) {
    await worker.terminate(); // or it would keep the process alive
    throw error;
  }
  return {
    call,
    get waiting() {
      return calls.size;
    },
    get hasEnded() {
      return ended !== null;
    },
    close() {
      closing ??= (async () => {
        if (ended === null) await call('close').catch(() => undefined);
        end(new Error('the store is closed'));
        await worker.terminate();
      })();
      return closing;
    },
    abandon() {
      end(new Error('the storage thread was given up'));
      // a thread that hangs in a system call ends when that does; nobody waits for it
      closing ??= worker.terminate().then(() => undefined);
    },
  };
}

export type ThreadHandlers = Readonly<Record<string, (ask: never) => unknown>>;

/**
 * The worker's side. `open` gets the data given to `openThread` and returns the handlers, `close` among them. A handler's answer is
 * posted before `after` runs: work that nobody waits for. What it `tell`s goes to `onNews`.
 */
export function serveThread<Data>(open: (data: Data, tell: (news: unknown) => void) => ThreadHandlers, after?: () => void): void {
  const port = parentPort;
  if (port === null) throw new Error('serveThread runs in a worker thread');
  let handlers: ThreadHandlers | null = null;
  const tell = (news: unknown): void => port.postMessage({ id: 0, news } satisfies Answer);
  port.on('message', ({ id, op, ask }: Call) => {
    try {
      if (op === 'open') handlers = open(workerData as Data, tell);
      const result = op === 'open' ? null : handlers?.[op]?.(ask as never);
      port.postMessage({ id, result } satisfies Answer);
      // it is ended, never left to end, so what it has compiled would not be kept: the next start needs 8 MiB less for it
      if (op === 'open') flushCompileCache();
    } catch (error) {
      const { message, code, exitCode } = error as Error & { code?: string; exitCode?: number };
      port.postMessage({ id, error: { message, code: code ?? '', exitCode } } satisfies Answer);
    }
    after?.();
  });
}
