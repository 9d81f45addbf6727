// A world for the device client without network or time: sockets whose other end is the test, and a clock that the test moves.

import { createDeviceClient, type DeviceClient, type DeviceClientOptions, type ClientState } from '../../gateway/protocol/device-client.ts';
import type { Clock, DeviceSocket, SocketEvents } from '../../gateway/protocol/device-socket.ts';
import type { Reject } from '../../gateway/protocol/messages.ts';
import { type BufferEntry, createMemoryBuffer, type MemoryBufferOptions, type SendBuffer } from '../../gateway/protocol/send-buffer.ts';

export interface ManualClock extends Clock {
  /** Runs every timer that is due on the way, in order. */
  advance(ms: number): void;
  readonly timers: number;
}

export function createManualClock(): ManualClock {
  let nowMs = 1_000;
  let timers: { dueAtMs: number; run: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    after(delayMs, run) {
      const timer = { dueAtMs: nowMs + delayMs, run };
      timers.push(timer);
      return {
        cancel() {
          timers = timers.filter((other) => other !== timer);
        },
      };
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.dueAtMs <= untilMs).sort((a, b) => a.dueAtMs - b.dueAtMs)[0];
        if (!next) break;
        nowMs = Math.max(nowMs, next.dueAtMs);
        timers = timers.filter((timer) => timer !== next);
        next.run();
      }
      nowMs = untilMs;
    },
    get timers() {
      return timers.length;
    },
  };
}

/** One connection, seen from the gateway. */
export interface ScriptedSocket extends DeviceSocket {
  readonly events: SocketEvents;
  /** Everything the client sent, parsed. */
  readonly sent: Record<string, unknown>[];
  readonly texts: string[];
  readonly ended: string[];
  /** Opens it and answers the hello. */
  welcome(acked: number, more?: object): void;
  say(message: object): void;
}

export interface World {
  readonly client: DeviceClient;
  readonly clock: ManualClock;
  readonly buffer: SendBuffer;
  readonly sockets: ScriptedSocket[];
  /** The newest connection. */
  readonly socket: ScriptedSocket;
  readonly states: ClientState[];
  readonly settled: BufferEntry[];
  readonly rejects: Reject[];
  readonly streams: string[];
  /** Moves the clock until the client has connected once more; says how long that took. */
  reconnect(limitMs?: number): number;
}

export const LIMITS = { frameBytes: 65_536, readingsPerFrame: 1_000, unackedFrames: 256 };

export function createWorld(options: Partial<DeviceClientOptions> & { memory?: Partial<MemoryBufferOptions> } = {}): World {
  const clock = createManualClock();
  const buffer = createMemoryBuffer({ stream: 'stream-one', ...options.memory });
  const sockets: ScriptedSocket[] = [];
  const states: ClientState[] = [];
  const settled: BufferEntry[] = [];
  const rejects: Reject[] = [];
  const streams: string[] = [];
  const client = createDeviceClient({
    connect(events) {
      const socket = createScriptedSocket(events, buffer);
      sockets.push(socket);
      return socket;
    },
    buffer,
    clock,
    random: () => 0.5,
    software: 'test 1',
    onState: (state) => states.push(state),
    onSettled: (entry) => settled.push({ ...entry }),
    onReject: (reject) => rejects.push(reject),
    onNewStream: (stream) => streams.push(stream),
    ...options,
  });
  return {
    client,
    clock,
    buffer,
    sockets,
    get socket() {
      return sockets.at(-1)!;
    },
    states,
    settled,
    rejects,
    streams,
    reconnect(limitMs = 2 * 3_600_000) {
      const before = sockets.length;
      const startMs = clock.nowMs();
      while (sockets.length === before) {
        if (clock.nowMs() - startMs > limitMs) throw new Error(`no new connection within ${limitMs} ms; state ${client.state}`);
        clock.advance(10);
      }
      return clock.nowMs() - startMs;
    },
  };
}

export function createScriptedSocket(events: SocketEvents, buffer: Pick<SendBuffer, 'stream'>): ScriptedSocket {
  const sent: Record<string, unknown>[] = [];
  const texts: string[] = [];
  const ended: string[] = [];
  const socket: ScriptedSocket = {
    seesPings: true,
    events,
    sent,
    texts,
    ended,
    send(text) {
      texts.push(text);
      sent.push(JSON.parse(text) as Record<string, unknown>);
    },
    close: (code) => ended.push(`close ${code}`),
    cut: () => ended.push('cut'),
    say: (message) => events.message(JSON.stringify(message)),
    welcome(acked, more = {}) {
      if (sent.length === 0) events.opened();
      const told = { device: 'd', stream: buffer.stream, store: 's', serverTimeMs: 0, limits: LIMITS, pingSeconds: 25, pongSeconds: 10 };
      socket.say({ type: 'welcome', ...told, acked, ...more });
    },
  };
  return socket;
}
