// POST /v1/import: a file of readings, CSV or NDJSON as exports write them, stored as history of devices that are here.

import { createRoute, z } from '@hono/zod-openapi';
import { askedFrom } from '../identity/asked-from.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { parseMediaType } from './json-body.ts';
import { problem, refuse } from './problem.ts';
import { rawAnswer, textParam } from './route-parts.ts';

const TYPES = new Set(['text/csv', 'application/x-ndjson', 'application/octet-stream']);

const route = createRoute({
  method: 'post',
  path: '/v1/import',
  summary: 'Store a file of readings; the same content twice is stored once',
  description:
    'CSV with a header (`time` or `time_ms`, `value`; `device`, `metric`, `unit` where it has them) or NDJSON with a SenML record a line. ' +
    'Times are what the file says. The answer is a line of JSON a second; the last one has the type `ended`, or `failed` with what to do.',
  request: {
    query: z.strictObject({
      device: z.string().min(1).max(64).openapi({ description: 'Whose readings; * for the devices that the file names' }),
      metric: textParam.openapi({ description: 'For rows that name none' }),
      unit: textParam.openapi({ description: 'For rows that have none' }),
    }),
    body: { content: { 'text/csv': { schema: { type: 'string' as const, format: 'binary' } } } },
  },
  responses: rawAnswer('application/x-ndjson', 'How far it is, and in the end what became of it'),
});

export function registerImport(api: Api, { imports, identity, registry, nowMs }: ApiDeps): void {
  api.openapi(route, async (c) => {
    if (!TYPES.has(parseMediaType(c.req.header('content-type'))?.type ?? ''))
      return problem(c, 'unsupported-media-type', { detail: 'send text/csv or application/x-ndjson' });
    const { device, metric, unit } = c.req.valid('query');
    if (device !== '*' && !identity.devices.get(device))
      return problem(c, 'not-found', { detail: 'There is no such device: add it first.' });
    const news = await imports.start(
      { device: device === '*' ? null : device, ...(metric !== undefined && { metric }), ...(unit !== undefined && { unit }) },
      bytesOf(c.req.raw),
    );
    if ('refused' in news) return refuse(c, news);
    await registry.commit([
      {
        audit: {
          atMs: nowMs(),
          actor: actorOf(c.var.principal),
          act: 'readings.import',
          target: device,
          detail: metric ?? '',
          address: askedFrom(),
        },
      },
    ]);
    return new Response(news, { headers: { 'content-type': 'application/x-ndjson' } });
  });
}

async function* bytesOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* body as unknown as AsyncIterable<Uint8Array>;
}
