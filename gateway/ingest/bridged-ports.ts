// Serial ports of other boxes, as their bridges tell them: kept in memory for as long as the session lives, and for a day after it as
// absent. A peer's word, so it is read strictly and takes a bounded room.

import type { ProblemCode } from '../protocol/problems.ts';
import type { SerialPortView } from '../protocol/rest.ts';
import type { JsonMessage } from './json-frame.ts';
import { readPorts } from './ports-message.ts';

export interface BridgedPorts {
  /** The newest word of a session on its device's ports, a message of so many bytes; why it is not taken, or null. */
  take(session: BridgeSession, message: JsonMessage, bytes: number): ProblemCode | null;
  /** The session is over. */
  leave(session: BridgeSession): void;
  views(): readonly SerialPortView[];
}
/** Only told apart, and asked for its device. */
export interface BridgeSession {
  readonly device: string;
}
export interface BridgedPortsOptions {
  readonly nowMs: () => number;
  /** A port is in another state than before. */
  changed(port: SerialPortView): void;
}

interface Told {
  readonly ports: readonly SerialPortView[];
  readonly bytes: number;
  /** null: it has ended, at `leftMs`. */
  session: BridgeSession | null;
  leftMs: number;
  /** Changes that were told since `windowMs`. */
  windowMs: number;
  changes: number;
}

const KEPT_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Of all bridges, as they came: in memory it is a few times that. */
const ROOM_BYTES = 4 * 1024 * 1024;
/** A bridge that makes its ports come and go without end must not fill the events. */
const CHANGES_PER_MINUTE = 60;

export function createBridgedPorts({ nowMs, changed }: BridgedPortsOptions): BridgedPorts {
  /** By device, the one that left first to the front. */
  const told = new Map<string, Told>();
  let heldBytes = 0;

  function drop(device: string): void {
    heldBytes -= told.get(device)?.bytes ?? 0;
    told.delete(device);
  }
  function forget(untilMs: number, neededBytes: number): void {
    for (const [device, { session, leftMs }] of told) {
      if (session === null && (leftMs < untilMs || heldBytes + neededBytes > ROOM_BYTES)) drop(device);
    }
  }

  return {
    take(session, message, bytes) {
      const { device } = session;
      const ports = readPorts(message, device);
      if (ports === null) return 'bad-ports';
      const before = told.get(device);
      drop(device);
      forget(nowMs() - KEPT_MS, bytes);
      if (heldBytes + bytes > ROOM_BYTES) return 'too-many-bridges';
      const now: Told = { ports, bytes, session, leftMs: 0, windowMs: before?.windowMs ?? nowMs(), changes: before?.changes ?? 0 };
      told.set(device, now);
      heldBytes += bytes;
      if (nowMs() - now.windowMs >= MINUTE_MS) {
        now.windowMs = nowMs();
        now.changes = 0;
      }
      for (const port of ports) {
        const state = before?.ports.find(({ path }) => path === port.path)?.state;
        if (port.state !== state && port.state !== 'opening' && ++now.changes <= CHANGES_PER_MINUTE) changed(port);
      }
      return null;
    },
    leave(session) {
      const own = told.get(session.device);
      if (own?.session !== session) return;
      own.session = null;
      own.leftMs = nowMs();
      told.delete(session.device);
      told.set(session.device, own);
    },
    views() {
      forget(nowMs() - KEPT_MS, 0);
      return [...told.values()].flatMap(({ ports, session, leftMs }) =>
        session === null ? ports.map((port) => absent(port, leftMs)) : ports,
      );
    },
  };
}

function absent(port: SerialPortView, sinceMs: number): SerialPortView {
  return {
    ...port,
    state: 'absent',
    reason: `the bridge ${port.bridge ?? ''} is not connected`,
    mend: 'look on its box: is it running, and does it reach this gateway?',
    sinceAt: new Date(sinceMs).toISOString(),
    linesPerSecond: 0,
  };
}
