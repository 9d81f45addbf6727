// GET /v1/quarantine: what was refused and why, newest first.

import { createRoute, z } from '@hono/zod-openapi';
import type { QuarantineView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import { answers, limitParam, listOf, nextParam, pageSize, type Shape, textParam, withPaging } from './route-parts.ts';

const quarantineShape: Shape<QuarantineView> = z
  .object({
    id: z.number().int(),
    atMs: z.number(),
    device: z.string(),
    stream: z.string(),
    seq: z.number().int(),
    index: z.number().int().nullable().openapi({ description: 'The record in its frame; null: the whole frame' }),
    code: z.string(),
    message: z.string(),
    raw: z.string(),
  })
  .openapi('Quarantined');

const query = z.strictObject({ device: textParam, limit: limitParam, next: nextParam });

const quarantine = createRoute({
  method: 'get',
  path: '/v1/quarantine',
  summary: 'What was refused, with its raw text and the reason; newest first',
  request: { query },
  responses: answers(200, listOf(quarantineShape), 'Refused frames and records'),
});

export function registerQuarantine(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  const { store } = deps;
  api.openapi({ ...quarantine, middleware: withPaging(deps) }, async (c) => {
    const { device = '', next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const before = next === undefined ? null : pageTokens.redeem(['quarantine', device], next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const { items, more } = await store.read('quarantine', { device, limit, ...(before === null ? {} : { before }) });
    const views = items.map(({ id, device: from, stream, seq, index, code, message, raw, receivedAtUs }) => {
      return { id, atMs: receivedAtUs / 1000, device: from, stream, seq, index: index < 0 ? null : index, code, message, raw };
    });
    return c.json({ items: views, next: more ? pageTokens.issue(['quarantine', device], items.at(-1)?.id) : null }, 200);
  });
}
