// Who may come in, as the rest of the gateway sees it. All answers come from memory; every change is durable in the registry when its
// promise resolves. Secrets go in and out in clear and are kept as hashes only.

import type { DeviceRow, EnrolmentRow, KeyRow, Role, TokenRow, UserRow } from '../storage/registry.ts';

export type Principal =
  | { readonly kind: 'device'; readonly device: string; readonly tokenId: string }
  | { readonly kind: 'user'; readonly name: string; readonly role: Role; readonly sessionId: string }
  | { readonly kind: 'key'; readonly keyId: string; readonly name: string; readonly role: Role; readonly sessionId: string | null }
  /** The command line on the control socket, or a process that holds the lock. */
  | { readonly kind: 'local'; readonly name: 'local'; readonly role: 'admin' };

/** An expected outcome that is not success: a code of protocol/problems.ts, and what to say. */
export interface Refusal {
  readonly refused: string;
  readonly detail?: string;
}

export interface Issued<Row> {
  readonly row: Row;
  /** Shown once, stored as a hash. */
  readonly secret: string;
}

/** What ended for open sockets: told synchronously after the change was durable, so that they are closed within a second. */
export type CredentialEnd =
  | { readonly what: 'device'; readonly device: string; readonly reason: 'suspended' | 'removed' }
  | { readonly what: 'token'; readonly device: string; readonly tokenId: string; readonly reason: 'revoked' | 'expired' }
  | { readonly what: 'session'; readonly sessionId: string; readonly reason: 'signed-out' | 'expired' | 'revoked' }
  | { readonly what: 'key'; readonly keyId: string; readonly reason: 'revoked' }
  | { readonly what: 'role'; readonly user: string };

export interface Devices {
  get(id: string): DeviceRow | undefined;
  all(): Iterable<DeviceRow>;
  readonly count: number;
  tokens(id: string): readonly TokenRow[];
  /** Makes the device and its first token. */
  create(row: { id: string; label?: string; tags?: readonly string[] }, actor: string): Promise<Issued<TokenRow> | Refusal>;
  update(id: string, patch: Partial<Omit<DeviceRow, 'id' | 'createdAtMs'>>, actor: string): Promise<DeviceRow | Refusal>;
  remove(id: string, actor: string): Promise<true | Refusal>;
  /** A further token; the ones before end after `overlapMs` (0: at once). */
  rotate(id: string, overlapMs: number, actor: string): Promise<Issued<TokenRow> | Refusal>;
  /** One token, or all of the device's. */
  revoke(id: string, tokenId: string | null, actor: string): Promise<number | Refusal>;
  /** Called once a change to a device is durable. */
  onChange(listener: (id: string) => void): () => void;
}
export interface Users {
  all(): readonly UserRow[];
  create(name: string, role: Role, password: string, actor: string): Promise<UserRow | Refusal>;
  setPassword(name: string, password: string, actor: string): Promise<true | Refusal>;
  remove(name: string, actor: string): Promise<true | Refusal>;
}
export interface Keys {
  all(): readonly KeyRow[];
  create(name: string, role: Role, actor: string): Promise<Issued<KeyRow>>;
  revoke(id: string, actor: string): Promise<true | Refusal>;
}
export interface Enrolments {
  all(): readonly EnrolmentRow[];
  create(ask: { max: number; expiresAtMs: number; reenrol: boolean }, actor: string): Promise<Issued<EnrolmentRow>>;
  revoke(id: string, actor: string): Promise<true | Refusal>;
  /** A device asks for its own token with an enrolment key. */
  enrol(key: string, device: string): Promise<Issued<TokenRow> | Refusal>;
}
export interface Sessions {
  /** `secret` goes into the cookie. */
  signIn(ask: { user: string; password: string } | { key: string }, address: string): Promise<Issued<Principal> | Refusal>;
  signOut(sessionId: string): Promise<void>;
  /** The moment a session ends if nothing more happens, in epoch ms. */
  endsAtMs(sessionId: string): number | null;
  /** An open live socket is activity. */
  touch(sessionId: string): void;
}
export interface Setup {
  /** True for 30 minutes after a start with neither users nor keys, or after a new code was asked for. */
  isOpen(): boolean;
  /** A new one-time code; the one before is void. Five tries. */
  newCode(): Promise<string>;
  complete(ask: { code: string; user: string; password: string }, address: string): Promise<Issued<Principal> | Refusal>;
}

export interface Identity {
  readonly devices: Devices;
  readonly users: Users;
  readonly keys: Keys;
  readonly enrolments: Enrolments;
  readonly sessions: Sessions;
  readonly setup: Setup;
  onEnd(listener: (end: CredentialEnd) => void): () => void;
  /** Stops the timers for expiry. The registry is closed by who opened it. */
  close(): Promise<void>;
}
