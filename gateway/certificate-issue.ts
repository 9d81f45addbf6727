// Writes X.509 certificates (RFC 5280) as DER: just the two kinds that a private authority needs, on P-256 with SHA-256. With the key
// identifiers that strict verifiers (Python 3.13 and later) insist on.

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface CertificateOrder {
  readonly commonName: string;
  readonly issuerName: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Private key of the certificate's owner; only its public half goes in. */
  readonly key: KeyObject;
  readonly issuerKey: KeyObject;
  /** DNS names and IP addresses of a server; null for an authority. */
  readonly names: readonly string[] | null;
}

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
};
const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, utcTime: 23, generalTime: 24, sequence: 48, set: 49 };
/** keyUsage bits, RFC 5280 §4.2.1.3: unused bits, then the bits from the left. */
const USAGE = { digitalSignature: [7, 0x80], signCertificates: [1, 0x06] };

export function issueCertificate(order: CertificateOrder): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const publicKey = createPublicKey(order.key).export({ type: 'spki', format: 'der' });
  const isAuthority = order.names === null;
  const extensions = [
    extension(OID.basicConstraints, true, sequence(...(isAuthority ? [der(TAG.boolean, [0xff]), der(TAG.integer, [0])] : []))),
    extension(OID.keyUsage, true, der(TAG.bits, isAuthority ? USAGE.signCertificates : USAGE.digitalSignature)),
    extension(OID.subjectKeyIdentifier, false, der(TAG.octets, keyIdentifier(publicKey))),
    extension(
      OID.authorityKeyIdentifier,
      false,
      sequence(der(0x80, keyIdentifier(createPublicKey(order.issuerKey).export({ type: 'spki', format: 'der' })))),
    ),
  ];
  if (order.names !== null) {
    extensions.push(extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))));
    extensions.push(extension(OID.subjectAltName, false, sequence(...order.names.map(altName))));
  }
  const body = sequence(
    der(0xa0, der(TAG.integer, [2])),
    der(TAG.integer, serialNumber()),
    algorithm,
    distinguishedName(order.issuerName),
    sequence(time(order.notBeforeMs), time(order.notAfterMs)),
    distinguishedName(order.commonName),
    publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, { key: order.issuerKey, dsaEncoding: 'der' });
  const certificate = sequence(body, algorithm, der(TAG.bits, Buffer.concat([Buffer.of(0), signature])));
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/(.{64})(?!$)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, content: Uint8Array | readonly number[]): Buffer {
  const bytes = Buffer.from(content as Uint8Array);
  const length: number[] = [];
  if (bytes.length < 0x80) length.push(bytes.length);
  else {
    for (let rest = bytes.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
    length.unshift(0x80 | length.length);
  }
  return Buffer.concat([Buffer.of(tag, ...length), bytes]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const base128 = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) base128.unshift((left % 128) | 0x80);
    bytes.push(...base128);
  }
  return der(TAG.oid, bytes);
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [der(TAG.boolean, [0xff])] : []), der(TAG.octets, value));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(TAG.set, sequence(oid(OID.commonName), der(TAG.utf8, Buffer.from(commonName)))));
}

/** Two digits of the year from 1950 to 2049, four outside (RFC 5280 §4.1.2.5). */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050 ? der(TAG.utcTime, Buffer.from(digits.slice(2))) : der(TAG.generalTime, Buffer.from(digits));
}

/** Positive, 16 bytes, never with a zero in front. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** RFC 7093 §2 method 1: the first 160 bits of the SHA-256 of the key; any value that is the same on both sides does. */
function keyIdentifier(spki: Buffer): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function altName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return der(0x82, Buffer.from(name, 'ascii'));
  return der(0x87, family === 4 ? name.split('.').map(Number) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): number[] {
  // the URL parser writes an embedded IPv4 part as two groups, and refuses zones
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const left = groups(head);
  const right = groups(tail ?? '');
  const all = tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}
