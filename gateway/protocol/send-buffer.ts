// Where a device keeps its frames until the gateway has them on disk: in memory here; `file-buffer.ts` takes the same seat.

import { FrameQueue } from './frame-queue.ts';
import type { FrameBody } from './frame-split.ts';

/** One frame, or a run of frames that were lost here and are declared as a gap (`body` null). */
export interface BufferEntry {
  readonly from: number;
  readonly to: number;
  readonly body: string | null;
  readonly readings: number;
  /** Why the run was lost: `buffer-full` or `refused`; '' for a frame. */
  readonly reason: string;
}

/**
 * A stream's frames in order, from `oldest` to `next` − 1 without holes. Not to be shared between clients.
 * - `append` gives the next seqs to the frames: to all of them, or to none where it throws. Where there is no room, acked frames go first,
 *   then the oldest frames after `sentTo` become a `buffer-full` gap, which it returns (with what had gone there before), else null; what
 *   was sent may be settled already, so it is never touched.
 * - `at` finds the entry that covers a seq.
 * - `settle` says that everything up to `seq` is on the gateway's disk and calls `each` for every entry that this newly covers. A lower
 *   `seq` than before takes frames back: the gateway's store went back. Settled frames stay while there is room.
 * - `replace` puts other bodies in the place of one unsettled entry and numbers what follows anew; with none it becomes a `refused` gap.
 *   Only for entries of which nothing, and nothing after them, is under way.
 * - `restart` drops what is settled and numbers the rest from 1 under a new stream.
 * - `provenTo` is the highest seq that may have been sent before this buffer was opened. A gateway that has settled more, before anything
 *   was sent since, does not mean these frames. `confirm` says that a welcome agreed to that, with its `acked`: now it may be sent from.
 * A buffer in a file throws `BufferFault` from `append`, `replace`, `restart` and `confirm` when it cannot be written; then nothing has changed.
 */
export interface SendBuffer {
  readonly stream: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
  readonly provenTo: number;
  append(frames: readonly FrameBody[], sentTo: number): BufferEntry | null;
  at(seq: number): BufferEntry | undefined;
  settle(seq: number, each: (entry: BufferEntry) => void): void;
  replace(seq: number, frames: readonly FrameBody[]): void;
  restart(stream: string): void;
  confirm(acked: number): void;
}

/** The buffer's file could not be written, or not be trusted to have been. */
export class BufferFault extends Error {}

export interface MemoryBufferOptions {
  readonly stream: string;
  /** All that is kept, in characters of JSON plus a fixed cost an entry. */
  readonly capacityBytes?: number;
  /** Of these, what settled frames may take; they are kept for the day on which the gateway's store goes back. */
  readonly retainBytes?: number;
}

export const DEFAULT_CAPACITY_BYTES = 4 * 1024 * 1024;
const STREAM_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 22 characters, 132 bits, of `random` in [0, 1). */
export function makeStreamId(random: () => number): string {
  let id = '';
  for (let i = 0; i < 22; i++) id += STREAM_ALPHABET[Math.floor(random() * 64)];
  return id;
}

export function createMemoryBuffer(options: MemoryBufferOptions): SendBuffer {
  return new MemoryBuffer(options);
}

/** Nothing was ever sent from it before: who loses it starts with a new stream. */
class MemoryBuffer implements SendBuffer {
  readonly provenTo = 0;
  readonly #queue: FrameQueue;

  constructor({ stream, capacityBytes = DEFAULT_CAPACITY_BYTES, retainBytes = capacityBytes }: MemoryBufferOptions) {
    this.#queue = new FrameQueue({ stream, first: 1, acked: 0 }, { capacityBytes, retainBytes });
  }

  get stream(): string {
    return this.#queue.stream;
  }
  get oldest(): number {
    return this.#queue.oldest;
  }
  get next(): number {
    return this.#queue.next;
  }
  get acked(): number {
    return this.#queue.acked;
  }
  append(frames: readonly FrameBody[], sentTo: number): BufferEntry | null {
    for (const frame of frames) this.#queue.push(frame);
    return this.#queue.makeRoom(sentTo);
  }
  at(seq: number): BufferEntry | undefined {
    return this.#queue.at(seq);
  }
  settle(seq: number, each: (entry: BufferEntry) => void): void {
    this.#queue.settle(seq, each);
  }
  replace(seq: number, frames: readonly FrameBody[]): void {
    this.#queue.replace(seq, frames);
  }
  restart(stream: string): void {
    this.#queue.restart(stream);
  }
  confirm(): void {}
}
