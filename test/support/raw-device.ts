// A device socket of bare bytes over TLS, for what a WebSocket library would never send. Frames of the gateway come back one by one.

import { randomBytes } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}
export interface RawDevice extends AsyncDisposable {
  readonly socket: TLSSocket;
  write(bytes: Uint8Array): void;
  /** The next frame; null once the gateway has ended the connection. */
  next(): Promise<RawFrame | null>;
  /** Reads to the end; the code of the gateway's close frame, or 1006 when it was cut without one. */
  closeCode(): Promise<number>;
}
export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
  /** Said in the head instead of the payload's own length. */
  readonly length?: bigint;
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame of a client (RFC 6455 §5.2), masked with zeros. */
export function clientFrame(payload: Uint8Array | string, options: FrameOptions = {}): Buffer {
  const { opcode = OPCODE.text, fin = true, rsv = 0, masked = true } = options;
  const bytes = Buffer.from(payload as string);
  const length = options.length ?? BigInt(bytes.length);
  const head = Buffer.alloc(10);
  head[0] = (fin ? 0x80 : 0) + (rsv << 4) + opcode;
  const mask = masked ? 0x80 : 0;
  let size = 2;
  if (length < 126n) head[1] = mask + Number(length);
  else if (length < 65_536n) {
    head[1] = mask + 126;
    head.writeUInt16BE(Number(length), 2);
    size = 4;
  } else {
    head[1] = mask + 127;
    head.writeBigUInt64BE(length, 2);
    size = 10;
  }
  return Buffer.concat([head.subarray(0, size), masked ? Buffer.alloc(4) : Buffer.alloc(0), bytes]);
}

export interface RawDeviceOptions {
  readonly port: number;
  readonly caPem: string;
  readonly token: string;
  readonly path?: string;
  readonly subprotocol?: string;
}

/** Upgraded and ready for frames. */
export async function connectRawDevice(options: RawDeviceOptions): Promise<RawDevice> {
  const { port, caPem, token, path = '/v1/device', subprotocol = 'fieldgate.v1' } = options;
  const socket = connect({ host: '127.0.0.1', port, ca: caPem, servername: 'localhost' });
  let bytes = Buffer.alloc(0);
  let isOver = false;
  let wake: (() => void) | null = null;
  const stir = (): void => {
    wake?.();
    wake = null;
  };
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    stir();
  });
  socket.on('close', () => {
    isOver = true;
    stir();
  });
  socket.on('error', () => undefined);
  const stirred = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const takeHead = async (): Promise<string> => {
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = bytes.subarray(0, end).toString();
        bytes = bytes.subarray(end + 4);
        return head;
      }
      if (isOver) throw new Error('the connection ended before it was upgraded');
      await stirred();
    }
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      `Sec-WebSocket-Protocol: ${subprotocol}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  const head = await takeHead();
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(head);

  function take(): RawFrame | null {
    if (bytes.length < 2) return null;
    let at = 2;
    let length = bytes[1] & 0x7f;
    if (length === 126) {
      if (bytes.length < 4) return null;
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return null;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    if (bytes.length < at + length) return null;
    const frame = { opcode: bytes[0] & 0x0f, payload: Buffer.from(bytes.subarray(at, at + length)) };
    bytes = bytes.subarray(at + length);
    return frame;
  }
  const next = async (): Promise<RawFrame | null> => {
    for (;;) {
      const frame = take();
      if (frame !== null || isOver) return frame;
      await stirred();
    }
  };
  return {
    socket,
    write: (data) => void socket.write(data),
    next,
    async closeCode() {
      let code = 1006;
      for (let frame = await next(); frame !== null; frame = await next()) {
        if (frame.opcode === OPCODE.close) code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
      }
      return code;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      while (!isOver) await stirred();
    },
  };
}
