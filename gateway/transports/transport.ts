// A way in: it turns bytes from somewhere into frames and hands them to a session. It knows nothing of stores or validation.

import type { ProblemCode } from '../protocol/problems.ts';

/** Who is on the other end, as the policy found it before the upgrade. */
export interface Peer {
  readonly device: string;
  readonly tokenId: string;
  readonly address: string;
}

/** What a session may do with its connection. All calls are safe after the end, and do nothing then. */
export interface Connection {
  readonly peer: Peer;
  /** What its messages are written in; `send` takes JSON text all the same. */
  readonly encoding: 'json' | 'cbor';
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
  /** Ms since a byte last came, to half a second. */
  readonly silentMs: number;
}

/** A message that broke the rules of its transport, so that its bytes are gone. */
export interface BrokenMessage {
  /** The close code that the peer gets. */
  readonly close: number;
  readonly code: ProblemCode;
  /** What came of it, or what it said it would be. */
  readonly bytes: number;
}

/** What a connection tells its session. `frame` is never called before it returned; nothing is called after `ended`. */
export interface Session {
  /** One whole message; the bytes are only valid during the call. */
  frame(bytes: Uint8Array): void;
  /** A frame that carries no message, such as a pong: it counts against the rate like one. */
  control(): void;
  /** A message was refused before it was whole; the transport closes the connection after this. */
  broken(message: BrokenMessage): void;
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
  /** When the last byte came, to the sweep's half second, and how many there were by then. */
  heardAtMs: number;
  heardBytes: number;
  /** Since when it has been quiet although we read it and were not stopped ourselves. */
  quietSinceMs: number;
  readonly bytesRead: number;
  /** A message has begun and is not whole. */
  readonly isMidMessage: boolean;
  /** We stopped reading it: silence proves nothing. */
  readonly isWaitingForUs: boolean;
  readonly timing: { readonly pingSeconds: number; readonly pongSeconds: number };
  ping(): void;
  cut(): void;
  /** In the middle of a message nothing has come for too long. */
  stalled(): void;
}

/** Pings what it watches and cuts what is dead; one for all connections. */
export interface Liveness {
  watch(peer: Watched): void;
  unwatch(peer: Watched): void;
  close(): void;
}
