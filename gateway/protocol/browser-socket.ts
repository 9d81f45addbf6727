// A device's connection by the WebSocket that browsers have, in the shape that the device client wants. It can set no header, so the token
// travels as a subprotocol; it sees neither pings nor the status of a refusal.

import type { DeviceSocket, SocketEnd, SocketEvents } from './device-socket.ts';
import { SUBPROTOCOL } from './messages.ts';

export interface BrowserSocketOptions {
  /** `wss://host:port`, without a path. */
  readonly url: string;
  readonly token: string;
}

export function openBrowserSocket({ url, token }: BrowserSocketOptions, events: SocketEvents): DeviceSocket {
  const socket = new WebSocket(`${url}/v1/device`, [SUBPROTOCOL.json, bearerSubprotocol(token)]);
  let isOver = false;
  const end = (how: SocketEnd): void => {
    if (isOver) return;
    isOver = true;
    events.closed(how);
  };
  socket.addEventListener('open', () => events.opened());
  socket.addEventListener('message', ({ data }: { data: unknown }) => {
    if (typeof data === 'string') events.message(data);
  });
  socket.addEventListener('close', ({ code, reason }) => end({ code, reason }));
  return {
    seesPings: false,
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
    cut() {
      // A page cannot end a connection without the handshake; it can stop waiting for it.
      socket.close();
      end({ code: 1006, reason: '' });
    },
  };
}

/** What a browser offers beside a real subprotocol: the gateway reads it, and answers with the other. */
export function bearerSubprotocol(secret: string): string {
  return `bearer.${btoa(secret).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}
