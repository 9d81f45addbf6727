// A gateway of a hundred lines for the simulator's own tests: enough of the wire and of REST, and able to lie on purpose.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SenmlRecord } from '../../gateway/protocol/messages.ts';
import type { AccountingRow } from '../../gateway/protocol/rest.ts';

export interface FakeGatewayOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Changes the books before they are told. */
  readonly forge?: (row: AccountingRow) => AccountingRow;
  /** Says what to do with a frame: `close` hangs up instead of reading it, `ignore` never acks it. */
  readonly onFrame?: (device: string, seq: number) => 'take' | 'close' | 'refuse' | 'ignore';
  readonly limits?: { readonly frameBytes: number; readonly readingsPerFrame: number; readonly unackedFrames: number };
}

export interface FakeGateway extends AsyncDisposable {
  readonly port: number;
  readonly enrolled: string[];
  readonly hellos: Record<string, unknown>[];
  /** All stored records of a device, in order. */
  records(device: string): SenmlRecord[];
}

/** Credentials: `enrol-key`, `api-key`, and `token-<device>` for each device. */
export async function startFakeGateway(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
  const { forge = (row) => row, onFrame = () => 'take' } = options;
  const limits = options.limits ?? { frameBytes: 65_536, readingsPerFrame: 1_000, unackedFrames: 256 };
  const enrolled: string[] = [];
  const hellos: Record<string, unknown>[] = [];
  const stored = new Map<string, SenmlRecord[]>();
  const rows = new Map<string, { -readonly [K in keyof AccountingRow]: AccountingRow[K] }>();

  const server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const credential = request.headers.authorization?.replace('Bearer ', '');
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      if (url.pathname === '/v1/info') answer(200, { name: 'fieldgate' });
      else if (url.pathname === '/v1/enrol' && credential === 'enrol-key') {
        const { device } = JSON.parse(text) as { device: string };
        if (enrolled.includes(device)) return answer(409, { code: 'exists', title: 'It exists already.' });
        enrolled.push(device);
        answer(201, { token: `token-${device}` });
      } else if (url.pathname === '/v1/accounting' && credential === 'api-key') {
        const device = url.searchParams.get('device');
        const items = [...rows.values()].filter((row) => device === null || row.device === device).map(forge);
        answer(200, { items, next: null });
      } else answer(401, { code: 'unauthorized', title: 'A valid credential is needed.' });
    });
  });

  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'fieldgate.v1' });
  server.on('upgrade', (request, socket, head) => {
    const device = /^Bearer token-(.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (device === undefined) socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    else sockets.handleUpgrade(request, socket, head, (ws) => serve(ws, device));
  });

  function serve(ws: WebSocket, device: string): void {
    let row: ReturnType<typeof openRow> | undefined;
    ws.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        type: string;
        stream: string;
        seq: number;
        from: number;
        to: number;
        readings: SenmlRecord[];
      };
      if (message.type === 'hello') {
        hellos.push({ ...message, device });
        row = openRow(device, message.stream);
        const told = { device, stream: message.stream, store: 'fake', serverTimeMs: Date.now(), limits, pingSeconds: 25, pongSeconds: 10 };
        ws.send(JSON.stringify({ type: 'welcome', ...told, acked: row.acked }));
        return;
      }
      if (!row || ws.readyState !== ws.OPEN) return;
      if (message.type === 'gap') {
        row.gaps += message.to - message.from + 1;
        row.acked = row.settled = message.to;
      } else if (message.seq !== row.acked + 1) {
        ws.close(4409, 'seq-gap');
        return;
      } else {
        const fate = onFrame(device, message.seq);
        if (fate === 'close') return ws.terminate();
        if (fate === 'ignore') return;
        row.acked = row.settled = message.seq;
        if (fate === 'refuse') {
          row.quarantined++;
          row.refused++;
          ws.send(JSON.stringify({ type: 'reject', seq: message.seq, errors: [{ code: 'too-many-readings', message: 'x' }] }));
        } else {
          row.stored++;
          row.readings += message.readings.length;
          const all = stored.get(device) ?? [];
          all.push(...message.readings);
          stored.set(device, all);
        }
      }
      ws.send(JSON.stringify({ type: 'ack', seq: row.acked }));
    });
    ws.on('error', () => {});
  }

  function openRow(device: string, stream: string) {
    const key = `${device} ${stream}`;
    const known = rows.get(key);
    if (known) return known;
    const frames = { acked: 0, settled: 0, stored: 0, quarantined: 0, gaps: 0, unexplained: 0 };
    const row = { device, stream, ...frames, readings: 0, refused: 0, expired: 0, evicted: 0, discarded: 0 };
    rows.set(key, row);
    return row;
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    enrolled,
    hellos,
    records: (device) => stored.get(device) ?? [],
    async [Symbol.asyncDispose]() {
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
