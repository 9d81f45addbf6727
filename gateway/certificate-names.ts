// The names and addresses that a certificate is good for.

import { X509Certificate } from 'node:crypto';

export function certificateNames(pem: string): string[] {
  const listed = new X509Certificate(pem).subjectAltName ?? '';
  return listed.split(', ').flatMap((entry) => {
    const [kind, name] = [entry.slice(0, entry.indexOf(':')), entry.slice(entry.indexOf(':') + 1)];
    return kind === 'DNS' || kind === 'IP Address' ? [name] : [];
  });
}
