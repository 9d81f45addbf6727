// Signing in, by password or API key. A guess costs: it is counted for its network and its user, and refused before hashing beyond the limit.

import type { SessionRow } from '../storage/registry.ts';
import type { Issued, Principal, Refusal, Sessions } from './identity.ts';
import type { KeysAndFind } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { canonicalName } from './names.ts';
import type { Passwords } from './passwords.ts';
import { hashOf } from './secrets.ts';
import type { SessionBook } from './session-book.ts';
import { networkOf, type Throttle } from './throttle.ts';
import type { UsersAndFind } from './users.ts';

export interface SessionsOptions {
  readonly book: SessionBook;
  readonly users: UsersAndFind;
  readonly keys: KeysAndFind;
  readonly passwords: Passwords;
  readonly guesses: Throttle;
  readonly inTurn: <T>(user: string, work: () => Promise<T>) => Promise<T>;
  /** Counts a failure for the tokens' limit too: one peer, one account of failures. */
  readonly failed: (address: string) => number;
  readonly ledger: Ledger;
}

export function createSessions({ book, users, keys, passwords, guesses, inTurn, failed, ledger }: SessionsOptions): Sessions {
  function refuse(address: string, user: string | null): Refusal {
    ledger.attempted({ actor: 'nobody', act: 'session.refuse', target: user ?? 'a key', address });
    const wait = Math.max(failed(address), user === null ? 0 : guesses.fail(`user ${user}`));
    return wait > 0 ? tooMany(wait) : { refused: 'unauthorized' };
  }

  async function byPassword(user: string, password: string, address: string): Promise<Issued<Principal> | Refusal> {
    const name = canonicalName(user).slice(0, 128);
    const wait = Math.max(guesses.waitSeconds(networkOf(address)), guesses.waitSeconds(`user ${name}`));
    if (wait > 0) return tooMany(wait);
    const row = users.find(name);
    const matched = await passwords.matches(password, row?.passwordHash ?? null);
    if (typeof matched !== 'boolean') return matched;
    if (!matched || row === undefined) return refuse(address, name);
    // in turn with changes to the user, and looked up again: it may be gone, or have a new password, by now
    return inTurn(name, async () => {
      const now = users.find(name);
      if (now === undefined || now.passwordHash !== row.passwordHash) return refuse(address, name);
      const session = await book.open('user', now.name, now.name);
      return { row: { kind: 'user', name: now.name, role: now.role, sessionId: session.row.id }, secret: session.secret };
    });
  }

  async function byKey(secret: string, address: string): Promise<Issued<Principal> | Refusal> {
    const row = keys.ofHash(hashOf(secret));
    if (row === undefined) return refuse(address, null);
    const session = await book.open('key', row.id, `key ${row.name}`);
    return { row: { kind: 'key', keyId: row.id, name: row.name, role: row.role, sessionId: session.row.id }, secret: session.secret };
  }

  return {
    signIn: (ask, address) => ('key' in ask ? byKey(ask.key, address) : byPassword(ask.user, ask.password, address)),
    signOut: (sessionId) => book.close(sessionId),
    endsAtMs: (sessionId) => book.endsAtMs(sessionId),
    touch: (sessionId) => book.touch(sessionId),
  };
}

/** Who a session speaks for now: the role is the one of this moment, not of the sign-in. */
export function principalOf(row: SessionRow, users: UsersAndFind, keys: KeysAndFind): Principal | null {
  if (row.kind === 'user') {
    const user = users.find(row.subject);
    return user === undefined ? null : { kind: 'user', name: user.name, role: user.role, sessionId: row.id };
  }
  const key = keys.get(row.subject);
  return key === undefined ? null : { kind: 'key', keyId: key.id, name: key.name, role: key.role, sessionId: row.id };
}

function tooMany(retryAfterSeconds: number): Refusal {
  return { refused: 'too-many-failures', retryAfterSeconds };
}
