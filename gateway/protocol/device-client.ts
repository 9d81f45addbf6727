// The reference device client: keeps a device's frames until they are acknowledged, over as many connections as that takes. Firmware can
// be read off it. It makes no socket, clock or randomness of its own; the simulator runs thousands of these in one process.

import { BACK_OFF, type BackOff, createBackOff } from './back-off.ts';
import { type ClosePlan, planAfterClose } from './close-plan.ts';
import { type ClientLink, createClientLink } from './client-link.ts';
import type { Clock, DeviceSocket, SocketEnd, SocketEvents } from './device-socket.ts';
import { type FrameBody, readingsFrame, splitAgain, splitIntoFrames } from './frame-split.ts';
import { FIRST_LIMITS, isSeq, readLimits, readMessage } from './gateway-message.ts';
import type { ErrorMessage, Gap, Hello, Reject, SenmlRecord, Welcome } from './messages.ts';
import { type BufferEntry, BufferFault, makeStreamId, type SendBuffer } from './send-buffer.ts';

export type ClientState =
  | { readonly state: 'connecting' }
  | { readonly state: 'online'; readonly welcome: Welcome }
  | { readonly state: 'waiting'; readonly delayMs: number; readonly why: string; readonly end: SocketEnd }
  /** Not again by itself: `start` with a new token, or the end that the caller asked for. `device`: whose token it is, when not the one wanted. */
  | { readonly state: 'stopped'; readonly why: string; readonly device?: string };

export interface DeviceClientOptions {
  /** Opens a connection to `/v1/device`; must not call `events` before it returned. */
  readonly connect: (events: SocketEvents) => DeviceSocket;
  readonly buffer: SendBuffer;
  readonly clock: Clock;
  /** Numbers in [0, 1): for the jitter and for names of streams. */
  readonly random: () => number;
  /** Told to the gateway, for instance `acme-fw 1.2`. */
  readonly software: string;
  /** The device that the token must be of: with another the client stops as `wrong-device`, and has sent nothing. */
  readonly device?: string;
  readonly onState?: (state: ClientState) => void;
  /** An entry is on the gateway's disk; once an entry, in order, also when a restored gateway has it sent again. */
  readonly onSettled?: (entry: BufferEntry) => void;
  /** Records of a frame were refused and quarantined; the ack follows all the same. */
  readonly onReject?: (reject: Reject) => void;
  readonly onError?: (error: ErrorMessage) => void;
  /** The buffer goes on under a new stream; called before what is unsettled gets its new numbers. */
  readonly onNewStream?: (stream: string) => void;
  /** The buffer was full: these frames are lost, with those that were lost before beside them. */
  readonly onLost?: (gap: BufferEntry) => void;
  /** A loss that the gateway would not take notice of, in two streams: it is left out of the third. */
  readonly onUndeclared?: (gap: BufferEntry) => void;
  /** The buffer's file could not be written while a connection was up; the client comes back to it after its back-off. */
  readonly onBufferFault?: (fault: BufferFault) => void;
}

export interface DeviceClient {
  /** Connects at once: who starts many spreads them. Does nothing while it runs. */
  start(): void;
  /**
   * Buffers readings as one frame, or more where the limits ask for it. Each record stands for itself: base fields would not survive.
   * Throws `BufferFault` when the buffer's file does not take them: then nothing of it is buffered.
   */
  send(records: readonly SenmlRecord[]): void;
  /** Says something outside of the stream, which nobody acknowledges and nothing keeps. False: there is no session to say it in. */
  tell(message: object): boolean;
  /** Ends for good; what is unsettled stays in the buffer. */
  close(): void;
  readonly state: ClientState['state'];
  /** Seqs that are not settled yet. */
  readonly unsettled: number;
}

const CONNECT_MS = 30_000;
const WELCOME_MS = 60_000;
/** The buffer could not be written. */
const BUFFER_END: SocketEnd = { code: 1006, reason: 'buffer-fault' };
/** Jitter on the fixed waits, so that what ended together does not come back together. */
const FIXED_JITTER = 0.05;

export function createDeviceClient(options: DeviceClientOptions): DeviceClient {
  return new Client(options);
}

class Client implements DeviceClient {
  state: ClientState['state'] = 'stopped';
  readonly #options: DeviceClientOptions;
  readonly #buffer: SendBuffer;
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #settled: (entry: BufferEntry) => void;
  #limits = FIRST_LIMITS;
  readonly #link: ClientLink;
  #onlineAtMs = 0;
  #lastError: ErrorMessage | null = null;
  #isClosed = false;
  /** Highest seq sent, until a welcome says what became of it. */
  #sentTo = 0;
  /** Entries under way in this session. */
  #inFlight = 0;
  /** Highest seq told to `onSettled`. */
  #toldTo: number;
  /** Rule 4: the session before was closed over a frame; its seq, or 0 where only the next welcome can tell. Null: it was not. */
  #accused: number | null = null;
  /** Accused once; goes alone. 0: none. */
  #suspect = 0;
  /** Highest seq sent since the stream began or the last welcome came: what was under way before that is settled or dropped. */
  #sentMax = 0;
  /** A refused gap was carried into the present stream, and nothing was settled in it since. */
  #isGapCarried = false;
  /** The stream that takes the place of this one, which could not be put into the buffer yet; '' when there is none to come. */
  #nextStream = '';

  constructor(options: DeviceClientOptions) {
    this.#options = options;
    this.#buffer = options.buffer;
    this.#clock = options.clock;
    this.#link = createClientLink(options.connect, options.clock);
    this.#backOff = createBackOff(options.random);
    const { acked, provenTo } = options.buffer;
    this.#toldTo = acked;
    // What the run before may have had under way: not to be given up before a welcome says what became of it.
    this.#sentTo = Math.max(acked, Math.min(provenTo, acked + FIRST_LIMITS.unackedFrames));
    this.#settled = (entry) => {
      if (entry.from <= this.#sentTo && this.#inFlight > 0) this.#inFlight--;
      if (entry.to <= this.#toldTo) return;
      this.#toldTo = entry.to;
      options.onSettled?.(entry);
    };
  }

  get unsettled(): number {
    return this.#buffer.next - 1 - this.#buffer.acked;
  }

  start(): void {
    if (this.#isClosed || this.state !== 'stopped') return;
    this.#connect();
  }

  send(records: readonly SenmlRecord[]): void {
    if (records.length === 0) return;
    const lost = this.#buffer.append(splitIntoFrames(records, this.#limits), this.#sentTo);
    if (lost !== null) this.#options.onLost?.(lost);
    this.#pump();
  }

  tell(message: object): boolean {
    if (this.state !== 'online') return false;
    this.#link.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const socket = this.#link.release();
    socket?.close(1000, '');
    if (this.state !== 'stopped') this.#become({ state: 'stopped', why: 'closed' });
  }

  #connect(): void {
    this.#lastError = null;
    if (this.#nextStream !== '' && !this.#newStream()) {
      this.#wait(planAfterClose(BUFFER_END, ''), BUFFER_END);
      return;
    }
    this.#become({ state: 'connecting' });
    this.#link.open({
      opened: () => this.#opened(),
      message: (text) => this.#guard(() => this.#message(text)),
      ended: (end) => this.#ended(end),
    });
    this.#link.arm(CONNECT_MS, () => this.#giveUp('connect-timeout'));
  }

  #opened(): void {
    const { stream, oldest, next, acked } = this.#buffer;
    const hello: Hello = { type: 'hello', stream, oldest, next, acked, software: this.#options.software };
    this.#link.send(JSON.stringify(hello));
    this.#link.arm(WELCOME_MS, () => this.#giveUp('welcome-timeout'));
  }

  #message(text: string): void {
    const message = readMessage(text);
    switch (message?.['type']) {
      case 'ack':
        if (isSeq(message['seq'])) this.#ack(message['seq']);
        return;
      case 'welcome':
        if (this.state === 'connecting') this.#welcome(message as unknown as Welcome);
        return;
      case 'reject':
        this.#options.onReject?.(message as unknown as Reject);
        return;
      case 'error':
        if (message['fatal'] === true) this.#lastError = message as unknown as ErrorMessage;
        this.#options.onError?.(message as unknown as ErrorMessage);
        return;
      default:
      // A newer gateway may say more than this client knows.
    }
  }

  #welcome(welcome: Welcome): void {
    const { device = welcome.device } = this.#options;
    if (welcome.device !== device) {
      this.#link.release()?.close(1000, '');
      this.#become({ state: 'stopped', why: 'wrong-device', device: welcome.device });
      return;
    }
    if (!isSeq(welcome.acked) || welcome.stream !== this.#buffer.stream) {
      this.#giveUp('bad-welcome');
      return;
    }
    if (welcome.acked > this.#known) {
      // It has more than was ever sent from here: the numbers after `#known` mean something else there (rule 1).
      this.#settleKnown(welcome.acked);
      this.#leaveStream('seq-regression');
      return;
    }
    this.#buffer.confirm(welcome.acked);
    this.#sentMax = welcome.acked;
    this.#limits = readLimits(welcome.limits);
    this.#inFlight = 0;
    this.#sentTo = welcome.acked;
    this.#buffer.settle(welcome.acked, this.#settled);
    if (!this.#judge()) return;
    this.#onlineAtMs = this.#clock.nowMs();
    this.#become({ state: 'online', welcome });
    this.#link.watch(welcome, () => this.#giveUp('silent'));
    this.#declareLost();
    this.#pump();
  }

  #ack(seq: number): void {
    if (this.state !== 'online' || seq <= this.#buffer.acked || seq > this.#sentTo) return;
    this.#buffer.settle(seq, this.#settled);
    if (seq >= this.#suspect) this.#suspect = 0;
    this.#isGapCarried = false;
    this.#pump();
  }

  /** Sends what the window allows. */
  #pump(): void {
    if (this.state !== 'online') return;
    const window = this.#suspect > 0 ? 1 : this.#limits.unackedFrames;
    while (this.#inFlight < window && this.#sentTo + 1 < this.#buffer.next) {
      const seq = this.#sentTo + 1;
      let entry = this.#buffer.at(seq);
      if (!entry) return;
      if (entry.body === null) {
        this.#inFlight++;
        this.#sendGap(seq, entry.to, entry.reason);
        continue;
      }
      const parts = splitAgain(entry as FrameBody, this.#limits);
      if (parts) {
        this.#buffer.replace(seq, parts);
        // Sent again to a store that went back, it was told before: so were its parts.
        if (seq <= this.#toldTo) this.#toldTo += parts.length - 1;
        entry = this.#buffer.at(seq)!;
      }
      this.#sentTo = seq;
      if (seq > this.#sentMax) this.#sentMax = seq;
      this.#inFlight++;
      this.#link.send(readingsFrame(seq, entry.body!));
    }
  }

  #sendGap(from: number, to: number, reason: string): void {
    const gap: Gap = { type: 'gap', from, to, reason };
    this.#sentTo = to;
    if (to > this.#sentMax) this.#sentMax = to;
    this.#link.send(JSON.stringify(gap));
  }

  /** The gateway wants older frames than are held, and did not declare them lost by itself. */
  #declareLost(): void {
    if (this.#buffer.oldest > this.#sentTo + 1) this.#sendGap(this.#sentTo + 1, this.#buffer.oldest - 1, 'restored');
  }

  /**
   * Rule 4: a frame that was refused goes once more, alone; refused again it becomes a gap, so that it neither blocks nor vanishes. A gap
   * that is refused like that goes with the rest into a new stream. False: this connection is over.
   */
  #judge(): boolean {
    if (this.#accused === null) return true;
    const next = this.#buffer.acked + 1;
    const seq = this.#accused === 0 ? next : this.#accused;
    this.#accused = null;
    const entry = seq < next ? undefined : this.#buffer.at(seq);
    if (!entry) this.#suspect = 0;
    else if (seq !== this.#suspect) this.#suspect = seq;
    else if (entry.body === null) {
      const isSecondStream = this.#isGapCarried;
      if (isSecondStream) {
        this.#buffer.settle(entry.to, () => {});
        this.#options.onUndeclared?.(entry);
      }
      this.#leaveStream('bad-gap');
      this.#isGapCarried = !isSecondStream;
      return false;
    } else {
      this.#suspect = 0;
      this.#buffer.replace(seq, []);
    }
    return true;
  }

  /** Highest seq of this stream that the gateway can have from here. */
  get #known(): number {
    return Math.max(this.#sentMax, this.#buffer.provenTo);
  }

  /** The gateway has settled frames up to `acked` in this stream; those of them that are ours need not go into the next one. */
  #settleKnown(acked: number): void {
    const seq = Math.min(acked, this.#known);
    if (seq > this.#buffer.acked) this.#buffer.settle(seq, this.#settled);
  }

  #ended(end: SocketEnd): void {
    const wasOnline = this.state === 'online';
    const plan = planAfterClose(end, this.#lastError?.code ?? '');
    this.#link.release();
    if (wasOnline && this.#clock.nowMs() - this.#onlineAtMs >= BACK_OFF.stableMs) this.#backOff.reset();
    // Only a session that carried a frame can have been closed over one.
    if (plan.refused && wasOnline && this.#sentTo > this.#buffer.acked) this.#accused = this.#lastError?.expected ?? 0;
    if (plan.newStream) {
      this.#settleKnown((this.#lastError?.expected ?? 0) - 1);
      this.#newStream();
    }
    this.#wait(plan, end);
  }

  #wait(plan: ClosePlan, end: SocketEnd): void {
    if (plan.retry === 'stop') {
      this.#become({ state: 'stopped', why: plan.why });
      return;
    }
    const backOffMs = this.#backOff.nextMs();
    const delayMs =
      plan.retry === 'after'
        ? plan.atLeastMs + Math.max(backOffMs, this.#options.random() * plan.atLeastMs * FIXED_JITTER)
        : Math.max(plan.atLeastMs, backOffMs);
    this.#become({ state: 'waiting', delayMs, why: plan.why, end });
    this.#link.arm(delayMs, () => this.#connect());
  }

  #leaveStream(why: string): void {
    this.#newStream();
    this.#giveUp(why);
  }

  #giveUp(why: string): void {
    const socket = this.#link.release();
    this.#ended({ code: 1006, reason: why });
    socket?.cut();
  }

  /** False: the buffer could not be written; `#connect` tries again. */
  #newStream(): boolean {
    if (this.#nextStream === '') {
      this.#nextStream = makeStreamId(this.#options.random);
      this.#options.onNewStream?.(this.#nextStream);
    }
    try {
      this.#buffer.restart(this.#nextStream);
    } catch (fault) {
      if (!(fault instanceof BufferFault)) throw fault;
      this.#options.onBufferFault?.(fault);
      return false;
    }
    this.#nextStream = '';
    this.#sentTo = this.#toldTo = this.#sentMax = 0;
    this.#inFlight = 0;
    this.#suspect = 0;
    this.#accused = null;
    return true;
  }

  /** Nothing is sent of which the buffer's file knows nothing: without it the connection is useless. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (fault) {
      if (!(fault instanceof BufferFault)) throw fault;
      this.#options.onBufferFault?.(fault);
      this.#giveUp(BUFFER_END.reason);
    }
  }

  #become(state: ClientState): void {
    this.state = state.state;
    this.#options.onState?.(state);
  }
}
