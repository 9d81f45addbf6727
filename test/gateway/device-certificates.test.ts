// The device socket itself, against servers with real certificates: nobody but the right one is told the token.

import type { KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { expect, test } from 'vitest';
import { issueCertificate } from '../../gateway/certificate-issue.ts';
import type { SocketEnd } from '../../gateway/protocol/device-socket.ts';
import { explainFault, openTarget } from '../../gateway/client/target.ts';
import { openWsSocket } from '../../gateway/client/ws-socket.ts';
import { createSimFolder } from '../support/sim-process.ts';
import { DAY_MS, newTestKey, pemOfKey } from '../support/test-certificates.ts';

interface Authority {
  readonly key: KeyObject;
  readonly pem: string;
}
interface Leaf {
  readonly names?: readonly string[];
  readonly fromDays?: number;
  readonly toDays?: number;
}

async function makeAuthority(name: string): Promise<Authority> {
  const key = newTestKey();
  const [notBeforeMs, notAfterMs] = [Date.now() - 99 * DAY_MS, Date.now() + 99 * DAY_MS];
  const pem = await issueCertificate({ commonName: name, issuerName: name, key, issuerKey: key, names: null, notBeforeMs, notAfterMs });
  return { key, pem };
}

/** A server whose certificate is signed by an authority called `test authority`; notes the tokens that it is told. */
async function startServer(authority: Authority, { names = ['localhost', '127.0.0.1'], fromDays = -1, toDays = 9 }: Leaf) {
  const key = newTestKey();
  const cert = await issueCertificate({
    commonName: names[0]!,
    issuerName: 'test authority',
    key,
    issuerKey: authority.key,
    names,
    notBeforeMs: Date.now() + fromDays * DAY_MS,
    notAfterMs: Date.now() + toDays * DAY_MS,
  });
  const tokens: string[] = [];
  const server: Server = createServer({ key: pemOfKey(key), cert });
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'fieldgate.v1' });
  sockets.on('connection', (_, request) => tokens.push(request.headers.authorization ?? ''));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    tokens,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Tries once; '' when it got in, else the sentence for a person. */
async function connect(url: string, caFile: string): Promise<{ readonly sentence: string; readonly end: SocketEnd | null }> {
  const target = openTarget({ url, ca: caFile });
  let sentence = '';
  return new Promise((resolve) => {
    const onFault = (error: NodeJS.ErrnoException) => {
      sentence = explainFault(target, error).sentence;
    };
    const socket = openWsSocket(
      { target, token: 'fgd_secret', onFault },
      {
        opened() {
          resolve({ sentence, end: null });
          socket.cut();
        },
        message() {},
        heard() {},
        closed: (end) => resolve({ sentence, end }),
      },
    );
  });
}

const ROWS: readonly [what: string, leaf: Leaf, url: string, sentence: RegExp][] = [
  [
    'an expired certificate',
    { fromDays: -20, toDays: -10 },
    'wss://localhost',
    /has expired; renew it on the gateway, or set this machine's clock/,
  ],
  [
    'E8 a certificate that is not valid yet, as for a machine whose clock starts in 1970',
    { fromDays: 10, toDays: 20 },
    'wss://localhost',
    /is not valid yet; set this machine's clock, which says \d{4}-\d\d-\d\d/,
  ],
  [
    'a certificate for another name',
    { names: ['elsewhere.example'] },
    'wss://localhost',
    /is for another host; use a name .*elsewhere\.example/,
  ],
  ['a certificate for another address', { names: ['127.0.0.2'] }, 'wss://127.0.0.1', /is for another host; use a name .*127\.0\.0\.2/],
];

test.each(ROWS)('%s is refused, says what to do, and the token stays here', async (_what, leaf, url, sentence) => {
  const authority = await makeAuthority('test authority');
  await using server = await startServer(authority, leaf);
  using folder = createSimFolder();
  const got = await connect(`${url}:${server.port}`, folder.file('ca.crt', authority.pem));
  expect(got.sentence).toMatch(sentence);
  expect(got.end).toMatchObject({ code: 1006 });
  expect(server.tokens).toEqual([]);
});

test.each([
  ['of another name', 'other authority'],
  ['of the same name', 'test authority'],
])('a certificate of another CA %s is refused, says what to do, and the token stays here', async (_what, name) => {
  const [ours, theirs] = [await makeAuthority(name), await makeAuthority('test authority')];
  await using server = await startServer(theirs, {});
  using folder = createSimFolder();
  const got = await connect(`wss://localhost:${server.port}`, folder.file('ca.crt', ours.pem));
  expect(got.sentence).toMatch(/is signed by a CA that is not trusted here; fetch the gateway's own from https:.*\/ca\.crt/);
  expect(server.tokens).toEqual([]);
});

test.each(['localhost', '127.0.0.1'])('with its own CA the gateway is believed as %s', async (host) => {
  const authority = await makeAuthority('test authority');
  await using server = await startServer(authority, {});
  using folder = createSimFolder();
  expect(await connect(`wss://${host}:${server.port}`, folder.file('ca.crt', authority.pem))).toEqual({ sentence: '', end: null });
  expect(server.tokens).toEqual(['Bearer fgd_secret']);
});
