// A device client's connections, one at a time, and the one timer that waits for what comes next.

import type { Clock, DeviceSocket, SocketEnd, SocketEvents, Timer } from './device-socket.ts';
import { watchSilence } from './silence-watch.ts';

export interface LinkEvents {
  opened(): void;
  message(text: string): void;
  /** Once, and last. */
  ended(end: SocketEnd): void;
}
export interface ClientLink {
  open(events: LinkEvents): void;
  send(text: string): void;
  /** Cancels what was armed before. */
  arm(delayMs: number, run: () => void): void;
  /** Calls when the gateway has been silent for longer than it promised to be; not where pings cannot be seen. */
  watch(promise: { readonly pingSeconds: number; readonly pongSeconds: number }, onSilence: () => void): void;
  /** Lets the connection and the timer go: nothing more is heard of either. The socket is the caller's to end. */
  release(): DeviceSocket | null;
}

export function createClientLink(connect: (events: SocketEvents) => DeviceSocket, clock: Clock): ClientLink {
  return new Link(connect, clock);
}

/** One for every device. */
class Link implements ClientLink {
  readonly #connect: (events: SocketEvents) => DeviceSocket;
  readonly #clock: Clock;
  #socket: DeviceSocket | null = null;
  #timer: Timer | null = null;
  #heardAtMs = 0;

  constructor(connect: (events: SocketEvents) => DeviceSocket, clock: Clock) {
    this.#connect = connect;
    this.#clock = clock;
  }

  open({ opened, message, ended }: LinkEvents): void {
    let socket: DeviceSocket | null = null;
    // events of a socket that was let go are nobody's
    const isMine = () => socket !== null && socket === this.#socket;
    socket = this.#connect({
      opened: () => isMine() && opened(),
      message: (text) => {
        if (!isMine()) return;
        this.#heardAtMs = this.#clock.nowMs();
        message(text);
      },
      heard: () => {
        if (isMine()) this.#heardAtMs = this.#clock.nowMs();
      },
      closed: (end) => isMine() && ended(end),
    });
    this.#socket = socket;
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  arm(delayMs: number, run: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(delayMs, run);
  }

  watch({ pingSeconds, pongSeconds }: { readonly pingSeconds: number; readonly pongSeconds: number }, onSilence: () => void): void {
    if (!this.#socket?.seesPings || !(pingSeconds > 0)) return;
    watchSilence({
      limitMs: (2 * pingSeconds + (pongSeconds || 0)) * 1000,
      nowMs: () => this.#clock.nowMs(),
      heardAtMs: () => this.#heardAtMs,
      arm: (delayMs, run) => this.arm(delayMs, run),
      onSilence,
    });
  }

  release(): DeviceSocket | null {
    const socket = this.#socket;
    this.#socket = null;
    this.#timer?.cancel();
    this.#timer = null;
    return socket;
  }
}
