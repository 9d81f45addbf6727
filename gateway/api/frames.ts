// GET /v1/devices/:id/frames: the newest frames of a device as they came, kept only while somebody asks for them.

import { createRoute, z } from '@hono/zod-openapi';
import type { DeviceFramesView, DeviceFrameView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { answers, deviceParam, noQuery, type Shape } from './route-parts.ts';

const frameShape: Shape<DeviceFrameView> = z
  .object({
    number: z.number().int().openapi({ description: 'Counts the frames of this watch, from 1' }),
    atMs: z.number(),
    kind: z.enum(['pack', 'readings', 'hello', 'gap', 'post', 'unreadable']),
    stream: z.string().nullable(),
    seq: z.number().int().nullable(),
    raw: z.string().openapi({ description: 'Its first 2 KiB' }),
    encoding: z.enum(['utf8', 'base64']).openapi({ description: 'base64: it is CBOR, or no text' }),
    bytes: z.number().int().openapi({ description: 'All of it' }),
    stored: z.number().int(),
    refused: z.record(z.string(), z.number().int()).openapi({ description: 'Refused records by code' }),
  })
  .openapi('DeviceFrame');
const framesShape: Shape<DeviceFramesView> = z.object({ watchedUntilMs: z.number(), items: z.array(frameShape) }).openapi('DeviceFrames');

const show = createRoute({
  method: 'get',
  path: '/v1/devices/{id}/frames',
  summary: 'The newest frames as they came, and what was made of them; asking begins a minute of watching',
  request: { params: deviceParam, query: noQuery },
  responses: answers(200, framesShape, 'Frames since the watch began, newest first'),
});

export function registerFrames(api: Api, { identity, watchFrames, nowMs }: ApiDeps): void {
  api.openapi(show, (c) => {
    const { id } = c.req.valid('param');
    if (identity.devices.get(id) === undefined) return problem(c, 'not-found');
    const watch = watchFrames(id);
    if (watch === null) return problem(c, 'too-many-watched');
    return c.json({ watchedUntilMs: nowMs() + watch.leftMs, items: [...watch.frames] }, 200);
  });
}
