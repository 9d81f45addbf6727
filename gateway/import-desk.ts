// Imports as the API gives them out: the file is kept on disk until its content is known by its hash, then read into the store, one at a
// time, with news of how far it is.

import { createHash } from 'node:crypto';
import type { ImportBook } from './api/import-book.ts';
import { openSpool, type Spool, type SpoolOptions } from './capture-spool.ts';
import type { ImportCounts, ImportEnd, Imports } from './ingest/import.ts';
import type { EventType } from './protocol/event-types.ts';
import type { ImportNews } from './protocol/rest.ts';

export interface ImportDesk extends ImportBook {
  /** Resolves when no import runs any more. Idempotent. */
  stop(): Promise<void>;
}
export interface ImportDeskOptions extends Pick<SpoolOptions, 'folder' | 'roomBytes'> {
  readonly imports: Imports;
  readonly isKnown: (device: string) => boolean;
  readonly recordEvent: (event: { device?: string; type: EventType; reason: string; detail: object }) => void;
}

const NEWS_MS = 1000;

export function createImportDesk({ folder, roomBytes, imports, isKnown, recordEvent }: ImportDeskOptions): ImportDesk {
  let running: Promise<void> | null = null;
  let isTaken = false;
  let isStopping = false;

  return {
    async start({ device, ...defaults }, body) {
      if (isTaken || isStopping) return { refused: 'import-running' };
      isTaken = true;
      const hash = createHash('sha256');
      const spool = await openSpool(hashed(body, hash), { folder, roomBytes, maxBytes: Number.POSITIVE_INFINITY }).catch(
        (error: unknown) => {
          isTaken = false;
          throw error;
        },
      );
      if ('refused' in spool) {
        isTaken = false;
        return spool;
      }
      // the same rows under another name are other readings
      if (Object.keys(defaults).length > 0) hash.update(JSON.stringify([defaults.metric ?? null, defaults.unit ?? null]));
      const digest = hash.digest('hex');
      let hasLeft = false;
      const run = (progress: (counts: ImportCounts, bytes: number) => void): Promise<ImportEnd> => {
        let bytes = 0;
        return imports.run({
          hash: digest,
          device,
          defaults,
          content: counted(spool, (more) => {
            bytes += more;
          }),
          isKnown,
          isStopped: () => hasLeft || isStopping,
          progress: (counts) => progress(counts, bytes),
        });
      };
      return new ReadableStream<Uint8Array>({
        start(controller) {
          const say = (news: ImportNews): void => {
            if (!hasLeft) controller.enqueue(Buffer.from(`${JSON.stringify(news)}\n`));
          };
          let saidMs = performance.now();
          running = run((counts, bytes) => {
            if (performance.now() - saidMs < NEWS_MS) return;
            saidMs = performance.now();
            say({ type: 'progress', ...counts, bytes, ofBytes: spool.bytes });
          })
            .then((end) => {
              const { outcome, counts } = end;
              if (outcome !== 'whole') return say({ type: 'failed', ...counts, code: codeOf(end), message: wordsOf(end) });
              recordEvent({
                ...(device !== null && { device }),
                type: 'import',
                reason: 'ended',
                detail: { stream: `~import-${digest}`, ...counts },
              });
              say({ type: 'ended', ...counts, bytes: spool.bytes, stream: `~import-${digest}` });
            })
            .catch((error: Error) => say({ type: 'failed', ...NOTHING, code: 'internal', message: error.message }))
            .then(async () => {
              isTaken = false;
              await spool[Symbol.asyncDispose]();
              if (!hasLeft) controller.close();
            });
        },
        cancel() {
          hasLeft = true;
        },
      });
    },
    async stop() {
      isStopping = true;
      await running;
    },
  };
}

const NOTHING: ImportCounts = { stored: 0, already: 0, refused: {}, empty: 0, foreign: 0, unknown: 0 };

function codeOf({ outcome }: ImportEnd): string {
  return outcome === 'whole' || outcome === 'stopped' ? 'draining' : outcome;
}
function wordsOf(end: ImportEnd): string {
  switch (end.outcome) {
    case 'bad-import':
      return `The file can not be read: ${end.detail}. What came before it is stored.`;
    case 'store-unavailable':
      return 'The store takes nothing now. Import the file again later: what is stored is passed over.';
    default:
      return 'The import was stopped. Import the file again: what is stored is passed over.';
  }
}

async function* hashed(body: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    hash.update(piece);
    yield piece;
  }
}
async function* counted(spool: Spool, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of spool.read()) {
    count(piece.byteLength);
    yield piece;
  }
}
