// A device's connection over `ws`, in the shape that the device client wants.

import type { SecureContext } from 'node:tls';
import { type ClientOptions, WebSocket } from 'ws';
import type { DeviceSocket, SocketEnd, SocketEvents } from '../protocol/device-socket.ts';
import { SUBPROTOCOL } from '../protocol/messages.ts';
import type { Target } from './target.ts';

export interface WsSocketOptions {
  readonly target: Target;
  readonly token: string;
  /** The connection failed before it was one; the client only hears that it ended. */
  readonly onFault: (error: NodeJS.ErrnoException) => void;
}

export function openWsSocket({ target, token, onFault }: WsSocketOptions, events: SocketEvents): DeviceSocket {
  const options: ClientOptions & { secureContext: SecureContext | undefined; closeTimeout: number } = {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: 1024 * 1024,
    followRedirects: false,
    // A gateway that does not answer a goodbye must not keep the process up.
    closeTimeout: 2_000,
    secureContext: target.secureContext,
    rejectUnauthorized: target.rejectUnauthorized,
  };
  const socket = new WebSocket(`${target.wsUrl}/v1/device`, SUBPROTOCOL.json, options);
  let isOver = false;
  let wasOpen = false;
  const end = (how: SocketEnd) => {
    if (isOver) return;
    isOver = true;
    events.closed(how);
  };
  socket.on('open', () => {
    wasOpen = true;
    events.opened();
  });
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) events.message(data.toString());
  });
  socket.on('ping', () => events.heard());
  socket.on('error', (error) => {
    if (!wasOpen && !isOver) onFault(error);
  });
  socket.on('unexpected-response', (_request, response) => {
    const retryAfterS = Number(response.headers['retry-after'] ?? 0);
    end({ code: 1006, reason: '', status: response.statusCode ?? 0, retryAfterMs: retryAfterS > 0 ? retryAfterS * 1000 : 0 });
    socket.terminate();
  });
  socket.on('close', (code, reason) => end({ code, reason: reason.toString() }));
  return {
    seesPings: true,
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
  };
}
