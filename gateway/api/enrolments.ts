// /v1/enrolments: keys with which a fleet gets its tokens.

import { createRoute, z } from '@hono/zod-openapi';
import type { EnrolmentCreate, EnrolmentView, IssuedEnrolment } from '../protocol/rest.ts';
import type { EnrolmentRow } from '../storage/registry.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { refuse } from './problem.ts';
import { answers, bodyOf, done, listOf, noQuery, type Shape, withJson } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const MAX_DEVICES = 1_000_000;
const DEFAULT_DEVICES = 1000;
const DEFAULT_SECONDS = 86_400;
const MAX_SECONDS = 366 * 86_400;

const fields = {
  id: z.string(),
  max: z.number().int(),
  used: z.number().int(),
  reenrol: z.boolean().openapi({ description: 'Ids that it enrolled itself may come again' }),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
};
const enrolmentShape: Shape<EnrolmentView> = z.object(fields).openapi('Enrolment');
const issuedShape: Shape<IssuedEnrolment> = z
  .object({ ...fields, key: z.string().openapi({ description: 'Shown once.' }) })
  .openapi('IssuedEnrolment');
const createBody: z.ZodType<EnrolmentCreate> = z
  .strictObject({
    max: z.number().int().min(1).max(MAX_DEVICES).optional().openapi({ default: DEFAULT_DEVICES }),
    expiresSeconds: z.number().min(1).max(MAX_SECONDS).optional().openapi({ default: DEFAULT_SECONDS }),
    reenrol: z.boolean().optional().openapi({ default: false }),
  })
  .openapi('EnrolmentCreate');

const list = createRoute({
  method: 'get',
  path: '/v1/enrolments',
  summary: 'Enrolment keys',
  request: { query: noQuery },
  responses: answers(200, listOf(enrolmentShape), 'Enrolment keys'),
});
const create = createRoute({
  method: 'post',
  path: '/v1/enrolments',
  summary: 'A new enrolment key',
  request: { query: noQuery, body: { ...bodyOf(createBody), required: false } },
  responses: answers(201, issuedShape, 'Issued'),
});
const revoke = createRoute({
  method: 'delete',
  path: '/v1/enrolments/{id}',
  summary: 'Revoke an enrolment key; the devices keep their tokens',
  request: { params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) }), query: noQuery },
  responses: done,
});

export function registerEnrolments(api: Api, deps: ApiDeps): void {
  const { enrolments } = deps.identity;
  api.openapi(list, (c) => c.json({ items: enrolments.all().map(viewOf), next: null }, 200));
  api.openapi({ ...create, middleware: withJson(deps, true) }, async (c) => {
    const { max = DEFAULT_DEVICES, expiresSeconds = DEFAULT_SECONDS, reenrol = false } = c.req.valid('json');
    const ask = { max, reenrol, expiresAtMs: Math.round(deps.nowMs() + expiresSeconds * 1000) };
    const { row, secret } = await enrolments.create(ask, actorOf(c.var.principal));
    return c.json({ ...viewOf(row), key: secret }, 201);
  });
  api.openapi(revoke, async (c) => {
    const revoked = await enrolments.revoke(c.req.valid('param').id, actorOf(c.var.principal));
    return revoked === true ? c.body(null, 204) : refuse(c, revoked);
  });
}

function viewOf({ id, max, used, reenrol, createdAtMs, expiresAtMs }: EnrolmentRow): EnrolmentView {
  return { id, max, used, reenrol, createdAt: formatTimeMs(createdAtMs), expiresAt: formatTimeMs(expiresAtMs) };
}
