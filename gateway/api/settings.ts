// /v1/settings: what is in force and where each value is from; the few that may be changed while the gateway runs; and what a change of
// retention would let go, before it does.

import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { CertificateView, RetentionForecast, SettingsView, SettingView } from '../protocol/rest.ts';
import { actorOf, type Api, type ApiDeps, type ApiEnv } from './api-deps.ts';
import { problem, type ProblemResponse } from './problem.ts';
import { answers, bodyOf, noQuery, type Shape, withJson } from './route-parts.ts';
import type { SettingsRefusal } from './settings-book.ts';

const count = z.number().int();
const settingShape: Shape<SettingView> = z
  .object({
    key: z.string(),
    value: z.unknown(),
    source: z
      .string()
      .openapi({ description: 'As `fieldgate config show` names it: a file with its line, a flag, an environment variable' }),
    from: z.enum(['default', 'file', 'environment', 'flag', 'program', 'console']),
    isEditable: z.boolean().openapi({ description: 'PATCH takes it; else it is set elsewhere, or needs a restart' }),
  })
  .openapi('Setting') as unknown as Shape<SettingView>;
const certificateShape: Shape<CertificateView> = z
  .object({
    kind: z.enum(['auto', 'own']),
    names: z.array(z.string()),
    subject: z.string(),
    issuer: z.string(),
    notBeforeAt: z.iso.datetime(),
    notAfterAt: z.iso.datetime(),
    renewsAt: z.iso.datetime().nullable(),
    fingerprint: z.string().openapi({ description: 'SHA-256, in pairs of digits' }),
    authority: z.object({ fingerprint: z.string(), notAfterAt: z.iso.datetime() }).nullable(),
  })
  .openapi('Certificate') as unknown as Shape<CertificateView>;
const settingsShape: Shape<SettingsView> = z
  .object({
    settings: z.array(settingShape),
    file: z.string().nullable().openapi({ description: 'The configuration file that was read' }),
    versions: z.object({ fieldgate: z.string(), node: z.string() }),
    certificate: certificateShape.nullable(),
    unsealed: count.openapi({ description: 'Readings that are not compressed yet' }),
  })
  .openapi('Settings') as unknown as Shape<SettingsView>;
const forecastShape: Shape<RetentionForecast> = z
  .object({
    devices: count,
    series: count,
    goneBeforeMs: z.number().nullable(),
    readings: count.openapi({ description: 'Older than that: at most so many go with the next run' }),
    going: count.openapi({ description: 'Devices that they belong to' }),
    names: z.array(z.string()).openapi({ description: 'The first of these' }),
    maxBytes: z.number().nullable(),
  })
  .openapi('RetentionForecast') as unknown as Shape<RetentionForecast>;
// checked by the code that checks the file
const body = bodyOf(
  z.looseObject({}).openapi('SettingsPatch', {
    description: 'In the shape of the configuration file; null takes back what was set here',
    example: { backup: { every: '24h' }, retention: [{ device: '*', metric: '*', days: 90 }] },
  }),
);

const show = createRoute({
  method: 'get',
  path: '/v1/settings',
  summary: 'What is in force, where each value is from, and the certificate',
  request: { query: noQuery },
  responses: answers(200, settingsShape, 'The effective configuration'),
});
const patch = createRoute({
  method: 'patch',
  path: '/v1/settings',
  summary: 'Change settings; they are in force at once and outlast a restart',
  request: { query: noQuery, body },
  responses: answers(200, settingsShape, 'Changed'),
});
const tryOut = createRoute({
  method: 'post',
  path: '/v1/settings/try',
  summary: 'What a change of retention would let go; nothing is changed',
  request: { query: noQuery, body },
  responses: answers(200, z.object({ retention: z.array(forecastShape) }), 'A line for each rule'),
});

export function registerSettings(api: Api, deps: ApiDeps): void {
  const { settings, info } = deps;
  const view = (): SettingsView => ({
    ...settings.view(),
    versions: { fieldgate: info.version, node: process.versions.node },
    certificate: deps.certificate(),
    unsealed: deps.unsealed(),
  });
  api.openapi(show, (c) => c.json(view(), 200));
  api.openapi({ ...patch, middleware: withJson(deps) }, async (c) => {
    const changed = await settings.change(c.req.valid('json'), actorOf(c.var.principal));
    return changed === true ? c.json(view(), 200) : refused(c, changed);
  });
  api.openapi({ ...tryOut, middleware: withJson(deps) }, async (c) => {
    const tried = await settings.tryOut(c.req.valid('json'));
    return 'refused' in tried ? refused(c, tried) : c.json({ retention: [...tried.retention] }, 200);
  });
}

function refused(c: Context<ApiEnv>, { refused: code, detail, errors }: SettingsRefusal): ProblemResponse {
  return problem(c, code, { detail, errors });
}
