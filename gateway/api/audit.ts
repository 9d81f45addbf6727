// GET /v1/audit: who did what, newest first.

import { createRoute, z } from '@hono/zod-openapi';
import type { AuditView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import { answers, limitParam, listOf, nextParam, pageSize, type Shape, textParam, withPaging } from './route-parts.ts';

const auditShape: Shape<AuditView> = z
  .object({
    id: z.number().int(),
    atMs: z.number(),
    actor: z.string(),
    act: z.string(),
    target: z.string(),
    detail: z.string(),
    address: z.string(),
  })
  .openapi('Audit');

const list = createRoute({
  method: 'get',
  path: '/v1/audit',
  summary: 'Who did what, newest first',
  request: {
    query: z.strictObject({
      q: textParam.openapi({ description: 'Only rows in which this text is, in any case of letters' }),
      limit: limitParam,
      next: nextParam,
    }),
  },
  responses: answers(200, listOf(auditShape), 'Acts'),
});

export function registerAudit(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  api.openapi({ ...list, middleware: withPaging(deps) }, async (c) => {
    const { q = '', next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const before = next === undefined ? null : pageTokens.redeem(['audit', q], next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const { items, more, end } = await deps.registry.audit({ limit, about: q, ...(before === null ? {} : { before }) });
    return c.json({ items: [...items], next: more ? pageTokens.issue(['audit', q], end) : null }, 200);
  });
}
