// What only looks at quarantine: how full it is, and what a replay would do.

import { createRoute, z } from '@hono/zod-openapi';
import type { QuarantineSizeView, QuarantineTried } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { answers, noQuery, type Shape, valueShape, withJson } from './route-parts.ts';

const DEVICES = 100;
/** Every open console may ask; the rows are counted at most so often. */
const FRESH_MS = 2000;

const count = z.number().int();
const sizeShape: Shape<QuarantineSizeView> = z
  .object({
    rows: count,
    bytes: count,
    limitBytes: count.openapi({ description: 'Of all devices together' }),
    deviceLimitBytes: count,
    evicted: count.openapi({ description: 'Rows that have gone for room, ever' }),
    devices: z.array(z.object({ device: z.string(), rows: count, bytes: count })),
    codes: z.array(z.object({ code: z.string(), rows: count })),
  })
  .openapi('QuarantineSize');
const triedShape: Shape<QuarantineTried> = z
  .object({
    readings: count,
    first: z.array(z.object({ metric: z.string(), unit: z.string(), timeMs: z.number(), value: valueShape })),
    errors: z.array(z.object({ index: count.optional(), code: z.string(), message: z.string() })),
  })
  .openapi('QuarantineTried');

const size = createRoute({
  method: 'get',
  path: '/v1/quarantine/size',
  summary: 'How full quarantine is, by device and by code',
  request: { query: noQuery },
  responses: answers(200, sizeShape, 'Rows and bytes'),
});
const attempt = createRoute({
  method: 'post',
  path: '/v1/quarantine/{id}/try',
  summary: 'What a replay would do; nothing is stored',
  request: {
    params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, type: 'integer' }) }),
    query: noQuery,
    body: { required: false, content: { 'application/json': { schema: z.strictObject({ raw: z.string().optional() }) } } },
  },
  responses: answers(200, triedShape, 'What would be stored, and what would be refused once more'),
});

export function registerQuarantineLook(api: Api, deps: ApiDeps): void {
  const { store, replays, identity, config, nowMs } = deps;
  let asked: { readonly atMs: number; readonly answer: ReturnType<typeof readSize> } | null = null;
  const readSize = () => store.read('quarantineSize', { devices: DEVICES });

  api.openapi(size, async (c) => {
    const now = nowMs();
    if (!asked || now - asked.atMs >= FRESH_MS || now < asked.atMs) asked = { atMs: now, answer: readSize() };
    const { devices, codes, ...sums } = await asked.answer;
    const { quarantineBytes: limitBytes, quarantineDeviceBytes: deviceLimitBytes } = config.limits;
    return c.json({ ...sums, limitBytes, deviceLimitBytes, devices: [...devices], codes: [...codes] }, 200);
  });

  api.openapi({ ...attempt, middleware: withJson(deps, true) }, async (c) => {
    const { id } = c.req.valid('param');
    const row = /^[1-9]\d{0,14}$/.test(id) ? await replays.find(Number(id)) : null;
    if (row === null || !identity.devices.get(row.device)) return problem(c, 'not-found');
    const { raw } = (c.req.valid('json') as { raw?: string } | undefined) ?? {};
    const tried = replays.tryOut(row, raw ?? null);
    if (tried === 'no-port') return problem(c, 'no-serial-port');
    return c.json({ ...tried, first: [...tried.first], errors: [...tried.errors] }, 200);
  });
}
