// /v1/devices/:id/tokens: rotation with an overlap, and revocation.

import { createRoute, z } from '@hono/zod-openapi';
import type { IssuedToken } from '../protocol/rest.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { problem, refuse } from './problem.ts';
import { answers, bodyOf, deviceParam, done, noQuery, type Shape, withJson } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const MAX_OVERLAP_SECONDS = 366 * 86_400;

const issuedShape: Shape<IssuedToken> = z
  .object({ id: z.string(), token: z.string().openapi({ description: 'Shown once.' }), expiresAt: z.iso.datetime().nullable() })
  .openapi('IssuedToken');

const rotateBody = z
  .strictObject({
    overlapSeconds: z.number().min(0).max(MAX_OVERLAP_SECONDS).default(0).openapi({ description: 'How long the older tokens go on.' }),
  })
  .openapi('TokenRotation');

const rotate = createRoute({
  method: 'post',
  path: '/v1/devices/{id}/tokens',
  summary: 'A new token; the older ones end after the overlap',
  request: { params: deviceParam, query: noQuery, body: { ...bodyOf(rotateBody), required: false } },
  responses: answers(201, issuedShape, 'Issued'),
});
const revoke = createRoute({
  method: 'delete',
  path: '/v1/devices/{id}/tokens/{tokenId}',
  summary: 'Revoke one token; a socket that uses it is closed within a second',
  request: { params: deviceParam.extend({ tokenId: z.string().openapi({ param: { name: 'tokenId', in: 'path' } }) }), query: noQuery },
  responses: done,
});
const revokeAll = createRoute({
  method: 'delete',
  path: '/v1/devices/{id}/tokens',
  summary: 'Revoke all tokens of a device',
  request: { params: deviceParam, query: noQuery },
  responses: done,
});

export function registerTokens(api: Api, deps: ApiDeps): void {
  const { devices } = deps.identity;
  api.openapi({ ...rotate, middleware: withJson(deps, true) }, async (c) => {
    const { id } = c.req.valid('param');
    if (!devices.get(id)) return problem(c, 'not-found');
    const { overlapSeconds = 0 } = c.req.valid('json');
    const issued = await devices.rotate(id, overlapSeconds * 1000, actorOf(c.var.principal));
    if ('refused' in issued) return refuse(c, issued);
    const { row, secret } = issued;
    return c.json({ id: row.id, token: secret, expiresAt: row.expiresAtMs === null ? null : formatTimeMs(row.expiresAtMs) }, 201);
  });
  api.openapi(revoke, async (c) => {
    const { id, tokenId } = c.req.valid('param');
    if (!devices.tokens(id).some((token) => token.id === tokenId)) return problem(c, 'not-found');
    const revoked = await devices.revoke(id, tokenId, actorOf(c.var.principal));
    return typeof revoked === 'number' ? c.body(null, 204) : refuse(c, revoked);
  });
  api.openapi(revokeAll, async (c) => {
    const { id } = c.req.valid('param');
    if (!devices.get(id)) return problem(c, 'not-found');
    const revoked = await devices.revoke(id, null, actorOf(c.var.principal));
    return typeof revoked === 'number' ? c.body(null, 204) : refuse(c, revoked);
  });
}
