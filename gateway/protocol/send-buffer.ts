// Where a device keeps its frames until the gateway has them on disk. This one lives in memory; a file can take the same seat.

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
 * - `append` gives the next seq to the frame. Where there is no room, acked frames go first, then the oldest frames after `sentTo` become
 *   a `buffer-full` gap; what was sent may be settled already, so it is never touched.
 * - `at` finds the entry that covers a seq.
 * - `settle` says that everything up to `seq` is on the gateway's disk and calls `each` for every entry that this newly covers. A lower
 *   `seq` than before takes frames back: the gateway's store went back. Settled frames stay while there is room.
 * - `replace` puts other bodies in the place of one unsettled entry and numbers what follows anew; with none it becomes a `refused` gap.
 *   Only for entries of which nothing, and nothing after them, is under way.
 * - `restart` drops what is settled and numbers the rest from 1 under a new stream.
 */
export interface SendBuffer {
  readonly stream: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
  append(frame: FrameBody, sentTo: number): void;
  at(seq: number): BufferEntry | undefined;
  settle(seq: number, each: (entry: BufferEntry) => void): void;
  replace(seq: number, frames: readonly FrameBody[]): void;
  restart(stream: string): void;
}

export interface MemoryBufferOptions {
  readonly stream: string;
  /** All that is kept, in characters of JSON plus a fixed cost an entry. */
  readonly capacityBytes?: number;
  /** Of these, what settled frames may take; they are kept for the day on which the gateway's store goes back. */
  readonly retainBytes?: number;
}

type Entry = { -readonly [K in keyof BufferEntry]: BufferEntry[K] };

const ENTRY_BYTES = 96;
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

class MemoryBuffer implements SendBuffer {
  stream: string;
  next = 1;
  acked = 0;
  readonly #capacityBytes: number;
  readonly #retainBytes: number;
  #entries: Entry[] = [];
  /** Entries before it are gone; the array is cut when there are many. */
  #head = 0;
  #bytes = 0;
  #settledBytes = 0;

  constructor({ stream, capacityBytes = 4 * 1024 * 1024, retainBytes = capacityBytes }: MemoryBufferOptions) {
    this.stream = stream;
    this.#capacityBytes = capacityBytes;
    this.#retainBytes = Math.min(retainBytes, capacityBytes);
  }

  get oldest(): number {
    return this.#head < this.#entries.length ? this.#entries[this.#head]!.from : this.next;
  }

  append(frame: FrameBody, sentTo: number): void {
    const entry: Entry = { from: this.next, to: this.next, body: frame.body, readings: frame.readings, reason: '' };
    this.next++;
    this.#entries.push(entry);
    this.#bytes += costOf(entry);
    if (this.#bytes <= this.#capacityBytes) return;
    this.#dropSettled(this.#capacityBytes - (this.#bytes - this.#settledBytes));
    if (this.#bytes > this.#capacityBytes) this.#giveUp(Math.max(sentTo, this.acked) + 1);
  }

  at(seq: number): BufferEntry | undefined {
    return this.#entries[this.#indexOf(seq)];
  }

  settle(seq: number, each: (entry: BufferEntry) => void): void {
    if (seq < this.acked) {
      this.#takeBack(seq);
      return;
    }
    for (let i = this.#indexOf(this.acked + 1); i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      if (entry.to > seq) break;
      this.#settledBytes += costOf(entry);
      each(entry);
    }
    this.acked = seq;
    this.#dropSettled(this.#retainBytes);
  }

  replace(seq: number, frames: readonly FrameBody[]): void {
    const index = this.#indexOf(seq);
    const old = this.#entries[index];
    if (!old) return;
    let from = old.from;
    const fresh: Entry[] =
      frames.length === 0
        ? [{ from, to: old.to, body: null, readings: 0, reason: 'refused' }]
        : frames.map(({ body, readings }) => ({ from, to: from++, body, readings, reason: '' }));
    this.#bytes -= costOf(old);
    for (const entry of fresh) this.#bytes += costOf(entry);
    this.#entries.splice(index, 1, ...fresh);
    this.#renumber(index, old.from);
  }

  restart(stream: string): void {
    const first = this.#indexOf(this.acked + 1);
    const rest = this.#entries.slice(first);
    // A gap that was settled in part is only the rest of itself in the new stream.
    if (rest.length > 0) rest[0]!.from = Math.max(rest[0]!.from, this.acked + 1);
    this.stream = stream;
    this.acked = 0;
    this.#entries = rest;
    this.#head = 0;
    this.#settledBytes = 0;
    this.#bytes = 0;
    for (const entry of rest) this.#bytes += costOf(entry);
    this.#renumber(0, 1);
  }

  #takeBack(seq: number): void {
    for (let i = this.#indexOf(seq + 1); i < this.#entries.length && this.#entries[i]!.to <= this.acked; i++) {
      this.#settledBytes -= costOf(this.#entries[i]!);
    }
    this.acked = seq;
  }

  /** Forgets the oldest settled entries until they take no more than `roomBytes`. */
  #dropSettled(roomBytes: number): void {
    while (this.#settledBytes > roomBytes && this.#head < this.#entries.length && this.#entries[this.#head]!.to <= this.acked) {
      const cost = costOf(this.#entries[this.#head]!);
      this.#bytes -= cost;
      this.#settledBytes -= cost;
      this.#entries[this.#head++] = EMPTY;
    }
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Turns the oldest entries from `seq` on into one gap. A sixteenth more than needed, so that a full buffer does not do it each time. */
  #giveUp(seq: number): void {
    const goalBytes = this.#capacityBytes - this.#capacityBytes / 16;
    const first = this.#indexOf(seq);
    if (first >= this.#entries.length) return;
    const gap: Entry = { from: this.#entries[first]!.from, to: 0, body: null, readings: 0, reason: 'buffer-full' };
    let end = first;
    this.#bytes += ENTRY_BYTES;
    do {
      gap.to = this.#entries[end]!.to;
      this.#bytes -= costOf(this.#entries[end]!);
      end++;
    } while (end < this.#entries.length && this.#bytes > goalBytes);
    this.#entries.splice(first, end - first, gap);
  }

  #renumber(index: number, from: number): void {
    let seq = from;
    for (let i = index; i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      entry.to = seq + (entry.to - entry.from);
      entry.from = seq;
      seq = entry.to + 1;
    }
    this.next = seq;
  }

  /** The index of the entry that covers `seq`; the array's length when there is none. */
  #indexOf(seq: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.to < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const EMPTY: Entry = { from: 0, to: 0, body: null, readings: 0, reason: '' };

function costOf(entry: BufferEntry): number {
  return ENTRY_BYTES + (entry.body === null ? 0 : entry.body.length);
}
