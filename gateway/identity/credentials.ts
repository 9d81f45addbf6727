// What a secret is worth at this moment, for the access policy. Nothing here asks the database.

import type { DeviceBook } from './device-book.ts';
import type { EnrolmentsAndCheck } from './enrolments.ts';
import type { Credentials } from './identity.ts';
import type { KeysAndFind } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, PREFIX } from './secrets.ts';
import type { SessionBook } from './session-book.ts';
import { principalOf } from './sessions.ts';
import { networkOf, type Throttle } from './throttle.ts';
import type { UsersAndFind } from './users.ts';

export interface CredentialsOptions {
  readonly devices: DeviceBook;
  readonly keys: KeysAndFind;
  readonly enrolments: EnrolmentsAndCheck;
  readonly users: UsersAndFind;
  readonly sessions: SessionBook;
  readonly failures: Throttle;
  readonly guesses: Throttle;
  readonly ledger: Ledger;
}

export function createCredentials({
  devices,
  keys,
  enrolments,
  users,
  sessions,
  failures,
  guesses,
  ledger,
}: CredentialsOptions): Omit<Credentials, 'isPairing'> {
  return {
    bearer(secret) {
      const hash = hashOf(secret);
      if (secret.startsWith(PREFIX.device)) {
        const token = devices.tokenOf(hash);
        const device = token === null ? undefined : devices.devices.get(token.device);
        if (token === null || device === undefined) return null;
        return {
          kind: 'device',
          principal: { kind: 'device', device: device.id, tokenId: token.id },
          isSuspended: device.status === 'suspended',
        };
      }
      if (secret.startsWith(PREFIX.key)) {
        const key = keys.ofHash(hash);
        return key === undefined
          ? null
          : { kind: 'key', principal: { kind: 'key', keyId: key.id, name: key.name, role: key.role, sessionId: null } };
      }
      return enrolments.isUsable(hash) ? { kind: 'enrolment' } : null;
    },
    session(secret) {
      const row = sessions.get(hashOf(secret));
      const principal = row === null ? null : principalOf(row, users, keys);
      if (row !== null && principal !== null) sessions.touch(row.id);
      return principal;
    },
    failed(address, what) {
      const network = networkOf(address);
      if (what === 'wrong') guesses.fail(network);
      return failures.fail(network);
    },
    originDenied(principal, sent, address) {
      const actor = principal.kind === 'device' ? principal.device : principal.name;
      ledger.attempted({ actor, act: 'origin.denied', target: sent, address });
    },
  };
}
