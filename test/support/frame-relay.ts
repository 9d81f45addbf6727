// Stands between a client and the gateway, as a server of its own with a certificate of its own: passes every byte on, notes each Close
// frame and how long TCP lived after the first, and cuts connections when a test asks for it.

import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { issueCertificate } from '../../gateway/certificate-issue.ts';
import { DAY_MS, newTestKey, pemOfKey } from './test-certificates.ts';

export interface RelayedConnection {
  readonly closes: { readonly by: 'client' | 'gateway'; readonly code: number; readonly atMs: number }[];
  /** `performance.now()` when both sides were gone; null while one is there. */
  goneAtMs: number | null;
  wasCut: boolean;
}
export interface FrameRelay extends AsyncDisposable {
  readonly port: number;
  /** The authority that signed the relay's certificate for localhost. */
  readonly caPem: string;
  readonly connections: readonly RelayedConnection[];
  /** Ends what is open without a word. */
  cut(): void;
}

export async function startFrameRelay(gateway: { readonly port: number; readonly caPem: string }): Promise<FrameRelay> {
  const { caPem, key, cert } = await makeCertificate();
  const connections: RelayedConnection[] = [];
  const open = new Map<TLSSocket, RelayedConnection>();
  // half-open, so that each side has to end its own half
  const halfOpen = { allowHalfOpen: true };
  const server = createServer({ key, cert, ...halfOpen }, (client) => {
    const connection: RelayedConnection = { closes: [], goneAtMs: null, wasCut: false };
    connections.push(connection);
    const onward = connect({ host: '127.0.0.1', port: gateway.port, ca: gateway.caPem, servername: 'localhost', ...halfOpen });
    let left = 2;
    const pass = (from: TLSSocket, to: TLSSocket, by: 'client' | 'gateway'): void => {
      const look = createCloseFinder((code) => connection.closes.push({ by, code, atMs: performance.now() }));
      open.set(from, connection);
      from.on('data', (data: Buffer) => {
        look(data);
        to.write(data);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        if (from.errored || connection.wasCut) to.destroy();
        if (--left === 0) connection.goneAtMs = performance.now();
      });
    };
    pass(client, onward, 'client');
    pass(onward, client, 'gateway');
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (): void => {
    for (const [socket, connection] of open) {
      connection.wasCut = true;
      socket.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    caPem,
    connections,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function makeCertificate(): Promise<{ readonly caPem: string; readonly key: string; readonly cert: string }> {
  const [authority, key] = [newTestKey(), newTestKey()];
  const issuerName = 'relay authority';
  const order = { issuerName, issuerKey: authority, notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + 9 * DAY_MS };
  return {
    caPem: await issueCertificate({ ...order, commonName: issuerName, key: authority, names: null }),
    cert: await issueCertificate({ ...order, commonName: 'localhost', key, names: ['localhost', '127.0.0.1'] }),
    key: pemOfKey(key),
  };
}

/** Reads one direction of a WebSocket connection, the head of HTTP first, and tells the code of each Close frame; 1005 when it has none. */
function createCloseFinder(found: (code: number) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isHead = true;
  let isOther = false;
  return (data) => {
    if (isOther) return;
    rest = Buffer.concat([rest, data]);
    if (isHead) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isHead = false;
      // no WebSocket: a request by another method, or an answer to one
      isOther = !/^(GET |HTTP\/1\.1 101)/.test(rest.toString('latin1', 0, 12));
      if (isOther) return;
      rest = rest.subarray(end + 4);
    }
    for (;;) {
      const frame = firstFrame(rest);
      if (frame === null) return;
      rest = rest.subarray(frame.bytes);
      if (frame.opcode === 8) found(frame.payload.length >= 2 ? frame.payload.readUInt16BE() : 1005);
    }
  };
}

function firstFrame(data: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly bytes: number } | null {
  if (data.length < 2) return null;
  const short = data[1]! & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = data[1]! >= 0x80;
  const head = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (data.length < head) return null;
  const length = lengthBytes === 2 ? data.readUInt16BE(2) : lengthBytes === 8 ? Number(data.readBigUInt64BE(2)) : short;
  if (data.length < head + length) return null;
  const payload = Buffer.from(data.subarray(head, head + length));
  if (isMasked) for (let i = 0; i < length; i++) payload[i]! ^= data[head - 4 + (i & 3)]!;
  return { opcode: data[0]! & 0x0f, payload, bytes: head + length };
}
