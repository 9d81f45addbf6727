// A device, a network that loses things and a store that keeps every promise, in memory: what the oracle must find nothing wrong with,
// until a test takes something away.

import type { Happening } from '../../device-sim/happening.ts';
import { createSentDevice, type SentDevice } from '../../device-sim/sent-device.ts';
import type { StoredBook, StoredDevice, StoredGap, StoredReading, StoredRefusal } from '../../device-sim/stored-device.ts';
import type { RecordFault } from '../../gateway/protocol/messages.ts';

/** One thing that happens to the device of this world. */
export type Step =
  /** Frames of so many readings go out; of the answers the last `deaf` are lost with the connection that ends then. */
  | { readonly do: 'send'; readonly frames: readonly number[]; readonly swallowed: number; readonly deaf: number }
  /** A frame whose record at `bad` is refused. */
  | { readonly do: 'refused'; readonly readings: number; readonly bad: number }
  | { readonly do: 'gap'; readonly frames: number }
  /** What is not acknowledged goes on under a new stream. */
  | { readonly do: 'renumber' }
  /** The device forgot its unacknowledged frames, and says so in its hello. */
  | { readonly do: 'forget' };

export interface OracleWorld {
  readonly sent: SentDevice;
  /** A copy that a test may spoil. */
  stored(): { -readonly [K in keyof StoredDevice]: StoredDevice[K] } & { readings: StoredReading[]; quarantine: StoredRefusal[] };
  step(step: Step): void;
  /** Sends again what was not acknowledged, until everything is. */
  settle(): void;
}

interface Frame {
  readonly body: string;
  readonly bad: number;
}
interface Book {
  acked: number;
  stored: number;
  quarantined: number;
  gaps: number;
  readings: number;
  refused: number;
}

export const DEVICE = 'pump-1';
const FAULT = { code: 'no-value', message: 'It has no value' };
const START_S = 1_700_000_000;

/** `repeat`: readings share their series, time and value with others that were made before. */
export function createOracleWorld(repeat = 0): OracleWorld {
  const sent = createSentDevice(DEVICE);
  const log: StoredReading[] = [];
  const quarantine: StoredRefusal[] = [];
  const gaps: StoredGap[] = [];
  const books = new Map<string, Book>();
  let name = 'stream-00001';
  let made = 0;
  /** What the device holds: seq of the first is `acked` + 1; null is a frame in a gap. */
  let waiting: (Frame | null)[] = [];
  let acked = 0;
  let isOnline = false;

  const note = (happening: Happening): void => sent.take(name, happening);
  function bookOf(): Book {
    let book = books.get(name);
    if (book === undefined) books.set(name, (book = { acked: 0, stored: 0, quarantined: 0, gaps: 0, readings: 0, refused: 0 }));
    return book;
  }

  function make(readings: number, bad = -1): Frame {
    const records = Array.from({ length: readings }, (_, index) => {
      const n = repeat > 0 ? ++made % repeat : ++made;
      const record = { n: n % 2 === 0 ? 'even' : 'odd', u: 'Cel', t: START_S + n };
      if (index === bad) return record;
      return n % 3 === 0 ? { ...record, vb: true } : { ...record, v: n };
    });
    return { body: JSON.stringify(records), bad };
  }

  function connect(oldest = acked + 1): void {
    if (isOnline) return;
    isOnline = true;
    const book = bookOf();
    note({ type: 'hello', oldest, next: acked + waiting.length + 1, acked });
    if (oldest > book.acked + 1) gap(book, oldest - 1);
    note({ type: 'welcome', acked: book.acked, store: 'store-1' });
    waiting = waiting.slice(book.acked - acked);
    acked = book.acked;
  }
  function gap(book: Book, to: number): void {
    gaps.push({ stream: name, from: book.acked + 1, to });
    book.gaps += to - book.acked;
    book.acked = to;
  }

  function take({ body, bad }: Frame, seq: number): void {
    const book = bookOf();
    const records = JSON.parse(body) as { n: string; u: string; t: number; v?: number; vb?: boolean }[];
    for (const [index, { n, u, t, v, vb }] of records.entries()) {
      if (index === bad) quarantine.push({ stream: name, seq, index });
      else log.push({ metric: n, unit: u, timeUs: Math.round(t * 1e6), value: v ?? vb!, position: log.length + 1 });
    }
    const good = bad < 0 ? records.length : records.length - 1;
    if (good > 0) book.stored++;
    else book.quarantined++;
    book.readings += good;
    book.refused += bad < 0 ? 0 : 1;
    book.acked = seq;
  }

  /** Sends what waits. Of the frames the last `swallowed` do not arrive, of the answers the last `deaf`. */
  function flush(swallowed: number, deaf: number): void {
    connect();
    const first = acked + 1;
    for (const [i, frame] of waiting.entries()) {
      const seq = first + i;
      if (frame === null) note({ type: 'gap', from: seq, to: seq, reason: 'buffer-full' });
      else note({ type: 'frame', seq, body: frame.body });
    }
    const arrived = Math.max(0, waiting.length - swallowed);
    for (const [i, frame] of waiting.slice(0, arrived).entries()) {
      const seq = first + i;
      if (frame === null) gap(bookOf(), seq);
      else take(frame, seq);
      if (i >= arrived - deaf) continue;
      const errors: RecordFault[] = frame !== null && frame.bad >= 0 ? [{ index: frame.bad, ...FAULT }] : [];
      if (errors.length > 0) note({ type: 'reject', seq, errors });
      note({ type: 'ack', seq });
      acked = seq;
    }
    waiting = waiting.slice(acked + 1 - first);
    if (swallowed > 0 || deaf > 0) isOnline = false;
  }

  return {
    sent,
    stored() {
      const rows = [...books].map(([stream, book]): StoredBook => ({ stream, ...book, settled: book.acked, unexplained: 0 }));
      return structuredClone({ device: DEVICE, readings: log, quarantine, gaps, books: rows, recount: rows });
    },
    step(step) {
      switch (step.do) {
        case 'send':
          for (const readings of step.frames) waiting.push(make(readings));
          flush(step.swallowed, step.deaf);
          return;
        case 'refused':
          waiting.push(make(step.readings, step.bad % step.readings));
          flush(0, 0);
          return;
        case 'gap':
          for (let i = 0; i < step.frames; i++) waiting.push(null);
          return;
        case 'renumber':
          isOnline = false;
          name = `stream-${String(books.size + 1).padStart(5, '0')}`;
          acked = 0;
          return;
        case 'forget': {
          isOnline = false;
          const oldest = acked + waiting.length + 1;
          waiting = [];
          const known = bookOf().acked;
          if (oldest > known + 1) connect(oldest);
          acked = Math.max(acked, known, oldest - 1);
          return;
        }
        default:
          step satisfies never;
      }
    },
    settle: () => flush(0, 0),
  };
}
