// The frames of one stream in order, what was lost among them, and how far they are settled: what every send buffer keeps, and how it makes
// room. Nothing here knows where it is kept.

import type { FrameBody } from './frame-split.ts';
import type { BufferEntry } from './send-buffer.ts';

/** Where a queue begins; `first` is its lowest seq. */
export interface QueueStart {
  readonly stream: string;
  readonly first: number;
  readonly acked: number;
}

export interface QueueRoom {
  /** All that is kept, in characters of JSON plus a fixed cost an entry. */
  readonly capacityBytes: number;
  /** Of these, what settled frames may take. */
  readonly retainBytes: number;
}

type Entry = { -readonly [K in keyof BufferEntry]: BufferEntry[K] };

const ENTRY_BYTES = 96;

export class FrameQueue {
  stream: string;
  next: number;
  acked: number;
  readonly #room: QueueRoom;
  #entries: Entry[] = [];
  /** Entries before it are gone; the array is cut when there are many. */
  #head = 0;
  #bytes = 0;
  #settledBytes = 0;

  constructor({ stream, first, acked }: QueueStart, room: QueueRoom) {
    this.stream = stream;
    this.next = first;
    this.acked = acked;
    this.#room = { ...room, retainBytes: Math.min(room.retainBytes, room.capacityBytes) };
  }

  get oldest(): number {
    return this.#head < this.#entries.length ? this.#entries[this.#head]!.from : this.next;
  }

  /** From the oldest on. */
  *entries(): Generator<BufferEntry> {
    for (let i = this.#head; i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  push({ body, readings }: FrameBody): void {
    this.#add({ from: this.next, to: this.next, body, readings, reason: '' });
  }

  pushGap(frames: number, reason: string): void {
    this.#add({ from: this.next, to: this.next + frames - 1, body: null, readings: 0, reason });
  }

  /** Brings the queue back under its capacity; the run that it gave up for that, or null. What was sent is never given up. */
  makeRoom(sentTo: number): BufferEntry | null {
    const { capacityBytes } = this.#room;
    this.makeRoomOfSettled();
    if (this.#bytes <= capacityBytes) return null;
    // A sixteenth more than needed, so that a full buffer does not do it each time.
    const goalBytes = capacityBytes - capacityBytes / 16 - ENTRY_BYTES;
    const first = this.#indexOf(Math.max(sentTo, this.acked) + 1);
    let bytes = this.#bytes;
    let end = first;
    while (end < this.#entries.length && (end === first || bytes > goalBytes)) bytes -= costOf(this.#entries[end++]!);
    if (end === first) return null;
    const { from } = this.#entries[first]!;
    const { to } = this.#entries[end - 1]!;
    this.lose(from, to);
    return this.#entries[first]!;
  }

  /** The part of that which nobody needs to be told of. */
  makeRoomOfSettled(): void {
    const { capacityBytes } = this.#room;
    if (this.#bytes > capacityBytes) this.#dropSettled(capacityBytes - (this.#bytes - this.#settledBytes));
  }

  /** What lies between two seqs becomes one `buffer-full` gap. Nothing happens where they are not the bounds of entries. */
  lose(from: number, to: number): void {
    const first = this.#indexOf(from);
    const last = this.#indexOf(to);
    if (this.#entries[first]?.from !== from || this.#entries[last]?.to !== to) return;
    for (let i = first; i <= last; i++) this.#bytes -= costOf(this.#entries[i]!);
    const gap: Entry = { from, to, body: null, readings: 0, reason: 'buffer-full' };
    this.#bytes += costOf(gap);
    this.#entries.splice(first, last - first + 1, gap);
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
    this.#dropSettled(this.#room.retainBytes);
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

  /** What is not settled, as it would be under a new stream: numbered from 1, of a gap only what is left of it. */
  *unsettled(): Generator<BufferEntry> {
    let next = 1;
    for (let i = this.#indexOf(this.acked + 1); i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      const to = next + entry.to - Math.max(entry.from, this.acked + 1);
      yield { ...entry, from: next, to };
      next = to + 1;
    }
  }

  restart(stream: string): void {
    const rest = [...this.unsettled()];
    this.stream = stream;
    this.acked = 0;
    this.next = 1;
    this.#entries = [];
    this.#head = 0;
    this.#settledBytes = this.#bytes = 0;
    for (const entry of rest) this.#add(entry);
  }

  #add(entry: Entry): void {
    this.next = entry.to + 1;
    this.#entries.push(entry);
    const cost = costOf(entry);
    this.#bytes += cost;
    if (entry.to <= this.acked) this.#settledBytes += cost;
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
