// POST /v1/readings: a bare SenML pack from a device that can only POST. Answered after the commit.

import { createRoute, z } from '@hono/zod-openapi';
import type { RecordFault } from '../protocol/messages.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { isJsonText, parseMediaType, readBody } from './json-body.ts';
import { problem, refuse } from './problem.ts';
import { answers, noQuery, type Shape } from './route-parts.ts';

interface PackStored {
  readonly stored: number;
  readonly errors: readonly RecordFault[];
}

const packShape: Shape<PackStored> = z
  .object({
    stored: z.number().int(),
    errors: z.array(z.object({ index: z.number().int().optional(), code: z.string(), message: z.string() })),
  })
  .openapi('PackStored');

const TYPES = new Set(['application/senml+json', 'application/json']);
/** What makes a POST exactly once is not spoken here: to take the headers and store at least once would be a lie. */
const STREAM_HEADERS = ['fieldgate-stream', 'fieldgate-seq', 'fieldgate-gap'];

const post = createRoute({
  method: 'post',
  path: '/v1/readings',
  summary: 'Store a SenML pack; the answer comes after the commit',
  request: {
    query: noQuery,
    body: { required: true, content: { 'application/senml+json': { schema: { type: 'array', items: { type: 'object' } } } } },
  },
  responses: answers(200, packShape, 'What was stored, and what was refused'),
});

export function registerIngest(api: Api, deps: ApiDeps): void {
  api.openapi(post, async (c) => {
    const principal = c.var.principal;
    if (principal?.kind !== 'device') return problem(c, 'forbidden');
    const sent = STREAM_HEADERS.filter((name) => c.req.header(name) !== undefined);
    if (sent.length > 0)
      return problem(c, 'bad-request', { detail: `${sent.join(', ')}: not taken here; send the pack without, or use the device socket` });
    const media = parseMediaType(c.req.header('content-type'));
    if (!media || !TYPES.has(media.type) || !isJsonText(media)) {
      return problem(c, 'unsupported-media-type', { detail: `send ${[...TYPES].join(' or ')} in UTF-8` });
    }
    const bytes = await readBody(c, deps.config.limits.restBodyBytes);
    if (!(bytes instanceof Uint8Array)) return refuse(c, bytes);

    const result = await deps.ingestPack(principal.device, bytes, media.type);
    switch (result.outcome) {
      case 'store-unavailable':
        return problem(c, 'store-unavailable');
      case 'unreadable':
        return problem(c, result.code, { detail: result.detail });
      case 'settled': {
        const { stored, errors } = result;
        if (stored > 0 || errors.length === 0) return c.json({ stored, errors }, 200);
        const faults = errors.map((fault) => ({
          pointer: fault.index === undefined ? '' : `/${fault.index}`,
          detail: fault.message,
          ...fault,
        }));
        return problem(c, 'nothing-stored', { errors: faults, extra: { stored: 0 } });
      }
    }
  });
}
