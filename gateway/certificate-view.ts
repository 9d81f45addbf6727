// The certificate of the listening port as it is shown to people: its names, its ends, and what they compare.

import { X509Certificate } from 'node:crypto';
import { certificateNames } from './certificate-names.ts';
import type { Certificates } from './certificates.ts';
import type { CertificateView } from './protocol/rest.ts';

/** Of its life, when the private authority makes the next one. */
const RENEWED_AT = 2 / 3;

export function viewCertificate({ cert, caPem }: Pick<Certificates, 'cert' | 'caPem'>): CertificateView {
  const its = new X509Certificate(cert);
  const authority = caPem === null ? null : new X509Certificate(caPem);
  const fromMs = its.validFromDate.getTime();
  const lifeMs = its.validToDate.getTime() - fromMs;
  return {
    kind: authority === null ? 'own' : 'auto',
    names: certificateNames(cert),
    subject: nameOf(its.subject),
    issuer: nameOf(its.issuer),
    notBeforeAt: its.validFromDate.toISOString(),
    notAfterAt: its.validToDate.toISOString(),
    renewsAt: authority === null ? null : new Date(fromMs + lifeMs * RENEWED_AT).toISOString(),
    fingerprint: its.fingerprint256,
    authority: authority && { fingerprint: authority.fingerprint256, notAfterAt: authority.validToDate.toISOString() },
  };
}

/** `CN=Fieldgate\nO=…` in one line. */
function nameOf(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
