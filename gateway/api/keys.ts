// /v1/keys: API keys for machines and kiosks.

import { createRoute, z } from '@hono/zod-openapi';
import type { IssuedKey, KeyCreate, KeyView } from '../protocol/rest.ts';
import type { KeyRow } from '../storage/registry.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { refuse } from './problem.ts';
import { answers, bodyOf, done, listOf, noQuery, printable, roleShape, type Shape, withJson } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const fields = { id: z.string(), name: z.string(), role: roleShape, createdAt: z.iso.datetime() };
const keyShape: Shape<KeyView> = z.object(fields).openapi('Key');
const issuedShape: Shape<IssuedKey> = z.object({ ...fields, key: z.string().openapi({ description: 'Shown once.' }) }).openapi('IssuedKey');
const createBody: z.ZodType<KeyCreate> = z.strictObject({ name: printable(64).min(1), role: roleShape }).openapi('KeyCreate');

const list = createRoute({
  method: 'get',
  path: '/v1/keys',
  summary: 'API keys',
  request: { query: noQuery },
  responses: answers(200, listOf(keyShape), 'Keys'),
});
const create = createRoute({
  method: 'post',
  path: '/v1/keys',
  summary: 'A new key',
  request: { query: noQuery, body: bodyOf(createBody) },
  responses: answers(201, issuedShape, 'Issued'),
});
const revoke = createRoute({
  method: 'delete',
  path: '/v1/keys/{id}',
  summary: 'Revoke a key; its sessions end within a second',
  request: { params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) }), query: noQuery },
  responses: done,
});

export function registerKeys(api: Api, deps: ApiDeps): void {
  const { keys } = deps.identity;
  api.openapi(list, (c) => c.json({ items: keys.all().map(viewOf), next: null }, 200));
  api.openapi({ ...create, middleware: withJson(deps) }, async (c) => {
    const { name, role } = c.req.valid('json');
    const { row, secret } = await keys.create(name, role, actorOf(c.var.principal));
    return c.json({ ...viewOf(row), key: secret }, 201);
  });
  api.openapi(revoke, async (c) => {
    const revoked = await keys.revoke(c.req.valid('param').id, actorOf(c.var.principal));
    return revoked === true ? c.body(null, 204) : refuse(c, revoked);
  });
}

function viewOf({ id, name, role, createdAtMs }: KeyRow): KeyView {
  return { id, name, role, createdAt: formatTimeMs(createdAtMs) };
}
