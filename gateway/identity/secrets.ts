// Secrets as they are made and as they are kept: 256 random bits in clear once, SHA-256 from then on.

import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a bearer secret begins with, so that people and secret scanners see what they hold. */
export const PREFIX = { device: 'fgd_', key: 'fgk_', enrolment: 'fge_', pairing: 'fgp_', session: '' } as const;

export function newSecret(kind: keyof typeof PREFIX): string {
  return PREFIX[kind] + randomBytes(32).toString('base64url');
}

/** Hexadecimal. Random secrets need no slow hash. */
export function hashOf(secret: string): string {
  return hash('sha256', secret);
}

/** Short enough to type after `--token`; not a secret. */
export function newId(): string {
  return randomBytes(6).toString('hex');
}

export function isEqualHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
