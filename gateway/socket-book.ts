// Which connections of the listening port are doing what, so that closing it lets some end and cuts the others.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface SocketBook {
  /** A TCP connection whose TLS handshake is under way; its TLS socket will be another object. */
  handshaking(socket: Socket): void;
  /** A connection that can carry requests. */
  ready(socket: Socket): void;
  busy(socket: Socket, response: ServerResponse): void;
  upgraded(socket: Duplex): void;
  /** A response has begun on it: nothing else may be written. */
  hasAnswered(socket: Duplex): boolean;
  /** Cuts what does nothing, and each other connection when its response has ended. Upgraded ones are their owners'. */
  drain(): void;
  /** Cuts everything. */
  cut(): void;
}

/** Connections kept open after a response, for a next request that may never come. Browsers and scripts open another when theirs is gone. */
const MOST_RESTING = 256;

export function createSocketBook(): SocketBook {
  /** By peer, which is all that a TCP socket and its TLS socket have in common. */
  const handshakes = new Map<string, Socket>();
  /** Without a request yet, and after a response, the longest first. */
  const idle = new Set<Duplex>();
  const resting = new Set<Duplex>();
  const answering = new Map<Duplex, ServerResponse>();
  const upgraded = new Set<Duplex>();
  let isDraining = false;

  function rest(socket: Duplex): void {
    resting.add(socket);
    if (resting.size <= MOST_RESTING) return;
    const [longest] = resting;
    longest?.destroy();
  }

  return {
    handshaking(socket) {
      const peer = peerName(socket);
      handshakes.set(peer, socket);
      socket.once('close', () => {
        if (handshakes.get(peer) === socket) handshakes.delete(peer);
      });
    },
    ready(socket) {
      handshakes.delete(peerName(socket));
      if (isDraining) {
        socket.destroy();
        return;
      }
      idle.add(socket);
      socket.once('close', () => {
        idle.delete(socket);
        resting.delete(socket);
        answering.delete(socket);
        upgraded.delete(socket);
      });
    },
    busy(socket, response) {
      idle.delete(socket);
      resting.delete(socket);
      answering.set(socket, response);
      response.once('close', () => {
        if (answering.get(socket) !== response) return;
        answering.delete(socket);
        if (isDraining) socket.destroySoon();
        else if (!socket.destroyed) rest(socket);
      });
    },
    upgraded(socket) {
      idle.delete(socket);
      resting.delete(socket);
      upgraded.add(socket);
    },
    hasAnswered: (socket) => answering.get(socket)?.headersSent === true,
    drain() {
      isDraining = true;
      for (const socket of [...idle, ...resting, ...handshakes.values()]) socket.destroy();
    },
    cut() {
      for (const socket of [...idle, ...resting, ...handshakes.values(), ...answering.keys(), ...upgraded]) socket.destroy();
    },
  };
}

function peerName({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`;
}
