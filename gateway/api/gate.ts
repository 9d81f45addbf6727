// What every request passes before its handler: a clean path, a known route and method, the one access policy; safe headers on the way out.

import type { MiddlewareHandler } from 'hono';
import { ROUTES, type Route } from '../identity/access.ts';
import { FROM_LOCAL, whileAskedFrom } from '../identity/asked-from.ts';
import type { CounterFamily } from '../observe.ts';
import type { ApiDeps, ApiEnv } from './api-deps.ts';
import { problem } from './problem.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/** The access table, ready to be compared with paths as they were sent. */
export const ROUTE_ENTRIES: readonly (Route & { readonly pattern: RegExp })[] = ROUTES.map((route) => ({
  ...route,
  pattern: patternOf(route.path),
}));

/** What an orchestrator asks goes on being answered while the gateway stops. */
const WHILE_DRAINING = new Set(['/healthz', '/readyz', '/metrics']);

export function safeHeaders(refusals: CounterFamily): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SAFE_HEADERS)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    if (c.var.refused) refusals.add(c.var.refused);
  };
}

export function gate(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const url = c.env?.incoming?.url ?? pathAndQuery(c.req.raw.url);
    const fault = faultOfTarget(url);
    if (fault) return problem(c, fault);
    const path = url.replace(/\?.*$/s, '');
    const there = entriesAt(path);
    const isStream = isEventStream(c.req.method, c.req.header('accept')) && there.some((entry) => entry.method === 'EVENTS');
    const method = isStream ? 'EVENTS' : c.req.method === 'HEAD' ? 'GET' : c.req.method;
    const route = there.find((entry) => entry.method === method);
    if (there.length === 0) return problem(c, 'not-found');
    if (!route) return problem(c, 'method-not-allowed', { headers: { allow: allowed(there) } });
    if (deps.isDraining() && !WHILE_DRAINING.has(path)) return problem(c, 'draining');

    const rawHeaders = c.env?.incoming?.rawHeaders ?? [...c.req.raw.headers].flat();
    const { address, encrypted } = c.env?.peer ?? { address: '', encrypted: c.req.raw.url.startsWith('https:') };
    const viaLocalSocket = c.env?.local === true;
    const answer = deps.authorize({ method, path: route.path, url, rawHeaders, address, encrypted, viaLocalSocket });
    if ('code' in answer) return problem(c, answer.code, { headers: lowerCased(answer.headers) });
    c.set('principal', answer.principal);
    c.set('enrolmentKey', answer.enrolmentKey);
    c.set('address', address);
    c.set('encrypted', encrypted);
    return route.role === 'device' ? next() : whileAskedFrom(viaLocalSocket ? FROM_LOCAL : address, next);
  };
}

/** A GET that asks for server-sent events: on addresses that have them it is another way in, with a role of its own. */
export function isEventStream(method: string, accept: string | undefined): boolean {
  return method === 'GET' && accept !== undefined && /(?:^|,)\s*text\/event-stream\s*(?:;|,|$)/i.test(accept);
}

/** What is written out in the table goes before what only matches a parameter. */
function entriesAt(path: string): readonly Route[] {
  const exact = ROUTE_ENTRIES.filter((entry) => entry.path === path);
  return exact.length > 0 ? exact : ROUTE_ENTRIES.filter((entry) => entry.pattern.test(path));
}

function allowed(routes: readonly Route[]): string {
  const methods = routes.map((route) => route.method).filter((method) => method !== 'UPGRADE' && method !== 'EVENTS');
  return [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].sort().join(', ');
}

function pathAndQuery(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function patternOf(path: string): RegExp {
  const parts = path
    .split('/')
    .map((part) => (part === '*' ? '.+' : part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}

/**
 * A path is taken as it is written or not at all: nothing here resolves dots, doubled or encoded slashes, or encoded letters, so that no
 * two spellings lead to one route and no spelling leads past the policy.
 */
export function faultOfTarget(target: string): 'bad-request' | 'not-found' | null {
  if (!target.startsWith('/') || /[^\x21-\x7e]/.test(target) || /%(?![0-9A-Fa-f]{2})/.test(target)) return 'bad-request';
  const path = target.replace(/\?.*$/s, '');
  if (/\/\/|\/\.{1,2}(\/|$)|[\\;#]/.test(path)) return 'not-found';
  for (const [, hex] of path.matchAll(/%(..)/g)) {
    const byte = Number.parseInt(hex as string, 16);
    if (byte < 0x20 || /[/\\.%;A-Za-z0-9_~\x7f-]/.test(String.fromCharCode(byte))) return 'not-found';
  }
  try {
    decodeURIComponent(path);
    return null;
  } catch {
    return 'bad-request';
  }
}
