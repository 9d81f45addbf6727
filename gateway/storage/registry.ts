// Everything that is not readings: devices, tokens, users, sessions, keys, enrolment keys, settings, serial ports, audit. Identity keeps it
// in memory (serial ports: the serial book), and nobody else asks; the registry makes each change durable. Points in time are epoch milliseconds.

export type Role = 'viewer' | 'operator' | 'admin';

export interface DeviceRow {
  readonly id: string;
  readonly label: string;
  readonly status: 'active' | 'suspended';
  readonly createdAtMs: number;
  readonly tags: readonly string[];
  readonly location: string;
  readonly notes: string;
  readonly expectEverySeconds: number | null;
  /** `gateway` stamps the time of receipt instead of the device's own. */
  readonly clock: 'device' | 'gateway';
  readonly pingSeconds: number | null;
  /** It leaves and comes back by itself: that it is away is nothing to tell of. */
  readonly maySleep: boolean;
}
export interface TokenRow {
  readonly id: string;
  readonly device: string;
  /** SHA-256 of the token, hex. */
  readonly hash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** Id of the enrolment key that made it, or ''. */
  readonly enrolment: string;
}
export interface UserRow {
  /** Trimmed, case-folded, NFC. */
  readonly name: string;
  readonly role: Role;
  /** argon2id, with its parameters and salt. */
  readonly passwordHash: string;
  readonly createdAtMs: number;
}
export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly hash: string;
  readonly createdAtMs: number;
}
export interface EnrolmentRow {
  readonly id: string;
  readonly hash: string;
  readonly max: number;
  readonly used: number;
  readonly reenrol: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}
export interface SessionRow {
  /** SHA-256 of the cookie's secret, hex. */
  readonly id: string;
  /** A user's name or a key's id, by `kind`. */
  readonly kind: 'user' | 'key';
  readonly subject: string;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number;
}
export interface SettingRow {
  readonly id: string;
  readonly value: string;
}
export interface SerialPortRow {
  readonly id: string;
  /** JSON, as an item of `serial.ports` in the configuration file. */
  readonly settings: string;
  readonly createdAtMs: number;
}
export interface AuditRow {
  readonly atMs: number;
  readonly actor: string;
  readonly act: string;
  readonly target: string;
  readonly detail: string;
  /** The peer that asked for it; `local` for the command line, '' when nobody did. */
  readonly address: string;
}

export interface AuditPage {
  readonly items: readonly (AuditRow & { readonly id: number })[];
  readonly more: boolean;
  readonly end: number | null;
}

export interface RegistryTables {
  devices: DeviceRow;
  tokens: TokenRow;
  users: UserRow;
  keys: KeyRow;
  enrolments: EnrolmentRow;
  sessions: SessionRow;
  settings: SettingRow;
  serialPorts: SerialPortRow;
}
export type RegistryTable = keyof RegistryTables;
export type RegistryRows = { readonly [T in RegistryTable]: readonly RegistryTables[T][] };

/** `put` inserts or replaces by the row's id (users: name); `delete` takes the id and is a no-op where there is none. */
export type RegistryChange =
  | { [T in RegistryTable]: { readonly put: T; readonly row: RegistryTables[T] } }[RegistryTable]
  | { readonly delete: RegistryTable; readonly id: string }
  | { readonly audit: AuditRow };

/**
 * The contract (test/contract/registry.ts): `commit` applies all changes in one durable transaction or rejects with none applied; calls
 * are applied in call order; `load` and `audit` see every commit that had resolved. `audit` is newest first, `before` an id of the page
 * before. With `about` it gives the rows in which that text is, in any case of letters, and a page ends after a bounded number of rows
 * that were looked at; `end` is the id of the last of them. `close` is idempotent; later calls reject.
 */
export interface Registry {
  load(): Promise<RegistryRows>;
  commit(changes: readonly RegistryChange[]): Promise<void>;
  audit(ask: { limit: number; before?: number; about?: string }): Promise<AuditPage>;
  close(): Promise<void>;
}
