// A WebSocket for tests that is read by `await socket.next()`: messages, then the close, in the order they came.

import { WebSocket } from 'ws';
import { readCbor } from '../../gateway/ingest/cbor-frame.ts';
import { type CborValue, encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { SUBPROTOCOL } from '../../gateway/protocol/messages.ts';

export interface TestSocketOptions {
  readonly headers?: Record<string, string>;
  readonly subprotocols?: readonly string[];
  /** False: pings are not answered. */
  readonly autoPong?: boolean;
}
export interface TestSocket extends AsyncDisposable {
  readonly ws: WebSocket;
  /** Objects are sent as JSON, or as CBOR where that is spoken; bytes and texts as they are. */
  send(message: string | object): void;
  /** The next message; rejects when the socket closes first or nothing comes for long. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it waits for
  next(): Promise<any>;
  /** Messages up to and with the first that `wanted` accepts. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it waits for
  until(wanted: (message: any) => boolean): Promise<any>;
  closed(): Promise<{ code: number; reason: string }>;
  /** hello, then the welcome. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it waits for
  hello(stream: string, place?: { oldest?: number; next?: number; acked?: number }): Promise<any>;
}
export interface SocketTarget extends TestSocketOptions {
  readonly port: number;
  readonly caPem: string;
  readonly path: string;
}

const PATIENCE_MS = 20_000;

/** Resolves once open; rejects with `status` and `body` on a refused upgrade. */
export async function connectSocket({
  port,
  caPem,
  path,
  headers = {},
  subprotocols = [],
  autoPong = true,
}: SocketTarget): Promise<TestSocket> {
  const scheme = caPem === '' ? 'ws' : 'wss';
  const ws = new WebSocket(`${scheme}://localhost:${port}${path}`, [...subprotocols], {
    headers,
    ca: caPem,
    perMessageDeflate: false,
    autoPong,
  });
  const messages: unknown[] = [];
  let closing: { code: number; reason: string } | null = null;
  let wake: (() => void) | null = null;
  const stir = (): void => {
    wake?.();
    wake = null;
  };
  ws.on('message', (data, isBinary) => {
    messages.push(isBinary ? fromCbor(data as Buffer) : JSON.parse(data.toString()));
    stir();
  });
  ws.on('close', (code, reason) => {
    closing = { code, reason: reason.toString() };
    stir();
  });
  await new Promise<void>((resolve, reject) => {
    ws.on('open', resolve);
    ws.on('error', (error) => reject(error));
    ws.on('unexpected-response', (_, response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const body = Buffer.concat(parts).toString();
        reject(
          Object.assign(new Error(`refused with ${response.statusCode}: ${body}`), {
            status: response.statusCode,
            headers: response.headers,
            body,
          }),
        );
      });
    });
  });

  async function stirred(what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      wake = resolve;
      timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms for ${what}`)), PATIENCE_MS);
    }).finally(() => clearTimeout(timer));
  }
  const next = async (): Promise<unknown> => {
    while (messages.length === 0) {
      if (closing !== null) throw new Error(`closed ${closing.code} ${closing.reason} instead of a message`);
      await stirred('a message');
    }
    return messages.shift();
  };
  const until = async (wanted: (message: never) => boolean): Promise<unknown> => {
    for (;;) {
      const message = await next();
      if (wanted(message as never)) return message;
    }
  };
  const isCbor = ws.protocol === SUBPROTOCOL.cbor;
  const send = (message: string | object): void => {
    if (message instanceof Uint8Array || typeof message === 'string') ws.send(message);
    else ws.send(isCbor ? encodeCbor(message as CborValue) : JSON.stringify(message));
  };
  return {
    ws,
    send,
    next,
    until,
    async closed() {
      while (closing === null) await stirred('the close');
      return closing;
    },
    hello(stream, { oldest = 1, next: following = oldest, acked } = {}) {
      send({ type: 'hello', stream, oldest, next: following, acked });
      return until((message: { type: string }) => message.type === 'welcome');
    },
    async [Symbol.asyncDispose]() {
      if (closing !== null) return;
      ws.terminate();
      while (closing === null) await stirred('the end');
    },
  };
}

function fromCbor(bytes: Buffer): unknown {
  const frame = readCbor(bytes, { depth: 16, keysPerObject: 64 });
  if ('unreadable' in frame) throw new Error(`the gateway sent CBOR that can't be read: ${frame.unreadable}`);
  return 'pack' in frame ? frame.pack : frame.message;
}
