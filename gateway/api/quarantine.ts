// /v1/quarantine: what was refused and why, newest first; stored after all, as it was or amended, or thrown away.

import { createRoute, z } from '@hono/zod-openapi';
import { askedFrom } from '../identity/asked-from.ts';
import type { BaseFieldsView, QuarantineDiscarded, QuarantineReplayed, QuarantineView } from '../protocol/rest.ts';
import type { QuarantinedItem } from '../storage/store.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import {
  answers,
  done,
  limitParam,
  listOf,
  nextParam,
  noQuery,
  pageSize,
  parameterFault,
  type Shape,
  textParam,
  wholeNumberParam,
  withJson,
  withPaging,
} from './route-parts.ts';

/** Rows of a device that are thrown away in one commit: devices wait for it. */
const DISCARD_ROWS = 500;

const baseShape: Shape<BaseFieldsView> = z.object({
  bn: z.string().nullable().optional(),
  bt: z.number().nullable().optional(),
  bu: z.string().nullable().optional(),
  bv: z.number().nullable().optional(),
  bver: z.null().optional(),
});
const quarantineShape: Shape<QuarantineView> = z
  .object({
    id: z.number().int(),
    atMs: z.number(),
    device: z.string(),
    stream: z.string(),
    seq: z.number().int().openapi({ description: '0: the frame could not be read and settled nothing' }),
    index: z.number().int().nullable().openapi({ description: 'The record in its frame; null: the whole frame' }),
    code: z.string(),
    message: z.string(),
    raw: z.string(),
    encoding: z.enum(['utf8', 'base64']).openapi({ description: 'base64: `raw` is CBOR, or no text' }),
    base: baseShape.nullable().openapi({ description: 'Base fields of the pack that were in force before the record' }),
    replayedAtMs: z.number().nullable().openapi({ description: 'When it was stored after all' }),
  })
  .openapi('Quarantined');
const replayedShape: Shape<QuarantineReplayed> = z
  .object({
    stored: z.number().int(),
    errors: z.array(z.object({ index: z.number().int().optional(), code: z.string(), message: z.string() })),
    duplicate: z.boolean().optional().openapi({ description: 'It had been replayed before; nothing was stored again.' }),
  })
  .openapi('QuarantineReplayed');
const discardedShape: Shape<QuarantineDiscarded> = z.object({ discarded: z.number().int() }).openapi('QuarantineDiscarded');

const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, type: 'integer' }) });
const replayBody = z.strictObject({ raw: z.string().optional() }).openapi('QuarantineReplay');

const list = createRoute({
  method: 'get',
  path: '/v1/quarantine',
  summary: 'What was refused, with its raw bytes and the reason; newest first',
  request: {
    query: z.strictObject({
      device: textParam,
      code: textParam,
      text: textParam.openapi({ description: 'Stands in the raw text, the reason or the name of the stream' }),
      upTo: wholeNumberParam.openapi({ description: 'Only this row and older ones, by `id`' }),
      limit: limitParam,
      next: nextParam,
    }),
  },
  responses: answers(200, listOf(quarantineShape), 'Refused frames and records'),
});
const replay = createRoute({
  method: 'post',
  path: '/v1/quarantine/{id}/replay',
  summary:
    'Store it after all, by the rules of today: as it was sent, or as the text in `raw` (JSON; for a line of a serial port, a line); once',
  request: { params: idParam, query: noQuery, body: { required: false, content: { 'application/json': { schema: replayBody } } } },
  responses: answers(200, replayedShape, 'What was stored, and what was refused once more'),
});
const discard = createRoute({
  method: 'delete',
  path: '/v1/quarantine/{id}',
  summary: 'Throw it away',
  request: { params: idParam, query: noQuery },
  responses: done,
});
const discardAll = createRoute({
  method: 'delete',
  path: '/v1/quarantine',
  summary: 'Throw away all that a device has in quarantine, or all that fits: at least one of the three is needed',
  request: {
    query: z.strictObject({
      device: textParam,
      code: textParam,
      text: textParam,
      upTo: wholeNumberParam.openapi({ description: 'Only this row and older ones, by `id`: what came since stays' }),
    }),
  },
  responses: answers(200, discardedShape, 'How many rows went'),
});

export function registerQuarantine(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  const { store, replays, identity, registry, nowMs } = deps;
  const audit = (actor: string, act: string, target: string, detail: string): Promise<void> =>
    registry.commit([{ audit: { atMs: nowMs(), actor, act, target, detail, address: askedFrom() } }]);
  /** A number that can be one of ours; what never was is as unknown as what is gone. */
  const find = async (text: string): Promise<QuarantinedItem | null> => (/^[1-9]\d{0,14}$/.test(text) ? replays.find(Number(text)) : null);

  api.openapi({ ...list, middleware: withPaging(deps) }, async (c) => {
    const { device = '', code = '', text = '', upTo, next, ...rest } = c.req.valid('query');
    const limit = pageSize(deps, rest.limit);
    const question = ['quarantine', device, code, text, upTo ?? ''];
    const before = next === undefined ? null : pageTokens.redeem(question, next);
    if (before !== null && typeof before !== 'number') return problem(c, 'bad-token');
    const start = before ?? (upTo === undefined ? undefined : upTo + 1);
    const { items, more } = await store.read('quarantine', { device, code, text, limit, ...(start !== undefined && { before: start }) });
    return c.json({ items: items.map(viewOf), next: more ? pageTokens.issue(question, items.at(-1)?.id) : null }, 200);
  });

  api.openapi({ ...replay, middleware: withJson(deps, true) }, async (c) => {
    const row = await find(c.req.valid('param').id);
    if (row === null || !identity.devices.get(row.device)) return problem(c, 'not-found');
    const { raw } = (c.req.valid('json') as { raw?: string } | undefined) ?? {};
    const result = await replays.replay(row.id, raw ?? null);
    switch (result.outcome) {
      case 'settled':
        await audit(actorOf(c.var.principal), 'quarantine.replay', row.device, `${row.id}${raw === undefined ? '' : ', amended'}`);
        return c.json({ stored: result.stored, errors: [...result.errors] }, 200);
      case 'already':
        return c.json({ stored: 0, errors: [], duplicate: true }, 200);
      case 'still-refused': {
        const faults = result.errors.map((fault) => ({ pointer: `/${fault.index ?? ''}`, detail: fault.message, ...fault }));
        return problem(c, 'still-refused', { errors: faults, extra: { stored: 0 } });
      }
      case 'no-port':
        return problem(c, 'no-serial-port');
      case 'unknown':
        return problem(c, 'not-found');
      case 'store-unavailable':
        return problem(c, 'store-unavailable');
    }
  });

  api.openapi(discard, async (c) => {
    const row = await find(c.req.valid('param').id);
    if (row === null) return problem(c, 'not-found');
    if (!(await replays.discard(row.device, [row.id]))) return problem(c, 'store-unavailable');
    await audit(actorOf(c.var.principal), 'quarantine.discard', row.device, `${row.id}, ${row.code}`);
    return c.body(null, 204);
  });

  api.openapi(discardAll, async (c) => {
    const { device = '', code = '', text = '', upTo } = c.req.valid('query');
    if (device === '' && code === '' && text === '') {
      const detail = 'name a device, a code or a text: everything is never thrown away at once';
      return problem(c, 'bad-request', { errors: [parameterFault('device', detail)] });
    }
    let discarded = 0;
    // from the newest of this moment down: what comes meanwhile stays
    for (let before = upTo === undefined ? undefined : upTo + 1; ; ) {
      const ask = { device, code, text, limit: DISCARD_ROWS, ...(before !== undefined && { before }) };
      const { items } = await store.read('quarantine', ask);
      const last = items.at(-1);
      if (last === undefined) break;
      for (const [owner, its] of Map.groupBy(items, (item) => item.device)) {
        const ids = its.map((item) => item.id);
        if (!(await replays.discard(owner, ids))) return problem(c, 'store-unavailable');
      }
      discarded += items.length;
      before = last.id;
    }
    if (discarded > 0) {
      const what = [code === '' ? '' : `code ${code}`, text === '' ? '' : `text ${text}`].filter(Boolean).join(', ');
      await audit(actorOf(c.var.principal), 'quarantine.discard', device, `${discarded} rows${what === '' ? '' : `, ${what}`}`);
    }
    return c.json({ discarded }, 200);
  });
}

function viewOf(item: QuarantinedItem): QuarantineView {
  const { id, device, stream, seq, index, code, message, raw, encoding, base, receivedAtUs, replayedAtUs } = item;
  return {
    id,
    atMs: receivedAtUs / 1000,
    device,
    stream,
    seq,
    index: index < 0 ? null : index,
    code,
    message,
    raw,
    encoding,
    base: base === '' ? null : (JSON.parse(base) as BaseFieldsView),
    replayedAtMs: replayedAtUs === null ? null : replayedAtUs / 1000,
  };
}
