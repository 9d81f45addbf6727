// The gateway with one protection taken out, by exchanging a piece of its source while it is loaded: proof that a fault suite can fail.
// The product knows nothing of it. A piece that no longer stands there exactly once stops the run, so that no canary dies unnoticed.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Canary {
  /** Under the repository's root. */
  readonly file: string;
  readonly piece: string;
  readonly instead: string;
}

export const CANARIES = {
  /** Devices hear that a batch is on disk while it is still on its way there, and it takes its time. */
  'ack-before-commit': {
    file: 'gateway/ingest/ingest.ts',
    piece: 'await store.append(batch)',
    instead: `(sealed.settlements.forEach((one) => one.sender.settled(one)),
      await new Promise((resolve) => setTimeout(resolve, 20)), await store.append(batch))`,
  },
  /** The gateway believes what a device says to have been acknowledged, and takes everything after it once more. */
  'no-dedupe': {
    file: 'gateway/ingest/session-hello.ts',
    piece: 'const expected = stream.acked + 1;',
    instead: 'stream.acked = (heard as number) ?? 0; const expected = stream.acked + 1;',
  },
  /** A standstill of the gateway counts as silence of its devices. */
  'no-stall-guard': {
    file: 'gateway/transports/liveness.ts',
    piece: 'lateMs > LATE_MS ? lateMs : 0',
    instead: 'lateMs > LATE_MS ? 0 : 0',
  },
  /** Nobody is ever cut for being silent. */
  'no-cut': {
    file: 'gateway/transports/liveness.ts',
    piece: 'peer.cut();',
    instead: '',
  },
  /** After a sync that failed the log is believed to be on disk, because it can be read back. */
  'trust-after-sync-error': {
    file: 'gateway/storage/migrate.ts',
    piece: "  database.pragma('wal_checkpoint(TRUNCATE)');",
    instead: '',
  },
  /** Commits are not synced, and who asks is told that they are. Only an image of the disk after a power cut shows it. */
  'sync-normal': {
    file: 'gateway/storage/migrate.ts',
    piece: 'return database;',
    instead: `database.pragma('synchronous = NORMAL');
      const ask = database.pragma.bind(database);
      database.pragma = ((source, options) => (source === 'synchronous' ? 2 : ask(source, options))) as typeof ask;
      return database;`,
  },
  /** What is sealed is marked so in a commit of its own, before the chunks. */
  'mark-before-chunks': {
    file: 'gateway/storage/sqlite-writer.ts',
    piece: 'if (slice.expired !== undefined) settleBooks();',
    instead: `if (slice.expired !== undefined) settleBooks();
      if (slice.isLast) transaction(() => void db.prepare("INSERT OR REPLACE INTO meta VALUES ('sealed', ?)").run(slice.upTo));`,
  },
  /** A bridge takes a port's word for kept, and keeps it some seconds later. */
  'credit-before-buffer': {
    file: 'gateway/bridge.ts',
    piece: 'devices.get(device)!.store(frames)',
    instead: '(setTimeout(() => devices.get(device)!.store(frames), 6000), true)',
  },
} as const satisfies Readonly<Record<string, Canary>>;

export type CanaryName = keyof typeof CANARIES;

export const CANARY_VARIABLE = 'TEST_CANARY';

const ROOT = new URL('../../', import.meta.url);

/** The module's address as a loader sees it. */
export function canaryUrl(canary: Canary): string {
  return new URL(canary.file, ROOT).href;
}

/** Throws where the piece does not stand in the source exactly once. */
export function withCanary({ file, piece, instead }: Canary, source: string): string {
  const found = source.split(piece).length - 1;
  if (found !== 1)
    throw new Error(`canary: "${piece}" stands ${found} times in ${file}, not once; choose another piece in test/support/canaries.ts`);
  return source.replace(piece, () => instead);
}

export function readCanarySource({ file }: Canary): string {
  return readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8');
}

/** Arguments and environment with which a gateway's process starts without that protection. */
export function canaryProcess(name: CanaryName): { readonly env: Record<string, string>; readonly nodeArgs: readonly string[] } {
  return {
    // compiled sources of a weakened gateway are not worth keeping
    env: { [CANARY_VARIABLE]: name, NODE_DISABLE_COMPILE_CACHE: '1' },
    nodeArgs: ['--import', new URL('./canary.ts', import.meta.url).href],
  };
}

/** Environment of a gateway that seals all the time (eager-sealing.ts). */
export function eagerSealing(): Record<string, string> {
  return {
    FIELDGATE_RELAY__REPLAY_MINUTES: '0',
    NODE_DISABLE_COMPILE_CACHE: '1',
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${new URL('./eager-sealing.ts', import.meta.url).href}`,
  };
}
