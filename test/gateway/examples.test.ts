// Clients that use nothing of this project: each example of docs/examples/ lives through a cut connection and a restart of the gateway.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { EXAMPLES, liveThrough, postThrough, runProgram } from '../support/example-run.ts';

const LIMIT_MS = 180_000;
const run = promisify(execFile);
const file = (name: string): string => path.join(EXAMPLES, name);

test('no example is longer than fifty lines', () => {
  const lengths = readdirSync(EXAMPLES)
    .filter((name) => !name.endsWith('.md'))
    .map((name) => `${name} ${readFileSync(file(name), 'utf8').split('\n').length - 1}`);
  expect(lengths.filter((line) => Number(line.split(' ')[1]) > 50)).toEqual([]);
  expect(lengths.length).toBeGreaterThan(0);
});

test('the example for the package ws loses nothing and doubles nothing', { timeout: LIMIT_MS }, () =>
  liveThrough(({ url, tokenFile, caFile }) => runProgram(process.execPath, [file('node-ws.mjs'), url, tokenFile, caFile])),
);

test("the example for Node's own WebSocket loses nothing and doubles nothing", { timeout: LIMIT_MS }, () =>
  liveThrough(({ url, tokenFile, caFile }) =>
    runProgram(process.execPath, [file('node.mjs'), url, tokenFile], { NODE_EXTRA_CA_CERTS: caFile }),
  ),
);

test('the example for Python loses nothing and doubles nothing', { timeout: LIMIT_MS }, () =>
  // Debian's own interpreter: it has the package, whatever else is first on the PATH
  liveThrough(({ url, tokenFile, caFile }) => runProgram('/usr/bin/python3', [file('device.py'), url, tokenFile, caFile])),
);

test('the example for Go loses nothing and doubles nothing', { timeout: LIMIT_MS }, () =>
  liveThrough(async ({ url, tokenFile, caFile, folder }) => {
    const program = path.join(folder, 'device');
    await run('go', ['build', '-o', program, file('device.go')], {
      env: { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode' },
    });
    return runProgram(program, [url, tokenFile, caFile]);
  }),
);

test('the example for Java loses nothing and doubles nothing', { timeout: LIMIT_MS }, () =>
  liveThrough(async ({ url, tokenFile, caFile, folder }) => {
    const trust = path.join(folder, 'trust.p12');
    await run('keytool', ['-importcert', '-noprompt', '-file', caFile, '-keystore', trust, '-storepass', 'changeit']);
    const settings = [`-Djavax.net.ssl.trustStore=${trust}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
    return runProgram('java', [...settings, file('Device.java'), url, tokenFile]);
  }),
);

test('the example for curl loses nothing and doubles nothing', { timeout: LIMIT_MS }, () =>
  postThrough(({ url, tokenFile, caFile }) => runProgram('sh', [file('http-device.sh'), url.replace('wss:', 'https:'), tokenFile, caFile])),
);
