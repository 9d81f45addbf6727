// Issues the two kinds of X.509 certificate that a private authority needs, on P-256 with SHA-256. With the key identifiers that strict
// verifiers (Python 3.13 and later) insist on.

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

export interface CertificateOrder {
  readonly commonName: string;
  readonly issuerName: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Private key of the certificate's owner; only its public half goes in. */
  readonly key: KeyObject;
  /** On P-256. */
  readonly issuerKey: KeyObject;
  /** DNS names and IP addresses of a server; null for an authority. */
  readonly names: readonly string[] | null;
}

/** The certificate as PEM. */
export async function issueCertificate(order: CertificateOrder): Promise<string> {
  // loaded only here, since most starts have their certificates already; the second fails without the first
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  // always UTF-8, since verifiers may compare the issuer's name byte by byte
  const nameOf = (commonName: string) => new x509.Name([{ CN: [{ utf8String: commonName }] }]);
  const publicKey = publicKeyOf(order.key);
  const extensions =
    order.names === null
      ? [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        ]
      : [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(order.names.map(altName)),
        ];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(order.commonName),
    issuer: nameOf(order.issuerName),
    notBefore: new Date(order.notBeforeMs),
    notAfter: new Date(order.notAfterMs),
    publicKey: new x509.PublicKey(publicKey),
    signingKey: order.issuerKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      ...extensions,
      new x509.SubjectKeyIdentifierExtension(keyIdentifier(publicKey)),
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(publicKeyOf(order.issuerKey))),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** 160 bits of SHA-256 (RFC 7093 §2), as hex. An authority on disk has its own by this rule, and what it signs must name the same. */
function keyIdentifier(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex').slice(0, 40);
}

function altName(name: string): { type: 'dns' | 'ip'; value: string } {
  const family = isIP(name);
  if (family === 0) return { type: 'dns', value: name };
  // the library misreads an IPv4 part at the end of an IPv6 address; the URL parser writes it as two groups
  return { type: 'ip', value: family === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name };
}
