// GET /v1/serial: the serial ports, how they are doing, and what they said last.

import { createRoute, z } from '@hono/zod-openapi';
import type { SerialFrameView, SerialPortView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { answers, listOf, noQuery, type Shape } from './route-parts.ts';

const count = z.number().int();
const frameShape: Shape<SerialFrameView> = z
  .object({
    number: count.openapi({ description: 'Counts the frames and faults of the port, from 1' }),
    atMs: z.number(),
    raw: z.string().openapi({ description: 'Its first bytes' }),
    encoding: z.enum(['utf8', 'base64']).openapi({ description: 'base64: `raw` is no text' }),
    bytes: count,
    outcome: z.string().openapi({ description: '`readings`, or the reason why there are none' }),
    readings: count,
    says: z.string().openapi({ description: 'The readings, or what is wrong, in words' }),
  })
  .openapi('SerialFrame');
const portShape: Shape<SerialPortView> = z
  .object({
    path: z.string(),
    device: z.string(),
    state: z.enum(['opening', 'open', 'absent', 'silent', 'garbage', 'stuck', 'failed', 'closed']),
    reason: z.string(),
    mend: z.string().openapi({ description: 'What to do about it' }),
    sinceAt: z.string(),
    baudRate: count,
    framing: z.string(),
    rule: z.string(),
    expectEverySeconds: z.number().nullable(),
    linesPerSecond: z.number(),
    bytes: count.openapi({ description: 'Read since the start, as the numbers that follow' }),
    lines: count,
    readings: count,
    errors: count,
    faults: z.record(z.string(), count).openapi({ description: 'The errors, by code' }),
    skipped: z.record(z.string(), count).openapi({ description: 'Lines without readings in which nothing was wrong, by reason' }),
    lastFrames: z.array(frameShape).openapi({ description: 'Oldest first' }),
  })
  .openapi('SerialPort');

const list = createRoute({
  method: 'get',
  path: '/v1/serial',
  summary: 'The serial ports of the configuration',
  request: { query: noQuery },
  responses: answers(200, listOf(portShape), 'Each port, its state and its last lines'),
});

export function registerSerial(api: Api, { serialPorts }: ApiDeps): void {
  api.openapi(list, (c) =>
    c.json({ items: serialPorts().map((port) => ({ ...port, lastFrames: [...port.lastFrames] })), next: null }, 200),
  );
}
