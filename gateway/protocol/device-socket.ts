// What the device client needs from the world around it: a socket, a clock. Passed in, so that it runs on Node and in a browser alike.

/** How a connection, or the attempt to make one, ended. */
export interface SocketEnd {
  /** The WebSocket close code; 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
  /** The HTTP status when the upgrade was refused; browsers do not tell. */
  readonly status?: number;
  /** From the refusal's Retry-After. */
  readonly retryAfterMs?: number;
}

/** Told by the socket. `closed` comes last, once, and may be the only one. */
export interface SocketEvents {
  opened(): void;
  message(text: string): void;
  /** Something that is not a message came: a ping, a pong. */
  heard(): void;
  closed(end: SocketEnd): void;
}

/** One connection. No call throws; after the end they do nothing. */
export interface DeviceSocket {
  /** False where pings stay invisible (browsers): then silence says nothing about the other end. */
  readonly seesPings: boolean;
  send(text: string): void;
  /** Starts the close handshake. */
  close(code: number, reason: string): void;
  /** Ends without a handshake, as far as the platform can. */
  cut(): void;
}

export interface Timer {
  cancel(): void;
}

/** A clock that never goes back, and one-shot timers; cancelling a timer that has run does nothing. */
export interface Clock {
  nowMs(): number;
  after(delayMs: number, run: () => void): Timer;
}
