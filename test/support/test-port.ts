// The real listening port with the real policy over a real registry; behind it only an app that says who it was asked by, and sockets
// that say who opened them and then echo.

import { once } from 'node:events';
import { type ClientRequest, type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect as plainConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { WebSocketServer } from 'ws';
import { type Config, DEFAULTS, type Limits } from '../../gateway/config.ts';
import { createHttpServer, type HttpEnv, type HttpServer, type TlsMaterial, type UpgradeRefusal } from '../../gateway/http-server.ts';
import { type Authorize, createAccess } from '../../gateway/identity/access.ts';
import { createOrigins } from '../../gateway/identity/origins.ts';
import type { Problem } from '../../gateway/protocol/rest.ts';
import { problemDocument } from '../../gateway/protocol/problems.ts';
import { selfSigned } from './test-certificates.ts';
import { openTestIdentity, type TestIdentity } from './test-identity.ts';

export interface TestPort extends AsyncDisposable {
  readonly under: TestIdentity;
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly tls: TlsMaterial | null;
  /** What the next upgrades are refused with after all checks. */
  refuseUpgrades(refusal: UpgradeRefusal | null): void;
  ask(options: Ask): Promise<Answer>;
  /** Bytes as they are, and what came back until the other end closed. */
  raw(bytes: string | Buffer): Promise<string>;
  connect(): Promise<Socket>;
}
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  /** Upgrade headers are added. */
  readonly upgrade?: boolean;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | readonly string[];
  readonly body?: string;
  /** Of this device, on loopback 127.0.0.x. */
  readonly from?: string;
}
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly problem: Problem;
}
export interface TestPortOptions {
  readonly tls?: 'on' | 'off';
  readonly limits?: Partial<Limits>;
  readonly http?: Partial<Config['http']>;
  readonly fetch?: (request: Request, env: HttpEnv, authorize: Authorize) => Response | Promise<Response>;
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': KEY };
let certificate: Promise<TlsMaterial> | null = null;

export async function openTestPort({ tls = 'on', limits = {}, http = {}, fetch = whoAmI }: TestPortOptions = {}): Promise<TestPort> {
  const material = tls === 'on' ? await (certificate ??= selfSigned()) : null;
  const config = { http: { ...DEFAULTS.http, host: '127.0.0.1', port: 0, ...http }, limits: { ...DEFAULTS.limits, ...limits } };
  const under = await openTestIdentity(limits);
  const origins = createOrigins({
    publicUrl: config.http.publicUrl,
    listed: config.http.origins,
    names: () => ['gw.example', '*.site.example'],
  });
  const authorize = createAccess({ credentials: under.identity.credentials, origins });
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => [...offered].find((name) => !name.startsWith('bearer.')) ?? false,
  });
  let refused: UpgradeRefusal | null = null;
  const upgrade = (path: '/v1/device' | '/v1/live', subprotocols: readonly string[]) => ({
    path,
    access: `UPGRADE ${path}` as const,
    subprotocols,
    admit: () => refused,
    accept: ({
      request,
      socket,
      head,
      principal,
      subprotocol,
      address,
    }: Parameters<Parameters<typeof createHttpServer>[0]['upgrades'][number]['accept']>[0]) =>
      sockets.handleUpgrade(request, socket, head, (open) => {
        open.on('message', (bytes) => open.send(`${bytes}`));
        open.send(JSON.stringify({ principal, subprotocol, address }));
      }),
  });
  const server = createHttpServer({
    config,
    tls: material,
    fetch: (request, env) => fetch(request, env, authorize),
    authorize,
    upgrades: [upgrade('/v1/device', ['fieldgate.v1', 'fieldgate.v1.cbor']), upgrade('/v1/live', ['fieldgate.live.v1'])],
    observe: under.observe,
  });
  const { port, url } = await server.listen();
  const connect = async (): Promise<Socket> => {
    const socket =
      material === null ? plainConnect({ port, host: '127.0.0.1' }) : tlsConnect({ port, host: '127.0.0.1', ca: material.cert });
    await once(socket, material === null ? 'connect' : 'secureConnect');
    return socket;
  };
  return {
    under,
    server,
    port,
    url,
    tls: material,
    connect,
    refuseUpgrades(refusal) {
      refused = refusal;
    },
    ask: (options) => ask(options, port, material),
    async raw(bytes) {
      const socket = await connect();
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => parts.push(part));
      socket.on('error', () => undefined);
      socket.write(bytes);
      if (!socket.destroyed) await once(socket, 'close');
      return Buffer.concat(parts).toString('latin1');
    },
    async [Symbol.asyncDispose]() {
      for (const open of sockets.clients) open.terminate();
      await server.close();
      await under[Symbol.asyncDispose]();
    },
  };
}

function ask(
  { method = 'GET', path = '/v1/devices', upgrade = false, headers = {}, body, from }: Ask,
  port: number,
  tls: TlsMaterial | null,
): Promise<Answer> {
  const all = Array.isArray(headers) ? (headers as string[]) : { ...(upgrade ? UPGRADE : {}), ...(headers as Record<string, string>) };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers: all, localAddress: from, agent: false as const };
    const request: ClientRequest = tls === null ? plainRequest(options) : tlsRequest({ ...options, ca: tls.cert, servername: 'localhost' });
    request.on('error', reject);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', problem: NO_PROBLEM });
    });
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const isProblem = response.headers['content-type'] === 'application/problem+json';
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, problem: isProblem ? JSON.parse(text) : NO_PROBLEM });
      });
    });
    request.end(body);
  });
}
const NO_PROBLEM: Problem = { type: '', title: '', status: 0, code: '' };

/** Every path is a row of the table as it stands; what the policy says is the answer. */
function whoAmI(request: Request, { incoming, peer }: HttpEnv, authorize: Authorize): Response {
  const { rawHeaders, url = '' } = incoming;
  const answer = authorize({
    method: request.method,
    path: new URL(request.url).pathname,
    url,
    rawHeaders,
    ...peer,
    viaLocalSocket: false,
  });
  if (!('code' in answer)) return Response.json({ ...answer, peer });
  return Response.json(problemDocument(answer.code), {
    status: answer.status,
    headers: { ...answer.headers, 'Content-Type': 'application/problem+json' },
  });
}
