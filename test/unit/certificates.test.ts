import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { issueCertificate } from '../../gateway/certificate-issue.ts';
import { certificateNames } from '../../gateway/certificate-names.ts';
import { type CertificatePair, type Certificates, openCertificates } from '../../gateway/certificates.ts';
import { readOwnCertificate } from '../../gateway/own-certificate.ts';
import { RELEASED_AT_MS } from '../../gateway/release.ts';
import { createFolder, type TestFolder } from '../support/cli-process.ts';
import { createRecordedObserve, type RecordedObserve } from '../support/recorded-observe.ts';
import { DAY_MS, newTestKey, pemOfKey, selfSigned, type TestPair } from '../support/test-certificates.ts';

interface Opened extends Disposable {
  readonly certificates: Certificates;
  readonly renewals: CertificatePair[];
  readonly observe: RecordedObserve;
}
async function open(
  folder: TestFolder,
  options: {
    now?: () => number;
    lifeMs?: number;
    tls?: { cert: string; key: string };
    names?: string[];
    onRenew?: (pair: CertificatePair) => void;
  } = {},
): Promise<Opened> {
  const renewals: CertificatePair[] = [];
  const observe = createRecordedObserve();
  const certificates = await openCertificates({
    tls: options.tls ?? 'auto',
    dataDir: folder.path,
    now: options.now ?? Date.now,
    log: observe.log,
    onRenew(pair) {
      renewals.push(pair);
      options.onRenew?.(pair);
    },
    ...(options.lifeMs === undefined ? {} : { lifeMs: options.lifeMs }),
    ...(options.names === undefined ? {} : { names: options.names }),
  });
  return { certificates, renewals, observe, [Symbol.dispose]: () => certificates.close() };
}

function connectTo(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, rejectUnauthorized: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

test('the first start makes an authority and a server certificate that browsers take', async () => {
  using folder = createFolder();
  using opened = await open(folder, { names: ['telemetry.example.com', '192.0.2.7'] });
  const { certificates } = opened;
  const ca = new X509Certificate(certificates.caPem ?? '');
  const server = new X509Certificate(certificates.cert);
  expect(ca.ca).toBe(true);
  expect(ca.fingerprint256).toBe(certificates.fingerprint);
  expect(ca.validToDate.getTime() - Date.now()).toBeGreaterThan(10 * 365 * DAY_MS);
  expect(server.ca).toBe(false);
  expect(server.checkIssued(ca)).toBe(true);
  expect(server.verify(ca.publicKey)).toBe(true);
  expect(server.validToDate.getTime() - server.validFromDate.getTime()).toBeLessThanOrEqual(397 * DAY_MS);
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  for (const name of ['localhost', hostname().toLowerCase(), `${hostname().toLowerCase().split('.')[0]}.local`, 'telemetry.example.com'])
    expect(server.checkHost(name), name).toBeDefined();
  for (const address of ['127.0.0.1', '::1', '192.0.2.7']) expect(server.checkIP(address), address).toBeDefined();
  for (const name of ['ca.key', 'server.key']) expect(statSync(join(folder.path, 'tls', name)).mode & 0o777, name).toBe(0o600);
  expect(statSync(join(folder.path, 'tls')).mode & 0o777).toBe(0o700);
  expect(opened.observe.lines).toContainEqual(
    expect.objectContaining({ fields: expect.objectContaining({ fingerprint: ca.fingerprint256 }) }),
  );
});

test('a second start keeps the authority and the certificate, and a new name gets a new certificate', async () => {
  using folder = createFolder();
  const first = await open(folder);
  first.certificates.close();
  const second = await open(folder);
  second.certificates.close();
  expect(second.certificates.cert).toBe(first.certificates.cert);
  using third = await open(folder, { names: ['other.example'] });
  expect(third.certificates.caPem).toBe(first.certificates.caPem);
  expect(third.certificates.cert).not.toBe(first.certificates.cert);
  expect(new X509Certificate(third.certificates.cert).checkHost('other.example')).toBeDefined();
});

test('at two thirds of its life the certificate is renewed, while connections stay up', async () => {
  using folder = createFolder();
  const server = createServer((socket) => socket.pipe(socket));
  using opened = await open(folder, { lifeMs: 3000, onRenew: (pair) => server.setSecureContext(pair) });
  const { certificates, renewals } = opened;
  const ca = certificates.caPem ?? '';
  server.setSecureContext({ key: certificates.key, cert: certificates.cert });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const old = await connectTo(port, ca);
  const before = old.getPeerX509Certificate()?.fingerprint256;
  await vi.waitUntil(() => renewals.length > 0, { timeout: 10_000, interval: 20 });
  const fresh = await connectTo(port, ca);
  expect(fresh.getPeerX509Certificate()?.fingerprint256).not.toBe(before);
  expect(fresh.authorized).toBe(true);
  old.write('still here');
  const [echo] = await once(old, 'data');
  expect(String(echo)).toBe('still here');
  expect(readFileSync(join(folder.path, 'tls/server.crt'), 'utf8')).toBe(certificates.cert);
  old.destroy();
  fresh.destroy();
  server.close();
});

test('E8 a clock that has lost the time does not make what is dead for everybody else', async () => {
  using folder = createFolder();
  const clock = { nowMs: 0 };
  using opened = await open(folder, { now: () => clock.nowMs });
  const { certificates, renewals } = opened;
  for (const pem of [certificates.cert, certificates.caPem ?? '']) {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    expect(validFromDate.getTime()).toBeLessThanOrEqual(0);
    expect(validToDate.getTime()).toBeGreaterThan(RELEASED_AT_MS + 300 * DAY_MS);
  }
  // the time is back: a certificate of a usual length takes its place, from the same authority
  clock.nowMs = Date.now();
  await certificates.reload();
  expect(renewals).toHaveLength(1);
  const renewed = new X509Certificate(certificates.cert);
  expect(renewed.validToDate.getTime() - renewed.validFromDate.getTime()).toBeLessThanOrEqual(397 * DAY_MS);
  expect(renewed.verify(new X509Certificate(certificates.caPem ?? '').publicKey)).toBe(true);
  await certificates.reload();
  expect(renewals).toHaveLength(1);
});

test('looks at the same time renew once, and none that has been overtaken by the end writes anything', async () => {
  using folder = createFolder();
  const clock = { nowMs: Date.now() };
  using opened = await open(folder, { now: () => clock.nowMs });
  const { certificates, renewals } = opened;
  clock.nowMs += 300 * DAY_MS;
  await Promise.all([certificates.reload(), certificates.reload()]);
  expect(renewals).toEqual([{ key: certificates.key, cert: certificates.cert }]);
  clock.nowMs += 300 * DAY_MS;
  const late = certificates.reload();
  certificates.close();
  await late;
  await certificates.reload();
  expect(renewals).toHaveLength(1);
  expect(readFileSync(join(folder.path, 'tls/server.crt'), 'utf8')).toBe(renewals[0]?.cert);
});

test('certificates name their own key and that of their issuer, as strict verifiers ask', async () => {
  using folder = createFolder();
  using opened = await open(folder);
  const [ca, server] = [opened.certificates.caPem ?? '', opened.certificates.cert].map((pem) => new X509Certificate(pem).raw);
  /** The 20 bytes that follow the extension's OID and the headers around them. */
  const identifier = (der: Buffer | undefined, header: string): string | undefined =>
    new RegExp(`${header}(.{40})`).exec(der?.toString('hex') ?? '')?.[1];
  const subject = '0603551d0e04160414';
  const issuer = '0603551d23041830168014';
  expect(identifier(ca, subject)).toMatch(/^[0-9a-f]{40}$/);
  expect(identifier(server, subject)).toMatch(/^[0-9a-f]{40}$/);
  expect(identifier(server, subject)).not.toBe(identifier(ca, subject));
  expect([identifier(ca, issuer), identifier(server, issuer)]).toEqual([identifier(ca, subject), identifier(ca, subject)]);
});

test('addresses of both families, mapped ones too, and years beyond 2049 are written as RFC 5280 has them', async () => {
  const key = newTestKey();
  const names = ['a_b.example', '192.0.2.7', '2001:db8:1:2:3:4:5:6', 'fd00::12', '1::', '::ffff:192.0.2.7'];
  const span = { notBeforeMs: Date.UTC(1969, 11, 31), notAfterMs: Date.UTC(2050, 0, 1) + 123 };
  const certificate = new X509Certificate(
    await issueCertificate({ commonName: 'höst, O=x', issuerName: 'Root', ...span, key, issuerKey: key, names }),
  );
  expect(certificateNames(certificate.toString())).toEqual([
    'a_b.example',
    '192.0.2.7',
    '2001:DB8:1:2:3:4:5:6',
    'FD00:0:0:0:0:0:0:12',
    '1:0:0:0:0:0:0:0',
    '0:0:0:0:0:FFFF:C000:207',
  ]);
  expect([certificate.subject, certificate.issuer]).toEqual(['CN=höst\\, O=x', 'CN=Root']);
  expect(certificate.raw.toString('latin1')).toMatch(/691231000000Z.{2}20500101000000Z/s);
});

test('a damaged server certificate is made anew, a damaged authority is not', async () => {
  using folder = createFolder();
  (await open(folder)).certificates.close();
  writeFileSync(join(folder.path, 'tls/server.crt'), 'half');
  const again = await open(folder);
  again.certificates.close();
  expect(new X509Certificate(again.certificates.cert).checkHost('localhost')).toBeDefined();
  writeFileSync(join(folder.path, 'tls/ca.key'), pemOfKey(newTestKey()));
  await expect(open(folder)).rejects.toMatchObject({ exit: 78, message: expect.stringContaining('do not belong together') });
});

const now = Date.now();
const stranger = await selfSigned();
async function chained(): Promise<{ leafOnly: TestPair; whole: TestPair; wrongOrder: TestPair }> {
  const keys = { root: newTestKey(), leaf: newTestKey() };
  const span = { notBeforeMs: now - DAY_MS, notAfterMs: now + 90 * DAY_MS };
  const root = await issueCertificate({
    commonName: 'Root',
    issuerName: 'Root',
    ...span,
    key: keys.root,
    issuerKey: keys.root,
    names: null,
  });
  const leaf = await issueCertificate({
    commonName: 'Leaf',
    issuerName: 'Root',
    ...span,
    key: keys.leaf,
    issuerKey: keys.root,
    names: ['localhost'],
  });
  const key = pemOfKey(keys.leaf);
  return { leafOnly: { key, cert: leaf }, whole: { key, cert: leaf + root }, wrongOrder: { key, cert: leaf + stranger.cert } };
}

async function shortKey(): Promise<TestPair> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const span = { notBeforeMs: now - DAY_MS, notAfterMs: now + 90 * DAY_MS };
  const cert = await issueCertificate({
    commonName: 'Short',
    issuerName: 'Root',
    ...span,
    key: privateKey,
    issuerKey: newTestKey(),
    names: ['localhost'],
  });
  return { key: pemOfKey(privateKey), cert };
}

test.each<[string, TestPair, RegExp]>([
  ['belongs to another key', { key: pemOfKey(newTestKey()), cert: stranger.cert }, /does not belong to tls\.cert/],
  ['has expired', await selfSigned({ fromMs: now - 20 * DAY_MS, toMs: now - DAY_MS }), /expired on/],
  ['is not valid yet', await selfSigned({ fromMs: now + DAY_MS }), /not valid before/],
  ['has an RSA key of 1024 bits', await shortKey(), /1024 bits; at least 2048/],
  ['is followed by another than its issuer', (await chained()).wrongOrder, /did not issue certificate 1/],
  ['is no certificate', { key: stranger.key, cert: 'hello' }, /is not a PEM certificate/],
  ['comes without a key', { key: 'hello', cert: stranger.cert }, /is not a PEM private key/],
])('K6 an own certificate that %s is refused', async (_, pair, says) => {
  using folder = createFolder();
  const tls = { cert: folder.file('own.crt', pair.cert), key: folder.file('own.key', pair.key) };
  const read = readOwnCertificate(tls, now);
  expect(read).toEqual([{ path: expect.stringMatching(/^tls\./), exit: 78, message: expect.stringMatching(says) }]);
  await expect(open(folder, { tls })).rejects.toMatchObject({ exit: 78, message: expect.stringMatching(says) });
});

test('K6 a chain that does not reach its root is used, and the log says who will refuse it', async () => {
  using folder = createFolder();
  const { leafOnly, whole } = await chained();
  const tls = { cert: folder.file('own.crt', leafOnly.cert), key: folder.file('own.key', leafOnly.key) };
  using open1 = await open(folder, { tls });
  expect(open1.observe.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('holds no issuer') }),
  );
  writeFileSync(tls.cert, whole.cert);
  using open2 = await open(folder, { tls });
  expect(open2.observe.lines).toEqual([]);
});

test('K5 an own key that others may read is refused with 77 and the chmod that mends it', async () => {
  using folder = createFolder();
  const { key, cert } = await selfSigned();
  const tls = { cert: folder.file('own.crt', cert), key: folder.file('own.key', key) };
  chmodSync(tls.key, 0o640);
  await expect(open(folder, { tls })).rejects.toMatchObject({ exit: 77, message: expect.stringContaining(`chmod 600 ${tls.key}`) });
});

test('K6 K15 changed files are read again; broken or expired ones keep the old certificate and alarm once', async () => {
  using folder = createFolder();
  const first = await selfSigned();
  const tls = { cert: folder.file('own.crt', first.cert), key: folder.file('own.key', first.key) };
  using opened = await open(folder, { tls });
  const { certificates, renewals, observe } = opened;
  const alarms = (): number => observe.lines.filter(({ level }) => level === 'error').length;
  expect(certificates.caPem).toBeNull();
  expect(certificates.fingerprint).toBe(new X509Certificate(first.cert).fingerprint256);

  // the certificate alone is half a change
  const second = await selfSigned();
  writeFileSync(tls.cert, second.cert);
  await vi.waitUntil(() => alarms() === 1, { timeout: 10_000 });
  expect(certificates.cert).toBe(first.cert);
  expect(renewals).toEqual([]);
  writeFileSync(tls.key, second.key);
  await vi.waitUntil(() => renewals.length === 1, { timeout: 10_000 });
  expect(renewals[0]).toEqual(second);
  expect(certificates.fingerprint).toBe(new X509Certificate(second.cert).fingerprint256);

  const dead = await selfSigned({ fromMs: now - 20 * DAY_MS, toMs: now - DAY_MS });
  writeFileSync(tls.cert, dead.cert);
  writeFileSync(tls.key, dead.key);
  await certificates.reload();
  expect(alarms()).toBe(2);
  rmSync(tls.cert);
  await certificates.reload();
  expect(alarms()).toBe(3);
  expect(certificates.cert).toBe(second.cert);
  expect(renewals).toHaveLength(1);
});
