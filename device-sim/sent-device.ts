// A device as its manifest tells it: stream by stream what was sent under which seq, and what the gateway said of it. Of several frames
// under one seq at most one can have been taken: the first of the last session in which the gateway still wanted that seq.

import type { RecordFault } from '../gateway/protocol/messages.ts';
import type { Happening } from './happening.ts';
import { readingsOf, type SentReading } from './sent-readings.ts';

export interface SentFrame {
  /** In a reserved stream (`~…`), where the gateway numbers: a count of what was sent. */
  readonly seq: number;
  /** Rises with every frame of the device, in the order of sending. */
  readonly order: number;
  /** How many welcomes the stream had before. */
  readonly session: number;
  /** Null: no array of records, so that nothing of it can be stored. */
  readonly readings: readonly SentReading[] | null;
  /** The refusals that the gateway told; null: none were told. */
  faults: readonly RecordFault[] | null;
}
export interface SentGap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly order: number;
  readonly session: number;
}
/** Seqs whose fate the gateway decided alone, when a device held no such frames any more: stored earlier, or a gap of its own. */
export interface OpenRange {
  readonly from: number;
  readonly to: number;
  /** Frames of this session and later ones are not meant. */
  readonly session: number;
}
export interface SentStream {
  readonly name: string;
  /** False in reserved streams: every frame is answered for itself. */
  readonly isNumbered: boolean;
  /** Everything up to it was acknowledged; 0 where frames are answered one by one. */
  readonly acked: number;
  /** The highest ack within each session, by number. */
  readonly sessionAcks: readonly number[];
  /** The highest seq that was sent or declared lost. */
  readonly highest: number;
  /** The one frame a seq that can have been taken. */
  readonly frames: ReadonlyMap<number, SentFrame>;
  readonly gaps: readonly SentGap[];
  readonly open: readonly OpenRange[];
}
export interface SentDevice {
  readonly device: string;
  readonly streams: ReadonlyMap<string, SentStream>;
  /** In the order in which they happened. Fault suites without a file feed a device directly. */
  take(stream: string, happening: Happening): void;
}

interface Draft extends SentStream {
  acked: number;
  readonly sessionAcks: number[];
  highest: number;
  readonly frames: Map<number, SentFrame>;
  readonly gaps: SentGap[];
  readonly open: OpenRange[];
  session: number;
  /** What the last welcome said: frames up to it are not wanted again. */
  floor: number;
  helloOldest: number;
  store: string;
}

/** The frame was answered itself, not only found settled by a later welcome: whatever was refused of it was told. */
export function isAnswered(stream: SentStream, frame: SentFrame): boolean {
  return frame.faults !== null || frame.seq <= (stream.sessionAcks[frame.session] ?? 0);
}

/** The device was promised that the frame is on disk. */
export function isAcked(stream: SentStream, frame: SentFrame): boolean {
  return stream.isNumbered ? frame.seq <= stream.acked : frame.faults !== null;
}

/** The gateway alone knows whether it was stored once or became a gap. */
export function isOpen(stream: SentStream, frame: SentFrame): boolean {
  return stream.open.some(({ from, to, session }) => frame.session < session && frame.seq >= from && frame.seq <= to);
}

/** A gap was declared in the frame's place, which is only done for what the gateway does not have. */
export function isGivenUp(stream: SentStream, frame: SentFrame): boolean {
  return stream.gaps.some(
    ({ from, to, session, order }) =>
      frame.seq >= from && frame.seq <= to && (session > frame.session || (session === frame.session && order < frame.order)),
  );
}

export function createSentDevice(device: string): SentDevice {
  const streams = new Map<string, Draft>();
  const units = new Map<string, string>();
  let order = 0;

  function draftOf(name: string): Draft {
    let draft = streams.get(name);
    if (draft === undefined) {
      const books = { acked: 0, sessionAcks: [], highest: 0, frames: new Map(), gaps: [], open: [] };
      draft = { name, isNumbered: !name.startsWith('~'), ...books, session: 0, floor: 0, helloOldest: 1, store: '' };
      streams.set(name, draft);
    }
    return draft;
  }

  function frame(draft: Draft, seq: number, body: string): void {
    const { session } = draft;
    if (draft.isNumbered && seq <= draft.floor) return;
    if (draft.frames.get(seq)?.session === session) return;
    draft.highest = Math.max(draft.highest, seq);
    const readings = readingsOf(body, units);
    draft.frames.set(seq, { seq, order: ++order, session, readings, faults: null });
  }

  function answer(draft: Draft, seq: number, errors: readonly RecordFault[]): void {
    const sent = draft.frames.get(seq);
    if (sent !== undefined) sent.faults = errors;
  }

  function ack(draft: Draft, seq: number): void {
    draft.acked = Math.max(draft.acked, seq);
    draft.sessionAcks[draft.session] = Math.max(draft.sessionAcks[draft.session] ?? 0, seq);
  }

  function welcome(draft: Draft, acked: number, store: string): void {
    draft.session++;
    const { session, helloOldest } = draft;
    const isOtherStore = draft.store !== '' && draft.store !== store;
    // A range that the device held no more was settled by a gap of the gateway, as far as it was not stored.
    if (acked === helloOldest - 1 && acked > draft.acked) draft.open.push({ from: draft.acked + 1, to: acked, session });
    if (isOtherStore && acked === helloOldest - 1) draft.open.push({ from: 1, to: acked, session });
    draft.acked = isOtherStore ? acked : Math.max(draft.acked, acked);
    draft.floor = acked;
    draft.store = store;
  }

  return {
    device,
    streams,
    take(stream, happening) {
      const draft = draftOf(stream);
      switch (happening.type) {
        case 'hello':
          draft.helloOldest = happening.oldest;
          return;
        case 'frame':
          frame(draft, happening.seq, happening.body);
          return;
        case 'pack':
          frame(draft, happening.order, happening.body);
          return;
        case 'gap': {
          const { from, to, reason } = happening;
          draft.gaps.push({ from, to, reason, order: ++order, session: draft.session });
          draft.highest = Math.max(draft.highest, to);
          return;
        }
        case 'welcome':
          welcome(draft, happening.acked, happening.store);
          return;
        case 'ack':
          ack(draft, happening.seq);
          return;
        case 'reject':
          // It is said after the commit, so it acknowledges, too.
          answer(draft, happening.seq, happening.errors);
          draft.acked = Math.max(draft.acked, happening.seq);
          return;
        case 'stored':
          answer(draft, happening.order, happening.errors);
          return;
        default:
          happening satisfies never;
      }
    },
  };
}
