// GET /v1/events: what happened, newest first.

import { createRoute, z } from '@hono/zod-openapi';
import type { EventView } from '../protocol/rest.ts';
import type { EventRow } from '../storage/store.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import { answers, limitParam, listOf, nextParam, pageSize, type Shape, textParam, withPaging } from './route-parts.ts';

const eventShape: Shape<EventView> = z
  .object({
    id: z.number().int(),
    atMs: z.number(),
    device: z.string().nullable(),
    type: z.string(),
    reason: z.string(),
    detail: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('Event');
const query = z.strictObject({ device: textParam, limit: limitParam, next: nextParam });

const events = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'What happened, newest first',
  request: { query },
  responses: answers(200, listOf(eventShape), 'Events'),
});
export function registerEvents(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  const { store } = deps;
  api.openapi({ ...events, middleware: withPaging(deps) }, async (c) => {
    const { device = '', next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const before = next === undefined ? null : pageTokens.redeem(['events', device], next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const { items, more } = await store.read('events', { device, limit, ...(before === null ? {} : { before }) });
    return c.json({ items: items.map(eventOf), next: more ? pageTokens.issue(['events', device], items.at(-1)?.id) : null }, 200);
  });
}

function eventOf({ id, atUs, device, type, reason, detail }: EventRow & { id: number }): EventView {
  const view = { id, atMs: atUs / 1000, device: device === '' ? null : device, type, reason };
  return detail === '' ? view : { ...view, detail: JSON.parse(detail) };
}
