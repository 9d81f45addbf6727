// Floods, one a row: what one socket of a flood does as fast as it is let, until it is told to end. A socket that the gateway closes
// comes again.

import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { clientFrame, connectRawDevice, OPCODE, type RawDevice } from './raw-device.ts';

export interface FloodTarget {
  readonly port: number;
  readonly caPem: string;
  /** Of a device that only this socket uses. */
  readonly token: string;
  /** Of a viewer. */
  readonly key: string;
}
export interface Flood {
  /** The row's id and what is sent. */
  readonly row: string;
  /** Resolves when the connection has ended or `signal` says so. */
  run(target: FloodTarget, signal: AbortSignal): Promise<void>;
}

const text = (value: unknown): Buffer => clientFrame(typeof value === 'string' ? value : JSON.stringify(value));
const HELLO = text({ type: 'hello', stream: 'stream-00001', oldest: 1, next: 1 });
/** Bytes written at once, at most: the socket says when it takes more. */
const CHUNK_BYTES = 32 * 1024;

/** Writes the same bytes for as long as the connection lasts, and reads what comes. */
function pouring(row: string, bytes: Buffer, ask: { subprotocol?: string; path?: string; isLive?: boolean; isDeaf?: boolean } = {}): Flood {
  const chunk = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(CHUNK_BYTES / bytes.length)) }, () => bytes));
  return {
    row,
    async run({ port, caPem, token, key }, signal) {
      const socket = await open({ port, caPem, token: ask.isLive === true ? key : token, path: ask.path, subprotocol: ask.subprotocol });
      if (socket === null) return;
      await using device = socket;
      if (ask.isDeaf === true) device.socket.pause();
      await pour(device, chunk, signal);
    },
  };
}
async function open(options: Parameters<typeof connectRawDevice>[0]): Promise<RawDevice | null> {
  try {
    return await connectRawDevice(options);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return null; // refused, which is an answer too
  }
}
async function pour({ socket }: RawDevice, chunk: Buffer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !socket.destroyed && socket.writable) {
    const hasRoom = socket.write(chunk);
    await new Promise<void>((resolve) => {
      if (hasRoom) return void setImmediate(resolve);
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
      signal.addEventListener('abort', done);
    });
  }
}

/** Bytes on a bare TCP connection, then nothing more. */
function stranger(row: string, isTls: boolean, bytes: Buffer | string): Flood {
  return {
    row,
    run: ({ port, caPem }, signal) =>
      new Promise((resolve) => {
        const socket = isTls
          ? tlsConnect({ host: '127.0.0.1', port, ca: caPem, servername: 'localhost' })
          : tcpConnect({ host: '127.0.0.1', port });
        const end = (): void => void socket.destroy();
        signal.addEventListener('abort', end);
        socket.on(isTls ? 'secureConnect' : 'connect', () => socket.write(bytes));
        socket.on('error', () => undefined);
        socket.on('data', () => undefined);
        socket.on('close', () => {
          signal.removeEventListener('abort', end);
          resolve();
        });
        if (signal.aborted) end();
      }),
  };
}

const upgradeWith = (authorization: string): string =>
  `GET /v1/device HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: ${authorization}\r\n\r\n`;
const record = (i: number): object => ({ n: `m${i}`, v: i });

export const FLOODS: readonly Flood[] = [
  stranger('H1 plain text to the TLS port', false, 'GET / HTTP/1.1\r\n\r\n'),
  stranger('H5 connections that send nothing', false, ''),
  stranger('H6 headers that do not end', true, 'GET / HTTP/1.1\r\nHost: x\r\nX-A: '),
  stranger('H7 headers beyond the limit', true, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(16_000)}\r\n\r\n`),
  stranger('H33 upgrades with a wrong token', true, upgradeWith(`Bearer fgd_${'x'.repeat(43)}`)),
  pouring('F2 reserved bits', clientFrame('x', { rsv: 4 })),
  pouring('F8 lengths of 2^62', clientFrame('', { length: 2n ** 62n })),
  pouring('F9 messages beyond the limit', clientFrame(' '.repeat(70_000))),
  pouring('F10 empty continuations', clientFrame('', { fin: false, opcode: OPCODE.continuation })),
  pouring('F13 pings', clientFrame('ping', { opcode: OPCODE.ping })),
  pouring('F14 pongs that nobody asked for', clientFrame('', { opcode: OPCODE.pong })),
  pouring('F19 empty messages', clientFrame('')),
  pouring('F20 readings, and answers that are never read', text([record(1)]), { isDeaf: true }),
  pouring('F21 packs far beyond the rate', text([record(1)])),
  pouring('F21 packs of 1,000 readings', text(Array.from({ length: 1000 }, (_, i) => record(i % 16)))),
  pouring('J1 broken JSON', text('[{"n":"a","v":1')),
  pouring('J3 10,000 levels', text('['.repeat(10_000))),
  pouring('J4 10,000 keys', text(`[{${Array.from({ length: 6000 }, (_, i) => `"${i}":1`).join(',')}}]`)),
  pouring('J5 forbidden keys', text('[{"n":"a","v":1,"__proto__":{}}]')),
  pouring('J16 unknown types', text({ type: 'nothing' })),
  pouring('J19 CBOR of 60,000 levels', clientFrame(Buffer.alloc(60_000, 0x81), { opcode: OPCODE.binary }), {
    subprotocol: 'fieldgate.v1.cbor',
  }),
  pouring('J20 CBOR arrays of 2^32', clientFrame(Buffer.from([0x9a, 0xff, 0xff, 0xff, 0xff]), { opcode: OPCODE.binary }), {
    subprotocol: 'fieldgate.v1.cbor',
  }),
  pouring('J24 CBOR not-a-numbers', clientFrame(encodeCbor([{ n: 'a', v: Number.NaN }]), { opcode: OPCODE.binary }), {
    subprotocol: 'fieldgate.v1.cbor',
  }),
  pouring('S1 frames of 1,000 bad records', text(Array.from({ length: 1000 }, () => ({ n: 'x' })))),
  pouring('Q1 hello again and again', HELLO),
  pouring('Q8 gaps', text({ type: 'gap', from: 1, to: 10 ** 9, reason: 'x' })),
  pouring('D7 subscriptions, and snapshots that are never read', text({ type: 'subscribe', id: 'a' }), {
    path: '/v1/live',
    subprotocol: 'fieldgate.live.v1',
    isLive: true,
    isDeaf: true,
  }),
  pouring('D11 subscribe as fast as it goes', text({ type: 'subscribe', id: 'a', devices: ['none'] }), {
    path: '/v1/live',
    subprotocol: 'fieldgate.live.v1',
    isLive: true,
  }),
];
