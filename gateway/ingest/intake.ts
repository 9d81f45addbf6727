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

type Take = (bytes: Uint8Array, receivedUs: number) => void;

export class Intake implements Flowing {
  inFlightFrames = 0;
  inFlightBytes = 0;
  readonly #house: IntakeHouse;
  readonly #connection: Connection;
  readonly #pace: Pace;
  readonly #take: Take;
  #holds = 0;
  #waiting: { readonly bytes: Uint8Array; readonly receivedUs: number }[] = [];
  /** Those before it are taken. */
  #head = 0;
  #timer: NodeJS.Timeout | null = null;
  #isTaking = false;

  constructor(house: IntakeHouse, connection: Connection, pace: Pace, take: Take) {
    this.#house = house;
    this.#connection = connection;
    this.#pace = pace;
    this.#take = take;
    house.flow.enter(this);
  }

  /** One whole message; taken at once, or when nothing holds it any more. */
  offer(bytes: Uint8Array, receivedUs: number): void {
    if (this.#holds === 0 && this.#waiting.length === 0) {
      this.#take(bytes, receivedUs);
      return;
    }
    // a copy: the bytes are the transport's
    this.#waiting.push({ bytes: Uint8Array.from(bytes), receivedUs });
    this.#count(bytes.length);
  }

  /** A frame was taken with so many readings, and its fate is `settled` later. */
  spend(readings: number): void {
    const waitMs = this.#pace.spend(readings, this.#house.nowUs());
    if (waitMs > 0) this.#wait(waitMs);
  }
  taken(frames: number, bytes: number): void {
    this.inFlightFrames += frames;
    this.#count(bytes);
    if (this.inFlightFrames >= this.#house.unackedFrames || this.inFlightBytes >= this.#house.unackedBytes) this.hold('window');
  }
  /** An answer that waits for the commit holds memory too. */
  weighs(bytes: number): void {
    this.#count(bytes);
  }
  settled(frames: number, bytes: number): void {
    this.inFlightFrames -= frames;
    this.#uncount(bytes);
    if (this.#holds === 0) return;
    if (this.inFlightFrames < this.#house.unackedFrames / 2 && this.inFlightBytes < this.#house.unackedBytes / 2) this.release('window');
  }
  #count(bytes: number): void {
    this.inFlightBytes += bytes;
    this.#house.flow.taken(bytes);
  }
  #uncount(bytes: number): void {
    this.inFlightBytes -= bytes;
    this.#house.flow.settled(bytes);
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
    if (this.#holds !== 0) return;
    this.#takeWaiting(false);
    if (this.#holds === 0) this.#connection.resume();
  }
  #wait(waitMs: number): void {
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
    while (this.#head < this.#waiting.length && (isLast || this.#holds === 0)) {
      const { bytes, receivedUs } = this.#waiting[this.#head++];
      this.#uncount(bytes.length);
      this.#take(bytes, receivedUs);
    }
    this.#isTaking = false;
    this.#waiting.splice(0, this.#head);
    this.#head = 0;
  }

  /** The connection is over: what was read of it is taken all the same, or (`isVoid`) nobody wants it any more. */
  close(isVoid: boolean): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!isVoid) this.#takeWaiting(true);
    for (; this.#head < this.#waiting.length; this.#head++) this.#uncount(this.#waiting[this.#head].bytes.length);
    this.#waiting = [];
    this.#head = 0;
    this.#house.flow.leave(this);
  }
}
