// The one credential that a request presents, wherever it may be; two of them, or one in the URL, are refused before any is looked at.

import type { ProblemCode } from '../protocol/problems.ts';
import type { AccessRequest } from './access.ts';
import { cookieName, cookiesNamed, parseAuthorization, valuesOf } from './credential-headers.ts';
import { isLoopback } from './origins.ts';
import { subprotocolsOf } from './subprotocols.ts';

export type Presented =
  | { readonly kind: 'none' }
  /** Null: two of one name, or longer than any of ours. */
  | { readonly kind: 'cookie'; readonly secret: string | null }
  /** `device`: the user part of Basic, which must be the token's device. A credential we cannot read is an empty secret. */
  | { readonly kind: 'bearer'; readonly secret: string; readonly device: string | null; readonly isSubprotocol: boolean };

const MAX_CREDENTIAL_BYTES = 1024;
const URL_SECRETS = ['token', 'access_token'];

/** Devices have no cookies: on their routes none is read. Over plain HTTP they are taken on loopback alone. */
export function presentedCredential(request: AccessRequest, takesCookies: boolean): Presented | { readonly fault: ProblemCode } {
  const { method, path, rawHeaders, encrypted, address } = request;
  if (hasSecretInUrl(request)) return { fault: 'token-in-url' };
  const authorization = valuesOf(rawHeaders, 'authorization');
  const [header] = authorization;
  const offered = method === 'UPGRADE' ? subprotocolsOf(rawHeaders).bearer : null;
  if (authorization.length > 1 || isTooLong(header) || isTooLong(offered)) return { fault: 'bad-request' };

  const readsCookies = takesCookies && (encrypted || isLoopback(address));
  const cookies = readsCookies ? cookiesNamed(rawHeaders, cookieName(encrypted)) : [];
  const isAmbiguous = [header !== undefined, offered !== null, cookies.length > 0].filter(Boolean).length > 1;
  if (isAmbiguous) return { fault: 'ambiguous-credentials' };

  if (header !== undefined) {
    const takesBasic = method === 'UPGRADE' && path === '/v1/device';
    return { kind: 'bearer', isSubprotocol: false, ...parseAuthorization(header, takesBasic) };
  }
  if (offered !== null) return { kind: 'bearer', secret: offered, device: null, isSubprotocol: true };
  const [cookie] = cookies;
  if (cookie === undefined) return { kind: 'none' };
  return { kind: 'cookie', secret: cookies.length > 1 || isTooLong(cookie) ? null : cookie };
}

function hasSecretInUrl({ url }: AccessRequest): boolean {
  const query = url.indexOf('?');
  if (query < 0) return false;
  const parameters = new URLSearchParams(url.slice(query + 1));
  return URL_SECRETS.some((name) => parameters.has(name));
}

function isTooLong(credential: string | null | undefined): boolean {
  return Buffer.byteLength(credential ?? '') > MAX_CREDENTIAL_BYTES;
}
