// Open console sessions: in memory by the hash of their cookie, in the registry so that a restart signs nobody out. A user's session ends
// after some idle time and a longest time; one that was opened with an API key lives as long as the key.

import type { SessionRow } from '../storage/registry.ts';
import type { Deadlines } from './deadlines.ts';
import type { Ledger, RevocationOf } from './ledger.ts';
import { hashOf, newSecret } from './secrets.ts';

export interface SessionBook {
  get(id: string): SessionRow | null;
  open(kind: SessionRow['kind'], subject: string, actor: string): Promise<{ readonly row: SessionRow; readonly secret: string }>;
  /** The session is in use now. */
  touch(id: string): void;
  close(id: string): Promise<void>;
  endsAtMs(id: string): number | null;
  end(kind: SessionRow['kind'], subject: string): EndedSessions;
}

/** What ends a subject's sessions: lines and changes to write, and what to call when they are written. */
export interface EndedSessions {
  readonly lines: readonly RevocationOf[];
  readonly changes: readonly { delete: 'sessions'; id: string }[];
  done(): void;
}

export interface SessionBookOptions {
  readonly rows: readonly SessionRow[];
  readonly ledger: Ledger;
  readonly deadlines: Deadlines;
  readonly idleMs: number;
  readonly longestMs: number;
}

/** The time of last use is written this much late at most; a restart may end an idle session this much early. */
const WRITE_EVERY_MS = 60_000;
/** A script that signs in again and again loses its oldest sessions. */
const MAX_PER_SUBJECT = 100;

interface Held {
  row: SessionRow;
  writtenAtMs: number;
}

export function createSessionBook({ rows, ledger, deadlines, idleMs, longestMs }: SessionBookOptions): SessionBook {
  const held = new Map<string, Held>();

  const endOf = ({ kind, createdAtMs, lastUsedAtMs }: SessionRow): number =>
    kind === 'key' ? Number.POSITIVE_INFINITY : Math.min(createdAtMs + longestMs, lastUsedAtMs + idleMs);

  function hold(row: SessionRow): void {
    held.set(row.id, { row, writtenAtMs: row.lastUsedAtMs });
    watch(row);
  }
  const lineOf = ({ id, kind, createdAtMs }: SessionRow): RevocationOf => ({
    what: 'session',
    id,
    untilMs: kind === 'key' ? null : createdAtMs + longestMs,
  });
  function watch(row: SessionRow): void {
    if (row.kind === 'user') deadlines.set(`session ${row.id}`, endOf(row), () => expire(row.id));
  }
  /** Use moves the end without moving the deadline: looked at when it comes. */
  function expire(id: string): void {
    const row = held.get(id)?.row;
    if (row === undefined) return;
    if (endOf(row) > ledger.nowMs()) return watch(row);
    drop(id);
    ledger.commitLater({ delete: 'sessions', id });
    ledger.ended({ what: 'session', sessionId: id, reason: 'expired' });
  }
  function drop(id: string): boolean {
    deadlines.clear(`session ${id}`);
    return held.delete(id);
  }
  function get(id: string): SessionRow | null {
    const row = held.get(id)?.row;
    return row === undefined || endOf(row) <= ledger.nowMs() ? null : row;
  }
  function end(kind: SessionRow['kind'], subject: string): ReturnType<SessionBook['end']> {
    const rows = [...held.values()].map(({ row }) => row).filter((row) => row.kind === kind && row.subject === subject);
    const ids = rows.map(({ id }) => id);
    return {
      lines: rows.map(lineOf),
      changes: ids.map((id) => ({ delete: 'sessions', id })),
      done() {
        for (const id of ids) if (drop(id)) ledger.ended({ what: 'session', sessionId: id, reason: 'revoked' });
      },
    };
  }

  for (const row of rows) hold(row);
  return {
    get,
    end,
    async open(kind, subject, actor) {
      const secret = newSecret('session');
      const now = ledger.nowMs();
      const row: SessionRow = { id: hashOf(secret), kind, subject, createdAtMs: now, lastUsedAtMs: now };
      const own = [...held.values()].filter((other) => other.row.kind === kind && other.row.subject === subject);
      const oldest =
        own.length < MAX_PER_SUBJECT ? undefined : own.reduce((a, b) => (a.row.lastUsedAtMs <= b.row.lastUsedAtMs ? a : b)).row;
      await ledger.commit(
        { put: 'sessions', row },
        ...(oldest === undefined ? [] : [{ delete: 'sessions' as const, id: oldest.id }]),
        ledger.act(actor, 'session.open', subject),
      );
      if (oldest !== undefined && drop(oldest.id)) ledger.ended({ what: 'session', sessionId: oldest.id, reason: 'expired' });
      hold(row);
      return { row, secret };
    },
    touch(id) {
      const one = held.get(id);
      if (one === undefined || get(id) === null) return;
      const now = ledger.nowMs();
      one.row = { ...one.row, lastUsedAtMs: now };
      if (now - one.writtenAtMs < WRITE_EVERY_MS) return;
      one.writtenAtMs = now;
      ledger.commitLater({ put: 'sessions', row: one.row });
    },
    async close(id) {
      const row = held.get(id)?.row;
      if (row === undefined) return;
      await ledger.end({
        lines: [lineOf(row)],
        changes: [{ delete: 'sessions', id }, ledger.act(row.subject, 'session.close', row.subject)],
        inForce() {
          if (drop(id)) ledger.ended({ what: 'session', sessionId: id, reason: 'signed-out' });
        },
      });
    },
    endsAtMs(id) {
      const row = get(id);
      return row === null || row.kind === 'key' ? null : endOf(row);
    },
  };
}
