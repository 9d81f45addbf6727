// A capture that came over HTTP, kept on disk for as long as it is replayed: at the pace of a line that takes longer than any request may.

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface Spool extends AsyncDisposable {
  readonly bytes: number;
  /** From the beginning. */
  read(): AsyncIterable<Uint8Array>;
}
export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** What may be written before storing would suffer; asked now and then. */
  roomBytes(): Promise<number>;
}
export type SpoolRefusal = { readonly refused: 'body-too-large' | 'disk-trouble' | 'bad-request'; readonly detail: string };

const LOOK_BYTES = 4 * 1024 * 1024;

export async function openSpool(source: AsyncIterable<Uint8Array>, options: SpoolOptions): Promise<Spool | SpoolRefusal> {
  const { folder, maxBytes, roomBytes } = options;
  const path = join(folder, `replay-${randomUUID()}.tmp`);
  const file = await open(path, 'wx+', 0o600);
  // it is gone with the process, however that ends
  await unlink(path);
  const refusal = await fill(file, source, { maxBytes, roomBytes }).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  if (typeof refusal !== 'number') {
    await file.close();
    return refusal;
  }
  return {
    bytes: refusal,
    read: () => file.createReadStream({ start: 0, autoClose: false }),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function fill(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { maxBytes, roomBytes }: Pick<SpoolOptions, 'maxBytes' | 'roomBytes'>,
): Promise<number | SpoolRefusal> {
  let bytes = 0;
  let lookAt = 0;
  const pieces = source[Symbol.asyncIterator]();
  for (;;) {
    const piece = await pieces.next().catch(() => null);
    if (piece === null) return { refused: 'bad-request', detail: 'the body ended before it was complete' };
    if (piece.done === true) return bytes;
    bytes += piece.value.byteLength;
    if (bytes > maxBytes) {
      await pieces.return?.().catch(() => undefined);
      return { refused: 'body-too-large', detail: `a capture that is replayed has at most ${maxBytes} bytes (limits.serialCaptureBytes)` };
    }
    if (bytes >= lookAt) {
      lookAt = bytes + LOOK_BYTES;
      if ((await roomBytes()) < LOOK_BYTES) {
        await pieces.return?.().catch(() => undefined);
        return {
          refused: 'disk-trouble',
          detail: 'There is no room for it beside the readings: make room on the volume of the data directory.',
        };
      }
    }
    await file.write(piece.value);
  }
}
