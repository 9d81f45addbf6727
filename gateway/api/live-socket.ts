// The live socket: parses what a subscriber says, tells the feed, and ends when the credential behind it does.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Principal } from '../identity/identity.ts';
import type { Observe } from '../observe.ts';
import { CLOSE, SUBPROTOCOL } from '../protocol/messages.ts';
import type { LiveFeed } from '../relay/live-feed.ts';
import { createLiveIntake } from './live-intake.ts';
import type { LiveSeats } from './live-seats.ts';
import type { Sink } from '../relay/outbox.ts';
import type { Liveness, Watched } from '../transports/transport.ts';

export interface LiveSocketLimits {
  readonly liveFrameBytes: number;
  readonly liveMessagesPerSecond: number;
  readonly fragments: number;
  readonly bufferedChunks: number;
  readonly pendingPongs: number;
}
export interface LiveSocketOptions {
  readonly feed: LiveFeed;
  readonly seats: LiveSeats;
  readonly limits: LiveSocketLimits;
  readonly liveness: Liveness;
  /** A frame's head or a fragment has come, and the rest has not. */
  readonly isMidMessage: (ws: WebSocket) => boolean;
  /** Seconds between pings and to wait after one. */
  readonly timing: { readonly pingSeconds: number; readonly pongSeconds: number };
  readonly observe: Observe;
}
export interface LiveUpgrade {
  readonly principal: Principal;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** The TCP socket beneath, whose byte counts are exact. */
  readonly raw: Socket;
  readonly head: Buffer;
}
export interface LiveSocket {
  accept(upgrade: LiveUpgrade): void;
  /** After the seats were closed, with all sockets. */
  close(): void;
}

const CLOSE_TIMEOUT_MS = 2_000;

export function createLiveSocket(options: LiveSocketOptions): LiveSocket {
  const { feed, seats, limits, liveness, isMidMessage, timing, observe } = options;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.liveFrameBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.bufferedChunks,
    maxPendingAutoPongs: limits.pendingPongs,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL.live) ? SUBPROTOCOL.live : false),
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  const refused = observe.counterBy('fieldgate_live_refusals_total', 'Live sockets that were closed, by reason.', 'reason');

  function accept({ principal, request, socket, raw, head }: LiveUpgrade): void {
    server.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => refused.add('protocol-error'));
      if (seats.outlook(principal) === 'too-many-sockets') {
        refused.add('too-many-sockets');
        ws.close(CLOSE.tooManySockets, 'too many sockets of this session');
        return;
      }
      const sink: Sink = {
        send(text, taken) {
          if (ws.readyState === ws.OPEN) ws.send(text, taken);
        },
        pause: () => intake.block(),
        resume: () => intake.unblock(),
        close(code, reason) {
          intake.close();
          ws.resume();
          ws.close(code, reason);
        },
        terminate: () => ws.terminate(),
      };
      const intake = createLiveIntake({
        perSecond: limits.liveMessagesPerSecond,
        steadyMs: () => performance.now(),
        take(message) {
          if (subscriber.message(parse(message))) return;
          refused.add('readings');
          sink.close(CLOSE.forbidden, 'devices send their readings to /v1/device');
        },
        pause: () => ws.pause(),
        resume: () => ws.resume(),
      });
      const subscriber = feed.open(sink);
      const leave = seats.take({ principal, tell: (text) => subscriber.tell(text), close: sink.close, terminate: sink.terminate });
      const watched: Watched = {
        nextAtMs: 0,
        pingedAtMs: 0,
        bytesSeen: 0,
        // what it takes is life as much as what it says: the ping may wait behind a long outbox
        get bytesRead() {
          return raw.bytesRead + subscriber.taken;
        },
        heardAtMs: 0,
        heardBytes: 0,
        quietSinceMs: 0,
        get isMidMessage() {
          return isMidMessage(ws);
        },
        isWaitingForUs: false,
        timing,
        ping: () => ws.ping(),
        cut: () => ws.terminate(),
        stalled: () => sink.close(CLOSE.stalled, 'no byte came in the middle of a message'),
      };
      liveness.watch(watched);
      ws.on('message', (data: RawData, isBinary) => {
        if (isBinary) sink.close(CLOSE.unsupportedData, 'the live socket speaks JSON in text frames');
        else intake.push(data as Buffer);
      });
      ws.on('close', () => {
        liveness.unwatch(watched);
        leave();
        intake.close();
        subscriber.close();
      });
    });
  }

  return { accept, close: () => server.close() };
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return null;
  }
}
