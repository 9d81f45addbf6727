// GET /metrics: everything that is counted, in Prometheus' text format. Who may see it is the policy's business.

import { createRoute } from '@hono/zod-openapi';
import type { Api, ApiDeps } from './api-deps.ts';
import { noQuery, rawAnswer } from './route-parts.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

const show = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Counters and gauges for Prometheus',
  request: { query: noQuery },
  responses: rawAnswer('text/plain', 'Prometheus text format'),
});

export function registerMetrics(api: Api, deps: ApiDeps): void {
  api.openapi(show, async (c) => c.text(await deps.observe.metrics(), 200, { 'content-type': TEXT }));
}
