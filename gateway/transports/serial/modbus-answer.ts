// Finds answers in what comes over a Modbus RTU bus, noise before and between them included. Pure. An answer is one by its slave, its
// function, its length and its checksum, never by when it comes; of what a slave may still answer, one thing at most is looked for.
// Bounded: SPAN_BYTES are kept, and each byte is summed up once for every place at which an answer may begin.

import {
  ANSWER_HEAD_BYTES,
  answerDataBytes,
  CRC_BYTES,
  EXCEPTION_BIT,
  EXCEPTION_BYTES,
  hasModbusCrc,
  MOST_FRAME_BYTES,
  type ReadRequest,
} from './framing-modbus.ts';

/** Why bytes are no answer to the request under way. */
export type AnswerFault =
  /** It has the right length, or its slave and function; its checksum is wrong. */
  | 'bad-crc'
  /** It began as the answer and stopped. */
  | 'short-answer'
  /** A right checksum, and another slave, function or length than was asked for. */
  | 'wrong-slave'
  | 'wrong-function'
  | 'wrong-length'
  /** Nothing that can be told. */
  | 'noise'
  /** Nobody was asked. */
  | 'unasked';

/** What was found, in the order of the bytes, which are valid during the call. */
export interface AnswerSink {
  /** `frame` is all of it, checksum included. */
  answer(frame: Uint8Array, data: Uint8Array): void;
  exception(frame: Uint8Array, exception: number): void;
  /** The answer to a request that had been given up. */
  late(frame: Uint8Array, slave: number): void;
  fault(code: AnswerFault, bytes: Uint8Array): void;
}

export interface AnswerReader {
  /** Bytes that are nothing yet. */
  readonly isPending: boolean;
  /** They may be the beginning of the answer to the request under way. */
  readonly isBegun: boolean;
  /** `sent` is what went out for it: adapters may return it. What came before is said to have been a fault. */
  expect(request: ReadRequest, sent: Uint8Array, sink: AnswerSink): void;
  /** The request under way is given up; its answer is one that comes late. */
  giveUp(): void;
  /** That slave's late answer is not waited for any more. */
  forget(slave: number): void;
  push(bytes: Uint8Array, sink: AnswerSink): void;
  /** The line has paused, or the time is up: what is pending becomes a fault. */
  settle(sink: AnswerSink): void;
}

interface Shape {
  readonly code: number;
  readonly dataBytes: number;
}

const SPAN_BYTES = 2 * MOST_FRAME_BYTES;
const BYTES = 256;

export function createAnswerReader(): AnswerReader {
  const kept = new Uint8Array(SPAN_BYTES);
  let length = 0;
  /** Places where an answer may begin, each not yet decided, ascending. */
  let places: number[] = [];
  /** What each slave may answer. */
  const shapes: (Shape | null)[] = new Array<Shape | null>(BYTES).fill(null);
  let asked: number | null = null;
  let echo = new Uint8Array(0);

  const isException = (at: number): boolean => (kept[at + 1] & EXCEPTION_BIT) !== 0;

  function notePlaces(from: number): void {
    for (let at = Math.max(0, from - 1); at + 1 < length; at++) {
      if (shapes[kept[at]]?.code === (kept[at + 1] & ~EXCEPTION_BIT)) places.push(at);
    }
  }

  /** Where the answer at that place ends; null: it is none; 0: it is not all there. */
  function endAt(at: number): number | null {
    const shape = shapes[kept[at]];
    if (shape === null) return null;
    const isRefusal = isException(at);
    if (!isRefusal && at + 2 < length && kept[at + 2] !== shape.dataBytes) return null;
    const end = at + (isRefusal ? EXCEPTION_BYTES : ANSWER_HEAD_BYTES + shape.dataBytes + CRC_BYTES);
    if (end > length) return 0;
    return hasModbusCrc(kept, at, end) ? end : null;
  }

  function look(sink: AnswerSink): void {
    const open: number[] = [];
    for (const at of places) {
      const end = endAt(at);
      if (end === 0) open.push(at);
      else if (end !== null) {
        found(at, end, sink);
        return look(sink);
      }
    }
    places = open;
  }

  function found(at: number, end: number, sink: AnswerSink): void {
    if (at > 0) said(kept.slice(0, at), 'noise', sink);
    const frame = kept.slice(at, end);
    const isRefusal = isException(at);
    cut(end);
    const [slave] = frame;
    shapes[slave] = null;
    if (slave !== asked) return sink.late(frame, slave);
    asked = null;
    if (isRefusal) sink.exception(frame, frame[2]);
    else sink.answer(frame, frame.subarray(ANSWER_HEAD_BYTES, -CRC_BYTES));
  }

  function cut(count: number): void {
    kept.copyWithin(0, count, length);
    length -= count;
    places = places.filter((at) => at >= count).map((at) => at - count);
  }

  /** An adapter may return what was sent: that is no fault. */
  function said(bytes: Uint8Array, code: AnswerFault, sink: AnswerSink): void {
    const rest = isEcho(bytes) ? bytes.subarray(echo.length) : bytes;
    if (rest.length > 0) sink.fault(code, rest);
  }
  const isEcho = (bytes: Uint8Array): boolean => bytes.length >= echo.length && echo.every((byte, i) => bytes[i] === byte);

  function faultOf(bytes: Uint8Array): AnswerFault {
    if (asked === null) return 'unasked';
    const shape = shapes[asked];
    if (shape === null) return 'unasked';
    const whole = ANSWER_HEAD_BYTES + shape.dataBytes + CRC_BYTES;
    const isItsHead = bytes[0] === asked && bytes.length > 1 && (bytes[1] & ~EXCEPTION_BIT) === shape.code;
    if (hasModbusCrc(bytes)) {
      if (bytes[0] !== asked) return 'wrong-slave';
      return isItsHead ? 'wrong-length' : 'wrong-function';
    }
    if (bytes.length === whole) return 'bad-crc';
    if (!isItsHead) return 'noise';
    return bytes.length < ((bytes[1] & EXCEPTION_BIT) === 0 ? whole : EXCEPTION_BYTES) ? 'short-answer' : 'bad-crc';
  }

  function settle(sink: AnswerSink): void {
    if (length === 0) return;
    const bytes = kept.slice(0, length);
    length = 0;
    places = [];
    const rest = isEcho(bytes) ? bytes.subarray(echo.length) : bytes;
    if (rest.length > 0) sink.fault(faultOf(rest), rest);
  }

  return {
    get isPending() {
      return length > 0;
    },
    get isBegun() {
      return places.some((at) => kept[at] === asked);
    },
    expect(request, sent, sink) {
      settle(sink);
      asked = request.slave;
      shapes[asked] = { code: request.code, dataBytes: answerDataBytes(request) };
      echo = Uint8Array.from(sent);
    },
    giveUp() {
      asked = null;
    },
    forget(slave) {
      if (slave !== asked) shapes[slave] = null;
    },
    push(bytes, sink) {
      for (let from = 0; from < bytes.length; ) {
        if (length === SPAN_BYTES) {
          // nothing is longer than half of it, so an answer that began there would have been found
          said(kept.slice(0, MOST_FRAME_BYTES), asked === null ? 'unasked' : 'noise', sink);
          cut(MOST_FRAME_BYTES);
        }
        const part = bytes.subarray(from, from + SPAN_BYTES - length);
        const old = length;
        kept.set(part, length);
        length += part.length;
        from += part.length;
        notePlaces(old);
        look(sink);
      }
    },
    settle,
  };
}
