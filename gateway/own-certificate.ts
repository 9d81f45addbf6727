// A certificate that somebody brought along: read and judged before it is used, with every fault in words.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ConfigProblem } from './config-file.ts';
import { readableByOthers } from './load-config.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}
export interface OwnCertificate {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
  readonly notAfterMs: number;
  readonly lifeMs: number;
  /** The chain ends in a certificate that is neither its own issuer nor brought along with it. */
  readonly isChainOpen: boolean;
}

export function readOwnCertificate(files: CertificateFiles, nowMs: number): OwnCertificate | readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const fault = (path: string, message: string, exit: 77 | 78 = 78): void => void problems.push({ path, message, exit });
  const read = (path: 'tls.cert' | 'tls.key', file: string): string | null => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      fault(path, `${path}: ${file} cannot be read (${code ?? String(error)})`, code === 'EACCES' ? 77 : 78);
      return null;
    }
  };
  const open = readableByOthers(files.key, 'tls.key');
  if (open !== null) problems.push(open);
  const cert = read('tls.cert', files.cert);
  const key = read('tls.key', files.key);
  if (cert === null || key === null) return problems;

  const chain = readChain(cert);
  const leaf = chain?.[0];
  if (chain === null || leaf === undefined) fault('tls.cert', `tls.cert: ${files.cert} is not a PEM certificate`);
  let privateKey: KeyObject | null = null;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    const isEncrypted = key.includes('ENCRYPTED');
    fault(
      'tls.key',
      `tls.key: ${files.key} ${isEncrypted ? 'has a passphrase; remove it (openssl pkey -in OLD -out NEW)' : 'is not a PEM private key'}`,
    );
  }
  if (chain === null || leaf === undefined || privateKey === null) return problems;

  if (!leaf.checkPrivateKey(privateKey)) fault('tls.key', `tls.key ${files.key} does not belong to tls.cert ${files.cert}`);
  for (const [i, certificate] of chain.entries()) {
    const which = i === 0 ? 'the certificate' : `certificate ${i + 1} of the chain`;
    const bits =
      certificate.publicKey.asymmetricKeyType === 'rsa' ? (certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) : 2048;
    if (bits < 2048) fault('tls.cert', `tls.cert: ${which} has an RSA key of ${bits} bits; at least 2048 are needed`);
    if (certificate.validFromDate.getTime() > nowMs)
      fault(
        'tls.cert',
        `tls.cert: ${which} is not valid before ${certificate.validFromDate.toISOString()}; is this machine's clock right?`,
      );
    if (certificate.validToDate.getTime() <= nowMs)
      fault('tls.cert', `tls.cert: ${which} expired on ${certificate.validToDate.toISOString()}; renew it`);
    const issuer = chain[i + 1];
    if (issuer !== undefined && !certificate.checkIssued(issuer))
      fault(
        'tls.cert',
        `tls.cert: certificate ${i + 2} of ${files.cert} did not issue certificate ${i + 1}: put the server's first, then each issuer`,
      );
  }
  if (problems.length === 0) {
    try {
      createSecureContext({ key, cert });
    } catch (error) {
      fault('tls.cert', `tls.cert: TLS does not take this pair (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  if (problems.length > 0) return problems;
  const last = chain.at(-1) ?? leaf;
  return {
    key,
    cert,
    fingerprint: leaf.fingerprint256,
    notAfterMs: leaf.validToDate.getTime(),
    lifeMs: leaf.validToDate.getTime() - leaf.validFromDate.getTime(),
    isChainOpen: chain.length === 1 && !last.checkIssued(last),
  };
}

function readChain(pem: string): X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}
