// GET /v1/devices/:id/attempts: who was sent away at the devices' doors lately, for whoever connects this device.

import { createRoute, z } from '@hono/zod-openapi';
import type { AttemptView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { answers, deviceParam, listOf, noQuery, type Shape } from './route-parts.ts';

const attemptShape: Shape<AttemptView> = z
  .object({
    atMs: z.number(),
    address: z.string(),
    code: z.string(),
    message: z.string(),
    device: z.string().nullable().openapi({ description: 'null: it did not say whose it is.' }),
  })
  .openapi('Attempt');

const list = createRoute({
  method: 'get',
  path: '/v1/devices/{id}/attempts',
  summary: 'Connections that were refused lately, of this device and of nobody known; newest first',
  request: { params: deviceParam, query: noQuery },
  responses: answers(200, listOf(attemptShape), 'Refused attempts'),
});

export function registerAttempts(api: Api, { identity, attemptsOf }: ApiDeps): void {
  api.openapi(list, (c) => {
    const { id } = c.req.valid('param');
    if (!identity.devices.get(id)) return problem(c, 'not-found');
    return c.json({ items: [...attemptsOf(id, c.var.address)], next: null }, 200);
  });
}
