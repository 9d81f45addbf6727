// GET /v1/stats: the numbers of the Fleet page's strip.

import { createRoute, z } from '@hono/zod-openapi';
import type { StatsView } from '../protocol/rest.ts';
import { accountOf } from './accounting.ts';
import { alarmShape } from './alarms.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { answers, noQuery, type Shape } from './route-parts.ts';

/** Every open console asks; the books and the disk are looked at once a second for all of them. */
const FRESH_MS = 1000;

const count = z.number().int();
const statsShape: Shape<StatsView> = z
  .object({
    devices: count,
    online: count,
    subscribers: count,
    readings: count,
    readingsPerSecond: z.number(),
    commitP50Ms: z.number().nullable(),
    commitP99Ms: z.number().nullable(),
    unexplained: count.openapi({ description: 'Frames whose fate is not in the books; always 0, or something is wrong' }),
    bytes: count.openapi({ description: 'On disk' }),
    storage: z.object({
      state: z.enum(['storing', 'low', 'paused', 'failed']),
      message: z.string().openapi({ description: 'What is wrong and what mends it' }),
      freeBytes: z.number().nullable(),
    }),
    written: z
      .object({
        logBytes: count,
        databaseBytes: count,
        processBytes: count.nullable(),
        bytesPerDay: count.nullable(),
      })
      .openapi({ description: 'What went to the disk since the start, by the engine and by the operating system' }),
    alarms: z.array(alarmShape),
  })
  .openapi('Stats');

const show = createRoute({
  method: 'get',
  path: '/v1/stats',
  summary: 'The gateway in numbers',
  request: { query: noQuery },
  responses: answers(200, statsShape, 'Numbers of this moment'),
});

export function registerStats(api: Api, deps: ApiDeps): void {
  const { store, identity, presence, liveNumbers, nowMs } = deps;
  let asked: { readonly atMs: number; readonly stored: Promise<Pick<StatsView, 'readings' | 'bytes' | 'unexplained'>> } | null = null;

  async function readStored(): Promise<Pick<StatsView, 'readings' | 'bytes' | 'unexplained'>> {
    const [size, books] = await Promise.all([store.read('size', {}), store.read('accounting', { device: '', verify: false })]);
    const unexplained = books.items.reduce((sum, row) => sum + accountOf(row).unexplained, 0);
    return { readings: size.readings, bytes: size.bytes, unexplained };
  }

  api.openapi(show, async (c) => {
    const now = nowMs();
    if (!asked || now - asked.atMs >= FRESH_MS || now < asked.atMs) asked = { atMs: now, stored: readStored() };
    const stored = await asked.stored;
    return c.json({ devices: identity.devices.count, online: presence.onlineCount, ...liveNumbers(), ...stored }, 200);
  });
}
