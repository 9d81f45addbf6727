// POST /v1/enrol: a device asks for its own token, with an enrolment key as its credential.

import { createRoute, z } from '@hono/zod-openapi';
import { DEVICE_ID } from '../protocol/messages.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem, refuse } from './problem.ts';
import { answers, bodyOf, noQuery, withJson } from './route-parts.ts';

const enrol = createRoute({
  method: 'post',
  path: '/v1/enrol',
  summary: 'A token for a new device, with an enrolment key as Bearer',
  request: { query: noQuery, body: bodyOf(z.strictObject({ device: z.string().regex(DEVICE_ID, 'not a device id') }).openapi('Enrol')) },
  responses: answers(201, z.object({ token: z.string() }).openapi('Enrolled'), 'The token, shown once'),
});

export function registerEnrol(api: Api, deps: ApiDeps): void {
  api.openapi({ ...enrol, middleware: withJson(deps) }, async (c) => {
    const key = c.var.enrolmentKey;
    if (key === undefined) return problem(c, 'unauthorized');
    const issued = await deps.identity.enrolments.enrol(key, c.req.valid('json').device);
    if ('refused' in issued) return refuse(c, issued);
    return c.json({ token: issued.secret }, 201);
  });
}
