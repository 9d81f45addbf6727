// Lines to a file descriptor, in order, without ever blocking the event loop or ending the process: what the other side does not take is
// dropped and counted. (A pipe to a stopped reader, a closed terminal and a full disk are all the same here.)

import { write } from 'node:fs';

export interface LineWriter {
  write(line: string): void;
  /** Lines that could not be written. */
  readonly dropped: number;
  /** Resolves when everything is written or lost, or after `deadlineMs`: the last words of the process. */
  drain(deadlineMs: number): Promise<void>;
}

const LARGEST_WAITING_BYTES = 1024 * 1024;
const CHUNK_BYTES = 16 * 1024;
const RETRY_MS = 100;

export function createLineWriter(fd: number): LineWriter {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let chunk: Buffer | null = null;
  let chunkLines = 0;
  let dropped = 0;
  let isWriting = false;
  let onIdle: () => void = () => undefined;

  const next = (): void => {
    if (chunk === null) {
      if (waiting.length === 0) return onIdle();
      let bytes = 0;
      let count = 0;
      while (count < waiting.length && (count === 0 || bytes < CHUNK_BYTES)) bytes += Buffer.byteLength(waiting[count++] ?? '');
      chunk = Buffer.from(waiting.slice(0, count).join(''));
      chunkLines = count;
      waiting = waiting.slice(count);
      waitingBytes -= chunk.length;
    }
    isWriting = true;
    write(fd, chunk, (error, written) => {
      isWriting = false;
      if (error?.code === 'EAGAIN') {
        isWriting = true;
        setTimeout(next, RETRY_MS).unref();
        return;
      }
      if (error === null) took(written);
      else lost();
      next();
    });
  };
  const took = (bytes: number): void => {
    if (chunk === null) return;
    chunk = bytes < chunk.length ? chunk.subarray(bytes) : null;
  };
  const lost = (): void => {
    chunk = null;
    dropped += chunkLines;
  };
  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (waitingBytes + bytes > LARGEST_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      waiting.push(line);
      waitingBytes += bytes;
      if (!isWriting) next();
    },
    get dropped() {
      return dropped;
    },
    drain(deadlineMs) {
      if (!isWriting) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, deadlineMs);
        onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
