// A way in: it turns bytes from somewhere into frames and hands them to a session. It knows nothing of stores or validation.

/** Who is on the other end, as the policy found it before the upgrade. */
export interface Peer {
  readonly device: string;
  readonly tokenId: string;
  readonly address: string;
}

/** What a session may do with its connection. All calls are safe after the end, and do nothing then. */
export interface Connection {
  readonly peer: Peer;
  /** Sends one message; bounded by the session's own window. */
  send(text: string): void;
  /** Starts the close handshake; the transport cuts the connection if it does not end in time. */
  close(code: number, reason: string): void;
  /** Cuts without a handshake. */
  terminate(): void;
  /** Stops and goes on reading; TCP carries it to the device. */
  pause(): void;
  resume(): void;
  /** Of the last ping that was answered; null before the first. */
  readonly roundTripMs: number | null;
}

/** What a connection tells its session. `frame` is never called before it returned; nothing is called after `ended`. */
export interface Session {
  /** One whole message; the bytes are only valid during the call. */
  frame(bytes: Uint8Array): void;
  /** The connection is over; `reason` is the word of the offline event. */
  ended(reason: string): void;
}

export type SessionFactory = (connection: Connection) => Session;

/** `close` stops taking new connections, says goodbye to the open ones (1012) and resolves when all are gone. */
export interface Transport {
  close(): Promise<void>;
}

/** A connection whose peer is pinged. */
export interface Watched {
  /** What the sweep keeps on the connection: when to act next, when the open ping was sent (0: none), bytes read by then. */
  nextAtMs: number;
  pingedAtMs: number;
  bytesSeen: number;
  readonly bytesRead: number;
  /** We stopped reading it: silence proves nothing. */
  readonly isWaitingForUs: boolean;
  readonly timing: { readonly pingSeconds: number; readonly pongSeconds: number };
  ping(): void;
  cut(): void;
}

/** Pings what it watches and cuts what is dead; one for all connections. */
export interface Liveness {
  watch(peer: Watched): void;
  unwatch(peer: Watched): void;
  close(): void;
}
