// /v1/pairing: the window in which devices without a key may ask for a token, and the answers of the people who hold it open.

import { createRoute, z } from '@hono/zod-openapi';
import type { PairingRequest } from '../identity/pairing.ts';
import type { PairingRequestView, PairingView } from '../protocol/rest.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { refuse } from './problem.ts';
import { answers, done, noQuery, type Shape } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const requestShape: Shape<PairingRequestView> = z
  .object({
    id: z.string().openapi({ description: 'The device was told it too: compare them.', example: 'K7Q4' }),
    device: z.string(),
    address: z.string(),
    askedAt: z.iso.datetime(),
    state: z.enum(['pending', 'approved', 'fetched']),
  })
  .openapi('PairingRequest');
const pairingShape = z
  .object({ openUntil: z.iso.datetime().nullable(), items: z.array(requestShape) })
  .openapi('Pairing') as unknown as Shape<PairingView>;
const params = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: 'K7Q4' }) });

const show = createRoute({
  method: 'get',
  path: '/v1/pairing',
  summary: 'Until when devices may ask for a token, and which did',
  request: { query: noQuery },
  responses: answers(200, pairingShape, 'The window and who asked'),
});
const open = createRoute({
  method: 'post',
  path: '/v1/pairing',
  summary: 'Let devices without a key ask for a token for the next minutes; again: for longer',
  request: { query: noQuery },
  responses: answers(200, pairingShape, 'The window and who asked'),
});
const close = createRoute({
  method: 'delete',
  path: '/v1/pairing',
  summary: 'End the window; who waits for an answer waits no more',
  request: { query: noQuery },
  responses: done,
});
const approve = createRoute({
  method: 'post',
  path: '/v1/pairing/{id}/approve',
  summary: 'Make the device and give it its token when it asks again',
  request: { params, query: noQuery },
  responses: answers(200, requestShape, 'Approved'),
});
const remove = createRoute({
  method: 'delete',
  path: '/v1/pairing/{id}',
  summary: 'Refuse it',
  request: { params, query: noQuery },
  responses: done,
});

export function registerPairing(api: Api, deps: ApiDeps): void {
  const { pairing } = deps.identity;
  const view = (): PairingView => {
    const { openUntilMs, requests } = pairing.state();
    return { openUntil: openUntilMs === null ? null : formatTimeMs(openUntilMs), items: requests.map(viewOf) };
  };

  api.openapi(show, (c) => c.json(view(), 200));
  api.openapi(open, async (c) => {
    await pairing.open(actorOf(c.var.principal));
    return c.json(view(), 200);
  });
  api.openapi(close, async (c) => {
    await pairing.close(actorOf(c.var.principal));
    return c.body(null, 204);
  });
  api.openapi(approve, async (c) => {
    const approved = await pairing.approve(c.req.valid('param').id, actorOf(c.var.principal));
    return 'refused' in approved ? refuse(c, approved) : c.json(viewOf(approved), 200);
  });
  api.openapi(remove, async (c) => {
    const refused = await pairing.refuse(c.req.valid('param').id, actorOf(c.var.principal));
    return refused === true ? c.body(null, 204) : refuse(c, refused);
  });
}

function viewOf({ id, device, address, askedAtMs, state }: PairingRequest): PairingRequestView {
  return { id, device, address, askedAt: formatTimeMs(askedAtMs), state };
}
