// Certificates that somebody could have brought along, good and bad ones.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { issueCertificate } from '../../gateway/certificate-issue.ts';

export const DAY_MS = 86_400_000;

export interface TestPair {
  readonly key: string;
  readonly cert: string;
}

export function newTestKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

export function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Signed by itself, for localhost; valid from a day ago for ninety days where nothing else is said. */
export async function selfSigned({
  fromMs = Date.now() - DAY_MS,
  toMs = Date.now() + 90 * DAY_MS,
  key = newTestKey(),
  commonName = 'localhost',
}: {
  fromMs?: number;
  toMs?: number;
  key?: KeyObject;
  commonName?: string;
} = {}): Promise<TestPair> {
  const cert = await issueCertificate({
    commonName,
    issuerName: commonName,
    notBeforeMs: fromMs,
    notAfterMs: toMs,
    key,
    issuerKey: key,
    names: ['localhost', '127.0.0.1'],
  });
  return { key: pemOfKey(key), cert };
}
