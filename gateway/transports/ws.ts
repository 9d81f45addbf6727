// Devices over WebSocket: frames in, text out, dead peers cut. It hands each message to a session and knows nothing else of them.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Observe } from '../observe.ts';
import { CLOSE, SUBPROTOCOL } from '../protocol/messages.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import { encodeCbor } from '../protocol/cbor-encoder.ts';
import { shortTextFrame } from './text-frame.ts';
import { brokenBy, isMidMessage } from './ws-receiver.ts';
import type { Connection, Liveness, Peer, Session, SessionFactory, Transport, Watched } from './transport.ts';

export interface WsLimits {
  readonly deviceFrameBytes: number;
  readonly fragments: number;
  readonly bufferedChunks: number;
  readonly pendingPongs: number;
  readonly drainSeconds: number;
}
export interface WsTransportOptions {
  readonly openSession: SessionFactory;
  readonly limits: WsLimits;
  /** Seconds between pings and to wait after one, for this device. */
  readonly livenessOf: (device: string) => { readonly pingSeconds: number; readonly pongSeconds: number };
  readonly liveness: Liveness;
  readonly observe: Observe;
}
/** An upgrade that was checked and may be completed. */
export interface DeviceUpgrade {
  readonly peer: Peer;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** The TCP socket beneath, whose byte counts are exact. */
  readonly raw: Socket;
  readonly head: Buffer;
  /** The one to answer with; null: JSON. */
  readonly subprotocol: string | null;
}
export interface WsTransport extends Transport {
  accept(upgrade: DeviceUpgrade): void;
  readonly count: number;
}

const CLOSE_TIMEOUT_MS = 5_000;
/** Restarting devices come back spread over this time. */
const RETRY_SPREAD_MS = 5_000;
/**
 * Answers that a peer has not taken: beyond it nothing more is read from it. Not more than a socket buffers anyway: each short answer
 * costs ten times its length while it waits.
 */
const CHOKE_BYTES = 16 * 1024;
/** What a peer may still send after our close frame, on its way when it was told: beyond it the connection is cut. */
const AFTER_CLOSE_BYTES = 256 * 1024;
/** A frame's head and its mask. */
const FRAME_BYTES = 6;
const STALL_MS = 60_000;
const PINGS_PER_WINDOW = 10;
const PING_WINDOW_MS = 10_000;

export function createWsTransport({ openSession, limits, livenessOf, liveness, observe }: WsTransportOptions): WsTransport {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.deviceFrameBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.bufferedChunks,
    maxPendingAutoPongs: limits.pendingPongs,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // the client's order, as the handshake chose it
    handleProtocols: (offered) => [...offered].find((name) => name === SUBPROTOCOL.json || name === SUBPROTOCOL.cbor) ?? false,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  const open = new Set<DeviceSocket>();
  const framesIn = observe.counter('fieldgate_device_frames_total', 'Messages read from devices.');
  const bytesIn = observe.counter('fieldgate_device_bytes_total', 'Bytes of messages read from devices.');
  const faults = observe.counterBy(
    'fieldgate_device_socket_faults_total',
    'Connections that broke the WebSocket rules, by fault.',
    'fault',
  );
  let draining: Promise<void> | null = null;
  let onEmpty: (() => void) | null = null;

  return {
    accept({ peer, request, socket, raw, head, subprotocol }) {
      const encoding = subprotocol === SUBPROTOCOL.cbor ? 'cbor' : 'json';
      server.handleUpgrade(request, socket, head, (ws) => {
        const onFault = (fault: string): void => faults.add(fault);
        const device = new DeviceSocket({ ws, socket, raw, peer, encoding, livenessOf, onFault, onGone: gone });
        open.add(device);
        liveness.watch(device);
        const session = openSession(device);
        device.start(session);
        ws.on('message', (data: RawData, isBinary) => {
          const bytes = data as Buffer;
          framesIn.add();
          bytesIn.add(bytes.length);
          if (device.isPastClose(bytes.length)) return;
          if (isBinary === (encoding === 'cbor')) session.frame(bytes);
          else device.refuse(CLOSE.unsupportedData, 'unsupported-data', bytes.length);
        });
      });
    },
    get count() {
      return open.size;
    },
    close() {
      draining ??= drain();
      return draining;
    },
  };

  function gone(device: DeviceSocket): void {
    open.delete(device);
    liveness.unwatch(device);
    if (open.size === 0) onEmpty?.();
  }

  async function drain(): Promise<void> {
    for (const device of open) device.close(CLOSE.restarting, `retry-after-ms=${Math.floor(Math.random() * RETRY_SPREAD_MS)}`, 'shutdown');
    const deadline = setTimeout(() => {
      for (const device of open) device.terminate();
    }, limits.drainSeconds * 500);
    await new Promise<void>((resolve) => {
      onEmpty = resolve;
      if (open.size === 0) resolve();
    });
    clearTimeout(deadline);
    server.close();
  }
}

interface DeviceSocketOptions {
  readonly ws: WebSocket;
  readonly socket: Duplex;
  readonly raw: Socket;
  readonly peer: Peer;
  readonly encoding: 'json' | 'cbor';
  readonly livenessOf: WsTransportOptions['livenessOf'];
  readonly onFault: (fault: string) => void;
  readonly onGone: (device: DeviceSocket) => void;
}

class DeviceSocket implements Connection, Watched {
  readonly peer: Peer;
  readonly encoding: 'json' | 'cbor';
  roundTripMs: number | null = null;
  nextAtMs = 0;
  pingedAtMs = 0;
  bytesSeen = 0;
  heardAtMs = 0;
  heardBytes = 0;
  quietSinceMs = 0;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #raw: Socket;
  readonly #livenessOf: WsTransportOptions['livenessOf'];
  readonly #onGone: (device: DeviceSocket) => void;
  #session: Session | null = null;
  #isPaused = false;
  #isChoked = false;
  #isReading = true;
  #chokedBytes = 0;
  #chokedAtMs = 0;
  #reason = '';
  #pings = 0;
  #afterClose = 0;
  #pingWindowMs = 0;

  constructor({ ws, socket, raw, peer, encoding, livenessOf, onFault, onGone }: DeviceSocketOptions) {
    this.#ws = ws;
    this.#socket = socket;
    this.#raw = raw;
    socket.on('drain', () => this.#drained());
    this.#livenessOf = livenessOf;
    this.#onGone = onGone;
    this.peer = peer;
    this.encoding = encoding;
    ws.on('error', (error: Error & { code?: string }) => {
      onFault(error.code ?? 'socket-error');
      const broken = brokenBy(error, ws);
      if (broken === null) return;
      this.#reason ||= broken.code;
      this.#session?.broken(broken);
    });
    ws.on('pong', () => {
      if (this.isPastClose(0)) return;
      this.#session?.control();
      if (this.pingedAtMs > 0) this.roundTripMs = performance.now() - this.pingedAtMs;
    });
    ws.on('ping', () => {
      if (!this.isPastClose(0)) this.#countPing();
    });
    ws.on('close', () => this.#gone());
  }

  start(session: Session): void {
    this.#session = session;
  }

  send(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const frame = this.encoding === 'cbor' ? null : shortTextFrame(text);
    if (frame !== null) this.#socket.write(frame);
    else if (this.encoding === 'cbor') this.#ws.send(encodeCbor(JSON.parse(text)));
    else this.#ws.send(text);
    if (!this.#isChoked && this.#socket.writableLength > CHOKE_BYTES) {
      // a peer that does not take its answers is not read: what it sends costs memory only as far as it reads
      this.#isChoked = true;
      this.#chokedBytes = this.#socket.writableLength;
      this.#chokedAtMs = performance.now();
      this.#readOrNot();
    }
  }
  close(code: number, reason: string, word = 'closed'): void {
    this.#reason ||= word;
    this.#ws.close(code, reason);
    // a paused socket would never read the peer's close frame
    this.#isPaused = this.#isChoked = false;
    this.#readOrNot();
  }
  /** Our close frame is out: nothing counts any more, and a peer that goes on and on is cut. */
  isPastClose(bytes: number): boolean {
    if (this.#ws.readyState === this.#ws.OPEN) return false;
    this.#afterClose += bytes + FRAME_BYTES;
    if (this.#afterClose > AFTER_CLOSE_BYTES) this.#ws.terminate();
    return true;
  }
  /** A message that can't be read as what it should be. */
  refuse(close: number, code: ProblemCode, bytes: number): void {
    this.#session?.broken({ close, code, bytes });
    this.close(close, code, code);
  }
  terminate(): void {
    this.#ws.terminate();
  }
  pause(): void {
    // a closing socket is read to its end
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#isPaused = true;
    this.#readOrNot();
  }
  resume(): void {
    this.#isPaused = false;
    this.#readOrNot();
  }
  #readOrNot(): void {
    const reads = !this.#isPaused && !this.#isChoked;
    if (reads === this.#isReading) return;
    this.#isReading = reads;
    if (reads) this.#ws.resume();
    else this.#ws.pause();
  }
  #drained(): void {
    this.#isChoked = false;
    this.#readOrNot();
  }

  get bytesRead(): number {
    return this.#raw.bytesRead;
  }
  get isWaitingForUs(): boolean {
    return !this.#isReading && !this.#hasStalled();
  }
  /** Choked, and in a minute the socket has taken nothing. */
  #hasStalled(): boolean {
    if (!this.#isChoked) return false;
    const now = performance.now();
    if (this.#socket.writableLength < this.#chokedBytes) {
      this.#chokedBytes = this.#socket.writableLength;
      this.#chokedAtMs = now;
    }
    return now - this.#chokedAtMs > STALL_MS;
  }
  get timing(): { readonly pingSeconds: number; readonly pongSeconds: number } {
    return this.#livenessOf(this.peer.device);
  }
  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }
  cut(): void {
    this.#reason ||= 'ping-timeout';
    this.#ws.terminate();
  }
  get isMidMessage(): boolean {
    return isMidMessage(this.#ws);
  }
  stalled(): void {
    this.close(CLOSE.stalled, 'no byte came in the middle of a message', 'stalled');
  }
  get silentMs(): number {
    return this.bytesRead === this.heardBytes ? performance.now() - this.heardAtMs : 0;
  }

  #countPing(): void {
    const now = performance.now();
    if (now - this.#pingWindowMs > PING_WINDOW_MS) {
      this.#pingWindowMs = now;
      this.#pings = 0;
    }
    if (++this.#pings === PINGS_PER_WINDOW + 1) this.refuse(CLOSE.policy, 'policy-violation', 0);
  }
  #gone(): void {
    this.#onGone(this);
    this.#session?.ended(this.#reason || 'closed');
  }
}
