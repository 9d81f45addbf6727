// Who follows the live feed, over a socket or an event stream: how many fit, in all and of one session, and the end of each when the
// credential behind it ends. One book for both ways, so that nobody gets by one what is refused by the other.

import type { CredentialEnd, Identity, Principal } from '../identity/identity.ts';
import { RANK } from '../identity/roles.ts';
import { CLOSE } from '../protocol/messages.ts';
import type { Role } from '../storage/registry.ts';

export interface LiveSeat {
  readonly principal: Principal;
  /** What the feed does not say, to this one. */
  tell(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
/** What a further connection would get. */
export type LiveOutlook = 'ready' | 'full' | 'too-many-sockets';
export interface LiveSeats {
  outlook(principal: Principal): LiveOutlook;
  /** Whoever asked about the outlook before; returns how to leave. */
  take(seat: LiveSeat): () => void;
  /** To everyone of this role or a higher one. */
  tell(least: Role, text: string): void;
  /** Says goodbye to all, cuts who does not go, and seats nobody any more. Idempotent. */
  close(): Promise<void>;
}
export interface LiveSeatsOptions {
  readonly identity: Identity;
  readonly limits: { readonly subscribers: number; readonly socketsPerSession: number };
}

const CLOSE_TIMEOUT_MS = 2_000;
/** Well within the shortest idle time that can be set, which is a minute. */
const SESSION_TOUCH_MS = 20_000;
/** After a restart they come back over so long. */
const RETRY_SPREAD_MS = 2_000;

export function createLiveSeats({ identity, limits }: LiveSeatsOptions): LiveSeats {
  const seats = new Set<LiveSeat>();
  let closing: Promise<void> | null = null;

  const leave = identity.onEnd((end) => {
    for (const seat of seats) {
      const code = endCode(seat.principal, end);
      if (code !== null) seat.close(code, end.what === 'role' ? 'role changed' : end.reason);
    }
  });
  // an open live connection is activity
  const touch = setInterval(() => {
    for (const { principal } of seats) {
      const sessionId = sessionOf(principal);
      if (sessionId !== null) identity.sessions.touch(sessionId);
    }
  }, SESSION_TOUCH_MS);

  function outlook(principal: Principal): LiveOutlook {
    const sessionId = sessionOf(principal);
    let siblings = 0;
    if (sessionId !== null) for (const other of seats) if (sessionOf(other.principal) === sessionId) siblings++;
    if (siblings >= limits.socketsPerSession) return 'too-many-sockets';
    return seats.size >= limits.subscribers ? 'full' : 'ready';
  }
  async function shut(): Promise<void> {
    leave();
    clearInterval(touch);
    for (const seat of seats) seat.close(CLOSE.restarting, `retry-after-ms=${Math.floor(Math.random() * RETRY_SPREAD_MS)}`);
    const deadline = performance.now() + CLOSE_TIMEOUT_MS;
    while (seats.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const seat of seats) seat.terminate();
  }

  return {
    outlook,
    take(seat) {
      seats.add(seat);
      return () => seats.delete(seat);
    },
    tell(least, text) {
      for (const seat of seats) {
        if (seat.principal.kind !== 'device' && RANK[seat.principal.role] >= RANK[least]) seat.tell(text);
      }
    },
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

function sessionOf(principal: Principal): string | null {
  return principal.kind === 'user' || principal.kind === 'key' ? principal.sessionId : null;
}

/** The close code that this end means for a connection, or null when it is not concerned. */
function endCode(principal: Principal, end: CredentialEnd): number | null {
  switch (end.what) {
    case 'session':
      return sessionOf(principal) === end.sessionId ? CLOSE.credential : null;
    case 'key':
      return principal.kind === 'key' && principal.keyId === end.keyId ? CLOSE.credential : null;
    case 'role':
      return principal.kind === 'user' && principal.name === end.user ? CLOSE.forbidden : null;
    default:
      return null;
  }
}
