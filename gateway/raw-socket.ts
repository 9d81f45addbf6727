// The TCP socket beneath a connection, in the two places where Node's public surface ends.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * The socket whose bytes are counted. A TLS socket counts them in whole records: on a slow link a record takes longer than a peer is given
 * to show life, and every byte is life.
 */
export function rawSocketOf(socket: Duplex): Socket {
  // Node keeps the socket that TLS was wrapped around here; without TLS there is none
  return (socket as Duplex & { _parent?: Socket | null })._parent ?? (socket as Socket);
}

interface Handle {
  reading: boolean;
  readStart(): void;
  readStop(): void;
}
function handleOf(socket: Socket): Handle | null {
  return (socket as Socket & { _handle?: Handle | null })._handle ?? null;
}

/** `pause` alone lets the handle read on, up to 64 KiB, into our memory. */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = handleOf(socket);
  if (handle === null) return;
  handle.reading = false;
  handle.readStop();
}

/** `resume` alone trusts that a handle which was started once still reads. */
export function startReading(socket: Socket): void {
  socket.resume();
  const handle = handleOf(socket);
  if (handle === null || handle.reading) return;
  handle.reading = true;
  handle.readStart();
}
