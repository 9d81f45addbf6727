// What one connection may have in flight, and the frames that came although it is not read: a socket that is stopped still delivers what
// was read from it. They wait here, in order; nothing is dropped. A class, because there are thousands of it on a hot path.

import type { CounterFamily } from '../observe.ts';
import type { Connection } from '../transports/transport.ts';
import type { Flow, Flowing, HoldReason } from './flow.ts';
import type { Pace } from './pace.ts';

export interface IntakeHouse {
  readonly flow: Flow;
  readonly holds: CounterFamily;
  readonly unackedFrames: number;
  /** By which refused records and waiting answers count too. */
  readonly unackedBytes: number;
  readonly nowUs: () => number;
}

const BIT: Readonly<Record<HoldReason, number>> = { window: 1, rate: 2, budget: 4, store: 8 };
/** Frames that are here wait for these; a full budget alone only stops the socket. */
const KEEPS_WAITING = BIT.window | BIT.rate | BIT.store;

/** What a frame that waits costs beside its bytes: most are small, and each has its own buffer. */
const WAITING_BYTES = 512;

type Take = (bytes: Uint8Array, receivedUs: number) => void;
interface Waiting {
  readonly bytes: Uint8Array;
  readonly receivedUs: number;
}

export class Intake implements Flowing {
  /** Taken, and their fate not on disk: frames, and bytes with what else they hold in memory. */
  inFlightFrames = 0;
  #takenBytes = 0;
  #waitingBytes = 0;
  readonly #house: IntakeHouse;
  readonly #connection: Connection;
  readonly #pace: Pace;
  readonly #take: Take;
  #holds = 0;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isTaking = false;
  #isClosed = false;

  constructor(house: IntakeHouse, connection: Connection, pace: Pace, take: Take) {
    this.#house = house;
    this.#connection = connection;
    this.#pace = pace;
    this.#take = take;
    house.flow.enter(this);
  }

  get inFlightBytes(): number {
    return this.#takenBytes + this.#waitingBytes;
  }

  /** One whole message; taken at once, or when nothing keeps it waiting any more. */
  offer(bytes: Uint8Array, receivedUs: number): void {
    if ((this.#holds & KEEPS_WAITING) === 0 && this.#waiting.length === 0) {
      this.#take(bytes, receivedUs);
      return;
    }
    // a copy: the bytes are the transport's
    this.#waiting.push({ bytes: Uint8Array.from(bytes), receivedUs });
    const cost = bytes.length + WAITING_BYTES;
    this.#waitingBytes += cost;
    this.#house.flow.add(cost);
  }
  /** Everything that waits is taken now, whatever holds it: something comes that must stand behind it. */
  takeAll(): void {
    this.#takeWaiting(true);
  }

  /** A frame was taken with so many readings, and its fate is `settled` later. */
  spend(readings: number): void {
    const waitMs = this.#pace.spend(readings, this.#house.nowUs());
    if (waitMs > 0) this.#wait(waitMs);
  }
  taken(frames: number, bytes: number): void {
    this.inFlightFrames += frames;
    this.#takenBytes += bytes;
    if (this.inFlightFrames >= this.#house.unackedFrames || this.#takenBytes >= this.#house.unackedBytes) this.hold('window');
    if (bytes > 0) this.#house.flow.add(bytes);
  }
  settled(frames: number, bytes: number): void {
    this.inFlightFrames -= frames;
    this.#takenBytes -= bytes;
    this.#house.flow.add(-bytes);
    if (this.#holds === 0) return;
    if (this.inFlightFrames < this.#house.unackedFrames / 2 && this.#takenBytes < this.#house.unackedBytes / 2) this.release('window');
  }

  hold(reason: HoldReason): void {
    const bit = BIT[reason];
    if ((this.#holds & bit) !== 0) return;
    if (reason === 'window' || reason === 'rate') this.#house.holds.add(reason);
    const wasReading = this.#holds === 0;
    this.#holds |= bit;
    if (wasReading) this.#connection.pause();
  }
  release(reason: HoldReason): void {
    if ((this.#holds & BIT[reason]) === 0) return;
    this.#holds &= ~BIT[reason];
    this.#takeWaiting(false);
    if (this.#holds === 0) this.#connection.resume();
  }
  #wait(waitMs: number): void {
    if (this.#isClosed) return;
    this.hold('rate');
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const leftMs = this.#pace.waitMs(this.#house.nowUs());
      if (leftMs > 0) this.#wait(leftMs);
      else this.release('rate');
    }, waitMs);
  }

  #takeWaiting(isLast: boolean): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    let taken = 0;
    while (taken < this.#waiting.length && (isLast || (this.#holds & KEEPS_WAITING) === 0)) {
      const { bytes, receivedUs } = this.#waiting[taken++];
      const cost = bytes.length + WAITING_BYTES;
      this.#waitingBytes -= cost;
      this.#take(bytes, receivedUs);
      // after it: what it became is counted, and the sum must not seem to fall
      this.#house.flow.add(-cost);
    }
    this.#waiting.splice(0, taken);
    this.#isTaking = false;
  }

  /** The connection is over: what was read of it is taken all the same, or (`isVoid`) nobody wants it any more. */
  close(isVoid: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#house.flow.leave(this);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!isVoid) this.#takeWaiting(true);
    this.#waiting = [];
    const rest = this.#waitingBytes;
    this.#waitingBytes = 0;
    if (rest > 0) this.#house.flow.add(-rest);
  }
}
