// What has ended for good, kept apart from the registry: an older registry that is put back must revive nothing. Every line names one
// thing that can never come again (a token, a device or user by its moment of making), so that it may be applied at any time and twice.

import type { RegistryChange, RegistryRows, Role, UserRow } from '../storage/registry.ts';
import { UNUSABLE_PASSWORD } from './passwords.ts';
import { RANK } from './roles.ts';
import { hashOf } from './secrets.ts';

export type Revocation = { readonly atMs: number } & (
  | { readonly what: 'token' | 'key' | 'enrolment'; readonly id: string }
  /** A rotated token goes on until then. */
  | { readonly what: 'token-until'; readonly id: string; readonly untilMs: number }
  /** `untilMs`: it would have ended by itself then; null for a kiosk's. */
  | { readonly what: 'session'; readonly id: string; readonly untilMs: number | null }
  | { readonly what: 'device'; readonly id: string; readonly madeAtMs: number }
  /** The last line of a device counts. Nothing is resumed by a line. */
  | { readonly what: 'suspended' | 'resumed'; readonly id: string; readonly madeAtMs: number }
  | { readonly what: 'user'; readonly id: string; readonly madeAtMs: number }
  /** The last line of a user counts. Nobody is raised by a line. */
  | { readonly what: 'role'; readonly id: string; readonly madeAtMs: number; readonly role: Role }
  /** `hash`: SHA-256 of the stored hash that no longer counts. */
  | { readonly what: 'password'; readonly id: string; readonly madeAtMs: number; readonly hash: string }
);

export interface Revocations {
  /** As they were when the log was opened, oldest first. */
  readonly kept: readonly Revocation[];
  /** Resolves when they are on disk: true; or when they could not be written: false, and they are tried again with the next ones. */
  append(lines: readonly Revocation[]): Promise<boolean>;
  close(): Promise<void>;
}

/** The changes that a registry needs because it is older than these lines; none when it is not. */
export function endAgain(rows: RegistryRows, lines: readonly Revocation[]): readonly RegistryChange[] {
  const ended = new Set<string>();
  const until = new Map<string, number>();
  const last = new Map<string, Revocation>();
  for (const line of lines) {
    if (line.what === 'token-until') until.set(line.id, Math.min(line.untilMs, until.get(line.id) ?? line.untilMs));
    else if (line.what === 'suspended' || line.what === 'resumed' || line.what === 'role') last.set(subjectOf(line), line);
    else ended.add(subjectOf(line));
  }
  const changes: RegistryChange[] = [];
  const gone = new Set<string>();
  for (const row of rows.devices) {
    const suspension = last.get(`suspension ${row.id} ${row.createdAtMs}`);
    if (ended.has(`device ${row.id} ${row.createdAtMs}`)) {
      gone.add(row.id);
      changes.push({ delete: 'devices', id: row.id });
    } else if (suspension?.what === 'suspended' && row.status === 'active') {
      changes.push({ put: 'devices', row: { ...row, status: 'suspended' } });
    }
  }
  for (const row of rows.tokens) {
    const untilMs = until.get(row.id);
    if (ended.has(`token ${row.id}`) || gone.has(row.device)) changes.push({ delete: 'tokens', id: row.id });
    else if (untilMs !== undefined && (row.expiresAtMs === null || row.expiresAtMs > untilMs))
      changes.push({ put: 'tokens', row: { ...row, expiresAtMs: untilMs } });
  }
  for (const row of rows.users) {
    if (ended.has(`user ${row.name} ${row.createdAtMs}`)) {
      changes.push({ delete: 'users', id: row.name });
      continue;
    }
    const role = last.get(`role ${row.name} ${row.createdAtMs}`);
    const mayStillBe = role?.what === 'role' && RANK[role.role] < RANK[row.role] ? role.role : row.role;
    const isOldPassword = ended.has(`password ${row.name} ${row.createdAtMs} ${hashOf(row.passwordHash)}`);
    const after: UserRow = { ...row, role: mayStillBe, passwordHash: isOldPassword ? UNUSABLE_PASSWORD : row.passwordHash };
    if (after.role !== row.role || isOldPassword) changes.push({ put: 'users', row: after });
  }
  for (const table of ['keys', 'enrolments', 'sessions'] as const) {
    const what = { keys: 'key', enrolments: 'enrolment', sessions: 'session' }[table];
    for (const { id } of rows[table]) if (ended.has(`${what} ${id}`)) changes.push({ delete: table, id });
  }
  return changes;
}

/** Without what says nothing any more: all but the last word on a suspension or a role, sessions that have ended by themselves. */
export function condense(lines: readonly Revocation[], nowMs: number): readonly Revocation[] {
  const lastOf = new Map(lines.map((line) => [subjectOf(line), line]));
  return lines.filter((line) => lastOf.get(subjectOf(line)) === line && !(line.what === 'session' && (line.untilMs ?? nowMs) < nowMs));
}

function subjectOf(line: Revocation): string {
  switch (line.what) {
    case 'suspended':
    case 'resumed':
      return `suspension ${line.id} ${line.madeAtMs}`;
    case 'device':
    case 'user':
    case 'role':
      return `${line.what} ${line.id} ${line.madeAtMs}`;
    case 'password':
      return `password ${line.id} ${line.madeAtMs} ${line.hash}`;
    case 'token-until':
      return `token-until ${line.id} ${line.untilMs}`;
    case 'token':
    case 'key':
    case 'enrolment':
    case 'session':
      return `${line.what} ${line.id}`;
    default: {
      const never: never = line;
      return never;
    }
  }
}

/** Null when it is no line of ours. */
export function parseRevocation(text: string): Revocation | null {
  try {
    const line = JSON.parse(text) as Record<string, unknown> | null;
    if (line === null || typeof line !== 'object' || typeof line.id !== 'string' || typeof line.what !== 'string') return null;
    const needs = FIELDS[line.what];
    return needs === undefined || !needs.every(([name, holds]) => holds(line[name])) ? null : (line as unknown as Revocation);
  } catch {
    return null;
  }
}

type Field = readonly [name: string, holds: (value: unknown) => boolean];
const isNumber = (value: unknown): boolean => typeof value === 'number';
const AT: Field = ['atMs', isNumber];
const MADE: Field = ['madeAtMs', isNumber];
const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  __proto__: null as never,
  token: [AT],
  key: [AT],
  enrolment: [AT],
  'token-until': [AT, ['untilMs', isNumber]],
  session: [AT, ['untilMs', (value) => value === null || isNumber(value)]],
  device: [AT, MADE],
  suspended: [AT, MADE],
  resumed: [AT, MADE],
  user: [AT, MADE],
  role: [AT, MADE, ['role', (value) => typeof value === 'string' && Object.hasOwn(RANK, value)]],
  password: [AT, MADE, ['hash', (value) => typeof value === 'string']],
};
