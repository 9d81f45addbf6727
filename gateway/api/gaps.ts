// GET /v1/gaps: frames that devices declared as lost, and why; newest first.

import { createRoute, z } from '@hono/zod-openapi';
import type { GapView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import { answers, limitParam, listOf, nextParam, pageSize, type Shape, textParam, withPaging } from './route-parts.ts';

const gapShape: Shape<GapView> = z
  .object({
    id: z.number().int(),
    atMs: z.number(),
    device: z.string(),
    stream: z.string(),
    from: z.number().int(),
    to: z.number().int(),
    reason: z.string(),
  })
  .openapi('Gap');

const list = createRoute({
  method: 'get',
  path: '/v1/gaps',
  summary: 'Frames that devices declared as lost, newest first',
  request: { query: z.strictObject({ device: textParam, limit: limitParam, next: nextParam }) },
  responses: answers(200, listOf(gapShape), 'Gaps'),
});

export function registerGaps(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  api.openapi({ ...list, middleware: withPaging(deps) }, async (c) => {
    const { device = '', next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const before = next === undefined ? null : pageTokens.redeem(['gaps', device], next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const { items, more } = await deps.store.read('gaps', { device, limit, ...(before === null ? {} : { before }) });
    const views = items.map(({ fromSeq: from, toSeq: to, declaredAtUs, ...gap }) => ({ ...gap, from, to, atMs: declaredAtUs / 1000 }));
    return c.json({ items: views, next: more ? pageTokens.issue(['gaps', device], items.at(-1)?.id) : null }, 200);
  });
}
