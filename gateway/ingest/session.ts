// One device's connection: frames in, answers out once their fate is on disk. A class, because there are thousands of it on a hot path.

import { CLOSE, GAP_REASON, type RecordFault } from '../protocol/messages.ts';
import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import type { BrokenMessage, Connection, Session } from '../transports/transport.ts';
import type { Sender, Settlement } from './batcher.ts';
import type { DeviceSeries } from './catalogue.ts';
import { readCbor } from './cbor-frame.ts';
import type { SeenFrame } from './frame-watch.ts';
import { Intake } from './intake.ts';
import { type JsonMessage, readJson, type Unreadable } from './json-frame.ts';
import { createPatience, type Patience } from './patience.ts';
import type { OpenConnection, PresentSession } from './presence.ts';
import type { Notices } from './notices.ts';
import { quarantineFrame } from './quarantine.ts';
import { openStream, welcomeText } from './session-hello.ts';
import type { SessionHouse } from './session-house.ts';
import type { StreamEntry } from './streams.ts';
import { READING_BYTES, type TakenFrame, takeFrame } from './take-frame.ts';
import { type FrameContext, wholeFault } from './validate.ts';

/** What a refused record holds until it is on disk: its row, on the way to the writer too. */
const FAULT_BYTES = 4096;
/** And its bytes: as they came, as text, in the message to the writer, and there again. */
const RAW_COPIES = 4;
const MAX_SEQ = Number.MAX_SAFE_INTEGER;
const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

export class DeviceSession implements Session, Sender, PresentSession {
  readonly device: string;
  readonly tokenId: string;
  readonly #house: SessionHouse;
  readonly #connection: Connection;
  readonly #connectedAtMs: number;
  readonly #context: FrameContext & { receivedUs: number; isGatewayClock: boolean };
  readonly #notices: Notices;
  #series: DeviceSeries;
  #stream: StreamEntry | null = null;
  #packStream: StreamEntry | null = null;
  #software: string | null = null;
  readonly #intake: Intake;
  #settlement: Settlement | null = null;
  #isOver = false;
  #isBroken = false;
  #lastFrameUs: number;
  readonly #patience: Patience;

  constructor(house: SessionHouse, connection: Connection) {
    this.#house = house;
    this.#connection = connection;
    this.device = connection.peer.device;
    this.tokenId = connection.peer.tokenId;
    this.#lastFrameUs = house.nowUs();
    this.#connectedAtMs = this.#lastFrameUs / 1000;
    this.#series = house.catalogue.deviceSeries(this.device);
    this.#notices = house.noticesOf(this.device);
    this.#context = {
      series: this.#series,
      receivedUs: 0,
      isGatewayClock: false,
      onUnitChange: this.#notices.unitChanged,
      onClockSuspect: this.#notices.clockSuspect,
    };
    this.#intake = new Intake(house, connection, house.paceOf(this.device), (bytes, receivedUs) => this.#takeMessage(bytes, receivedUs));
    this.#patience = createPatience(house.limits);
    house.presence.enter(this);
  }

  get lastFrameMs(): number {
    return this.#lastFrameUs / 1000;
  }
  describe(): OpenConnection {
    return {
      address: this.#connection.peer.address,
      connectedAtMs: this.#connectedAtMs,
      stream: this.#stream?.stream ?? null,
      software: this.#software,
      roundTripMs: this.#connection.roundTripMs,
      inFlight: this.#intake.inFlightFrames,
    };
  }

  get silentMs(): number {
    return this.#connection.silentMs;
  }

  frame(bytes: Uint8Array): void {
    if (!this.#isOver && !this.#isBroken) this.#intake.offer(bytes, this.#house.nowUs());
  }

  #takeMessage(bytes: Uint8Array, receivedUs: number): void {
    if (this.#isOver) return;
    this.#lastFrameUs = receivedUs;
    const { limits } = this.#house;
    const frame = this.#connection.encoding === 'cbor' ? readCbor(bytes, limits) : readJson(bytes, limits);
    if ('unreadable' in frame) {
      this.#refuseFrame(frame, bytes);
      return;
    }
    // a frame that settles is refused as a whole; with nothing to settle, the message is as good as unreadable
    const whole = frame.isForbidden ? wholeFault('forbidden-key') : null;
    if ('pack' in frame) {
      this.#pack(frame.pack, bytes, whole);
      return;
    }
    const { message } = frame;
    const { type } = message;
    if (type === 'readings') this.#readings(message, bytes, whole);
    else if (whole !== null) this.#refuseFrame({ unreadable: 'forbidden-key', detail: '' }, bytes);
    else if (type === 'hello') this.#hello(message, bytes);
    else if (type === 'gap') this.#gap(message, bytes);
    else if (type === 'ports') this.#ports(message, bytes.length);
    else if (typeof type === 'string') this.#unknownType();
    else this.#refuseFrame({ unreadable: 'bad-shape', detail: '' }, bytes);
  }

  /** A bare SenML pack: booked under ~ws, answered with `stored`. */
  #pack(records: readonly unknown[], bytes: Uint8Array, whole: RecordFault | null): void {
    const { batcher, streams } = this.#house;
    if (this.#packStream === null) {
      const opened = streams.open(this.device, '~ws', this.#lastFrameUs);
      if (opened.outcome !== 'known' && opened.outcome !== 'new') return;
      if (opened.outcome === 'new') batcher.addStream(opened.stream);
      this.#packStream = opened.stream;
    }
    const stream = this.#packStream;
    const seq = ++stream.acked;
    const { stored, faults } = this.#take(records, stream, seq, bytes, whole);
    const plain = `{"type":"stored","readings":${stored}}`;
    this.#answer(
      1,
      weightOf(bytes, stored, faults.length),
      faults.length === 0 ? plain : JSON.stringify({ type: 'stored', readings: stored, errors: faults }),
    );
    this.#intake.spend(records.length);
  }

  #readings(message: JsonMessage, bytes: Uint8Array, whole: RecordFault | null): void {
    const stream = this.#stream;
    if (stream === null) {
      this.#fatal('hello-first', CLOSE.badMessage);
      return;
    }
    const { seq, readings } = message;
    if (!isSeq(seq)) {
      this.#refuseFrame({ unreadable: 'bad-seq', detail: '' }, bytes);
      return;
    }
    if (seq !== stream.acked + 1) {
      this.#fatal(seq <= stream.acked ? 'seq-regression' : 'seq-gap', CLOSE.conflict, stream.acked + 1);
      return;
    }
    stream.acked = seq;
    const isList = Array.isArray(readings);
    const { stored, faults } = this.#take(isList ? readings : [], stream, seq, bytes, whole ?? (isList ? null : wholeFault('bad-message')));
    this.#sending(1, weightOf(bytes, stored, faults.length)).ackSeq = seq;
    if (faults.length > 0) this.#answer(0, 0, JSON.stringify({ type: 'reject', seq, errors: faults }));
    this.#intake.spend(isList ? readings.length : 0);
  }

  #take(records: readonly unknown[], stream: StreamEntry, seq: number, bytes: Uint8Array, whole: RecordFault | null): TakenFrame {
    const context = this.#context;
    context.receivedUs = this.#lastFrameUs;
    context.isGatewayClock = this.#house.settingsOf(this.device).clock === 'gateway';
    const taken = takeFrame(this.#house, context, { stream, seq, records, bytes, whole });
    if (this.#house.frameWatch.isOn) {
      const kind = stream === this.#packStream ? 'pack' : 'readings';
      this.#show({ kind, stream: stream.stream, seq, bytes, ...taken });
    }
    return taken;
  }
  #show(frame: SeenFrame): void {
    this.#house.frameWatch.saw(this.device, this.#lastFrameUs, frame);
  }

  #hello(message: JsonMessage, bytes: Uint8Array): void {
    if (this.#stream !== null) return this.#fatal('bad-message', CLOSE.badMessage);
    const opened = openStream(this.#house, this.device, message, this.#lastFrameUs);
    if ('code' in opened) return this.#fatal(opened.code, opened.close, opened.expected);
    const { stream, missing } = opened;
    if (this.#house.frameWatch.isOn) this.#show({ kind: 'hello', stream: stream.stream, seq: null, bytes, stored: 0, faults: [] });
    this.#stream = stream;
    this.#software = typeof message.software === 'string' ? message.software.slice(0, 128) : null;
    if (opened.forgotten !== null) this.#notices.storeWentBack(stream.stream, opened.forgotten, stream.acked);
    if (missing !== null) this.#settleGap(stream, missing.from, missing.to, missing.reason);
    // in a settlement of the open batch: sent when every frame read from this device before is on disk, or the batch has failed
    this.#answer(0, 0, welcomeText(this.#house, this.device, stream));
  }

  #gap({ from, to, reason }: JsonMessage, bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === null) return this.#fatal('hello-first', CLOSE.badMessage);
    const isGap =
      from === stream.acked + 1 && isSeq(to) && to >= from && to < MAX_SEQ && typeof reason === 'string' && GAP_REASON.test(reason);
    if (!isGap) return this.#fatal('bad-gap', CLOSE.badMessage, stream.acked + 1);
    this.#settleGap(stream, from, to, reason);
    if (this.#house.frameWatch.isOn) this.#show({ kind: 'gap', stream: stream.stream, seq: to, bytes, stored: 0, faults: [] });
    this.#sending(1, 0).ackSeq = to;
    this.#intake.spend(0);
  }
  #settleGap(stream: StreamEntry, fromSeq: number, toSeq: number, reason: string): void {
    const { batcher } = this.#house;
    batcher.addGap({ stream: stream.id, fromSeq, toSeq, reason, declaredAtUs: this.#lastFrameUs });
    batcher.mark(stream, toSeq);
    stream.acked = toSeq;
    stream.lastUsedAtUs = this.#lastFrameUs;
  }

  /** This session's place in the open batch; `frames` more with so many bytes are in flight. */
  #sending(frames: number, bytes: number): Settlement {
    const settlement = this.#house.batcher.settlement(this, this.#settlement);
    this.#settlement = settlement;
    settlement.frames += frames;
    settlement.bytes += bytes;
    this.#intake.taken(frames, bytes);
    return settlement;
  }

  /** Said when the open batch is on disk, in the order of the frames; `frames` of them are in flight until then. */
  #answer(frames: number, bytes: number, text: string): void {
    const settlement = this.#sending(frames, bytes);
    settlement.messages ??= [];
    settlement.messages.push(text);
    settlement.bytes += text.length;
    this.#intake.taken(0, text.length);
  }

  settled(settlement: Settlement): void {
    const { messages, ackSeq, frames, bytes } = settlement;
    settlement.messages = null; // this session holds on to it until its next frame
    if (!this.#isOver) {
      if (messages !== null) for (const message of messages) this.#connection.send(message);
      if (ackSeq > 0) this.#connection.send(`{"type":"ack","seq":${ackSeq}}`);
    }
    this.#intake.settled(frames, bytes);
  }
  failed({ frames, bytes }: Settlement): void {
    this.end(CLOSE.internal, 'store-unavailable', 'store-unavailable');
    this.#intake.settled(frames, bytes);
  }

  /** A frame that settles nothing: fatal in a session with a stream, else answered and counted. */
  #refuseFrame({ unreadable, detail }: Unreadable, bytes: Uint8Array): void {
    const { batcher, streams } = this.#house;
    const stream = this.#stream ?? this.#packStream ?? streams.open(this.device, '~ws', this.#lastFrameUs);
    const entry = 'outcome' in stream ? (stream.outcome === 'known' || stream.outcome === 'new' ? stream.stream : null) : stream;
    if ('outcome' in stream && stream.outcome === 'new') batcher.addStream(stream.stream);
    if (entry !== null && bytes.length > 0) {
      const where = { device: this.device, stream: entry.id, seq: 0, receivedAtUs: this.#lastFrameUs };
      quarantineFrame(batcher, where, wholeFault(unreadable), bytes);
    }
    if (this.#house.frameWatch.isOn) {
      const faults = [{ code: unreadable }];
      this.#show({ kind: 'unreadable', stream: entry?.stream ?? null, seq: null, bytes, stored: 0, faults });
    }
    if (this.#stream !== null) return this.#fatal(unreadable, CLOSE.badMessage, this.#stream.acked + 1, detail);
    if (!this.#patience.withUnreadable()) return this.#fatal(unreadable, CLOSE.badMessage, undefined, detail);
    this.#answer(1, weightOf(bytes, 0, 1), this.#error(unreadable, false, undefined, detail));
    this.#intake.spend(0);
  }
  /** News of a bridge's serial ports: kept for people to look at, nothing settles. */
  #ports(message: JsonMessage, bytes: number): void {
    const code = this.#house.bridged.take(this, message, bytes);
    if (code === null) return this.#intake.spend(0);
    if (!this.#patience.withUnreadable()) return this.#fatal(code, CLOSE.badMessage);
    this.#answer(1, 0, this.#error(code, false));
    this.#intake.spend(0);
  }
  #unknownType(): void {
    if (!this.#patience.withUnknown()) return this.#fatal('unknown-type', CLOSE.badMessage);
    this.#answer(1, 0, this.#error('unknown-type', false));
    this.#intake.spend(0);
  }
  #error(code: ProblemCode, fatal: boolean, expected?: number, detail = ''): string {
    this.#house.refusals.add(code);
    const message = detail === '' ? PROBLEMS[code].title : `${PROBLEMS[code].title} ${detail}`;
    return JSON.stringify({ type: 'error', code, message, fatal, expected });
  }
  #fatal(code: ProblemCode, close: number, expected?: number, detail = ''): void {
    this.#connection.send(this.#error(code, true, expected, detail));
    this.end(close, code, code);
  }

  control(): void {
    this.#intake.spend(0);
  }

  /** The bytes of a message are gone: nothing settles, and an event says what it was. */
  broken({ close, code, bytes }: BrokenMessage): void {
    if (this.#isOver || this.#isBroken) return;
    // what came before it first; nothing that comes after it counts
    this.#intake.takeAll();
    this.#isBroken = true;
    const expected = this.#stream === null ? undefined : this.#stream.acked + 1;
    this.#connection.send(this.#error(code, true, expected));
    this.#notices.frameRefused({ code: close, reason: code, bytes, expected });
  }

  end(code: number, reason: string, word: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#intake.close(true);
    this.#connection.close(code, reason);
    this.#leave(word);
  }
  ended(reason: string): void {
    if (this.#isOver) return;
    // what was read before the end is taken all the same
    this.#intake.close(false);
    this.#isOver = true;
    this.#leave(reason);
  }
  #leave(reason: string): void {
    this.#house.presence.leave(this, reason);
    this.#house.bridged.leave(this);
  }
}

function weightOf(bytes: Uint8Array, stored: number, faults: number): number {
  const text = faults === 0 ? bytes.length : bytes.length * RAW_COPIES + faults * FAULT_BYTES;
  return text + stored * READING_BYTES;
}
