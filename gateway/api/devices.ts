// /v1/devices: the fleet as a list with filters, one device with its tokens and connection, and what an operator may change.

import { createRoute, z } from '@hono/zod-openapi';
import { askedFrom } from '../identity/asked-from.ts';
import type { LatestReading } from '../ingest/catalogue.ts';
import { type DeviceState, deviceState, searchTextOf, searchWords, type StateFacts } from '../protocol/device-state.ts';
import { DEVICE_ID } from '../protocol/messages.ts';
import type { ConnectionView, DeviceCreate, DeviceCreated, DevicePatch, DeviceView, TokenView } from '../protocol/rest.ts';
import { CLOCK_SLACK_US } from '../protocol/time.ts';
import type { DeviceRow } from '../storage/registry.ts';
import { actorOf, type Api, type ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem, refuse } from './problem.ts';
import {
  allOf,
  answers,
  bodyOf,
  deviceParam,
  done,
  flagParam,
  limitParam,
  listOf,
  nextParam,
  pageSize,
  noQuery,
  printable,
  repeatableParam,
  type Shape,
  textParam,
  valueShape,
  withJson,
  withPaging,
} from './route-parts.ts';
import { formatTimeMs } from './time-range.ts';

const label = printable(64);
const tags = z.array(printable(64).min(1)).max(32);

const tokenShape: Shape<TokenView> = z
  .object({ id: z.string(), createdAt: z.iso.datetime(), expiresAt: z.iso.datetime().nullable() })
  .openapi('Token');
const connectionShape: Shape<ConnectionView> = z
  .object({
    address: z.string(),
    connectedAt: z.iso.datetime(),
    stream: z.string().nullable(),
    software: z.string().nullable(),
    roundTripMs: z.number().nullable(),
    inFlight: z.number().int(),
  })
  .openapi('Connection');

const stateShape = z.enum(['live', 'late', 'silent', 'asleep', 'offline', 'suspended']) satisfies z.ZodType<DeviceState>;
const deviceFields = {
  id: z.string(),
  label: z.string(),
  status: z.enum(['active', 'suspended']),
  online: z.boolean(),
  lastSeenAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  tags: z.array(z.string()),
  location: z.string(),
  notes: z.string(),
  expectEverySeconds: z.number().nullable(),
  clock: z.enum(['device', 'gateway']),
  pingSeconds: z.number().nullable(),
  maySleep: z.boolean(),
  state: stateShape.openapi({ description: 'late: no reading for twice the expected interval; silent: five times.' }),
  lastReadingAt: z.iso.datetime().nullable(),
  closedAt: z.iso.datetime().nullable(),
  seenEveryMs: z.number().nullable().openapi({ description: 'The median of its last intervals.' }),
  latest: z.record(z.string(), z.tuple([z.number(), valueShape, z.string()])).openapi({ description: 'metric → [timeMs, value, unit]' }),
  tokens: z.array(tokenShape).optional(),
  connection: z.union([connectionShape, z.null()]).optional(),
};
const deviceShape: Shape<DeviceView> = z.object(deviceFields).openapi('Device');
const createdShape: Shape<DeviceCreated> = z
  .object({ ...deviceFields, token: z.string().openapi({ description: 'Shown once.' }) })
  .openapi('DeviceCreated');

const createBody: z.ZodType<DeviceCreate> = z
  .strictObject({
    id: z.string().regex(DEVICE_ID, '1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first'),
    label: label.optional(),
    tags: tags.optional(),
  })
  .openapi('DeviceCreate');
const patchBody: z.ZodType<DevicePatch> = z
  .strictObject({
    label: label.optional(),
    tags: tags.optional(),
    location: printable(200).optional(),
    notes: printable(4096, true).optional(),
    status: z.enum(['active', 'suspended']).optional(),
    expectEverySeconds: z.number().positive().max(31_622_400).nullable().optional(),
    clock: z.enum(['device', 'gateway']).optional(),
    pingSeconds: z.number().min(1).max(300).nullable().optional(),
    maySleep: z.boolean().optional(),
  })
  .openapi('DevicePatch');

const listQuery = z.strictObject({
  q: textParam,
  tag: repeatableParam,
  status: z.union([z.literal('active'), stateShape]).optional(),
  limit: limitParam,
  next: nextParam,
  cursor: nextParam,
});

const list = createRoute({
  method: 'get',
  path: '/v1/devices',
  summary: 'The fleet, by id',
  request: { query: listQuery },
  responses: answers(200, listOf(deviceShape), 'Devices'),
});
const create = createRoute({
  method: 'post',
  path: '/v1/devices',
  summary: 'Add a device; its first token is in the answer',
  request: { query: noQuery, body: bodyOf(createBody) },
  responses: answers(201, createdShape, 'Added'),
});
const show = createRoute({
  method: 'get',
  path: '/v1/devices/{id}',
  summary: 'One device',
  request: { params: deviceParam, query: noQuery },
  responses: answers(200, deviceShape, 'The device'),
});
const patch = createRoute({
  method: 'patch',
  path: '/v1/devices/{id}',
  summary: 'Change a device; suspend or resume it by its status',
  request: { params: deviceParam, query: noQuery, body: bodyOf(patchBody) },
  responses: answers(200, deviceShape, 'Changed'),
});
const remove = createRoute({
  method: 'delete',
  path: '/v1/devices/{id}',
  summary: 'Remove a device and its tokens; its readings stay, unless they are purged',
  request: {
    params: deviceParam,
    query: z.strictObject({
      purge: flagParam.openapi({ description: 'Delete its readings and refused records too, also of one removed before.' }),
    }),
  },
  responses: done,
});

export function registerDevices(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  const { devices } = deps.identity;
  api.openapi({ ...list, middleware: withPaging(deps) }, (c) => {
    const { limit: asked, next, cursor, ...filter } = c.req.valid('query');
    const limit = pageSize(deps, asked);
    const token = next ?? cursor;
    const query = ['devices', filter];
    const after = token === undefined ? '' : pageTokens.redeem(query, token);
    if (typeof after !== 'string') return problem(c, 'bad-token');
    const found = [...devices.all()].filter((row) => row.id > after && isWanted(deps, row, filter)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return c.json({ items: page.map((row) => viewOf(deps, row)), next: last ? pageTokens.issue(query, last.id) : null }, 200);
  });

  api.openapi({ ...create, middleware: withJson(deps) }, async (c) => {
    const ask = c.req.valid('json');
    const issued = await devices.create(ask, actorOf(c.var.principal));
    if ('refused' in issued) return refuse(c, issued);
    const row = devices.get(ask.id);
    if (!row) return problem(c, 'not-found');
    c.header('location', `/v1/devices/${row.id}`);
    return c.json({ ...viewOf(deps, row), token: issued.secret }, 201);
  });

  api.openapi(show, (c) => {
    const row = devices.get(c.req.valid('param').id);
    return row ? c.json(fullViewOf(deps, row), 200) : problem(c, 'not-found');
  });

  api.openapi({ ...patch, middleware: withJson(deps) }, async (c) => {
    const { id } = c.req.valid('param');
    if (!devices.get(id)) return problem(c, 'not-found');
    const row = await devices.update(id, c.req.valid('json'), actorOf(c.var.principal));
    if ('refused' in row) return refuse(c, row);
    return c.json(fullViewOf(deps, row), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    const isPurged = c.req.valid('query').purge === 'true';
    const actor = actorOf(c.var.principal);
    const isKnown = devices.get(id) !== undefined;
    if (!isKnown && (!isPurged || deps.catalogue.ofDevice(id).length === 0)) return problem(c, 'not-found');
    if (isPurged) {
      // it sends nothing from now on, and is still there to be tried again, should the disk fail meanwhile
      const suspended = isKnown ? await devices.update(id, { status: 'suspended' }, actor) : null;
      if (suspended !== null && 'refused' in suspended) return refuse(c, suspended);
      const readings = await deps.purge([id]);
      const audit = { atMs: deps.nowMs(), actor, act: 'device.purge', target: id, detail: `${readings} readings`, address: askedFrom() };
      await deps.registry.commit([{ audit }]);
    }
    const removed = isKnown ? await devices.remove(id, actor) : true;
    if (removed !== true) return refuse(c, removed);
    return c.body(null, 204);
  });
}

interface Filter {
  readonly q?: string | undefined;
  readonly tag?: string | string[] | undefined;
  readonly status?: 'active' | DeviceState | undefined;
}
/** The same as the console's search and chips. */
function isWanted(deps: ApiDeps, row: DeviceRow, { q = '', tag, status }: Filter): boolean {
  if (status === 'active' && row.status !== 'active') return false;
  if (!allOf(tag).every((one) => row.tags.includes(one))) return false;
  const words = searchWords(q);
  if (words.length > 0) {
    const searched = searchTextOf(row);
    if (!words.every((word) => searched.includes(word))) return false;
  }
  return status === undefined || status === 'active' || deviceState(stateFacts(deps, row), deps.nowMs()) === status;
}

function stateFacts({ presence, catalogue }: ApiDeps, row: DeviceRow): StateFacts {
  return {
    isSuspended: row.status === 'suspended',
    isOnline: presence.isOnline(row.id),
    maySleep: row.maySleep,
    lastReadingMs: catalogue.rhythms.lastReadingMs(row.id),
    lastSeenMs: presence.lastSeenMs(row.id) ?? 0,
    closedMs: presence.closedMs(row.id) ?? 0,
    rhythm: {
      setMs: row.expectEverySeconds === null ? null : row.expectEverySeconds * 1000,
      seenMs: catalogue.rhythms.intervalMs(row.id),
    },
  };
}

function viewOf(deps: ApiDeps, row: DeviceRow): DeviceView {
  const facts = stateFacts(deps, row);
  const at = (ms: number): string | null => (ms === 0 ? null : formatTimeMs(ms));
  const { createdAtMs, id, label, status, tags, location, notes, expectEverySeconds, clock, pingSeconds, maySleep } = row;
  return {
    id,
    label,
    status,
    online: facts.isOnline,
    lastSeenAt: at(facts.lastSeenMs),
    createdAt: formatTimeMs(createdAtMs),
    tags,
    location,
    notes,
    expectEverySeconds,
    clock,
    pingSeconds,
    maySleep,
    state: deviceState(facts, deps.nowMs()),
    lastReadingAt: at(facts.lastReadingMs),
    closedAt: at(facts.closedMs),
    seenEveryMs: facts.rhythm.seenMs,
    latest: latestOf(deps, id),
  };
}

function fullViewOf(deps: ApiDeps, row: DeviceRow): DeviceView {
  const open = deps.presence.connection(row.id);
  const tokens = deps.identity.devices.tokens(row.id).map((token) => ({
    id: token.id,
    createdAt: formatTimeMs(token.createdAtMs),
    expiresAt: token.expiresAtMs === null ? null : formatTimeMs(token.expiresAtMs),
  }));
  const connection: ConnectionView | null = open && {
    address: open.address,
    connectedAt: formatTimeMs(open.connectedAtMs),
    stream: open.stream,
    software: open.software,
    roundTripMs: open.roundTripMs,
    inFlight: open.inFlight,
  };
  return { ...viewOf(deps, row), tokens, connection };
}

/** Of a metric with several units, the unit whose reading is the latest; a clock far ahead does not win for ever. */
function latestOf(deps: ApiDeps, device: string): DeviceView['latest'] {
  const boundUs = deps.nowMs() * 1000 + CLOCK_SLACK_US;
  const best = new Map<string, { reading: LatestReading; unit: string }>();
  for (const series of deps.catalogue.ofDevice(device)) {
    const reading = deps.catalogue.latest(series.id);
    const before = best.get(series.metric);
    if (reading && !(before && Math.min(before.reading.timeUs, boundUs) > Math.min(reading.timeUs, boundUs))) {
      best.set(series.metric, { reading, unit: series.unit });
    }
  }
  return Object.fromEntries(
    [...best].map(([metric, { reading, unit }]) => [metric, [reading.timeUs / 1000, reading.value, unit] as const]),
  );
}
