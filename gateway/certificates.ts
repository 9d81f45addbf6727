// The certificate of the listening port: a private authority's (`auto`), or files of one's own that are read again when they change. A
// broken file never replaces a working one.

import { statSync } from 'node:fs';
import { openAutoCertificates } from './auto-certificates.ts';
import { EXIT, Failure } from './failure.ts';
import type { Log } from './observe.ts';
import { type CertificateFiles, readOwnCertificate } from './own-certificate.ts';

export interface CertificatePair {
  readonly key: string;
  readonly cert: string;
}
export interface Certificates extends CertificatePair {
  /** The private authority for `GET /ca.crt`; null with an own certificate. */
  readonly caPem: string | null;
  /** SHA-256 of what a person compares: the private authority, or the own certificate. */
  readonly fingerprint: string;
  /** Looks now instead of at the next turn (SIGHUP); resolves when what it found is in use. Never rejects. */
  reload(): Promise<void>;
  /** Stops the timer; idempotent. */
  close(): void;
}
export interface CertificatesAsk {
  readonly tls: 'auto' | CertificateFiles;
  readonly dataDir: string;
  readonly now: () => number;
  /** server.setSecureContext takes it; open connections keep theirs. */
  readonly onRenew: (pair: CertificatePair) => void;
  readonly log: Log;
  /** Life of a server certificate from now on; shorter in tests. */
  readonly lifeMs?: number;
  /** Further names that people use for this gateway (http.host, the host of http.publicUrl). */
  readonly names?: readonly string[];
}

const DAY_MS = 86_400_000;
const OWN_LOOK_MS = 1000;
const EXPIRY_WARNING_MS = 14 * DAY_MS;

export async function openCertificates(ask: CertificatesAsk): Promise<Certificates> {
  return ask.tls === 'auto' ? openAutoCertificates(ask) : openOwn(ask, ask.tls);
}

function openOwn(ask: CertificatesAsk, files: CertificateFiles): Certificates {
  const first = readOwnCertificate(files, ask.now());
  if (!('cert' in first)) {
    const exit = first.every((problem) => problem.exit === EXIT.permission) ? EXIT.permission : EXIT.configuration;
    throw new Failure(exit, first.map((problem) => problem.message).join('\n'));
  }
  if (first.isChainOpen)
    ask.log.warn(
      { file: files.cert },
      "tls.cert holds no issuer: clients that do not know the issuer already will refuse it; append the issuer's certificate",
    );
  let current = first;
  let inUse = signature(files);
  let seen = inUse;
  let warnedFor = 0;
  const look = (isForced: boolean): void => {
    const now = signature(files);
    const isSettled = now === seen;
    seen = now;
    // two files are replaced one after the other: judged once nothing changed for a turn
    if (isForced || (now !== inUse && isSettled)) {
      inUse = now;
      const read = readOwnCertificate(files, ask.now());
      if ('cert' in read) {
        const isOther = read.cert !== current.cert || read.key !== current.key;
        current = read;
        if (isOther) {
          ask.log.info(
            { fingerprint: read.fingerprint, notAfter: new Date(read.notAfterMs).toISOString() },
            'the own certificate was read again',
          );
          ask.onRenew({ key: read.key, cert: read.cert });
        }
      } else
        ask.log.error({ problems: read.map((problem) => problem.message) }, 'the changed certificate is broken; the old one stays in use');
    }
    if (ask.now() > current.notAfterMs - Math.min(EXPIRY_WARNING_MS, current.lifeMs / 4) && ask.now() - warnedFor > DAY_MS) {
      warnedFor = ask.now();
      const word = ask.now() > current.notAfterMs ? 'has expired' : 'expires soon';
      ask.log.warn(
        { notAfter: new Date(current.notAfterMs).toISOString(), file: files.cert },
        `the own certificate ${word}: replace its files`,
      );
    }
  };
  look(false);
  const timer = setInterval(() => look(false), OWN_LOOK_MS);
  timer.unref();
  return {
    get key() {
      return current.key;
    },
    get cert() {
      return current.cert;
    },
    caPem: null,
    get fingerprint() {
      return current.fingerprint;
    },
    reload: async () => look(true),
    close: () => clearInterval(timer),
  };
}

function signature(files: CertificateFiles): string {
  return [files.cert, files.key]
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? 'none' : `${stat.ino}.${stat.size}.${stat.mtimeMs}.${stat.ctimeMs}`;
    })
    .join(' ');
}
