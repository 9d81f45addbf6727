// One simulated device: the reference client on a `ws` socket, its books, and the time that each of its frames took to be acknowledged.

import { randomUUID } from 'node:crypto';
import { type ClientState, createDeviceClient } from '../gateway/protocol/device-client.ts';
import type { Clock, SocketEvents } from '../gateway/protocol/device-socket.ts';
import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import { createMemoryBuffer } from '../gateway/protocol/send-buffer.ts';
import type { FleetStats } from './fleet-stats.ts';
import type { Manifest } from './manifest.ts';
import { tapConnections } from './manifest-tap.ts';
import { createDeviceBooks, type StreamBook } from './stream-books.ts';
import type { Target } from '../gateway/client/target.ts';
import { openWsSocket } from '../gateway/client/ws-socket.ts';

export const SOFTWARE = 'fieldgate-sim 1';

export interface SimDeviceOptions {
  /** '' when only the gateway's welcome can tell whose token it is. */
  readonly id: string;
  readonly token: string;
  readonly target: Target;
  readonly clock: Clock;
  readonly stats: FleetStats;
  /** What the device keeps for a gateway that does not answer, and for one whose store went back. */
  readonly bufferBytes: number;
  readonly retainBytes: number;
  /** Told of everything that passes on the wire. */
  readonly manifest?: Manifest;
  /** Called after every ack that settled something. */
  readonly onProgress?: () => void;
}

export interface SimDevice {
  /** '' until it is known. */
  readonly id: string;
  readonly isOnline: boolean;
  readonly wasOnline: boolean;
  /** The word for why it will not connect again; '' while it may. */
  readonly stoppedWhy: string;
  readonly unsettled: number;
  start(): void;
  send(records: readonly SenmlRecord[]): void;
  books(): StreamBook[];
  close(): void;
}

export function createSimDevice(options: SimDeviceOptions): SimDevice {
  const { target, token, clock, stats } = options;
  const stream = randomUUID().replaceAll('-', '');
  const buffer = createMemoryBuffer({ stream, capacityBytes: options.bufferBytes, retainBytes: options.retainBytes });
  const books = createDeviceBooks(options.id, stream);
  let id = options.id;
  let isOnline = false;
  let hasBeenOnline = false;
  let stoppedWhy = '';
  /** When each unsettled frame was handed over, in order of seq; entries before `head` are settled. */
  let handedAtMs: number[] = [];
  let head = 0;

  const connect = (events: SocketEvents) => openWsSocket({ target, token, onFault: stats.fault }, events);
  const client = createDeviceClient({
    connect: options.manifest === undefined ? connect : tapConnections(options.manifest, options.id, connect),
    buffer,
    clock,
    random: Math.random,
    software: SOFTWARE,
    onState,
    onSettled(entry) {
      const nowMs = clock.nowMs();
      for (let seq = entry.from; seq <= entry.to; seq++) {
        const atMs = handedAtMs[head++];
        if (entry.body !== null && atMs !== undefined) stats.latency(nowMs - atMs);
      }
      if (head > 64 && head * 2 > handedAtMs.length) {
        handedAtMs = handedAtMs.slice(head);
        head = 0;
      }
      books.settled(entry);
      stats.acked(entry);
      options.onProgress?.();
    },
    onReject(reject) {
      books.rejected(reject);
      stats.rejected(reject);
    },
    onError: (error) => stats.complaint(error.code),
    onNewStream: (next) => books.begin(next),
  });

  function onState(state: ClientState): void {
    const wasOnline = isOnline;
    isOnline = state.state === 'online';
    if (isOnline !== wasOnline) stats.online(isOnline ? 1 : -1);
    switch (state.state) {
      case 'online':
        id = state.welcome.device;
        hasBeenOnline = true;
        stats.connected();
        return;
      case 'waiting':
        stats.ended(state.why);
        return;
      case 'stopped':
        stoppedWhy = state.why;
        if (state.why !== 'closed') stats.ended(state.why);
        return;
      case 'connecting':
        return;
      default:
        state satisfies never;
    }
  }

  return {
    get id() {
      return id;
    },
    get isOnline() {
      return isOnline;
    },
    get wasOnline() {
      return hasBeenOnline;
    },
    get stoppedWhy() {
      return stoppedWhy;
    },
    get unsettled() {
      return client.unsettled;
    },
    start: () => client.start(),
    send(records) {
      const before = buffer.next;
      const atMs = clock.nowMs();
      client.send(records);
      for (let seq = before; seq < buffer.next; seq++) handedAtMs.push(atMs);
      stats.sent(records.length);
    },
    books: () => books.streams.map((book) => ({ ...book, device: id })),
    close: () => client.close(),
  };
}
