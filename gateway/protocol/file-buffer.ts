// A send buffer that outlives its program: every frame is a line of a file before it can be sent, and the file is read again after a crash.
// Where the file cannot prove that the numbering goes on, what it holds goes on under a new stream (rule 1). The file is passed in.

import { type BufferRecord, encodeRecord, entryRecord, readLog } from './buffer-log.ts';
import { replay, salvage } from './buffer-replay.ts';
import type { Clock, Timer } from './device-socket.ts';
import type { FrameQueue } from './frame-queue.ts';
import type { FrameBody } from './frame-split.ts';
import { type BufferEntry, BufferFault, DEFAULT_CAPACITY_BYTES, makeStreamId, type SendBuffer } from './send-buffer.ts';

/** One file, used by one buffer. Every method throws when the disk does not do what it is told. */
export interface BufferFile {
  /** All of it; empty when there is none yet. */
  read(): Uint8Array;
  /** Adds to the end. When it throws, a part may have been added. */
  append(bytes: Uint8Array): void;
  truncate(bytes: number): void;
  /** Returns when all of it is on the disk. */
  sync(): void;
  /** Puts another content in its place, on the disk; a crash, or a throw, leaves the one or the other. */
  replace(bytes: Uint8Array): void;
}

export interface FileBufferOptions {
  readonly file: BufferFile;
  readonly random: () => number;
  /**
   * `every-frame`: what `append` has returned for survives a power cut; frames that are appended together cost one sync. Else the file is synced this long after a frame came: then a
   * power cut takes the frames since the last sync, a crash of the program alone takes nothing, and neither doubles anything.
   */
  readonly sync: 'every-frame' | { readonly everyMs: number; readonly clock: Clock };
  /** What unsettled and settled frames may take together, in characters of JSON and 96 an entry. The file is at most twice that and 64 KiB. */
  readonly capacityBytes?: number;
  /** Of these, what settled frames may take. */
  readonly retainBytes?: number;
}

export interface FileBuffer extends SendBuffer {
  /** `damaged`: something in the middle of the file was unreadable; what could be read goes on, under a new stream. */
  readonly opening: 'new' | 'continued' | 'damaged';
  /** Syncs what is not on the disk yet. */
  close(): void;
}

const REWRITE_BYTES = 64 * 1024;

/** Throws when the file cannot be read or written, or was written by a later version. */
export function openFileBuffer(options: FileBufferOptions): FileBuffer {
  return new LoggedBuffer(options);
}

class LoggedBuffer implements FileBuffer {
  readonly opening: FileBuffer['opening'];
  provenTo: number;
  readonly #file: BufferFile;
  readonly #sync: FileBufferOptions['sync'];
  readonly #queue: FrameQueue;
  /** `provenTo` as the next opening has to take it when no welcome comes in between. */
  #doubtedFrom: number;
  /** A welcome agreed in this run; and the file says so. */
  #isMet = false;
  #isConfirmed = false;
  /** Of which every byte is a whole record. */
  #fileBytes = 0;
  #rewriteAtBytes = 0;
  /** Behind `#fileBytes` there may be a part of a record. */
  #isTorn = false;
  /** The disk did not sync: what the file really holds is unknown. */
  #isDoubtful = false;
  #timer: Timer | null = null;

  constructor({ file, random, sync, capacityBytes = DEFAULT_CAPACITY_BYTES, retainBytes = capacityBytes }: FileBufferOptions) {
    this.#file = file;
    this.#sync = sync;
    const room = { capacityBytes, retainBytes };
    const bytes = file.read();
    const { runs, goodBytes } = readLog(bytes);
    const replayed = runs.length === 1 ? replay(runs[0]!, room) : null;
    if (replayed !== null) {
      this.opening = 'continued';
      this.#queue = replayed.queue;
      this.provenTo = this.#doubtedFrom = replayed.provenTo;
      this.#fileBytes = goodBytes;
      this.#rewriteAtBytes = Math.max(REWRITE_BYTES, 2 * goodBytes);
      if (goodBytes < bytes.length) file.truncate(goodBytes);
      this.#note({ kind: 'opened' });
      return;
    }
    this.opening = bytes.length === 0 ? 'new' : 'damaged';
    this.#queue = salvage(runs, makeStreamId(random), room);
    this.provenTo = this.#doubtedFrom = 0;
    this.#rewrite();
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
  at(seq: number): BufferEntry | undefined {
    return this.#queue.at(seq);
  }

  append(frames: readonly FrameBody[], sentTo: number): BufferEntry | null {
    if (this.#isMet) this.#recordMeeting();
    const { next } = this.#queue;
    this.#record(
      frames.map((frame, i) => ({ kind: 'frame', seq: next + i, ...frame })),
      this.#sync === 'every-frame',
    );
    for (const frame of frames) this.#queue.push(frame);
    const lost = this.#queue.makeRoom(sentTo);
    if (lost !== null) this.#note({ kind: 'lost', from: lost.from, to: lost.to });
    this.#shorten();
    this.#syncLater();
    return lost;
  }

  settle(seq: number, each: (entry: BufferEntry) => void): void {
    const isNews = seq !== this.#queue.acked;
    this.#queue.settle(seq, each);
    if (!isNews) return;
    this.#note({ kind: 'acked', seq });
    this.#shorten();
  }

  replace(seq: number, frames: readonly FrameBody[]): void {
    const entry = this.#queue.at(seq);
    if (!entry) return;
    // Other frames get these numbers: on the disk before one of them is sent, or a crash would take the old ones for settled.
    this.#record([{ kind: 'replaced', seq: entry.from, frames }], true);
    this.#queue.replace(seq, frames);
    this.#shorten();
  }

  restart(stream: string): void {
    const entries = [...this.#queue.unsettled()];
    this.#putInPlace({ kind: 'start', stream, first: 1, acked: 0, provenTo: 0 }, entries, false);
    this.#queue.restart(stream);
    this.provenTo = this.#doubtedFrom = 0;
    this.#isMet = this.#isConfirmed = false;
  }

  confirm(acked: number): void {
    this.#isMet = true;
    this.#mend();
    try {
      this.#recordMeeting();
    } catch (fault) {
      // What the file held when it was opened may be sent all the same, so that a full disk does not keep a device from emptying its buffer.
      if (!(fault instanceof BufferFault) || this.#queue.next - 1 > this.#doubtedFrom) throw fault;
    }
    this.provenTo = acked;
  }

  /** Before a frame of this run is sent: without this line the next opening would not believe that any was. */
  #recordMeeting(): void {
    if (this.#isConfirmed) return;
    this.#record([{ kind: 'confirmed' }], true);
    this.#isConfirmed = true;
  }

  close(): void {
    this.#timer?.cancel();
    if (this.#timer !== null) this.#guard(() => this.#file.sync());
    this.#timer = null;
  }

  /** Writes records that have to be there; throws `BufferFault` and leaves the file as it was, or to be mended. */
  #record(records: readonly BufferRecord[], isSynced: boolean): void {
    this.#mend();
    this.#write(records);
    if (isSynced) this.#guard(() => this.#file.sync());
  }

  /** Writes a record that the next opening can do without: the welcome tells the same. */
  #note(record: BufferRecord): void {
    try {
      this.#record([record], false);
    } catch (fault) {
      if (!(fault instanceof BufferFault)) throw fault;
    }
  }

  #write(records: readonly BufferRecord[]): void {
    const bytes = records.length === 1 ? encodeRecord(records[0]!) : joined(records.map(encodeRecord));
    this.#isTorn = true;
    this.#guard(
      () => this.#file.append(bytes),
      () => this.#isDoubtful,
    );
    this.#isTorn = false;
    this.#fileBytes += bytes.length;
  }

  #mend(): void {
    if (this.#isDoubtful) this.#rewrite();
    if (!this.#isTorn) return;
    this.#guard(() => this.#file.truncate(this.#fileBytes));
    this.#isTorn = false;
  }

  /** Turns what the disk throws into a fault of the buffer; `isDoubtful` tells whether the file may now hold something else than is known. */
  #guard(work: () => void, isDoubtful: () => boolean = () => true): void {
    try {
      work();
    } catch (error) {
      try {
        this.#isDoubtful = isDoubtful();
      } catch {
        this.#isDoubtful = true;
      }
      throw new BufferFault(`the buffer's file cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  /** Rewrites a file that has grown to more than twice of what it holds; where that does not work, later. */
  #shorten(): void {
    if (this.#fileBytes < this.#rewriteAtBytes) return;
    try {
      this.#rewrite();
    } catch (fault) {
      if (!(fault instanceof BufferFault)) throw fault;
      this.#rewriteAtBytes = this.#fileBytes + REWRITE_BYTES;
    }
  }

  #rewrite(): void {
    const { stream, oldest, acked } = this.#queue;
    this.#putInPlace(
      { kind: 'start', stream, first: oldest, acked, provenTo: this.#doubtedFrom },
      this.#queue.entries(),
      this.#isConfirmed,
    );
  }

  #putInPlace(start: BufferRecord, entries: Iterable<BufferEntry>, isConfirmed: boolean): void {
    const records = [start, ...Array.from(entries, entryRecord), ...(isConfirmed ? [{ kind: 'confirmed' } as const] : [])];
    const content = joined(records.map(encodeRecord));
    this.#guard(
      () => this.#file.replace(content),
      () => this.#isDoubtful || isEqual(this.#file.read(), content),
    );
    this.#fileBytes = content.length;
    this.#rewriteAtBytes = Math.max(REWRITE_BYTES, 2 * content.length);
    this.#isTorn = this.#isDoubtful = false;
  }

  #syncLater(): void {
    if (this.#sync === 'every-frame' || this.#timer !== null) return;
    this.#timer = this.#sync.clock.after(this.#sync.everyMs, () => {
      this.#timer = null;
      try {
        this.#guard(() => this.#file.sync());
      } catch (fault) {
        // `#isDoubtful` remembers: the next frame is taken when the file is whole again.
        if (!(fault instanceof BufferFault)) throw fault;
      }
    });
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
