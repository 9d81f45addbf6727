// The one listening port: TLS, requests to the app, upgrades to a table of paths. Everything that a stranger can send is limited and
// checked here, before any code of ours sees it; each refusal is a problem document.

import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
import type { Attempts } from './attempts.ts';
import { SAFE_HEADERS } from './api/safe-headers.ts';
import { createAdmission, type DropReason } from './admission.ts';
import type { Config } from './config.ts';
import { exitCodeOf } from './failure.ts';
import { checkHandshake } from './handshake.ts';
import type { Authorize, RouteKey } from './identity/access.ts';
import { valuesOf } from './identity/credential-headers.ts';
import type { Principal } from './identity/identity.ts';
import { createPeerReader, type Peer } from './identity/peer.ts';
import type { Observe } from './observe.ts';
import { problemDocument, type ProblemCode } from './protocol/problems.ts';
import { type RawRefusal, refuseSocket } from './raw-refusal.ts';
import { rawSocketOf } from './raw-socket.ts';
import { openFileLimit } from './runtime-checks.ts';
import { createSocketBook } from './socket-book.ts';

/** What the app's handlers find in `c.env`. */
export interface HttpEnv extends HttpBindings {
  readonly peer: Peer;
}
/** An upgrade that passed every check; whoever accepts it answers 101, and owns the socket from then on. */
export interface AcceptedUpgrade {
  readonly principal: Principal;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The one to answer with; null when the client offered none. */
  readonly subprotocol: string | null;
  readonly address: string;
}
export interface UpgradeRefusal {
  readonly status: number;
  readonly code: ProblemCode;
  readonly retryAfterSeconds?: number;
}
export interface UpgradeRoute {
  /** Compared with the request's path as it was sent. */
  readonly path: string;
  readonly access: RouteKey & `UPGRADE ${string}`;
  /** In any order: the client's counts. */
  readonly subprotocols: readonly string[];
  /** Asked last: is there room for this one now? */
  admit?(principal: Principal): UpgradeRefusal | null;
  accept(upgrade: AcceptedUpgrade): void;
}
export interface TlsMaterial {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}
export interface HttpServerOptions {
  readonly config: Pick<Config, 'http' | 'limits'>;
  /** Null: plain HTTP. */
  readonly tls: TlsMaterial | null;
  readonly fetch: (request: Request, env: HttpEnv) => Response | Promise<Response>;
  readonly authorize: Authorize;
  readonly upgrades: readonly UpgradeRoute[];
  /** Told of those who were sent away before a handler saw them. */
  readonly onRefused?: Pick<Attempts, 'refused' | 'handshakeFailed'>;
  readonly observe: Observe;
}
export interface HttpServer {
  /** Rejects with the operating system's error; `exitCode` is what the command ends with. */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** For connections from now on; those that are open stay. */
  setSecureContext(tls: TlsMaterial): void;
  /** Takes nothing new, lets requests in flight end for `limits.drainSeconds`, then cuts what is left. */
  close(): Promise<void>;
}

const TLS_FLOOR = { minVersion: 'TLSv1.2' } as const;
const KEEP_ALIVE_MS = 15_000;
/** Node looks for late headers and requests only this often; its default of 30 s would void a limit of 10. */
const CHECK_EVERY_MS = 2_000;
/** Databases, logs and threads need files too: connections never take the last ones. */
const FILES_KEPT = 128;

export function createHttpServer({ config, tls, fetch, authorize, upgrades, onRefused, observe }: HttpServerOptions): HttpServer {
  const { http, limits } = config;
  const refusals = observe.counterBy(
    'fieldgate_connections_refused_total',
    'Refused before any handler: handshakes, upgrades, bad requests',
    'code',
  );
  const peerOf = createPeerReader(http.trustedProxies);
  const dropped = observe.counterBy(
    'fieldgate_admission_dropped_total',
    'Connections that ended before their first request, by reason',
    'reason',
  );
  const sockets = createSocketBook();
  let closing: Promise<void> | null = null;

  const listener = getRequestListener(
    async (request, env) => fetch(request, { ...(env as HttpBindings), peer: peerOf((env as HttpBindings).incoming) }),
    { errorHandler: (error) => appFault(error), overrideGlobalObjects: false },
  );

  function appFault(error: unknown): Response {
    const code = error instanceof RequestError ? 'bad-request' : 'internal';
    refusals.add(code);
    if (code === 'internal') observe.log.error({ err: error }, 'a request failed');
    const document = problemDocument(code);
    return Response.json(document, { status: document.status, headers: { ...SAFE_HEADERS, 'content-type': 'application/problem+json' } });
  }

  function onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void {
    admission.done(rawSocketOf(incoming.socket));
    sockets.busy(incoming.socket, outgoing);
    const fault = requestFault(incoming, limits.headerCount);
    if (fault === null) return void listener(incoming, outgoing);
    refusals.add(fault.code);
    const document = problemDocument(fault.code, fault.detail);
    outgoing.writeHead(document.status, {
      ...SAFE_HEADERS,
      'content-type': 'application/problem+json',
      Connection: 'close',
      ...fault.headers,
    });
    outgoing.end(JSON.stringify(document));
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    admission.done(rawSocketOf(socket));
    socket.on('error', ignore);
    const refuse = (refusal: RawRefusal): void => {
      refusals.add(refusal.code);
      const { url = '', rawHeaders } = request;
      onRefused?.refused({ code: refusal.code, method: 'UPGRADE', url, rawHeaders, address: peerOf(request).address });
      refuseSocket(socket, refusal);
    };
    try {
      const refusal = upgrade(request, socket, head);
      if (refusal !== null) refuse(refusal);
    } catch (error) {
      observe.log.error({ err: error }, 'an upgrade failed');
      refuse({ code: 'internal' });
    }
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): RawRefusal | null {
    if (closing !== null) return { code: 'draining', headers: retryAfter(1) };
    if (request.rawHeaders.length / 2 > limits.headerCount) return { code: 'headers-too-large' };
    const handshake = checkHandshake(request, upgrades);
    if ('code' in handshake) return handshake;
    const { route, subprotocol } = handshake;
    const peer = peerOf(request);
    const { rawHeaders, url = '' } = request;
    const answer = authorize({ method: 'UPGRADE', path: route.path, rawHeaders, url, ...peer, viaLocalSocket: false });
    if ('code' in answer) return answer;
    if (answer.principal === null) throw new Error(`${route.access} lets in who has no credential`);
    const refused = route.admit?.(answer.principal) ?? null;
    if (refused !== null) {
      const { code, status, retryAfterSeconds } = refused;
      return { code, status, headers: retryAfterSeconds === undefined ? {} : retryAfter(retryAfterSeconds) };
    }
    socket.off('error', ignore);
    sockets.upgraded(socket);
    route.accept({ principal: answer.principal, request, socket, head, subprotocol, address: peer.address });
    return null;
  }

  function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    admission.done(rawSocketOf(socket));
    // with TLS 1.3 a client tells that it does not trust us after the handshake
    if (error.code?.startsWith('ERR_SSL_') === true) failedHandshake(error, socket as Socket);
    const code = clientErrorCode(error.code ?? '');
    if (code !== null) refusals.add(code);
    if (code === null || sockets.hasAnswered(socket)) socket.destroy();
    else refuseSocket(socket, { code });
  }

  function failedHandshake(error: NodeJS.ErrnoException, socket: Socket): void {
    // who just goes away again, as health checks do, is not worth a word
    const { remoteAddress: address } = socket;
    if (address !== undefined && error.code?.startsWith('ERR_SSL_') === true) onRefused?.handshakeFailed({ error: error.code, address });
  }

  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    insecureHTTPParser: false,
    requireHostHeader: false, // requestFault says it as a problem document
  };
  const secureOptions = { ...options, ...TLS_FLOOR, handshakeTimeout: limits.handshakeSeconds * 1000 };
  const secureServer = tls === null ? null : createTlsServer({ ...secureOptions, ...tls }, onRequest);
  const server: Server | TlsServer = secureServer ?? createPlainServer(options, onRequest);
  server.maxHeadersCount = limits.headerCount + 1; // Node drops the ones beyond without a word: one more shows that there were
  server.on('upgrade', onUpgrade);
  server.on('clientError', onClientError);
  server.on('connect', (_, socket: Duplex) => {
    admission.done(rawSocketOf(socket));
    refusals.add('method-not-allowed');
    refuseSocket(socket, { code: 'method-not-allowed', headers: { Allow: 'GET, HEAD, POST, PATCH, DELETE' } });
  });
  server.on('tlsClientError', (error, socket) => {
    refusals.add('tls-error');
    failedHandshake(error, socket);
    socket.destroy();
  });
  server.on('connection', secureServer === null ? sockets.ready : sockets.handshaking);
  server.on('secureConnection', (socket) => {
    admission.secured(rawSocketOf(socket), socket);
    sockets.ready(socket);
  });

  const admission = createAdmission({
    limits,
    serve(socket) {
      server.emit('connection', socket);
      socket.resume();
    },
    drop: onDrop,
  });
  observe.gauge('fieldgate_admission_waiting', 'Connections accepted, but unread', () => admission.waiting);
  observe.gauge('fieldgate_admission_active', 'Connections in TLS handshake and headers', () => admission.active);
  const port = createTcpServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: tls === null }, admission.take);
  port.maxConnections = Math.max(FILES_KEPT, (openFileLimit() ?? Number.POSITIVE_INFINITY) - FILES_KEPT);
  port.on('drop', () => dropped.add('no-files'));
  server.emit('listening'); // it never listens itself; this starts its looks for late headers and requests

  function onDrop(socket: Socket, reason: DropReason, secure: Duplex | null): void {
    dropped.add(reason);
    // over TLS there is nobody to talk to before the handshake
    const answerable = secure ?? (tls === null ? socket : null);
    if (answerable === null || reason === 'silent' || closing !== null) return void socket.destroy();
    const refusal: RawRefusal = reason === 'late' ? { code: 'request-timeout' } : { code: 'busy', headers: retryAfter(2) };
    refusals.add(refusal.code);
    answerable.on('error', ignore);
    refuseSocket(answerable, refusal);
  }

  async function shut(): Promise<void> {
    const closed = new Promise<void>((resolve) => port.close(() => resolve()));
    admission.close();
    server.close();
    sockets.drain();
    const cut = setTimeout(sockets.cut, limits.drainSeconds * 500);
    await closed;
    clearTimeout(cut);
  }

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        port.once('error', (error) => reject(Object.assign(error, { exitCode: exitCodeOf(error) })));
        port.listen({ host: http.host, port: http.port, backlog: limits.backlog }, () => {
          port.removeAllListeners('error');
          port.on('error', (error) => observe.log.error({ err: error }, 'the listening port failed'));
          const address = port.address() as AddressInfo;
          resolve({ port: address.port, url: `${tls === null ? 'http' : 'https'}://${urlHost(http.host)}:${address.port}` });
        });
      }),
    setSecureContext(material) {
      if (secureServer === null) throw new Error('TLS is off: there is no certificate to change');
      secureServer.setSecureContext({ ...TLS_FLOOR, ...material });
    },
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

/** What Node's parser lets through and we do not. */
function requestFault({ rawHeaders, method, url = '' }: IncomingMessage, headerCount: number): RawRefusal | null {
  if (rawHeaders.length / 2 > headerCount) return { code: 'headers-too-large', detail: `at most ${headerCount} headers` };
  if (valuesOf(rawHeaders, 'host').length !== 1) return { code: 'bad-request', detail: 'exactly one Host header is needed' };
  // the adaptor would call it a bad request; no address of ours has one
  if (/^[^?]*\\/.test(url)) return { code: 'not-found' };
  if (method === 'TRACE') return { code: 'method-not-allowed', headers: { Allow: 'GET, HEAD, POST, PATCH, DELETE' } };
  return null;
}

/** Null: the connection broke, and nobody is there to be told. */
function clientErrorCode(code: string): ProblemCode | null {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  return code.startsWith('HPE_') ? 'bad-request' : null;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** Spread, so that those who were refused together do not come back together. */
function retryAfter(seconds: number): Record<string, string> {
  return { 'Retry-After': String(Math.ceil(seconds * (1 + Math.random() / 2) + Math.random() * 4)) };
}

function ignore(): void {}
