// The master of a Modbus RTU bus behind a port: asks its slaves in turn, one request at a time, and makes readings of what they answer.
// A request that fails costs the others at most its time-out, and its slave is left alone until no late answer can come.

import { createAlarm } from './alarm.ts';
import { exceptionName, REQUEST_BYTES } from './framing-modbus.ts';
import { type AnswerFault, type AnswerSink, createAnswerReader } from './modbus-answer.ts';
import { LATE, type ModbusSettings } from './modbus-settings.ts';
import type { SlaveEvent } from './modbus-slave.ts';
import { createTurns, inWords, type Turn } from './modbus-turns.ts';
import { readValues } from './modbus-values.ts';
import { createPortBook } from './port-book.ts';
import type { PortFrame, PortFrames } from './port-frames.ts';
import type { PortLine } from './port-line.ts';

export interface ModbusMasterOptions {
  readonly settings: ModbusSettings;
  readonly line: Pick<PortLine, 'baudRate' | 'dataBits' | 'stopBits' | 'parity'>;
  /** Answers that are read and not taken by the far side. */
  readonly bufferBytes: number;
  readonly nowUs: () => number;
  post(frames: readonly PortFrame[]): void;
  /** Everything that came: could it be read? */
  verdict(isGood: boolean): void;
  event(event: SlaveEvent): void;
}

interface UnderWay {
  readonly turn: Turn;
  readonly sentAtMs: number;
  /** An answer has to begin by then, and to be there by `endsAtMs`. */
  readonly untilMs: number;
  readonly endsAtMs: number;
  /** All of it. */
  readonly isSent: boolean;
  /** What came in its place, in words. */
  instead: string;
}

/** What a predecessor was still being told when the port was opened. */
const OPEN_PAUSE_MS = 100;
/** Adapters on USB pause for up to 16 ms inside an answer; so long a pause is its end. */
const PAUSE_MS = 30;
/** An answer may take so much longer than its bytes on the wire. */
const SLACK_MS = 50;
/** Above 19,200 baud the pause between frames stays what it is there. */
const GAP_MS = 1.75;
const GAP_CHARACTERS = 3.5;

export function createModbusMaster(options: ModbusMasterOptions): PortFrames {
  const { settings, line, nowUs, verdict } = options;
  const { timeoutMs, retries } = settings;
  const lateMs = settings.lateMs ?? Math.max(LATE.leastMs, LATE.timeouts * timeoutMs);
  const book = createPortBook(options);
  const reader = createAnswerReader();
  const characterMs = (1000 * (1 + line.dataBits + line.stopBits + (line.parity === 'none' ? 0 : 1))) / line.baudRate;
  const gapMs = settings.gapMs ?? Math.max(GAP_MS, GAP_CHARACTERS * characterMs);

  const turns = createTurns(settings, () => nowUs() / 1000);

  let write: ((bytes: Uint8Array) => number) | null = null;
  let underWay: UnderWay | null = null;
  let requests = 0;
  /** When there was something on the bus, and since when the bus is free to be asked. */
  let busyAtMs = 0;
  let freeAtMs = 0;
  let lastAtUs = 0;
  const nextTurn = createAlarm(next);
  const timeUp = createAlarm(onTimeUp);
  const pause = createAlarm(onPause);

  function next(): void {
    if (write === null || underWay !== null) return;
    const nowMs = performance.now();
    const { turn, atMs } = turns.next();
    // a line that is never quiet is asked all the same
    const quietAtMs = Math.min(busyAtMs + gapMs, freeAtMs + timeoutMs);
    const waitMs = Math.max(atMs, freeAtMs, quietAtMs) - nowMs;
    if (waitMs > 0) return nextTurn.set(waitMs);
    ask(turn, write, nowMs);
  }

  function ask(turn: Turn, put: (bytes: Uint8Array) => number, nowMs: number): void {
    const { plan, bytes, slave } = turn;
    requests++;
    slave.asked();
    reader.expect(plan, bytes, sink);
    const untilMs = nowMs + REQUEST_BYTES * characterMs + timeoutMs;
    const taken = put(bytes);
    const isSent = taken === bytes.length;
    underWay = { turn, sentAtMs: nowMs, untilMs, endsAtMs: untilMs + turn.answerBytes * characterMs + SLACK_MS, isSent, instead: '' };
    // a part is no request, and no slave's fault; the wait keeps a driver that is full from being tried at once again
    if (!isSent) book.fault('not-sent', NOTHING, 0, nowUs(), `the port took ${taken} of ${bytes.length} bytes for ${inWords(turn)}`);
    timeUp.set(untilMs - nowMs);
  }

  const sink: AnswerSink = {
    answer(frame, data) {
      const own = finish();
      if (own === null) return;
      verdict(true);
      const { records, absent, notNumbers } = readValues(own.turn.plan, data);
      if (records.length > 0) book.frame(frame, lastAtUs, { outcome: 'readings', records });
      else book.frame(frame, lastAtUs, { outcome: 'skipped', reason: notNumbers > 0 ? 'not-a-number' : 'absent' });
      // one of them is counted with the frame when that has nothing else
      const counted = records.length > 0 ? 0 : 1;
      book.countSkipped('not-a-number', notNumbers - (notNumbers > 0 ? counted : 0));
      book.countSkipped('absent', absent - (notNumbers > 0 ? 0 : counted));
      turnIsOver(own.turn);
      tell(own.turn.slave.answered(performance.now() - own.sentAtMs));
    },
    exception(frame, exception) {
      const own = finish();
      if (own === null) return;
      verdict(true);
      const code = `exception-${exception}`;
      const says = `${inWords(own.turn)}: ${exceptionName(exception)}`;
      book.fault(code, frame, frame.length, lastAtUs, says);
      turnIsOver(own.turn);
      tell(own.turn.slave.refused(code, says, performance.now() - own.sentAtMs));
    },
    late(frame, slave) {
      verdict(true);
      book.fault(
        'late-answer',
        frame,
        frame.length,
        lastAtUs,
        `slave ${slave} answered after its time-out; raise timeoutMs if it often does`,
      );
      turns.slaves.find(({ number }) => number === slave)?.paid();
    },
    fault(code, bytes) {
      verdict(false);
      if (underWay === null || code === 'noise' || code === 'unasked') return book.fault(code, bytes, bytes.length, lastAtUs);
      const what = inWords(underWay.turn);
      // from somebody else: the answer may still come
      if (code === 'wrong-slave') {
        underWay.instead = `, but one of slave ${bytes[0]}`;
        book.fault(code, bytes, bytes.length, lastAtUs, `slave ${bytes[0]} answered in place of ${what}`);
      } else fail(code, `${what}: ${FAULTS[code]}`, bytes);
    },
  };

  /** Ends what is under way. */
  function finish(): UnderWay | null {
    const own = underWay;
    underWay = null;
    timeUp.clear();
    freeAtMs = performance.now();
    return own;
  }

  function fail(code: 'timeout' | keyof typeof FAULTS, says: string, raw: Uint8Array): void {
    const own = finish();
    if (own === null) return;
    const { turn, sentAtMs, untilMs } = own;
    const { slave } = turn;
    reader.giveUp();
    // what was garbled was the answer; but noise may look like one, and then that is still to come, in its time
    const isGarbled = code === 'bad-crc' || code === 'short-answer';
    book.fault(code, raw, raw.length, raw.length > 0 ? lastAtUs : nowUs(), says);
    tell(slave.failed({ code, says, owedUntilMs: isGarbled ? untilMs : sentAtMs + lateMs }));
    if (slave.state !== 'silent' && turn.failures < retries) turn.failures++;
    else turnIsOver(turn);
  }

  function turnIsOver(turn: Turn): void {
    book.countSkipped('turn-missed', turns.over(turn));
  }

  function onTimeUp(): void {
    // what has come while this thread was held up is heard first
    setImmediate(() => {
      if (underWay === null || timeUp.isSet) return;
      const leftMs = underWay.endsAtMs - performance.now();
      if (leftMs > 0 && underWay.isSent && (reader.isBegun || pause.isSet)) return timeUp.set(leftMs);
      reader.settle(sink);
      if (underWay !== null) {
        const { turn, isSent, instead } = underWay;
        if (isSent) fail('timeout', `${inWords(turn)}: no answer within ${timeoutMs} ms${instead}`, NOTHING);
        else {
          finish();
          reader.giveUp();
          reader.forget(turn.slave.number);
          turnIsOver(turn);
        }
      }
      book.flush();
      next();
    });
  }

  function onPause(): void {
    if (underWay !== null && reader.isBegun) return;
    reader.settle(sink);
    book.flush();
    next();
  }

  function tell(event: SlaveEvent | null): void {
    if (event !== null) options.event(event);
  }
  function stop(): void {
    for (const alarm of [nextTurn, timeUp, pause]) alarm.clear();
  }

  return {
    begin(put) {
      write = put;
      const nowMs = performance.now();
      freeAtMs = busyAtMs = nowMs + OPEN_PAUSE_MS;
      turns.begin(freeAtMs);
      next();
    },
    push(bytes, atUs) {
      busyAtMs = performance.now();
      lastAtUs = atUs;
      book.heard(bytes.length);
      reader.push(bytes, sink);
      if (reader.isPending) pause.set(PAUSE_MS);
      else pause.clear();
      book.flush();
      next();
    },
    end() {
      stop();
      write = null;
      // whom the port left in the middle of its answer may give it when it is back
      const own = finish();
      reader.giveUp();
      own?.turn.slave.owes(own.sentAtMs + lateMs);
      reader.settle(sink);
      book.flush();
    },
    driverFault: (code) => book.countFault(code ?? 'driver'),
    taken: book.taken,
    get isEmpty() {
      return book.isEmpty;
    },
    get counts() {
      return book.counts;
    },
    seen: book.seen,
    slaves: () => turns.slaves.map((slave) => slave.status()),
    get steps() {
      return book.counts.bytes + requests;
    },
    close: stop,
  };
}

const NOTHING = new Uint8Array(0);
const FAULTS: Readonly<Record<Exclude<AnswerFault, 'noise' | 'unasked' | 'wrong-slave'>, string>> = {
  'bad-crc': 'the checksum of the answer is wrong',
  'short-answer': 'the answer broke off',
  'wrong-function': 'an answer to another function',
  'wrong-length': 'an answer of another length',
};
