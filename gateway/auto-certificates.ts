// `tls: auto`: a private authority and a server certificate in tls/, renewed at two thirds of its life while connections stay up.

import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { issueCertificate } from './certificate-issue.ts';
import type { CertificatePair, Certificates, CertificatesAsk } from './certificates.ts';
import { EXIT, Failure } from './failure.ts';
import { syncFolder } from './folder-sync.ts';
import type { CertificateFiles } from './own-certificate.ts';
import { RELEASED_AT_MS } from './release.ts';

const DAY_MS = 86_400_000;
/** With the day before, 397 days: the most that browsers take. */
const SERVER_LIFE_MS = 396 * DAY_MS;
const LONGEST_MS = 397 * DAY_MS;
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS;
/** Clocks jump and addresses change: looked at this often, whatever a timer was set to. */
const LOOK_MS = 60_000;
const ADDRESSES = 64;

export async function openAutoCertificates(ask: CertificatesAsk): Promise<Certificates> {
  const folder = join(ask.dataDir, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  syncFolder(ask.dataDir);
  const lifeMs = ask.lifeMs ?? SERVER_LIFE_MS;
  const authority = await openAuthority(folder, ask);
  const server = { key: join(folder, 'server.key'), cert: join(folder, 'server.crt') };
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let isClosed = false;

  const issue = async (): Promise<LoadedPair> => {
    const nowMs = ask.now();
    const key = newKey();
    const cert = await issueCertificate({
      commonName: 'Fieldgate',
      issuerName: authority.name,
      notBeforeMs: nowMs - DAY_MS,
      // a clock that has lost the time must not make what is dead for everybody else
      notAfterMs: Math.max(nowMs, RELEASED_AT_MS) + lifeMs,
      key,
      issuerKey: authority.key,
      names: serverNames(ask.names ?? []),
    });
    return { key: pemOf(key), cert, x509: new X509Certificate(cert) };
  };
  const keep = (pair: LoadedPair): LoadedPair => {
    writeSecret(server.key, pair.key);
    writeSecret(server.cert, pair.cert);
    return pair;
  };
  const due = (x509: X509Certificate): string | null => whyDue(x509, { nowMs: ask.now(), lifeMs, names: ask.names ?? [] });

  // the first certificate is not a renewal: nobody listens yet
  const found = readServer(server, authority.certificate);
  let current = found !== null && due(found.x509) === null ? found : keep(await issue());

  const renewIfDue = async (): Promise<void> => {
    const reason = due(current.x509);
    if (reason === null) return;
    const next = await issue();
    if (isClosed) return;
    current = keep(next);
    ask.log.info({ reason, notAfter: current.x509.validToDate.toISOString() }, 'the server certificate was renewed');
    ask.onRenew({ key: current.key, cert: current.cert });
  };
  /** One look at a time: whoever asks meanwhile waits for the same. */
  const look = (): Promise<void> => {
    clearTimeout(timer);
    looking ??= renewIfDue()
      .catch((error: unknown) => ask.log.error({ error }, 'the server certificate could not be renewed; the old one stays in use'))
      .finally(() => {
        looking = null;
        schedule();
      });
    return looking;
  };
  const schedule = (): void => {
    if (isClosed) return;
    timer = setTimeout(() => void look(), Math.min(LOOK_MS, Math.max(50, lifeMs / 10)));
    timer.unref();
  };
  schedule();
  return {
    get key() {
      return current.key;
    },
    get cert() {
      return current.cert;
    },
    caPem: authority.pem,
    fingerprint: authority.certificate.fingerprint256,
    async reload() {
      if (!isClosed) await look();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

interface LoadedPair extends CertificatePair {
  readonly x509: X509Certificate;
}
interface Authority {
  readonly key: KeyObject;
  readonly pem: string;
  readonly certificate: X509Certificate;
  readonly name: string;
}

async function openAuthority(folder: string, ask: CertificatesAsk): Promise<Authority> {
  const files = { key: join(folder, 'ca.key'), cert: join(folder, 'ca.crt') };
  const keyPem = readIfThere(files.key);
  const pem = readIfThere(files.cert);
  if (keyPem !== null && pem !== null) {
    const loaded = loadPair({ key: keyPem, cert: pem });
    if (loaded === null)
      throw new Failure(
        EXIT.configuration,
        `${files.key} and ${files.cert} do not belong together: restore both, or remove both and give ca.crt to every device anew`,
      );
    if (loaded.x509.validToDate.getTime() < ask.now() + SERVER_LIFE_MS)
      ask.log.warn(
        { notAfter: loaded.x509.validToDate.toISOString() },
        `the private authority ends soon: remove ${folder} and give the new ca.crt to every device`,
      );
    return { key: createPrivateKey(keyPem), pem, certificate: loaded.x509, name: commonNameOf(loaded.x509) };
  }
  // a lone certificate without its key is what a restored backup leaves behind; it can sign nothing
  const nowMs = ask.now();
  const key = newKey();
  const name = `Fieldgate ${hostname()
    .replace(/[^A-Za-z0-9.-]/g, '')
    .slice(0, 40)} ${randomBytes(3).toString('hex')}`;
  const cert = await issueCertificate({
    commonName: name,
    issuerName: name,
    notBeforeMs: Math.min(nowMs, RELEASED_AT_MS) - DAY_MS,
    notAfterMs: Math.max(nowMs, RELEASED_AT_MS) + AUTHORITY_LIFE_MS,
    key,
    issuerKey: key,
    names: null,
  });
  writeSecret(files.key, pemOf(key));
  writeSecret(files.cert, cert);
  const certificate = new X509Certificate(cert);
  ask.log.info(
    { fingerprint: certificate.fingerprint256, file: files.cert },
    'made a private authority; devices and browsers need its certificate',
  );
  return { key, pem: cert, certificate, name };
}

function readServer(files: CertificateFiles, authority: X509Certificate): LoadedPair | null {
  const key = readIfThere(files.key);
  const cert = readIfThere(files.cert);
  if (key === null || cert === null) return null;
  const loaded = loadPair({ key, cert });
  return loaded?.x509.verify(authority.publicKey) === true ? loaded : null;
}

function loadPair(pair: CertificatePair): LoadedPair | null {
  try {
    const x509 = new X509Certificate(pair.cert);
    return x509.checkPrivateKey(createPrivateKey(pair.key)) ? { ...pair, x509 } : null;
  } catch {
    return null;
  }
}

/** Why the certificate must be replaced now, or null. */
function whyDue(
  x509: X509Certificate,
  { nowMs, lifeMs, names }: { nowMs: number; lifeMs: number; names: readonly string[] },
): string | null {
  const from = x509.validFromDate.getTime();
  const to = x509.validToDate.getTime();
  if (nowMs < from) return 'the clock is before its first day';
  if (nowMs >= to) return 'it has expired';
  if (nowMs >= to - lifeMs / 3) return 'two thirds of its life are over';
  // made while the clock had lost the time: too long a life for some browsers
  if (to - from > LONGEST_MS && nowMs >= RELEASED_AT_MS) return 'the clock was wrong when it was made';
  const missing = serverNames(names).find(
    (name) => (isIP(name) === 0 ? x509.checkHost(name) : isIP(name) === 4 ? x509.checkIP(name) : name) === undefined,
  );
  return missing === undefined ? null : `${missing} is not among its names`;
}

/** What people may type to reach this machine. IPv6 addresses change by themselves all the time: they are put in, but never a reason. */
function serverNames(further: readonly string[]): string[] {
  const host = hostname().toLowerCase();
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address)
    .slice(0, ADDRESSES);
  const names = [
    host,
    `${host.split('.')[0]}.local`,
    'localhost',
    '127.0.0.1',
    '::1',
    ...addresses,
    ...further.map((name) => name.toLowerCase()),
  ];
  const isName = (name: string): boolean =>
    isIP(name) !== 0
      ? name !== '0.0.0.0' && name !== '::' && !name.includes('%')
      : /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) && name.length < 254;
  return [...new Set(names)].filter(isName);
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function commonNameOf(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all: a crash leaves the old file. Afterwards it is there for good, since devices trust what is in it from now on. */
function writeSecret(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, file);
  syncFolder(dirname(file));
}
