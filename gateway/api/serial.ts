// /v1/serial: the serial ports and how they are doing; added, changed and removed while the gateway runs; and bytes tried against a rule.

import { createRoute, z } from '@hono/zod-openapi';
import { actorOf, type Api, type ApiDeps, type ApiEnv, type SerialRefusal } from './api-deps.ts';
import type { Context } from 'hono';
import { problem, type ProblemResponse } from './problem.ts';
import { answers, done, listOf, noQuery, withJson } from './route-parts.ts';
import { attachedShape, portBody, portShape, triedShape, tryBody } from './serial-shapes.ts';

const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });

const list = createRoute({
  method: 'get',
  path: '/v1/serial',
  summary: 'The serial ports, how they are doing and what they said last',
  request: { query: noQuery },
  responses: answers(200, listOf(portShape), 'Each port, its state and its last lines'),
});
const attached = createRoute({
  method: 'get',
  path: '/v1/serial/attached',
  summary: 'What is plugged into this machine, and which device reads it',
  request: { query: noQuery },
  responses: answers(200, listOf(attachedShape), 'Serial ports of the machine'),
});
const add = createRoute({
  method: 'post',
  path: '/v1/serial',
  summary: 'Read one more port, from now on',
  request: { query: noQuery, body: portBody },
  responses: answers(201, portShape, 'Added'),
});
const replace = createRoute({
  method: 'put',
  path: '/v1/serial/{id}',
  summary: 'Change the settings of a port; it is opened anew, the others notice nothing',
  request: { params: idParam, query: noQuery, body: portBody },
  responses: answers(200, portShape, 'Changed'),
});
const remove = createRoute({
  method: 'delete',
  path: '/v1/serial/{id}',
  summary: 'Read a port no more; what was read is stored, its device stays',
  request: { params: idParam, query: noQuery },
  responses: done,
});
const tryOut = createRoute({
  method: 'post',
  path: '/v1/serial/try',
  summary: 'What a framing and a rule make of some bytes; nothing is stored',
  request: { query: noQuery, body: tryBody },
  responses: answers(200, triedShape, 'Frames with their records, or the reason why there are none'),
});

export function registerSerial(api: Api, deps: ApiDeps): void {
  const { serial } = deps;
  api.openapi(list, (c) => c.json({ items: [...serial.views()], next: null }, 200));
  api.openapi(attached, async (c) => c.json({ items: [...(await serial.attached())], next: null }, 200));
  api.openapi({ ...add, middleware: withJson(deps) }, async (c) => {
    const made = await serial.add(c.req.valid('json'), actorOf(c.var.principal));
    return 'refused' in made ? refused(c, made) : c.json(made, 201);
  });
  api.openapi({ ...tryOut, middleware: withJson(deps) }, async (c) => {
    const tried = await serial.tryOut(c.req.valid('json'));
    return 'refused' in tried ? refused(c, tried) : c.json(tried, 200);
  });
  api.openapi({ ...replace, middleware: withJson(deps) }, async (c) => {
    const changed = await serial.replace(c.req.valid('param').id, c.req.valid('json'), actorOf(c.var.principal));
    return 'refused' in changed ? refused(c, changed) : c.json(changed, 200);
  });
  api.openapi(remove, async (c) => {
    const removed = await serial.remove(c.req.valid('param').id, actorOf(c.var.principal));
    return removed === true ? c.body(null, 204) : refused(c, removed);
  });
}

function refused(c: Context<ApiEnv>, { refused: code, detail, errors }: SerialRefusal): ProblemResponse {
  return problem(c, code, { detail, errors });
}
