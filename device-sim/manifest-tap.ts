// Listens in on a device's connection for the manifest: what goes out is noted before it goes, what comes in when it comes. It believes
// the wire alone, not what the client makes of it.

import type { DeviceSocket, SocketEvents } from '../gateway/protocol/device-socket.ts';
import type { RecordFault } from '../gateway/protocol/messages.ts';
import type { Happening } from './happening.ts';
import type { Manifest } from './manifest.ts';

export interface ManifestTap {
  /** Notes what is about to be sent; hand it to the socket in `manifest.afterWrite`, or after `manifest.flush`. */
  sent(text: string): void;
  heard(text: string): void;
  /** The connection is over: what was not answered will not be. */
  ended(): void;
}

type Connect = (events: SocketEvents) => DeviceSocket;

/** How the reference client, and most others, write a frame. */
const FRAME = /^\{"type":"readings","seq":(\d{1,16}),"readings":/;
const PACK_STREAM = '~ws';

/** `device` '' when only the welcome will tell whose token it is. */
export function createManifestTap(manifest: Manifest, device: string): ManifestTap {
  let id = device;
  let stream = '';
  let early: (readonly [stream: string, happening: Happening])[] = [];
  /** What the gateway answers in turn: packs by their number, and 0 for whatever gets an error. */
  let asked: number[] = [];

  function note(on: string, happening: Happening): void {
    if (id === '') early.push([on, happening]);
    else if (on !== '') manifest.note(id, on, happening);
  }
  function becomes(name: string): void {
    id = name;
    for (const [on, happening] of early) note(on, happening);
    early = [];
  }

  return {
    sent(text) {
      const frame = FRAME.exec(text);
      if (frame !== null && text.endsWith('}')) {
        note(stream, { type: 'frame', seq: Number(frame[1]), body: text.slice(frame[0].length, -1) });
        return;
      }
      const message = parse(text);
      if (Array.isArray(message)) {
        const order = manifest.numberPack();
        asked.push(order);
        note(PACK_STREAM, { type: 'pack', order, body: text });
        return;
      }
      const { type, seq, readings, from, to, reason, oldest, next, acked } = message ?? {};
      if (type === 'hello') {
        stream = String(message!['stream']);
        note(stream, { type, oldest: Number(oldest), next: Number(next), acked: Number(acked ?? 0) });
      } else if (type === 'readings') note(stream, { type: 'frame', seq: Number(seq), body: JSON.stringify(readings) });
      else if (type === 'gap') note(stream, { type, from: Number(from), to: Number(to), reason: String(reason) });
      else asked.push(0);
    },

    heard(text) {
      const message = parse(text);
      if (message === null || Array.isArray(message)) return;
      const seq = Number(message['seq']);
      const errors = (message['errors'] ?? []) as readonly RecordFault[];
      switch (message['type']) {
        case 'welcome':
          if (id === '') becomes(String(message['device']));
          note(stream, { type: 'welcome', acked: Number(message['acked']), store: String(message['store']) });
          return;
        case 'ack':
          note(stream, { type: 'ack', seq });
          return;
        case 'reject':
          note(stream, { type: 'reject', seq, errors });
          return;
        case 'stored': {
          const order = asked.shift() ?? 0;
          if (order > 0) note(PACK_STREAM, { type: 'stored', order, errors });
          return;
        }
        case 'error':
          if (message['fatal'] !== true) asked.shift();
          return;
        default:
      }
    },

    ended() {
      asked = [];
    },
  };
}

/** The same connections, each of them listened to. */
export function tapConnections(manifest: Manifest, device: string, connect: Connect): Connect {
  const tap = createManifestTap(manifest, device);
  return (events) => {
    let isOver = false;
    const socket = connect({
      ...events,
      message(text) {
        tap.heard(text);
        events.message(text);
      },
      closed(end) {
        isOver = true;
        tap.ended();
        events.closed(end);
      },
    });
    return {
      seesPings: socket.seesPings,
      send(text) {
        tap.sent(text);
        manifest.afterWrite(() => {
          if (!isOver) socket.send(text);
        });
      },
      close(code, reason) {
        manifest.flush();
        socket.close(code, reason);
      },
      cut() {
        isOver = true;
        socket.cut();
      },
    };
  };
}

function parse(text: string): Record<string, unknown> | unknown[] | null {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
