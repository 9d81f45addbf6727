// Refusals written by hand to a socket that no HTTP response stands before: failed upgrades, and requests that the parser gave up.

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { SAFE_HEADERS } from './api/safe-headers.ts';
import { problemDocument, type ProblemCode } from './protocol/problems.ts';

export interface RawRefusal {
  readonly code: ProblemCode;
  /** Where the one of the table does not fit. */
  readonly status?: number;
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The peer gets this long to read the answer and close; then it is cut. Closing at once would reset what it has not read yet. */
const LINGER_MS = 1000;

export function refuseSocket(socket: Duplex, { code, status, detail, headers = {} }: RawRefusal): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const document = problemDocument(code, detail);
  const body = JSON.stringify(document);
  const number = status ?? document.status;
  const lines = Object.entries({
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...SAFE_HEADERS,
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cut));
  socket.resume(); // what still comes is thrown away
  socket.end(`HTTP/1.1 ${number} ${STATUS_CODES[number] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`);
}
