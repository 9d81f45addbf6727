// A look through a whole database: SQLite's own, the index of the chunks, every chunk, the log, and the books. It can run beside a gateway
// that works; only while the index is gone through does sealing wait.

import type { VerifyFinding } from '../protocol/rest.ts';
import type { ReadingStore } from './store.ts';
import { openThread } from './thread.ts';
import type { Turn, VerifyFiles } from './verify-thread.ts';

export interface VerifyAsk extends VerifyFiles {
  readonly store: Pick<ReadingStore, 'read'> & { still<T>(work: () => Promise<T>): Promise<T> };
  progress(doing: string, left: number | null): void;
  found(finding: VerifyFinding): void;
  readonly signal: AbortSignal;
}
export interface Verified {
  readonly findings: number;
  readonly chunks: number;
  readonly readings: number;
}

/** Rejects when the signal aborts it, or when nothing can be read at all. */
export async function verifyStore({ file, registryFile, store, signal, progress, ...ask }: VerifyAsk): Promise<Verified> {
  const thread = await openThread(new URL('./verify-thread.ts', import.meta.url), { file, registryFile } satisfies VerifyFiles);
  let findings = 0;
  const tell = (found: readonly VerifyFinding[]): void => {
    findings += found.length;
    for (const finding of found) ask.found(finding);
  };
  /** A pass in turns; what is said to be left of it counts what `size` counts. */
  async function pass(op: string, doing: string, of: number | null, size: (turn: Turn) => number): Promise<Omit<Turn, 'found' | 'isLast'>> {
    const sum = { rows: 0, chunks: 0, readings: 0 };
    let left = of;
    for (let after: unknown = op === 'log' || op === 'strays' ? 0 : null; ; ) {
      signal.throwIfAborted();
      progress(doing, left);
      const turn = await thread.call<Turn & { after: unknown }>(op, after);
      tell(turn.found);
      sum.rows += turn.rows;
      sum.chunks += turn.chunks;
      sum.readings += turn.readings;
      if (left !== null) left = Math.max(0, left - size(turn));
      if (turn.isLast) return sum;
      after = turn.after;
    }
  }
  const giveUp = (): void => thread.abandon();
  signal.addEventListener('abort', giveUp);
  try {
    signal.throwIfAborted();
    const tables = await thread.call<(string | null)[]>('tables');
    for (const [i, table] of tables.entries()) {
      progress('checking the pages of the database', tables.length - i);
      tell(await thread.call<VerifyFinding[]>('integrity', table));
    }
    progress('checking the registry', null);
    tell(await thread.call<VerifyFinding[]>('registry'));
    tell(await thread.call<VerifyFinding[]>('marks'));
    const indexed = await store.still(async () => {
      const sum = await pass('index', 'looking through the index', null, ({ rows }) => rows);
      await pass('strays', 'looking for chunks without an entry', sum.chunks, ({ chunks }) => chunks);
      return sum;
    });
    const { chunks, readings } = await pass('chunks', 'decoding chunks', indexed.chunks, (turn) => turn.chunks);
    const logged = await pass('log', 'looking through the log', null, ({ rows }) => rows);
    progress('counting the books', null);
    const { items } = await store.read('accounting', { device: '', verify: true });
    tell(items.filter(({ unexplained }) => unexplained !== 0).map(bookFinding));
    return { findings, chunks, readings: readings + logged.readings };
  } finally {
    signal.removeEventListener('abort', giveUp);
    await thread.close();
  }
}

function bookFinding({ device, stream, unexplained }: { device: string; stream: string; unexplained: number }): VerifyFinding {
  const detail = `the books of stream ${stream} do not agree with the rows: ${unexplained} unexplained`;
  return { what: 'books', device, metric: null, unit: null, fromMs: null, toMs: null, readings: null, detail };
}
