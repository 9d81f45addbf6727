// /v1/enrol: a device asks for its own token: with an enrolment key, and gets it; or, while pairing is open, without, and a person decides.

import { createRoute, z } from '@hono/zod-openapi';
import { DEVICE_ID } from '../protocol/messages.ts';
import type { PairingAsked } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { refuse } from './problem.ts';
import { answers, bodyOf, noQuery, type Shape, withJson } from './route-parts.ts';

const POLL_SECONDS = 2;
/** The same for clients that know HTTP better than us. */
const LATER = { 'retry-after': String(POLL_SECONDS) };

const tokenShape = z.object({ token: z.string() }).openapi('Enrolled');
const askedShape: Shape<PairingAsked> = z
  .object({ request: z.string(), pollSeconds: z.number(), id: z.string().openapi({ example: 'K7Q4' }) })
  .openapi('PairingAsked');
const waitShape = z.object({ pollSeconds: z.number() }).openapi('PairingWaits');

const enrol = createRoute({
  method: 'post',
  path: '/v1/enrol',
  summary: 'A token for a new device, with an enrolment key as Bearer; without one, a request that a person answers while pairing is open',
  request: { query: noQuery, body: bodyOf(z.strictObject({ device: z.string().regex(DEVICE_ID, 'not a device id') }).openapi('Enrol')) },
  responses: {
    ...answers(201, tokenShape, 'The token, shown once'),
    ...answers(202, askedShape, 'Asked for: GET /v1/enrol/<request> says what became of it'),
  },
});
const poll = createRoute({
  method: 'get',
  path: '/v1/enrol/{request}',
  summary: 'What became of a request to pair; 410 when it is over',
  request: { params: z.object({ request: z.string().openapi({ param: { name: 'request', in: 'path' } }) }), query: noQuery },
  responses: { ...answers(200, tokenShape, 'The token, given once'), ...answers(202, waitShape, 'Nobody has answered yet') },
});

export function registerEnrol(api: Api, deps: ApiDeps): void {
  const { enrolments, pairing } = deps.identity;

  api.openapi({ ...enrol, middleware: withJson(deps) }, async (c) => {
    const { device } = c.req.valid('json');
    const key = c.var.enrolmentKey;
    if (key === undefined) {
      const asked = await pairing.ask(device, c.var.address);
      return 'refused' in asked ? refuse(c, asked) : c.json({ ...asked, pollSeconds: POLL_SECONDS }, 202, LATER);
    }
    const issued = await enrolments.enrol(key, device);
    if ('refused' in issued) return refuse(c, issued);
    return c.json({ token: issued.secret }, 201);
  });
  api.openapi(poll, async (c) => {
    const answer = await pairing.poll(c.req.valid('param').request, c.var.address);
    if ('refused' in answer) return refuse(c, answer);
    if (answer.outcome === 'pending') return c.json({ pollSeconds: POLL_SECONDS }, 202, LATER);
    return c.json({ token: answer.token }, 200);
  });
}
