// Console users. Names are compared as people read them; a name that only looks different from an existing one is not made.

import type { Role, UserRow } from '../storage/registry.ts';
import type { CredentialEnd, Refusal, Users } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { canonicalName, userNameFault } from './names.ts';
import type { Passwords } from './passwords.ts';
import { RANK } from './roles.ts';
import { hashOf } from './secrets.ts';
import type { EndedSessions } from './session-book.ts';

export interface UsersOptions {
  readonly rows: readonly UserRow[];
  readonly ledger: Ledger;
  readonly passwords: Passwords;
  /** Rows of the user's sessions, to go in the same commit, and what to do when they are gone. */
  readonly endSessions: (kind: 'user', subject: string) => EndedSessions;
}
export type UsersAndFind = Users & {
  find(name: string): UserRow | undefined;
  /** Work on one user, one after the other. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T>;
};

export function createUsers({ rows, ledger, passwords, endSessions }: UsersOptions): UsersAndFind {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const find = (name: string): UserRow | undefined => byName.get(canonicalName(name));
  const inTurn = <T>(name: string, work: () => Promise<T>): Promise<T> => ledger.inTurn(`user ${canonicalName(name)}`, work);

  return {
    find,
    inTurn,
    all: () => [...byName.values()],

    create: (given, role, password, actor) =>
      inTurn(given, async () => {
        const name = canonicalName(given);
        const fault = userNameFault(given) ?? roleFault(role) ?? passwordFault(password);
        if (fault !== null) return { refused: 'invalid', detail: fault };
        if (byName.has(name)) {
          if (given === name) return { refused: 'exists' };
          return { refused: 'invalid', detail: 'this name differs from an existing one only in ways that people do not see' };
        }
        const passwordHash = await passwords.hash(password);
        if (typeof passwordHash !== 'string') return passwordHash;
        const row: UserRow = { name, role, passwordHash, createdAtMs: ledger.nowMs() };
        await ledger.commit({ put: 'users', row }, ledger.act(actor, 'user.create', name, role));
        byName.set(name, row);
        return row;
      }),

    setPassword: (given, password, actor) =>
      inTurn(given, async () => {
        const before = find(given);
        if (before === undefined) return NOT_FOUND;
        const fault = passwordFault(password);
        if (fault !== null) return { refused: 'invalid', detail: fault };
        const passwordHash = await passwords.hash(password);
        if (typeof passwordHash !== 'string') return passwordHash;
        const row = { ...before, passwordHash };
        const sessions = endSessions('user', row.name);
        await ledger.commit({ put: 'users', row }, ...sessions.changes, ledger.act(actor, 'user.password', row.name));
        const was = { what: 'password', id: row.name, madeAtMs: row.createdAtMs, hash: hashOf(before.passwordHash) } as const;
        byName.set(row.name, row);
        sessions.done();
        return (await ledger.end({ lines: [was, ...sessions.lines] })) ?? (true as const);
      }),

    setRole: (given, role, actor) =>
      inTurn(given, async () => {
        const before = find(given);
        if (before === undefined) return NOT_FOUND;
        const fault = roleFault(role);
        if (fault !== null) return { refused: 'invalid', detail: fault };
        if (before.role === role) return true as const;
        const row = { ...before, role };
        const lines = [{ what: 'role', id: row.name, madeAtMs: row.createdAtMs, role }] as const;
        const changes = [{ put: 'users', row } as const, ledger.act(actor, 'user.role', row.name, `${before.role} to ${role}`)];
        const inForce = (): void => {
          byName.set(row.name, row);
          ledger.ended({ what: 'role', user: row.name } satisfies CredentialEnd);
        };
        if (RANK[role] < RANK[before.role]) return (await ledger.end({ lines, changes, inForce })) ?? (true as const);
        await ledger.commit(...changes);
        inForce();
        return (await ledger.end({ lines })) ?? (true as const);
      }),

    remove: (given, actor) =>
      inTurn(given, async () => {
        const before = find(given);
        if (before === undefined) return NOT_FOUND;
        const sessions = endSessions('user', before.name);
        const trouble = await ledger.end({
          lines: [{ what: 'user', id: before.name, madeAtMs: before.createdAtMs }, ...sessions.lines],
          changes: [{ delete: 'users', id: before.name }, ...sessions.changes, ledger.act(actor, 'user.remove', before.name)],
          inForce() {
            byName.delete(before.name);
            sessions.done();
          },
        });
        return trouble ?? (true as const);
      }),
  };
}

const NOT_FOUND: Refusal = { refused: 'not-found' };

function roleFault(role: Role): string | null {
  return role === 'viewer' || role === 'operator' || role === 'admin' ? null : 'a role is viewer, operator or admin';
}

function passwordFault(password: string): string | null {
  return password === '' ? 'a password is not empty' : null;
}
