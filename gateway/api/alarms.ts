// GET /v1/alarms: what is wrong with the gateway itself at this moment.

import { createRoute, z } from '@hono/zod-openapi';
import { ALARM_NAMES } from '../protocol/event-types.ts';
import type { AlarmView } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { answers, listOf, noQuery, type Shape } from './route-parts.ts';

export const alarmShape: Shape<AlarmView> = z
  .object({
    name: z.enum(ALARM_NAMES),
    severity: z.enum(['warning', 'critical']),
    message: z.string().openapi({ description: 'What is wrong and what mends it' }),
    sinceMs: z.number(),
    device: z.string().nullable(),
    port: z.string().nullable().openapi({ description: 'The id of a serial port' }),
  })
  .openapi('Alarm');

const list = createRoute({
  method: 'get',
  path: '/v1/alarms',
  summary: 'What is wrong with the gateway itself at this moment, the gravest first',
  request: { query: noQuery },
  responses: answers(200, listOf(alarmShape), 'Alarms that are on'),
});

export function registerAlarms(api: Api, { liveNumbers }: ApiDeps): void {
  api.openapi(list, (c) => c.json({ items: [...liveNumbers().alarms], next: null }, 200));
}
