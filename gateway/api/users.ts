// /v1/users: the people who may sign in.

import { createRoute, z } from '@hono/zod-openapi';
import type { UserCreate, UserPatch, UserView } from '../protocol/rest.ts';
import type { UserRow } from '../storage/registry.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { problem, refuse } from './problem.ts';
import { answers, bodyOf, done, listOf, noQuery, roleShape, type Shape, withJson } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const MAX_PASSWORD_BYTES = 1024;

const userShape: Shape<UserView> = z.object({ name: z.string(), role: roleShape, createdAt: z.iso.datetime() }).openapi('User');
const password = z.string().refine((text) => Buffer.byteLength(text) <= MAX_PASSWORD_BYTES, `at most ${MAX_PASSWORD_BYTES} bytes`);
const createBody: z.ZodType<UserCreate> = z.strictObject({ name: z.string().max(256), role: roleShape, password }).openapi('UserCreate');
const patchBody: z.ZodType<UserPatch> = z.strictObject({ role: roleShape.optional(), password: password.optional() }).openapi('UserPatch');
const params = z.object({ name: z.string().openapi({ param: { name: 'name', in: 'path' } }) });

const list = createRoute({
  method: 'get',
  path: '/v1/users',
  summary: 'Console users',
  request: { query: noQuery },
  responses: answers(200, listOf(userShape), 'Users'),
});
const create = createRoute({
  method: 'post',
  path: '/v1/users',
  summary: 'Add a user',
  request: { query: noQuery, body: bodyOf(createBody) },
  responses: answers(201, userShape, 'Added'),
});
const patch = createRoute({
  method: 'patch',
  path: '/v1/users/{name}',
  summary: 'Change the role, or the password; a new password ends the sessions of the user',
  request: { params, query: noQuery, body: bodyOf(patchBody) },
  responses: answers(200, userShape, 'Changed'),
});
const remove = createRoute({
  method: 'delete',
  path: '/v1/users/{name}',
  summary: 'Remove a user; the sessions end within a second',
  request: { params, query: noQuery },
  responses: done,
});

export function registerUsers(api: Api, deps: ApiDeps): void {
  const { users } = deps.identity;
  const find = (name: string): UserRow | undefined => users.all().find((row) => row.name === name);

  api.openapi(list, (c) => {
    const items = [...users.all()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(viewOf);
    return c.json({ items, next: null }, 200);
  });
  api.openapi({ ...create, middleware: withJson(deps) }, async (c) => {
    const { name, role, password: secret } = c.req.valid('json');
    const row = await users.create(name, role, secret, actorOf(c.var.principal));
    return 'refused' in row ? refuse(c, row) : c.json(viewOf(row), 201);
  });
  api.openapi({ ...patch, middleware: withJson(deps) }, async (c) => {
    const { name } = c.req.valid('param');
    const { role, password: secret } = c.req.valid('json');
    if (!find(name)) return problem(c, 'not-found');
    // The password first: it is the one of the two that can be refused.
    const changed = secret === undefined ? true : await users.setPassword(name, secret, actorOf(c.var.principal));
    if (changed !== true) return refuse(c, changed);
    const moved = role === undefined ? true : await users.setRole(name, role, actorOf(c.var.principal));
    if (moved !== true) return refuse(c, moved);
    const row = find(name);
    return row ? c.json(viewOf(row), 200) : problem(c, 'not-found');
  });
  api.openapi(remove, async (c) => {
    const removed = await users.remove(c.req.valid('param').name, actorOf(c.var.principal));
    return removed === true ? c.body(null, 204) : refuse(c, removed);
  });
}

function viewOf({ name, role, createdAtMs }: UserRow): UserView {
  return { name, role, createdAt: formatTimeMs(createdAtMs) };
}
