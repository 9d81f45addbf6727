// Whom the simulator trusts, and what it says when it does not.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { issueCertificate } from '../../gateway/certificate-issue.ts';
import { startFakeGateway } from '../support/fake-gateway.ts';
import { startSimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim } from '../support/sim-process.ts';

const DAY_MS = 86_400_000;

async function issue(names: readonly string[], fromDays: number, toDays: number) {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const issuerName = 'test authority';
  const order = { issuerName, issuerKey: authority };
  const ca = await issueCertificate({
    ...order,
    commonName: issuerName,
    key: authority,
    names: null,
    notBeforeMs: Date.now() - 99 * DAY_MS,
    notAfterMs: Date.now() + 99 * DAY_MS,
  });
  const validity = { notBeforeMs: Date.now() + fromDays * DAY_MS, notAfterMs: Date.now() + toDays * DAY_MS };
  const cert = await issueCertificate({ ...order, commonName: names[0]!, key, names, ...validity });
  return { ca, tls: { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) as string } };
}

test("with the gateway's own authority a fleet runs over TLS; without it nothing is sent", async () => {
  await using gateway = await startSimGateway({ tls: 'auto' });
  using folder = createSimFolder();
  const credentials = ['--enrol-key-file', folder.file('enrol', gateway.enrolKey), '--key-file', folder.file('key', gateway.apiKey)];
  const flags = ['run', '--url', gateway.wsUrl, ...credentials, '--devices', '2', '--rate', '20', '--duration', '300ms'];
  const stranger = await runSim(flags);
  expect(stranger.code).toBe(1);
  expect(stranger.stderr).toContain('is signed by a CA that is not trusted here');
  const trusting = await runSim([...flags, '--ca', join(gateway.data, 'tls/ca.crt'), '--json']);
  expect(JSON.parse(trusting.stdout)).toMatchObject({ isEqual: true, ok: true });
  expect(readFileSync(join(gateway.data, 'tls/ca.crt'), 'utf8')).toContain('CERTIFICATE');
});

test.each([
  ['an expired certificate', ['localhost', '127.0.0.1'], -20, -10, 'has expired'],
  ['a certificate from the future', ['localhost', '127.0.0.1'], 10, 20, 'is not valid yet'],
  ['a certificate for another host', ['elsewhere.example'], -1, 10, 'is for another host'],
] as const)('%s is refused with a sentence that names the trouble', async (_what, names, fromDays, toDays, sentence) => {
  const { ca, tls } = await issue(names, fromDays, toDays);
  await using gateway = await startFakeGateway({ tls });
  using folder = createSimFolder();
  const flags = ['--url', `wss://127.0.0.1:${gateway.port}`, '--enrol-key-file', folder.file('enrol', 'enrol-key'), '--no-compare'];
  const end = await runSim(['run', ...flags, '--ca', folder.file('ca.crt', ca), '--devices', '1']);
  expect(end).toMatchObject({ code: 1, stdout: '' });
  expect(end.stderr).toContain(sentence);
  expect(gateway.enrolled).toEqual([]);
});

test('E1 NODE_TLS_REJECT_UNAUTHORIZED=0 ends the simulator with 78 before it talks to anybody', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = ['--url', `ws://127.0.0.1:${gateway.port}`, '--enrol-key-file', folder.file('enrol', 'enrol-key'), '--no-compare'];
  const end = await runSim(['run', ...flags, '--devices', '1'], { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  expect(end).toMatchObject({ code: 78, stdout: '' });
  expect(end.stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED=0 .*unset it/);
  expect(gateway.enrolled).toEqual([]);
});

test('--insecure gets through to anybody, and says so', async () => {
  const { tls } = await issue(['elsewhere.example'], -20, -10);
  await using gateway = await startFakeGateway({ tls });
  using folder = createSimFolder();
  const flags = ['--url', `wss://127.0.0.1:${gateway.port}`, '--enrol-key-file', folder.file('enrol', 'enrol-key'), '--no-compare'];
  const end = await runSim(['run', ...flags, '--insecure', '--devices', '1', '--duration', '200ms']);
  expect(end.stderr).toContain('NOT CHECKED');
  expect(end.code).toBe(0);
});

test('nobody there, and somebody there who does not speak TLS, are told apart', async () => {
  await using gateway = await startFakeGateway();
  using folder = createSimFolder();
  const flags = ['--enrol-key-file', folder.file('enrol', 'enrol-key'), '--no-compare', '--devices', '1'];
  const nobody = await runSim(['run', '--url', 'wss://127.0.0.1:1', ...flags]);
  expect(nobody.stderr).toContain('nothing listens at wss://127.0.0.1:1');
  const plain = await runSim(['run', '--url', `wss://127.0.0.1:${gateway.port}`, ...flags]);
  expect(plain.stderr).toContain('does not speak TLS');
  expect([nobody.code, plain.code]).toEqual([1, 1]);
});
