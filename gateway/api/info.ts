// What anybody may ask: the version, whether it is alive, whether it can acknowledge durably, the CA's certificate.

import { createRoute, z } from '@hono/zod-openapi';
import { SUBPROTOCOL } from '../protocol/messages.ts';
import type { Info } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { answers, noQuery, rawAnswer, type Shape } from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const infoShape: Shape<Info> = z
  .object({
    name: z.literal('fieldgate'),
    version: z.string(),
    protocol: z.array(z.string()),
    store: z.string().openapi({ description: "The store's incarnation; it changes when a backup is restored" }),
    setupOpen: z.boolean(),
    isNew: z.boolean().openapi({ description: 'Neither users nor keys exist: nobody can sign in yet' }),
    startedAt: z.iso.datetime(),
    timeMs: z.number(),
  })
  .openapi('Info');

const info = createRoute({
  method: 'get',
  path: '/v1/info',
  summary: 'What runs here',
  request: { query: noQuery },
  responses: answers(200, infoShape, 'Version, protocol, store'),
});
const health = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Alive: answered without the database',
  request: { query: noQuery },
  responses: answers(200, z.object({ status: z.literal('ok') }), 'Alive'),
});
const ready = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Can it acknowledge durably?',
  request: { query: noQuery },
  responses: answers(200, z.object({ status: z.literal('ready') }), 'Readings can be stored'),
});
const ca = createRoute({
  method: 'get',
  path: '/ca.crt',
  summary: "The gateway's own CA, for devices and browsers to trust",
  request: { query: noQuery },
  responses: rawAnswer('application/x-x509-ca-cert', 'PEM'),
});

export function registerInfo(api: Api, deps: ApiDeps): void {
  const { version, startedAtMs } = deps.info;
  const { users, keys, setup } = deps.identity;
  api.openapi(info, (c) =>
    c.json(
      {
        name: 'fieldgate' as const,
        version,
        protocol: [SUBPROTOCOL.json, SUBPROTOCOL.live],
        store: deps.catalogue.store,
        setupOpen: setup.isOpen(),
        isNew: users.all().length === 0 && keys.all().length === 0,
        startedAt: formatTimeMs(startedAtMs),
        timeMs: deps.nowMs(),
      },
      200,
    ),
  );
  api.openapi(health, (c) => c.json({ status: 'ok' as const }, 200));
  api.openapi(ready, (c) => {
    if (deps.isDraining()) return problem(c, 'draining');
    const { ready: isReady, reason } = deps.isReady();
    return isReady ? c.json({ status: 'ready' as const }, 200) : problem(c, 'store-unavailable', { detail: reason });
  });
  api.openapi(ca, (c) => {
    if (deps.caPem === null) return problem(c, 'not-found', { detail: 'this gateway does not use a CA of its own' });
    const headers = { 'content-type': 'application/x-x509-ca-cert', 'content-disposition': 'attachment; filename="fieldgate-ca.crt"' };
    return c.body(deps.caPem, 200, headers);
  });
}
