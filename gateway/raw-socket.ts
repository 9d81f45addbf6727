// The TCP socket beneath a connection. A TLS socket counts bytes in whole records: on a slow link a record takes longer than a peer is
// given to show life, and every byte is life.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export function rawSocketOf(socket: Duplex): Socket {
  // Node keeps the socket that TLS was wrapped around here; without TLS there is none
  return (socket as Duplex & { _parent?: Socket | null })._parent ?? (socket as Socket);
}
