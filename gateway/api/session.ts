// /v1/session: signing in with a password, a key or the set-up code, asking who one is, signing out.

import { createRoute, z } from '@hono/zod-openapi';
import { cookieName, cookiesNamed } from '../identity/credential-headers.ts';
import type { Identity, Issued, Principal, Refusal } from '../identity/identity.ts';
import type { SessionView, SignIn } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { clearedCookie, KIOSK_SECONDS, sessionCookie } from './cookie.ts';
import { problem, refuse } from './problem.ts';
import { answers, bodyOf, done, noQuery, roleShape, type Shape, withJson } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

/** Passwords are hashed: what is longer is refused before that. */
const MAX_SECRET_BYTES = 1024;

const secret = z.string();
const signIn: z.ZodType<SignIn> = z
  .union([
    z.strictObject({ user: z.string(), password: secret }),
    z.strictObject({ key: secret }),
    z.strictObject({ setupCode: secret, user: z.string(), password: secret }),
  ])
  .openapi('SignIn');

const sessionShape: Shape<SessionView> = z
  .object({
    user: z.string(),
    role: roleShape,
    kind: z.enum(['user', 'key', 'local']),
    expiresAt: z.iso.datetime().nullable(),
    live: z.enum(['ready', 'full', 'too-many-sockets']),
  })
  .openapi('Session');

const create = createRoute({
  method: 'post',
  path: '/v1/session',
  summary: 'Sign in',
  request: { query: noQuery, body: bodyOf(signIn) },
  responses: answers(200, sessionShape, 'Signed in; the cookie is set'),
});
const show = createRoute({
  method: 'get',
  path: '/v1/session',
  summary: 'Who one is',
  request: { query: noQuery },
  responses: answers(200, sessionShape, 'The credential of this request'),
});
const end = createRoute({ method: 'delete', path: '/v1/session', summary: 'Sign out', request: { query: noQuery }, responses: done });

export function registerSession(api: Api, deps: ApiDeps): void {
  const { identity, config, seats } = deps;
  const viewOf = (principal: Principal | null): SessionView | null => {
    if (!principal || principal.kind === 'device') return null;
    const sessionId = principal.kind === 'local' ? null : principal.sessionId;
    const endsAtMs = sessionId === null ? null : identity.sessions.endsAtMs(sessionId);
    return {
      user: principal.name,
      role: principal.role,
      kind: principal.kind,
      expiresAt: endsAtMs === null ? null : formatTimeMs(endsAtMs),
      live: seats.outlook(principal),
    };
  };
  api.openapi({ ...create, middleware: withJson(deps) }, async (c) => {
    const ask = c.req.valid('json');
    if (Object.values(ask).some((text) => Buffer.byteLength(text) > MAX_SECRET_BYTES)) {
      return problem(c, 'bad-request', { detail: `each field is at most ${MAX_SECRET_BYTES} bytes` });
    }
    const issued = await signInWith(identity, ask, c.var.address);
    if ('refused' in issued) return refuse(c, issued);
    const view = viewOf(issued.row);
    if (!view) return problem(c, 'unauthorized');
    const maxAgeSeconds = view.kind === 'key' ? KIOSK_SECONDS : config.limits.sessionHours * 3600;
    c.header('set-cookie', sessionCookie(issued.secret, c.var.encrypted, maxAgeSeconds));
    return c.json(view, 200);
  });
  api.openapi(show, (c) => {
    const view = viewOf(c.var.principal);
    const [secret] = cookiesNamed(['cookie', c.req.header('cookie') ?? ''], cookieName(c.var.encrypted));
    // browsers let no cookie live for ever: a kiosk's begins anew each time that its page is opened
    if (view?.kind === 'key' && secret !== undefined) c.header('set-cookie', sessionCookie(secret, c.var.encrypted, KIOSK_SECONDS));
    return view ? c.json(view, 200) : problem(c, 'unauthorized');
  });
  api.openapi(end, async (c) => {
    const principal = c.var.principal;
    if (principal && 'sessionId' in principal && principal.sessionId !== null) await identity.sessions.signOut(principal.sessionId);
    c.header('set-cookie', clearedCookie(c.var.encrypted));
    return c.body(null, 204);
  });
}

async function signInWith(identity: Identity, ask: SignIn, address: string): Promise<Issued<Principal> | Refusal> {
  if (!('setupCode' in ask)) return identity.sessions.signIn(ask, address);
  return identity.setup.complete({ code: ask.setupCode, user: ask.user, password: ask.password }, address);
}
