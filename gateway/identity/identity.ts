// Who may come in, as the rest of the gateway sees it. All answers come from memory; every change is durable in the registry when its
// promise resolves. Secrets go in and out in clear and are kept as hashes only.

import type { Observe } from '../observe.ts';
import type { DeviceRow, EnrolmentRow, KeyRow, Registry, RegistryRows, Role, TokenRow, UserRow } from '../storage/registry.ts';
import { createCredentials } from './credentials.ts';
import { createDeadlines } from './deadlines.ts';
import { createDeviceBook } from './device-book.ts';
import { createDevices } from './devices.ts';
import { createEnrolments } from './enrolments.ts';
import { createKeys } from './keys.ts';
import { createLedger } from './ledger.ts';
import { createPairing, type Pairing } from './pairing.ts';
import { createPasswords } from './passwords.ts';
import { openRevocationFile } from './revocation-file.ts';
import { endAgain, type Revocation } from './revocations.ts';
import { createSessionBook } from './session-book.ts';
import { createSessions } from './sessions.ts';
import { createSetup } from './setup.ts';
import { createThrottle } from './throttle.ts';
import { createUsers } from './users.ts';

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
  /** With 429 and 503: when to come back. */
  readonly retryAfterSeconds?: number;
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
  /** Ends the user's sessions too. */
  setPassword(name: string, password: string, actor: string): Promise<true | Refusal>;
  setRole(name: string, role: Role, actor: string): Promise<true | Refusal>;
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
  newCode(actor: string): Promise<string>;
  complete(ask: { code: string; user: string; password: string }, address: string): Promise<Issued<Principal> | Refusal>;
}

/** What a secret that came as Bearer turned out to be. */
export type Bearer =
  | { readonly kind: 'device'; readonly principal: Principal & { kind: 'device' }; readonly isSuspended: boolean }
  | { readonly kind: 'key'; readonly principal: Principal & { kind: 'key' } }
  | { readonly kind: 'enrolment' };
/** What the access policy asks: one look into memory a request, never the database. */
export interface Credentials {
  /** Null for what was never given out, has ended, or is used up. */
  bearer(secret: string): Bearer | null;
  /** The session behind a cookie; asking is use. */
  session(secret: string): Principal | null;
  /** Counts a failure; over the limit, the seconds to wait, else 0. A missing credential is no guess and does not slow sign-ins. */
  failed(address: string, what: 'missing' | 'wrong'): number;
  /** Devices without a key may ask for a token now. */
  isPairing(): boolean;
  /** For the audit, at most one row a second: it is others who decide how often this happens. */
  originDenied(principal: Principal, origin: string, address: string): void;
}

export interface Identity {
  readonly credentials: Credentials;
  readonly devices: Devices;
  readonly users: Users;
  readonly keys: Keys;
  readonly enrolments: Enrolments;
  readonly pairing: Pairing;
  readonly sessions: Sessions;
  readonly setup: Setup;
  onEnd(listener: (end: CredentialEnd) => void): () => void;
  /** Stops the timers for expiry. The registry is closed by who opened it. */
  close(): Promise<void>;
}

export interface IdentityOptions {
  readonly registry: Registry;
  /** `revocations.log`, made when it is not there. */
  readonly revocationsFile: string;
  readonly nowMs?: () => number;
  /** For intervals: never jumps. */
  readonly steadyMs?: () => number;
  readonly observe: Observe;
  readonly limits: IdentityLimits;
  /** The one-time code of a first start (neither users nor keys): for the log, once. */
  readonly onSetupCode: (code: string, endsAtMs: number) => void;
}
export interface IdentityLimits {
  readonly failedAuthPerMinute: number;
  readonly failedAuthBurst: number;
  readonly passwordQueue: number;
  readonly sessionIdleMinutes: number;
  readonly sessionHours: number;
  readonly setupMinutes: number;
  readonly pairingSeconds: number;
  readonly pairingRequests: number;
}

/** Reads the whole registry; from then on it is only written. */
export async function openIdentity({
  registry,
  revocationsFile,
  nowMs = Date.now,
  steadyMs = () => performance.now(),
  observe,
  limits,
  onSetupCode,
}: IdentityOptions): Promise<Identity> {
  const revocations = await openRevocationFile({ file: revocationsFile, nowMs, log: observe.log });
  const rows = await loadWithout(registry, revocations.kept, nowMs, observe).catch(async (error: unknown) => {
    await revocations.close();
    throw error;
  });
  const ledger = createLedger({ registry, revocations, nowMs, log: observe.log });
  const deadlines = createDeadlines(nowMs);
  const throttled = { perMinute: limits.failedAuthPerMinute, burst: limits.failedAuthBurst, steadyMs };
  const [failures, guesses, asks] = [createThrottle(throttled), createThrottle(throttled), createThrottle(throttled)];
  const failuresSeen = observe.counterBy('fieldgate_failed_credentials_total', 'Credentials that were missing or wrong', 'what');

  const passwords = createPasswords({ queue: limits.passwordQueue });
  const deviceBook = createDeviceBook({ devices: rows.devices, tokens: rows.tokens, ledger, deadlines });
  const devices = createDevices({ book: deviceBook, ledger });
  const enrolments = createEnrolments({ rows: rows.enrolments, book: deviceBook, ledger, deadlines, deviceChanged: devices.changed });
  const sessionBook = createSessionBook({
    rows: rows.sessions,
    ledger,
    deadlines,
    idleMs: limits.sessionIdleMinutes * 60_000,
    longestMs: limits.sessionHours * 3_600_000,
  });
  const endSessions = sessionBook.end;
  const users = createUsers({ rows: rows.users, ledger, passwords, endSessions });
  const keys = createKeys({ rows: rows.keys, ledger, endSessions });
  const memory = createCredentials({ devices: deviceBook, keys, enrolments, users, sessions: sessionBook, failures, guesses, ledger });
  const credentials: Credentials = {
    ...memory,
    isPairing: () => pairing.isOpen(),
    failed(address, what) {
      failuresSeen.add(what);
      return memory.failed(address, what);
    },
  };
  const failed = (address: string): number => credentials.failed(address, 'wrong');
  const pairing = createPairing({
    book: deviceBook,
    ledger,
    steadyMs,
    openMs: limits.pairingSeconds * 1000,
    mostPending: limits.pairingRequests,
    asks,
    failed: (address) => credentials.failed(address, 'missing'),
    deviceChanged: devices.changed,
  });
  const sessions = createSessions({ book: sessionBook, users, keys, passwords, guesses, inTurn: users.inTurn, failed, ledger });
  const isUntouched = (): boolean => users.all().length === 0 && keys.all().length === 0;
  const setup = createSetup({
    ledger,
    users,
    book: sessionBook,
    openMs: limits.setupMinutes * 60_000,
    isUntouched,
    failed,
    onCode: onSetupCode,
  });

  return {
    credentials,
    devices,
    users,
    keys,
    enrolments,
    pairing,
    sessions,
    setup,
    onEnd: ledger.onEnd,
    async close() {
      deadlines.close();
      pairing.stop();
      await ledger.close();
      await revocations.close();
    },
  };
}

/** The registry's rows without what has ended: an older registry may have been put back, or a crash came between log and registry. */
async function loadWithout(registry: Registry, ended: readonly Revocation[], nowMs: () => number, { log }: Observe): Promise<RegistryRows> {
  const rows = await registry.load();
  const changes = endAgain(rows, ended);
  if (changes.length === 0) return rows;
  log.warn({ changes: changes.length }, 'registry.db is older than revocations.log: what had ended was ended again');
  const audit = { atMs: nowMs(), actor: 'gateway', act: 'registry.ended-again', target: '', detail: `${changes.length} rows`, address: '' };
  await registry.commit([...changes, { audit }]);
  return registry.load();
}
