// GET /v1/devices/:id/series: what a device measures, since when, how often and how lately.

import { createRoute, z } from '@hono/zod-openapi';
import type { SeriesView } from '../protocol/rest.ts';
import type { SeriesState } from '../storage/store.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { answers, deviceParam, listOf, noQuery, pointShape, type Shape } from './route-parts.ts';

const seriesShape: Shape<SeriesView> = z
  .object({
    device: z.string(),
    metric: z.string(),
    unit: z.string(),
    kind: z.enum(['number', 'boolean', 'string']),
    count: z.number().int(),
    firstMs: z.number(),
    lastMs: z.number(),
    latest: pointShape,
    clockSuspect: z.number().int().openapi({ description: 'Readings whose time cannot be right.' }),
  })
  .openapi('Series');

const list = createRoute({
  method: 'get',
  path: '/v1/devices/{id}/series',
  summary: 'The series of a device',
  request: { params: deviceParam, query: noQuery },
  responses: answers(200, listOf(seriesShape), 'Series'),
});

export function registerSeries(api: Api, deps: ApiDeps): void {
  api.openapi(list, async (c) => {
    const { id } = c.req.valid('param');
    if (!deps.identity.devices.get(id)) return problem(c, 'not-found');
    const { series } = await deps.store.catalogue(id);
    return c.json({ items: series.filter((one) => one.latestRankUs !== Number.NEGATIVE_INFINITY).map(viewOf), next: null }, 200);
  });
}

function viewOf(state: SeriesState): SeriesView {
  const { device, metric, unit, count, firstUs, lastUs, latestUs, latestValue, clockSuspect } = state;
  const kind = typeof latestValue as SeriesView['kind'];
  return {
    device,
    metric,
    unit,
    kind,
    count,
    firstMs: firstUs / 1000,
    lastMs: lastUs / 1000,
    latest: [latestUs / 1000, latestValue],
    clockSuspect,
  };
}
