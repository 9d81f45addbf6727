// GET /v1/accounting: the books, a row a stream: what became of every frame.

import { createRoute, z } from '@hono/zod-openapi';
import type { AccountingRow } from '../protocol/rest.ts';
import type { StreamAccount } from '../storage/store.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { answers, flagParam, listOf, type Shape, textParam } from './route-parts.ts';

const frames = z.number().int();
const rowShape: Shape<AccountingRow> = z
  .object({
    device: z.string(),
    stream: z.string(),
    acked: frames.openapi({ description: 'Highest settled seq' }),
    settled: frames.openapi({ description: 'Frames: stored + quarantined + gaps' }),
    stored: frames,
    quarantined: frames,
    gaps: frames,
    unexplained: frames.openapi({
      description: 'Frames in no count, or records that books and rows disagree on: 0, or something is wrong',
    }),
    readings: z.number().int(),
    refused: z.number().int(),
    expired: z.number().int(),
    evicted: z.number().int().openapi({ description: 'Of the refused, gone from quarantine for room' }),
    discarded: z.number().int().openapi({ description: 'Of the refused, thrown away by an operator' }),
  })
  .openapi('Accounting');

const list = createRoute({
  method: 'get',
  path: '/v1/accounting',
  summary: 'What became of every frame, per stream',
  request: {
    query: z.strictObject({
      device: textParam,
      verify: flagParam.openapi({ description: 'true: count again from the rows instead of the books' }),
    }),
  },
  responses: answers(200, listOf(rowShape), 'The books'),
});

export function registerAccounting(api: Api, deps: ApiDeps): void {
  api.openapi(list, async (c) => {
    const { device = '', verify } = c.req.valid('query');
    const { items } = await deps.store.read('accounting', { device, verify: verify === 'true' });
    return c.json({ items: items.map(accountOf), next: null }, 200);
  });
}

export function accountOf(state: StreamAccount): AccountingRow {
  const {
    device,
    stream,
    acked,
    framesStored: stored,
    framesQuarantined: quarantined,
    framesGap: gaps,
    unexplained,
    readings,
    refused,
    expired,
    evicted,
    discarded,
  } = state;
  return {
    device,
    stream,
    acked,
    settled: acked,
    stored,
    quarantined,
    gaps,
    unexplained,
    readings,
    refused,
    expired,
    evicted,
    discarded,
  };
}
