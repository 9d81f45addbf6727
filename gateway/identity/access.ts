// Every door of the gateway with the role it asks for, and the one policy that HTTP and upgrades both ask. Nothing here waits: a credential
// is one look into memory, and a failure is counted where it is found.

import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import { cookieName, valuesOf } from './credential-headers.ts';
import type { Bearer, Credentials, Principal } from './identity.ts';
import { isLoopback, type Origins } from './origins.ts';
import { type Presented, presentedCredential } from './presented-credential.ts';
import { RANK } from './roles.ts';

/**
 * `public` asks for nothing. `session` takes whom it finds and leaves the rest to its handler, which signs people in and out. `metrics` is
 * a viewer, or a direct peer on loopback. Otherwise the kind of credential, or the least console role.
 */
export type Access = 'public' | 'session' | 'device' | 'enrolment' | 'viewer' | 'operator' | 'admin' | 'metrics';

/** Method and path, with parameters as `:name`. `npm run check` compares it with what the API serves, both ways. */
const ACCESS = {
  'UPGRADE /v1/device': 'device',
  'UPGRADE /v1/live': 'viewer',
  // a GET that asks for server-sent events
  'EVENTS /v1/live': 'viewer',
  // without an upgrade they only say what they are for: 426
  'GET /v1/device': 'public',
  'GET /v1/live': 'public',

  'GET /v1/session': 'session',
  'POST /v1/session': 'session',
  'DELETE /v1/session': 'session',
  // a new one-time code
  'POST /v1/setup': 'admin',

  'GET /v1/devices': 'viewer',
  'GET /v1/demo': 'viewer',
  'POST /v1/demo': 'operator',
  'DELETE /v1/demo': 'operator',
  'POST /v1/devices': 'operator',
  'GET /v1/devices/:id': 'viewer',
  'PATCH /v1/devices/:id': 'operator',
  'DELETE /v1/devices/:id': 'operator',
  'POST /v1/devices/:id/tokens': 'operator',
  'DELETE /v1/devices/:id/tokens': 'operator',
  'DELETE /v1/devices/:id/tokens/:tokenId': 'operator',
  'GET /v1/devices/:id/series': 'viewer',
  'GET /v1/devices/:id/attempts': 'operator',
  'GET /v1/devices/:id/frames': 'operator',
  // without a key too, while somebody holds the window for pairing open
  'POST /v1/enrol': 'enrolment',
  // what the device was given to ask again with is its credential
  'GET /v1/enrol/:request': 'public',
  'GET /v1/pairing': 'operator',
  'POST /v1/pairing': 'operator',
  'DELETE /v1/pairing': 'operator',
  'POST /v1/pairing/:id/approve': 'operator',
  'DELETE /v1/pairing/:id': 'operator',

  'GET /v1/series': 'viewer',
  'GET /v1/readings': 'viewer',
  'POST /v1/readings': 'device',
  'POST /v1/import': 'operator',
  'GET /v1/accounting': 'viewer',
  'GET /v1/gaps': 'viewer',
  'GET /v1/events': 'viewer',
  'GET /v1/alarms': 'viewer',
  'GET /v1/stats': 'viewer',
  'GET /v1/serial': 'viewer',
  'POST /v1/serial': 'admin',
  'GET /v1/serial/attached': 'viewer',
  'POST /v1/serial/try': 'operator',
  'PUT /v1/serial/:id': 'admin',
  'DELETE /v1/serial/:id': 'admin',
  'GET /v1/serial/:id/capture': 'admin',
  'DELETE /v1/serial/:id/capture': 'admin',
  'POST /v1/serial/replay': 'operator',
  'GET /v1/quarantine': 'operator',
  'GET /v1/quarantine/size': 'operator',
  'POST /v1/quarantine/:id/try': 'operator',
  'DELETE /v1/quarantine': 'operator',
  'POST /v1/quarantine/:id/replay': 'operator',
  'DELETE /v1/quarantine/:id': 'operator',

  'GET /v1/users': 'admin',
  'POST /v1/users': 'admin',
  'PATCH /v1/users/:name': 'admin',
  'DELETE /v1/users/:name': 'admin',
  'GET /v1/keys': 'admin',
  'POST /v1/keys': 'admin',
  'DELETE /v1/keys/:id': 'admin',
  'GET /v1/enrolments': 'admin',
  'POST /v1/enrolments': 'admin',
  'DELETE /v1/enrolments/:id': 'admin',
  'GET /v1/audit': 'admin',
  'GET /v1/settings': 'admin',
  'PATCH /v1/settings': 'admin',
  'POST /v1/settings/try': 'admin',
  'POST /v1/compact': 'admin',
  'POST /v1/verify': 'admin',
  'GET /v1/backups': 'admin',
  'POST /v1/backups': 'admin',

  'GET /v1/info': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'metrics',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/:file': 'public',
  'GET /ca.crt': 'public',
  // the console: its pages, and what Vite made for them
  'GET /': 'public',
  'GET /fleet': 'public',
  'GET /devices/:id': 'public',
  'GET /serial': 'public',
  'GET /explore': 'public',
  'GET /quarantine': 'public',
  'GET /events': 'public',
  'GET /settings': 'public',
  'GET /setup': 'public',
  'GET /signin': 'public',
  'GET /assets/:file': 'public',
  'GET /favicon.svg': 'public',
} as const satisfies Readonly<Record<string, Access>>;
export type RouteKey = keyof typeof ACCESS;

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly role: Access;
}
export const ROUTES: readonly Route[] = Object.entries(ACCESS).map(([key, role]) => {
  const [method = '', path = ''] = key.split(' ');
  return { method, path, role };
});

export interface AccessRequest {
  /** An HTTP method, UPGRADE, or EVENTS. HEAD is asked as GET. */
  readonly method: string;
  /** The matched row's path, with its parameters as `:name`. */
  readonly path: string;
  /** The request's target as it was sent, for `?token=`. */
  readonly url: string;
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  /** The peer (behind a trusted proxy: its client). */
  readonly address: string;
  readonly encrypted: boolean;
  /** It came by the control socket, whose file mode is the credential. */
  readonly viaLocalSocket: boolean;
}
export interface AccessRefusal {
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
}
export interface AccessGranted {
  readonly principal: Principal | null;
  /** On enrolment routes: the key, which has just been looked at. */
  readonly enrolmentKey?: string;
}
export type Authorize = (request: AccessRequest) => AccessGranted | AccessRefusal;

export interface AccessOptions {
  readonly credentials: Credentials;
  readonly origins: Origins;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createAccess({ credentials, origins }: AccessOptions): Authorize {
  return function authorize(request) {
    const access = accessOf(request);
    if (request.viaLocalSocket) return local(access);
    const found = presentedCredential(request, access !== 'device' && access !== 'enrolment');
    if ('fault' in found) {
      const isHarmless = access === 'public' && found.fault === 'ambiguous-credentials';
      return isHarmless ? NOBODY : refusal(found.fault);
    }
    if (access === 'public') return NOBODY;
    if (found.kind === 'none') {
      // sign-in writes a cookie: a page of another origin must not do it in this browser
      if (access === 'session') return originAllows(request) ? NOBODY : refusal('origin-denied');
      if (access === 'metrics' && isDirectLoopback(request)) return NOBODY;
      if (access === 'enrolment' && credentials.isPairing()) return NOBODY;
      return fail(request, 'missing');
    }
    return found.kind === 'cookie' ? byCookie(request, access, found) : byBearer(request, access, found);
  };

  function byCookie(request: AccessRequest, access: Access, { secret }: Presented & { kind: 'cookie' }): AccessGranted | AccessRefusal {
    const principal = secret === null ? null : credentials.session(secret);
    if (principal === null && access === 'session') return originAllows(request) ? NOBODY : refusal('origin-denied');
    // a stale tab is no guesser: it must not slow the sign-in that follows
    if (principal === null) return withHeaders(fail(request, 'missing'), { 'Set-Cookie': clearedCookie(request.encrypted) });
    if (!originAllows(request)) {
      credentials.originDenied(principal, valuesOf(request.rawHeaders, 'origin').join(' '), request.address);
      return refusal('origin-denied');
    }
    return admit(access, principal);
  }

  function byBearer(request: AccessRequest, access: Access, found: Presented & { kind: 'bearer' }): AccessGranted | AccessRefusal {
    const bearer = credentials.bearer(found.secret);
    if (bearer === null || !isNamed(bearer, found.device)) return fail(request, 'wrong');
    const isFromPage = found.isSubprotocol && access !== 'device' && valuesOf(request.rawHeaders, 'origin').length > 0;
    if (isFromPage && !originAllows(request)) return refusal('origin-denied');
    if (bearer.kind === 'enrolment') return access === 'enrolment' ? { principal: null, enrolmentKey: found.secret } : refusal('forbidden');
    if (bearer.kind === 'device' && bearer.isSuspended) return refusal(access === 'device' ? 'suspended' : 'forbidden');
    return admit(access, bearer.principal);
  }

  function fail(request: AccessRequest, what: 'missing' | 'wrong'): AccessRefusal {
    const waitSeconds = credentials.failed(request.address, what);
    return waitSeconds > 0 ? refusal('too-many-failures', { 'Retry-After': String(waitSeconds) }) : refusal('unauthorized');
  }

  /** Cookies come along by themselves, so what they allow must come from a page of ours: reads from anywhere, writes and sockets not. */
  function originAllows({ method, rawHeaders, encrypted }: AccessRequest): boolean {
    const [site, ...others] = valuesOf(rawHeaders, 'sec-fetch-site');
    // a page of ours sends no Origin with it, and a page elsewhere could not read it, but would hold a place of the session
    if (method === 'EVENTS') return others.length === 0 && (site === undefined || site === 'same-origin' || site === 'none');
    if (SAFE_METHODS.has(method)) return true;
    return (
      others.length === 0 && origins.allow({ origin: valuesOf(rawHeaders, 'origin'), host: valuesOf(rawHeaders, 'host'), site, encrypted })
    );
  }
}

const NOBODY: AccessGranted = { principal: null };

function accessOf({ method, path }: AccessRequest): Access {
  const key = `${method === 'HEAD' ? 'GET' : method} ${path}`;
  if (!Object.hasOwn(ACCESS, key)) throw new Error(`${key} has no role: give it one in identity/access.ts`);
  return ACCESS[key as RouteKey];
}

function admit(access: Access, principal: Principal): AccessGranted | AccessRefusal {
  if (access === 'session') return principal.kind === 'device' ? refusal('forbidden') : { principal };
  if (access === 'device') return principal.kind === 'device' ? { principal } : refusal('forbidden');
  if (access === 'enrolment' || principal.kind === 'device') return refusal('forbidden');
  const least = access === 'metrics' || access === 'public' ? 'viewer' : access;
  return RANK[principal.role] >= RANK[least] ? { principal } : refusal('forbidden');
}

function local(access: Access): AccessGranted | AccessRefusal {
  if (access === 'device' || access === 'enrolment') return refusal('forbidden');
  return { principal: { kind: 'local', name: 'local', role: 'admin' } };
}

function isNamed(bearer: Bearer, device: string | null): boolean {
  return device === null || (bearer.kind === 'device' && bearer.principal.device === device);
}

function isDirectLoopback({ address, rawHeaders }: AccessRequest): boolean {
  const forwarding = /^(forwarded|via|x-real-ip|x-forwarded-.+)$/i;
  return isLoopback(address) && !rawHeaders.some((name, index) => index % 2 === 0 && forwarding.test(name));
}

function refusal(code: ProblemCode, headers: Readonly<Record<string, string>> = {}): AccessRefusal {
  const { status } = PROBLEMS[code];
  return { status, code, headers: status === 401 ? { 'WWW-Authenticate': 'Bearer', ...headers } : headers };
}

function withHeaders(refused: AccessRefusal, headers: Readonly<Record<string, string>>): AccessRefusal {
  return { ...refused, headers: { ...refused.headers, ...headers } };
}

function clearedCookie(encrypted: boolean): string {
  return `${cookieName(encrypted)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${encrypted ? '; Secure' : ''}`;
}
