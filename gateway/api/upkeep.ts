// /v1/compact, /v1/verify and /v1/backups: work on the databases as a whole, answered with a line of JSON for each step.

import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Refusal } from '../identity/identity.ts';
import type { BackupView } from '../protocol/rest.ts';
import { recordAct } from './act-record.ts';
import type { Api, ApiDeps, ApiEnv } from './api-deps.ts';
import { problem, refuse } from './problem.ts';
import { answers, bodyOf, listOf, noQuery, rawAnswer, type Shape, withJson } from './route-parts.ts';

const NDJSON = 'application/x-ndjson';
const LONGEST_PATH = 4096;
const NEWS = 'What is being done, a line each; the last one says how it ended';

const backupShape: Shape<BackupView> = z.object({ file: z.string(), bytes: z.number().int(), madeAtMs: z.number() }).openapi('Backup');
const backupBody = z
  .strictObject({
    file: z
      .string()
      .max(LONGEST_PATH)
      .optional()
      .openapi({ description: 'An absolute path, taken from the command line only; left out: a name with the time in backup.dir' }),
  })
  .openapi('BackupOrder');

const compact = createRoute({
  method: 'post',
  path: '/v1/compact',
  summary: 'Seal everything now, drop the replay tail, give space back',
  description: 'Live subscriptions that resume from before it get a reset. It goes on to its end when the client leaves.',
  request: { query: noQuery },
  responses: rawAnswer(NDJSON, NEWS),
});
const verify = createRoute({
  method: 'post',
  path: '/v1/verify',
  summary: 'Look through everything that is stored',
  description: 'A line of the type `found` for each thing that is not as it should be. Who leaves ends it.',
  request: { query: noQuery },
  responses: rawAnswer(NDJSON, NEWS),
});
const list = createRoute({
  method: 'get',
  path: '/v1/backups',
  summary: 'The backups in backup.dir, newest first',
  request: { query: noQuery },
  responses: answers(200, listOf(backupShape), 'Backups'),
});
const backup = createRoute({
  method: 'post',
  path: '/v1/backups',
  summary: 'Make a backup now; it counts when it was looked through',
  request: { query: noQuery, body: { ...bodyOf(backupBody), required: false } },
  responses: rawAnswer(NDJSON, NEWS),
});

export function registerUpkeep(api: Api, deps: ApiDeps): void {
  const { upkeep } = deps;
  api.openapi(compact, async (c) => {
    await recordAct(deps, c.var.principal, { act: 'store.compact' });
    return answer(c, upkeep.compact());
  });
  api.openapi(verify, async (c) => {
    await recordAct(deps, c.var.principal, { act: 'store.verify' });
    return answer(c, upkeep.verify());
  });
  api.openapi(list, async (c) => c.json({ items: [...(await upkeep.backups())], next: null }, 200));
  api.openapi({ ...backup, middleware: withJson(deps, true) }, async (c) => {
    const { file = null } = c.req.valid('json') ?? {};
    // whoever can name any path could fill any folder of this user's
    if (file !== null && c.var.principal?.kind !== 'local')
      return problem(c, 'invalid', { errors: [{ pointer: '/file', detail: 'taken from the command line only: fieldgate backup FILE' }] });
    await recordAct(deps, c.var.principal, { act: 'store.backup', target: file ?? '' });
    return answer(c, await upkeep.backup(file));
  });
}

function answer(c: Context<ApiEnv>, news: ReadableStream<Uint8Array> | Refusal) {
  return 'refused' in news ? refuse(c, news) : new Response(news, { headers: { 'content-type': NDJSON } });
}
