// Which devices are connected, since when, and when each was last heard: for the API, the live snapshot and the metrics. One device, one
// voice: the newest connection wins.

import { CLOSE } from '../protocol/messages.ts';
import type { Batcher } from './batcher.ts';
import { createContests } from './contests.ts';

export interface OpenConnection {
  readonly address: string;
  readonly connectedAtMs: number;
  readonly stream: string | null;
  readonly software: string | null;
  readonly roundTripMs: number | null;
  readonly inFlight: number;
}

export interface Presence {
  isOnline(device: string): boolean;
  /** Epoch ms of the last frame or connection; null when never seen. */
  lastSeenMs(device: string): number | null;
  /** When its last connection ended; null while one is open, and before the first one since the start. */
  closedMs(device: string): number | null;
  /** The open connection, or null. */
  connection(device: string): OpenConnection | null;
  readonly onlineCount: number;
}

/** A session as presence holds it. */
export interface PresentSession {
  readonly device: string;
  readonly tokenId: string;
  readonly lastFrameMs: number;
  /** Ms since a byte last came. */
  readonly silentMs: number;
  describe(): OpenConnection;
  /** Closes the connection; frames that still come are ignored. */
  end(code: number, reason: string, word: string): void;
}

export interface DevicePresence extends Presence {
  /** Puts the session in the device's seat; one that sat there is closed 4409 first. */
  enter(session: PresentSession): void;
  /** How long the device is still kept out for fighting over its identity; 0: it is welcome. */
  penaltySeconds(device: string): number;
  /** The session's connection is over. */
  leave(session: PresentSession, reason: string): void;
  end(who: { device: string; tokenId?: string }, code: number, reason: string): void;
  endAll(code: number, reason: string): void;
}

export interface PresenceOptions {
  readonly batcher: Batcher;
  readonly lastUsedUs: (device: string) => number;
  readonly nowUs: () => number;
}

/** An older connection that has been silent for longer is a ghost of a bad link: taking its seat is no contest. */
const CONTEST_MS = 10_000;

export function createPresence({ batcher, lastUsedUs, nowUs }: PresenceOptions): DevicePresence {
  const seats = new Map<string, PresentSession>();
  const lastSeen = new Map<string, number>();
  const closed = new Map<string, number>();
  const contests = createContests();

  function record(session: PresentSession, online: boolean, reason: string): void {
    const atUs = nowUs();
    const { device } = session;
    const detail = online ? JSON.stringify({ address: session.describe().address }) : '';
    batcher.addEvent({ atUs, device, type: online ? 'online' : 'offline', reason, detail });
    batcher.addPresence({ device, online, reason, atMs: atUs / 1000 });
    if (online) closed.delete(device);
    else closed.set(device, atUs / 1000);
    lastSeen.set(device, online ? atUs / 1000 : Math.max(session.lastFrameMs, lastSeen.get(device) ?? 0));
  }
  function leave(session: PresentSession, reason: string): void {
    if (seats.get(session.device) !== session) return;
    seats.delete(session.device);
    record(session, false, reason);
  }

  return {
    isOnline: (device) => seats.has(device),
    lastSeenMs(device) {
      const heard = Math.max(seats.get(device)?.lastFrameMs ?? 0, lastSeen.get(device) ?? 0, lastUsedUs(device) / 1000);
      return heard === 0 ? null : heard;
    },
    closedMs: (device) => closed.get(device) ?? null,
    connection: (device) => seats.get(device)?.describe() ?? null,
    get onlineCount() {
      return seats.size;
    },
    enter(session) {
      const older = seats.get(session.device);
      if (older !== undefined) {
        const addresses = [older.describe().address, session.describe().address];
        const isContest = older.silentMs < CONTEST_MS;
        older.end(CLOSE.conflict, 'superseded', 'superseded');
        if (isContest && contests.add(session.device)) {
          const detail = JSON.stringify({ addresses });
          batcher.addEvent({ atUs: nowUs(), device: session.device, type: 'duplicate-identity', reason: 'contest', detail });
        }
      }
      seats.set(session.device, session);
      record(session, true, 'connected');
    },
    penaltySeconds: contests.penaltySeconds,
    leave,
    end({ device, tokenId }, code, reason) {
      const session = seats.get(device);
      if (session === undefined || (tokenId !== undefined && session.tokenId !== tokenId)) return;
      session.end(code, reason, reason);
    },
    endAll(code, reason) {
      for (const session of [...seats.values()]) session.end(code, reason, reason);
    },
  };
}
