// /v1/demo: a fleet of simulated devices to look around with, started and taken away from the console.

import { createRoute, z } from '@hono/zod-openapi';
import { askedFrom } from '../identity/asked-from.ts';
import type { DemoView } from '../protocol/rest.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { refuse } from './problem.ts';
import { answers, done, noQuery, type Shape } from './route-parts.ts';

const demoShape: Shape<DemoView> = z
  .object({
    state: z.enum(['off', 'starting', 'running', 'stopped', 'removing']).openapi({
      description: 'stopped: the gateway was restarted, or the simulator ended; the devices and their readings are still there.',
    }),
    devices: z.number().int(),
  })
  .openapi('Demo');

const show = createRoute({
  method: 'get',
  path: '/v1/demo',
  summary: 'Whether a simulated fleet is there',
  request: { query: noQuery },
  responses: answers(200, demoShape, 'The simulated fleet'),
});
const start = createRoute({
  method: 'post',
  path: '/v1/demo',
  summary: 'Start a simulated fleet on this machine; its devices carry the tag `simulated`',
  request: { query: noQuery },
  responses: answers(202, demoShape, 'On its way'),
});
const remove = createRoute({
  method: 'delete',
  path: '/v1/demo',
  summary: 'End the simulated fleet and delete its devices with everything that they stored',
  request: { query: noQuery },
  responses: done,
});

export function registerDemo(api: Api, { demo, registry, nowMs }: ApiDeps): void {
  const audit = (actor: string, act: string): Promise<void> =>
    registry.commit([{ audit: { atMs: nowMs(), actor, act, target: '', detail: '', address: askedFrom() } }]);
  api.openapi(show, (c) => c.json(demo.view(), 200));
  api.openapi(start, async (c) => {
    const actor = actorOf(c.var.principal);
    const started = await demo.start(actor);
    if ('refused' in started) return refuse(c, started);
    await audit(actor, 'demo.start');
    return c.json(started, 202);
  });
  api.openapi(remove, async (c) => {
    const actor = actorOf(c.var.principal);
    const removed = await demo.remove(actor);
    if (removed !== true) return refuse(c, removed);
    await audit(actor, 'demo.remove');
    return c.body(null, 204);
  });
}
