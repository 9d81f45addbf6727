// The WebSocket handshake, checked before anything is done with it: Node lets upgrades without Host, by POST or with a body through, and
// `ws` takes version 8 and answers in plain text. What passes here has one path of the table and at most one subprotocol.

import type { IncomingMessage } from 'node:http';
import { valuesOf } from './identity/credential-headers.ts';
import { subprotocolsOf } from './identity/subprotocols.ts';
import type { ProblemCode } from './protocol/problems.ts';

export interface Refused {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface HandshakeRoute {
  readonly path: string;
  readonly subprotocols: readonly string[];
}
export type Handshake<Route> = { readonly route: Route; readonly subprotocol: string | null } | Refused;

const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

export function checkHandshake<Route extends HandshakeRoute>(request: IncomingMessage, routes: readonly Route[]): Handshake<Route> {
  const { rawHeaders, method, httpVersion, url = '' } = request;
  const one = (name: string): string | null => {
    const values = valuesOf(rawHeaders, name);
    return values.length === 1 ? (values[0] as string) : null;
  };
  if (httpVersion !== '1.1') return { code: 'bad-request', detail: 'an upgrade needs HTTP/1.1' };
  if (!one('host')) return { code: 'bad-request', detail: 'exactly one Host header is needed' };
  if (hasBody(request)) return { code: 'bad-request', detail: 'an upgrade has no body' };
  if (one('upgrade')?.trim().toLowerCase() !== 'websocket') return { code: 'unsupported-upgrade' };
  const path = url.replace(/\?.*$/s, '');
  const route = routes.find((candidate) => candidate.path === path);
  if (route === undefined) return { code: 'not-found' };
  if (method !== 'GET') return { code: 'method-not-allowed', headers: { Allow: 'GET' } };
  if (one('sec-websocket-version') !== '13') return { code: 'bad-ws-version', headers: { 'Sec-WebSocket-Version': '13' } };
  if (!WEBSOCKET_KEY.test(one('sec-websocket-key') ?? '')) return { code: 'bad-ws-key' };

  const { offered, bearer, isMalformed } = subprotocolsOf(rawHeaders);
  if (isMalformed) return { code: 'bad-request', detail: 'Sec-WebSocket-Protocol is a list of up to 16 different names' };
  const subprotocol = offered.find((name) => route.subprotocols.includes(name)) ?? null;
  if (subprotocol === null && (offered.length > 0 || bearer !== null)) {
    return { code: 'unsupported-subprotocol', detail: `spoken here: ${route.subprotocols.join(', ')}` };
  }
  return { route, subprotocol };
}

/** A length of 0 is what clients say of an empty POST, and what Java 17 says of every upgrade. */
function hasBody({ rawHeaders }: IncomingMessage): boolean {
  const lengths = valuesOf(rawHeaders, 'content-length');
  const isEmpty = lengths.length === 0 || (lengths.length === 1 && lengths[0] === '0');
  return !isEmpty || valuesOf(rawHeaders, 'transfer-encoding').length > 0;
}
