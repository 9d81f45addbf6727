// The HTTP interface: one app, a file a resource, every request through the gate first. It does not start when a route and the access
// table disagree.

import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { routePath } from 'hono/route';
import { registerAccounting } from './accounting.ts';
import type { DiskError, DiskFault } from '../storage/store.ts';
import type { Api, ApiDeps, ApiEnv } from './api-deps.ts';
import { registerAlarms } from './alarms.ts';
import { registerAudit } from './audit.ts';
import { registerConsole } from './console.ts';
import { registerAttempts } from './attempts.ts';
import { registerDemo } from './demo.ts';
import { registerDevices } from './devices.ts';
import { registerDocs } from './docs.ts';
import { registerEnrol } from './enrol.ts';
import { registerEnrolments } from './enrolments.ts';
import { registerEvents } from './events.ts';
import { gate, ROUTE_ENTRIES, safeHeaders } from './gate.ts';
import { registerFrames } from './frames.ts';
import { registerImport } from './import.ts';
import { registerInfo } from './info.ts';
import { registerGaps } from './gaps.ts';
import { registerIngest } from './ingest-http.ts';
import { registerKeys } from './keys.ts';
import { registerLiveEvents } from './live-events.ts';
import { registerMetrics } from './metrics.ts';
import { registerPairing } from './pairing.ts';
import { problem } from './problem.ts';
import { registerQuarantine } from './quarantine.ts';
import { registerQuarantineLook } from './quarantine-look.ts';
import { registerReadings } from './readings.ts';
import { refuseInvalid } from './route-parts.ts';
import { registerSerial } from './serial.ts';
import { registerSerialCaptures } from './serial-captures.ts';
import { registerSeries } from './series.ts';
import { registerSession } from './session.ts';
import { registerSettings } from './settings.ts';
import { registerSetup } from './setup.ts';
import { registerSocketDoors } from './socket-doors.ts';
import { registerStats } from './stats.ts';
import { registerTokens } from './tokens.ts';
import { registerUpkeep } from './upkeep.ts';
import { registerUsers } from './users.ts';

export function createApi(deps: ApiDeps): Api {
  const api: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => (result.success ? undefined : refuseInvalid(result.target, result.error, c)),
  });
  const refusals = deps.observe.counterBy('fieldgate_refusals_total', 'Refused requests, frames and records, by code', 'code');

  api.use(safeHeaders(refusals));
  api.use(gate(deps));
  api.notFound((c) => problem(c, 'not-found'));
  api.onError((error, c) => answerError(deps, error, c));

  registerSession(api, deps);
  registerSetup(api, deps);
  registerDevices(api, deps);
  registerAttempts(api, deps);
  registerDemo(api, deps);
  registerTokens(api, deps);
  registerSeries(api, deps);
  registerEnrol(api, deps);
  registerPairing(api, deps);
  registerReadings(api, deps);
  registerImport(api, deps);
  registerIngest(api, deps);
  registerSocketDoors(api);
  registerLiveEvents(api, deps);
  registerAccounting(api, deps);
  registerGaps(api, deps);
  registerFrames(api, deps);
  registerEvents(api, deps);
  registerAlarms(api, deps);
  registerQuarantine(api, deps);
  registerQuarantineLook(api, deps);
  registerSerial(api, deps);
  registerSerialCaptures(api, deps);
  registerStats(api, deps);
  registerUsers(api, deps);
  registerKeys(api, deps);
  registerEnrolments(api, deps);
  registerAudit(api, deps);
  registerUpkeep(api, deps);
  registerSettings(api, deps);
  registerInfo(api, deps);
  registerMetrics(api, deps);
  registerDocs(api, deps);
  registerConsole(api, deps);

  const { unknown, unserved } = compareRoutes(api);
  if (unknown.length > 0) throw new Error(`no role in identity/access.ts for: ${unknown.join(', ')}`);
  if (unserved.length > 0) throw new Error(`in identity/access.ts, but nothing answers: ${unserved.join(', ')}`);
  return api;
}

/** Ways in that are no routes of the app: upgrades, and an event stream, which is a GET that asks for one. */
const NO_ROUTES = new Set(['UPGRADE', 'EVENTS']);

/** Handlers without a role, and roles without a handler. */
export function compareRoutes(api: Pick<Api, 'routes'>): { unknown: string[]; unserved: string[] } {
  const served = new Set(api.routes.filter((route) => route.method !== 'ALL').map((route) => `${route.method} ${route.path}`));
  const declared = new Set(ROUTE_ENTRIES.filter((entry) => !NO_ROUTES.has(entry.method)).map((entry) => `${entry.method} ${entry.path}`));
  return { unknown: [...served].filter((key) => !declared.has(key)), unserved: [...declared].filter((key) => !served.has(key)) };
}

const DISK_WORDS: Readonly<Record<DiskFault, string>> = {
  full: 'The disk is full: make room, then try again.',
  'read-only': 'The data directory cannot be written: it is mounted read-only, or belongs to another user.',
  failing: 'The disk fails to read or write; the log of the system names it.',
  damaged: 'A database is damaged: put it back from a backup.',
};

function answerError(deps: ApiDeps, error: Error, c: Context<ApiEnv>): Response {
  if (error instanceof HTTPException && error.status === 415) return problem(c, 'unsupported-media-type');
  if (error instanceof HTTPException && error.status < 500) return problem(c, 'bad-request');
  const { fault } = error as Partial<DiskError>;
  if (fault !== undefined) {
    deps.observe.log.warn({ err: error, fault, route: routePath(c, -1) }, 'A request met a disk that is full or failing');
    return problem(c, 'disk-trouble', { detail: DISK_WORDS[fault] });
  }
  deps.observe.log.error({ err: error, method: c.req.method, route: routePath(c, -1) }, 'A request could not be answered');
  return problem(c, 'internal');
}
