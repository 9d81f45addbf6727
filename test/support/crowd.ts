// Connections that want nothing good: mute ones, half a TLS handshake, headers that never end; and what it costs to have them.

import { readFileSync } from 'node:fs';
import { connect as tcpConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';

export type CrowdKind = 'mute' | 'half-handshake' | 'slow-headers';

export interface Crowd extends Disposable {
  readonly size: number;
  /** How long each connection lasted that has ended by now, in ms. */
  readonly agesMs: readonly number[];
  readonly open: number;
}
export interface CrowdAsk {
  readonly port: number;
  readonly kind: CrowdKind;
  readonly size: number;
  /** On loopback, 127.0.0.x. */
  readonly from?: string;
}

const SLOW_BYTE_MS = 1000;

/** Resolves when all are connected, as TCP sees it. */
export async function gatherCrowd({ port, kind, size, from = '127.0.0.1' }: CrowdAsk): Promise<Crowd> {
  const agesMs: number[] = [];
  const sockets = new Set<Socket>();
  const hello = kind === 'half-handshake' ? await clientHello() : null;
  const member = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const raw = tcpConnect({ host: '127.0.0.1', port, localAddress: from });
      const timers: NodeJS.Timeout[] = [];
      let startedMs = 0;
      raw.on('error', reject); // after the connect nobody listens any more
      raw.on('connect', () => {
        startedMs = performance.now();
        sockets.add(raw);
        if (hello !== null) raw.write(hello);
        if (kind === 'slow-headers') dawdle(raw, timers);
        else raw.resume();
        resolve();
      });
      raw.on('close', () => {
        sockets.delete(raw);
        for (const timer of timers) clearInterval(timer);
        agesMs.push(performance.now() - startedMs);
      });
    });
  await Promise.all(Array.from({ length: size }, member));
  return {
    size,
    agesMs,
    get open() {
      return sockets.size;
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** TLS as it should be, then a header a byte a second. */
function dawdle(raw: Socket, timers: NodeJS.Timeout[]): void {
  const secure = tlsConnect({ socket: raw, rejectUnauthorized: false });
  secure.on('error', () => undefined);
  secure.resume();
  secure.on('secureConnect', () => {
    secure.write('GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    timers.push(setInterval(() => secure.write('x'), SLOW_BYTE_MS));
  });
}

/** The first thing that a TLS client says. */
export async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({
    read() {},
    write(bytes: Buffer, _, done) {
      resolve(bytes);
      done();
    },
  });
  const client = tlsConnect({ socket: wire, rejectUnauthorized: false });
  client.on('error', () => undefined);
  const bytes = await promise;
  client.destroy();
  return bytes;
}

/** Of another process, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
