// GET /v1/events: what happened, newest first.

import { createRoute, z } from '@hono/zod-openapi';
import type { EventView } from '../protocol/rest.ts';
import type { EventRow } from '../storage/store.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import {
  allOf,
  answers,
  limitParam,
  listOf,
  nextParam,
  pageSize,
  repeatableParam,
  type Shape,
  textParam,
  wholeNumberParam,
  withPaging,
} from './route-parts.ts';
import { parseTimeUs } from './time-range.ts';

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
const query = z.strictObject({
  device: textParam,
  type: repeatableParam.openapi({ description: 'Only these types; may be repeated' }),
  from: textParam,
  to: textParam,
  upTo: wholeNumberParam.openapi({ description: 'Only this event and older ones, by `id`' }),
  limit: limitParam,
  next: nextParam,
});

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
    const { device = '', type, from, to, upTo, next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const range = rangeOf(from, to, deps.nowMs());
    if (range === null) return problem(c, 'bad-range');
    const types = allOf(type);
    const question = ['events', device, ...types, from ?? '', to ?? '', upTo ?? ''];
    const before = next === undefined ? null : pageTokens.redeem(question, next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const start = before ?? (upTo === undefined ? undefined : upTo + 1);
    const { items, more } = await store.read('events', {
      device,
      limit,
      ...range,
      ...(types.length > 0 && { types }),
      ...(start !== undefined && { before: start }),
    });
    return c.json({ items: items.map(eventOf), next: more ? pageTokens.issue(question, items.at(-1)?.id) : null }, 200);
  });
}

/** Each bound as far as it is given; null: one of them is no time, or they are the wrong way round. */
function rangeOf(from: string | undefined, to: string | undefined, nowMs: number): { fromUs?: number; toUs?: number } | null {
  const fromUs = from === undefined ? undefined : parseTimeUs(from, nowMs);
  const toUs = to === undefined ? undefined : parseTimeUs(to, nowMs);
  if (fromUs === null || toUs === null || (fromUs !== undefined && toUs !== undefined && fromUs > toUs)) return null;
  return { ...(fromUs !== undefined && { fromUs }), ...(toUs !== undefined && { toUs }) };
}

function eventOf({ id, atUs, device, type, reason, detail }: EventRow & { id: number }): EventView {
  const view = { id, atMs: atUs / 1000, device: device === '' ? null : device, type, reason };
  return detail === '' ? view : { ...view, detail: JSON.parse(detail) };
}
