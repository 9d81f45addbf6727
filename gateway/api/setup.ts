// POST /v1/setup: a new one-time code for the set-up page; `fieldgate setup-code` asks for it on the control socket.

import { createRoute, z } from '@hono/zod-openapi';
import type { SetupCode } from '../protocol/rest.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { answers, noQuery, type Shape } from './route-parts.ts';

const codeShape: Shape<SetupCode> = z.object({ code: z.string() }).openapi('SetupCode');

const create = createRoute({
  method: 'post',
  path: '/v1/setup',
  summary: 'A new one-time code for the set-up page; the one before is void',
  request: { query: noQuery },
  responses: answers(201, codeShape, 'The code, shown once'),
});

export function registerSetup(api: Api, deps: ApiDeps): void {
  api.openapi(create, async (c) => c.json({ code: await deps.identity.setup.newCode(actorOf(c.var.principal)) }, 201));
}
