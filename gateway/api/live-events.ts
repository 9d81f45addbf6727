// GET /v1/live: without an upgrade it only says how it is meant; with `Accept: text/event-stream` it is the live socket's twin for who can
// only read: one subscription, from the query, with the same messages, places and patience. An event's id is the cursor behind it, so that
// a browser's `Last-Event-ID` goes on where it was.

import type { ServerResponse } from 'node:http';
import { createRoute, z } from '@hono/zod-openapi';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, Next } from 'hono';
import type { Principal } from '../identity/identity.ts';
import { CLOSE, type ErrorMessage } from '../protocol/messages.ts';
import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import type { Sink } from '../relay/outbox.ts';
import type { Subscriber } from '../relay/subscriber.ts';
import type { Api, ApiDeps, ApiEnv } from './api-deps.ts';
import { isEventStream } from './gate.ts';
import { problem } from './problem.ts';
import { allOf, refusals, repeatableParam } from './route-parts.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

const UPGRADE = { upgrade: 'websocket', connection: 'Upgrade' };
/** The name of its one subscription in the messages. */
const SUBSCRIPTION = 'live';
const EVENT_HEADERS = { ...SAFE_HEADERS, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };
const FIRST_RETRY_MS = 2_000;

const live = createRoute({
  method: 'get',
  path: '/v1/live',
  summary: 'The live socket (WebSocket, fieldgate.live.v1); with Accept: text/event-stream the same messages as server-sent events',
  request: {
    query: z.strictObject({
      device: repeatableParam.openapi({ description: '`*` matches any run of characters; left out: all' }),
      metric: repeatableParam,
      maxRateHz: z
        .string()
        .regex(/^\d{1,4}(\.\d{1,3})?$/, 'a number of messages a second')
        .transform(Number)
        .optional()
        .openapi({ type: 'number' }),
      since: z.string().max(128).optional().openapi({ description: 'A cursor; `Last-Event-ID` goes before it' }),
    }),
  },
  responses: {
    101: { description: 'The socket is open; see the protocol' },
    200: { description: 'Messages of the live socket, one an event', content: { 'text/event-stream': { schema: z.string() } } },
    default: refusals,
  },
});

export function registerLiveEvents(api: Api, deps: ApiDeps): void {
  const { feed, seats, config } = deps;
  api.openapi({ ...live, middleware: [eventsOnly] }, (c) => {
    const { principal } = c.var;
    const outgoing = c.env.outgoing;
    // on the control socket and inside a command there is nobody to stream to
    if (principal === null || outgoing === undefined) return upgradeRequired(c);
    const { device, metric, maxRateHz, since } = c.req.valid('query');
    const [devices, metrics] = [allOf(device), allOf(metric)];
    if (devices.length + metrics.length > config.limits.patterns) return problem(c, 'limit-exceeded');
    const outlook = seats.outlook(principal);
    if (outlook !== 'ready') return problem(c, outlook);
    openStream(outgoing, principal, {
      type: 'subscribe',
      id: SUBSCRIPTION,
      ...(devices.length > 0 && { devices }),
      ...(metrics.length > 0 && { metrics }),
      ...(maxRateHz !== undefined && { maxRateHz }),
      since: c.req.header('last-event-id') ?? since,
    });
    return new Response(null, RESPONSE_ALREADY_SENT);
  });

  function openStream(outgoing: ServerResponse, principal: Principal, subscribe: object): void {
    let isOver = false;
    const sink: Sink = {
      send(text, taken) {
        if (!isOver) outgoing.write(eventOf(text), taken);
      },
      // it says nothing that could be left unread
      pause: () => undefined,
      resume: () => undefined,
      close(code, reason) {
        if (isOver) return;
        isOver = true;
        outgoing.end(farewellOf(code, reason));
      },
      terminate: () => void outgoing.destroy(),
    };
    outgoing.writeHead(200, EVENT_HEADERS);
    outgoing.write(`retry: ${FIRST_RETRY_MS}\n\n`);
    const subscriber: Subscriber = feed.open(sink);
    const leave = seats.take({ principal, tell: (text) => subscriber.tell(text), close: sink.close, terminate: sink.terminate });
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => {
      isOver = true;
      leave();
      subscriber.close();
    });
    subscriber.message(subscribe);
  }
}

async function eventsOnly(c: Context<ApiEnv>, next: Next): Promise<Response | undefined> {
  if (!isEventStream(c.req.method, c.req.header('accept'))) return upgradeRequired(c);
  await next();
  return undefined;
}

function upgradeRequired(c: Context<ApiEnv>) {
  return problem(c, 'upgrade-required', { headers: UPGRADE });
}

/** One message, one event. JSON has no line break of its own. */
export function eventOf(text: string): string {
  const [, at, beat] = CURSOR.exec(text) ?? [];
  const cursor = at ?? beat;
  return `${cursor === undefined ? '' : `id: ${cursor}\n`}data: ${text}\n\n`;
}
/** Where the relay puts it: behind type and id, or in the heartbeat at the end. */
const CURSOR =
  /^\{"type":"(?:snapshot|resumed|readings)","id":"live","cursor":"([^"]+)"|^\{"type":"heartbeat","atMs":[\d.]+,"cursors":\{"live":"([^"]+)"/;

const CODES: Readonly<Record<number, ProblemCode>> = {
  [CLOSE.credential]: 'unauthorized',
  [CLOSE.forbidden]: 'forbidden',
  [CLOSE.restarting]: 'draining',
  [CLOSE.overloaded]: 'busy',
};

/** An event stream has no close code: its last message says why it ends, and its last line when to come back. */
function farewellOf(closeCode: number, reason: string): string {
  const code = CODES[closeCode] ?? 'internal';
  const last: ErrorMessage = { type: 'error', code, message: PROBLEMS[code].title, fatal: true };
  const retryMs = /^retry-after-ms=(\d+)$/.exec(reason)?.[1];
  return `${retryMs === undefined ? '' : `retry: ${retryMs}\n`}data: ${JSON.stringify(last)}\n\n`;
}
