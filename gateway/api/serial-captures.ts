// /v1/serial/:id/capture and /v1/serial/replay: what a port says as a file, and such a file read again. Both are streams: a capture as long
// as the port is listened to, a replay's news as long as it runs; who leaves ends them.

import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { CAPTURE_TYPE } from '../protocol/capture-format.ts';
import { recordAct } from './act-record.ts';
import { actorOf, type Api, type ApiDeps, type ApiEnv, type SerialRefusal } from './api-deps.ts';
import type { ReplayQuestion } from './capture-book.ts';
import { parseMediaType } from './json-body.ts';
import { problem, type ProblemResponse } from './problem.ts';
import { done, noQuery, parameterFault, rawAnswer, textParam } from './route-parts.ts';

const DAY_SECONDS = 86_400;
const DEFAULT_BYTES = 2 ** 40;
const whole = z.string().regex(/^[1-9]\d{0,12}$/, 'a whole number from 1 up');
const part = z.string().max(8192);

const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });
const capture = createRoute({
  method: 'get',
  path: '/v1/serial/{id}/capture',
  summary: 'The bytes of a port with their times of arrival, as a file that grows until its time is over or the client leaves',
  request: {
    params: idParam,
    query: z.strictObject({
      seconds: whole.optional().openapi({ type: 'integer', minimum: 1, maximum: DAY_SECONDS, default: DAY_SECONDS }),
      maxBytes: whole.optional().openapi({ type: 'integer', minimum: 1, description: "Of the port's bytes" }),
    }),
  },
  responses: rawAnswer(CAPTURE_TYPE, 'A capture: docs/capture-format.md has the format'),
});
const finish = createRoute({
  method: 'delete',
  path: '/v1/serial/{id}/capture',
  summary: 'End the capture of a port; its file gets an end',
  request: { params: idParam, query: noQuery },
  responses: done,
});
const replay = createRoute({
  method: 'post',
  path: '/v1/serial/replay',
  summary: 'Read a capture again, into the stream ~serial-replay of a device',
  description:
    'By the framing and rule of a port, of the parameters, or of the capture. The answer is a line of JSON a second; the last one has the ' +
    'type `ended`, `stopped` or `failed`.',
  request: {
    query: z.strictObject({
      device: z.string().max(64),
      port: textParam.openapi({ description: 'The id of a serial port, whose framing and rule are taken' }),
      framing: part.optional().openapi({ description: 'Its kind, or JSON as in the settings of a port' }),
      rule: part.optional().openapi({ description: 'Its kind, or JSON as in the settings of a port' }),
      speed: z
        .string()
        .regex(/^(max|\d{1,6}(\.\d{1,3})?)$/, 'max, or how many times as fast as the line was')
        .optional()
        .openapi({ default: '1' }),
      times: z.enum(['captured', 'now']).optional().openapi({ default: 'captured' }),
    }),
    body: { content: { [CAPTURE_TYPE]: { schema: { type: 'string' as const, format: 'binary' } } } },
  },
  responses: rawAnswer('application/x-ndjson', 'How far it is, and in the end what became of it'),
});

export function registerSerialCaptures(api: Api, deps: ApiDeps): void {
  const { captures } = deps;
  api.openapi(capture, async (c) => {
    const { seconds, maxBytes } = c.req.valid('query');
    if (Number(seconds ?? 1) > DAY_SECONDS)
      return problem(c, 'bad-request', { errors: [parameterFault('seconds', `at most ${DAY_SECONDS}`)] });
    const headers = { 'content-type': CAPTURE_TYPE, 'content-disposition': 'attachment; filename="serial.capture"' };
    if (c.req.method === 'HEAD') return new Response(null, { headers });
    const { id } = c.req.valid('param');
    await recordAct(deps, c.var.principal, { act: 'serial.capture', target: id.slice(0, 64) });
    const opened = captures.capture(id, {
      seconds: Number(seconds ?? DAY_SECONDS),
      maxBytes: Number(maxBytes ?? DEFAULT_BYTES),
    });
    return 'refused' in opened ? refused(c, opened) : new Response(opened, { headers });
  });
  api.openapi(finish, async (c) => {
    const { id } = c.req.valid('param');
    await recordAct(deps, c.var.principal, { act: 'serial.capture-end', target: id.slice(0, 64) });
    const ended = captures.finish(id);
    return ended === true ? c.body(null, 204) : refused(c, ended);
  });
  api.openapi(replay, async (c) => {
    const type = parseMediaType(c.req.header('content-type'))?.type;
    if (type !== CAPTURE_TYPE && type !== 'application/octet-stream')
      return problem(c, 'unsupported-media-type', { detail: `send ${CAPTURE_TYPE}` });
    const { device, port, framing, rule, speed = '1', times = 'captured' } = c.req.valid('query');
    if (Number(speed) === 0) return problem(c, 'bad-request', { errors: [parameterFault('speed', 'above 0')] });
    const question: ReplayQuestion = {
      device,
      port: port ?? null,
      framing: partOf(framing),
      rule: partOf(rule),
      speed: speed === 'max' ? Number.POSITIVE_INFINITY : Number(speed),
      times,
    };
    await recordAct(deps, c.var.principal, { act: 'serial.replay', target: device });
    const news = await captures.replay(question, bytesOf(c), actorOf(c.var.principal));
    if ('refused' in news) return refused(c, news);
    return new Response(news, { headers: { 'content-type': 'application/x-ndjson' } });
  });
}

/** A kind by its name alone, or a part as JSON; what is neither is refused by whoever checks it. */
function partOf(text: string | undefined): unknown {
  if (text === undefined || !text.startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function* bytesOf(c: Context<ApiEnv>): AsyncGenerator<Uint8Array> {
  const { body } = c.req.raw;
  if (body !== null) yield* body as unknown as AsyncIterable<Uint8Array>;
}

function refused(c: Context<ApiEnv>, { refused: code, detail, errors, retryAfterSeconds }: SerialRefusal): ProblemResponse {
  return problem(c, code, {
    detail,
    errors,
    ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': String(retryAfterSeconds) } }),
  });
}
