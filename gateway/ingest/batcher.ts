// The batch that is being filled: readings and frames as columns that the writer thread reads where they are (shared memory, reused
// after each commit), and who is to be told once it is on disk.

import type { EventType } from '../protocol/event-types.ts';
import type { Log } from '../observe.ts';
import type { Batch, EventRow, GapRow, QuarantineRow, SeriesRow, StreamRow } from '../storage/store.ts';
import type { PresenceChange } from '../relay/bus.ts';
import type { StreamEntry } from './streams.ts';

/** Somebody with frames in a batch: hears of its fate once. */
export interface Sender {
  /** The batch is on disk: `messages` in order, then an ack of `ackSeq` where it is above 0. */
  settled(settlement: Settlement): void;
  /** Nothing of the batch is on disk. */
  failed(settlement: Settlement): void;
}
export interface Settlement {
  readonly sender: Sender;
  ackSeq: number;
  /** Of the sender's frames in flight, what this settles. */
  frames: number;
  bytes: number;
  messages: string[] | null;
  serial: number;
}

export interface Columns {
  readings: number;
  series: Int32Array;
  timeUs: Float64Array;
  kind: Uint8Array;
  value: Float64Array;
  frames: number;
  frameStream: Int32Array;
  frameSeq: Float64Array;
  frameReadings: Int32Array;
  frameRefused: Int32Array;
  frameReceivedUs: Float64Array;
  markStream: Int32Array;
  markAcked: Float64Array;
}

export interface SealedBatch {
  readonly batch: Batch;
  readonly settlements: readonly Settlement[];
  readonly presence: readonly PresenceChange[];
}

const FIRST_READINGS = 4096;
const FIRST_FRAMES = 2048;
/** Column sets kept for reuse, beside the one being filled, the one being committed and the one that the writer may still count. */
const SPARE_SETS = 2;

/** An event of one of the types that the console has words for. */
export type NewEvent = EventRow & { readonly type: EventType };

export class Batcher {
  #columns = createColumns(FIRST_READINGS, FIRST_FRAMES);
  #spare: Columns[] = [];
  #serial = 1;
  #count = 0;
  #frames = 0;
  #frameStart = 0;
  #marks = 0;
  #strings: string[] = [];
  #stringsAtFrame = 0;
  #newSeries: SeriesRow[] = [];
  #newStreams: StreamRow[] = [];
  #retired: number[] = [];
  #bodyHashes: { stream: number; hash: string }[] = [];
  #quarantine: QuarantineRow[] = [];
  #replayed: { id: number; atUs: number }[] = [];
  #discarded: number[] = [];
  #gaps: GapRow[] = [];
  #events: EventRow[] = [];
  #presence: PresenceChange[] = [];
  #settlements: Settlement[] = [];
  readonly #onFirst: () => void;

  /** `onFirst` is called when something comes into an empty batch. */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  /** Nothing to write and nobody to tell. */
  get isEmpty(): boolean {
    return this.#settlements.length === 0 && this.#presence.length === 0 && !this.hasRows;
  }
  get hasRows(): boolean {
    return (
      this.#frames > 0 ||
      this.#events.length > 0 ||
      this.#newStreams.length > 0 ||
      this.#gaps.length > 0 ||
      this.#quarantine.length > 0 ||
      this.#discarded.length > 0
    );
  }

  /** Events that wait in the open batch. */
  get events(): number {
    return this.#events.length;
  }

  beginFrame(): void {
    this.#frameStart = this.#count;
    this.#stringsAtFrame = this.#strings.length;
  }

  /** One reading of the frame begun; a string's `value` is what `addString` gave. */
  add(series: number, timeUs: number, kind: number, value: number): void {
    const i = this.#count++;
    if (i === this.#columns.readings) growReadings(this.#columns);
    const columns = this.#columns;
    columns.series[i] = series;
    columns.timeUs[i] = timeUs;
    columns.kind[i] = kind;
    columns.value[i] = value;
  }
  addString(text: string): number {
    return this.#strings.push(text) - 1;
  }

  /** Readings of the frame begun so far. */
  get frameReadings(): number {
    return this.#count - this.#frameStart;
  }
  /** Takes back the readings of the frame begun. */
  dropFrameReadings(): void {
    this.#count = this.#frameStart;
    this.#strings.length = this.#stringsAtFrame;
  }

  endFrame(stream: StreamEntry, seq: number, refused: number, receivedUs: number): void {
    const f = this.#frames++;
    if (f === this.#columns.frames) growFrames(this.#columns);
    const columns = this.#columns;
    columns.frameStream[f] = stream.id;
    columns.frameSeq[f] = seq;
    columns.frameReadings[f] = this.#count - this.#frameStart;
    columns.frameRefused[f] = refused;
    columns.frameReceivedUs[f] = receivedUs;
    this.mark(stream, seq);
  }

  /** Everything of the stream up to `acked` is settled by this batch. */
  mark(stream: StreamEntry, acked: number): void {
    if (stream.markSerial !== this.#serial) {
      stream.markSerial = this.#serial;
      stream.markIndex = this.#marks++;
      // a mark comes with a frame or a gap: gaps can outnumber the frames
      while (this.#marks > this.#columns.frames) growFrames(this.#columns);
      this.#columns.markStream[stream.markIndex] = stream.id;
    }
    this.#columns.markAcked[stream.markIndex] = acked;
  }

  addSeries(row: SeriesRow): void {
    this.#newSeries.push(row);
  }
  addStream(row: StreamRow): void {
    this.#newStreams.push(row);
  }
  retire(stream: number): void {
    this.#retired.push(stream);
  }
  addBodyHash(stream: number, hash: string): void {
    this.#bodyHashes.push({ stream, hash });
  }
  addQuarantine(row: QuarantineRow): void {
    this.#quarantine.push(row);
    this.#onFirst();
  }
  /** The frame begun has what this row of quarantine kept. */
  markReplayed(id: number, atUs: number): void {
    this.#replayed.push({ id, atUs });
  }
  discardQuarantined(ids: readonly number[]): void {
    this.#discarded.push(...ids);
    this.#onFirst();
  }
  addGap(row: GapRow): void {
    this.#gaps.push(row);
  }
  addEvent(row: NewEvent): void {
    this.#events.push(row);
    this.#onFirst();
  }
  addPresence(change: PresenceChange): void {
    this.#presence.push(change);
    this.#onFirst();
  }

  /** The sender's settlement in this batch; `last` is the one it got before, reused while the batch is the same. */
  settlement(sender: Sender, last: Settlement | null): Settlement {
    if (last !== null && last.serial === this.#serial) return last;
    const settlement: Settlement = { sender, ackSeq: 0, frames: 0, bytes: 0, messages: null, serial: this.#serial };
    this.#settlements.push(settlement);
    this.#onFirst();
    return settlement;
  }

  /** Closes the batch and begins the next. */
  seal(): SealedBatch {
    const columns = this.#columns;
    const batch: Batch = {
      count: this.#count,
      series: columns.series,
      timeUs: columns.timeUs,
      kind: columns.kind,
      value: columns.value,
      strings: this.#strings,
      frames: this.#frames,
      frameStream: columns.frameStream,
      frameSeq: columns.frameSeq,
      frameReadings: columns.frameReadings,
      frameRefused: columns.frameRefused,
      frameReceivedUs: columns.frameReceivedUs,
      marks: this.#marks,
      markStream: columns.markStream,
      markAcked: columns.markAcked,
      bodyHashes: this.#bodyHashes,
      newSeries: this.#newSeries,
      newStreams: this.#newStreams,
      retiredStreams: this.#retired,
      quarantine: this.#quarantine,
      quarantineReplayed: this.#replayed,
      quarantineDiscarded: this.#discarded,
      gaps: this.#gaps,
      events: this.#events,
    };
    const sealed: SealedBatch = { batch, settlements: this.#settlements, presence: this.#presence };
    this.#columns = this.#spare.pop() ?? createColumns(FIRST_READINGS, FIRST_FRAMES);
    this.#serial++;
    this.#count = this.#frames = this.#marks = this.#frameStart = 0;
    this.#strings = [];
    this.#newSeries = [];
    this.#newStreams = [];
    this.#retired = [];
    this.#bodyHashes = [];
    this.#quarantine = [];
    this.#replayed = [];
    this.#discarded = [];
    this.#gaps = [];
    this.#events = [];
    this.#presence = [];
    this.#settlements = [];
    return sealed;
  }

  /** Takes a batch's columns back; nobody reads them any more. */
  recycle(columns: Columns): void {
    if (this.#spare.length < SPARE_SETS) this.#spare.push(columns);
  }
}

/** Each hears of its fate, whatever becomes of those before it; what is thrown is logged once a batch. */
export function tellSenders(settlements: readonly Settlement[], fate: 'settled' | 'failed', log: Log): void {
  const errors: unknown[] = [];
  for (const settlement of settlements) {
    try {
      settlement.sender[fate](settlement);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) log.error({ err: errors[0], senders: errors.length }, 'Who sent readings could not be told what became of them');
}

/** What of a batch is used again; all the rest of it can go at once. */
export function columnsOf(batch: Batch): Columns {
  const { series, timeUs, kind, value, frameStream, frameSeq, frameReadings, frameRefused, frameReceivedUs, markStream, markAcked } = batch;
  return {
    readings: series.length,
    series,
    timeUs,
    kind,
    value,
    frames: frameStream.length,
    frameStream,
    frameSeq,
    frameReadings,
    frameRefused,
    frameReceivedUs,
    markStream,
    markAcked,
  };
}

const ints = (n: number): Int32Array => new Int32Array(new SharedArrayBuffer(n * 4));
const doubles = (n: number): Float64Array => new Float64Array(new SharedArrayBuffer(n * 8));
const bytes = (n: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(n));

function createColumns(readings: number, frames: number): Columns {
  return {
    readings,
    series: ints(readings),
    timeUs: doubles(readings),
    kind: bytes(readings),
    value: doubles(readings),
    frames,
    frameStream: ints(frames),
    frameSeq: doubles(frames),
    frameReadings: ints(frames),
    frameRefused: ints(frames),
    frameReceivedUs: doubles(frames),
    markStream: ints(frames),
    markAcked: doubles(frames),
  };
}

function copied<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
function growReadings(columns: Columns): void {
  const n = columns.readings * 2;
  columns.readings = n;
  columns.series = copied(columns.series, ints(n));
  columns.timeUs = copied(columns.timeUs, doubles(n));
  columns.kind = copied(columns.kind, bytes(n));
  columns.value = copied(columns.value, doubles(n));
}
function growFrames(columns: Columns): void {
  const n = columns.frames * 2;
  columns.frames = n;
  columns.frameStream = copied(columns.frameStream, ints(n));
  columns.frameSeq = copied(columns.frameSeq, doubles(n));
  columns.frameReadings = copied(columns.frameReadings, ints(n));
  columns.frameRefused = copied(columns.frameRefused, ints(n));
  columns.frameReceivedUs = copied(columns.frameReceivedUs, doubles(n));
  columns.markStream = copied(columns.markStream, ints(n));
  columns.markAcked = copied(columns.markAcked, doubles(n));
}
