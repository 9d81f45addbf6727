// GET /v1/devices/:id/series: what a device measures, since when, how often and how lately. GET /v1/series: the series of the whole fleet,
// found by words, from memory.

import { createRoute, z } from '@hono/zod-openapi';
import type { LatestReading } from '../ingest/catalogue.ts';
import type { SeriesFound, SeriesView } from '../protocol/rest.ts';
import type { DeviceRow } from '../storage/registry.ts';
import type { SeriesRow, SeriesState } from '../storage/store.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createPageTokens } from './page-token.ts';
import { problem } from './problem.ts';
import {
  allOf,
  answers,
  deviceParam,
  limitParam,
  listOf,
  nextParam,
  noQuery,
  pageSize,
  pointShape,
  repeatableParam,
  type Shape,
  textParam,
  withPaging,
} from './route-parts.ts';

const seriesShape: Shape<SeriesView> = z
  .object({
    device: z.string(),
    metric: z.string(),
    unit: z.string(),
    kind: z.enum(['number', 'boolean', 'string']),
    count: z.number().int(),
    firstMs: z.number(),
    lastMs: z.number(),
    latest: pointShape,
    clockSuspect: z.number().int().openapi({ description: 'Readings whose time cannot be right.' }),
  })
  .openapi('Series');

const list = createRoute({
  method: 'get',
  path: '/v1/devices/{id}/series',
  summary: 'The series of a device',
  request: { params: deviceParam, query: noQuery },
  responses: answers(200, listOf(seriesShape), 'Series'),
});

const foundShape: Shape<SeriesFound> = z
  .object({
    device: z.string(),
    label: z.string(),
    metric: z.string(),
    unit: z.string(),
    kind: z.enum(['number', 'boolean', 'string']),
    latest: pointShape,
    expectEverySeconds: z.number().nullable(),
  })
  .openapi('SeriesFound');

const find = createRoute({
  method: 'get',
  path: '/v1/series',
  summary: 'The series of all devices, found by words',
  request: {
    query: z.strictObject({
      q: textParam.openapi({ description: 'Words; each must be in the id, label, location or tags of the device, or in the metric' }),
      series: repeatableParam.openapi({ description: 'Repeatable, `DEVICE/METRIC`: only these' }),
      limit: limitParam,
      next: nextParam,
    }),
  },
  responses: answers(200, listOf(foundShape), 'Series by device and metric; of a metric that changed its unit, the present one'),
});

export function registerSeries(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  api.openapi({ ...find, middleware: withPaging(deps) }, (c) => {
    const { q = '', series, limit: asked, next } = c.req.valid('query');
    const limit = pageSize(deps, asked);
    const query = ['series', q, series];
    const after = next === undefined ? START : pageTokens.redeem(query, next);
    if (!isPlace(after)) return problem(c, 'bad-token');
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const only = series === undefined ? null : new Set(allOf(series));
    const found = findSeries(deps, { words, only, after, most: limit + 1 });
    const items = found.slice(0, limit).map((one) => foundOf(deps, one));
    const last = items.at(-1);
    return c.json({ items, next: found.length > limit && last ? pageTokens.issue(query, [last.device, last.metric]) : null }, 200);
  });

  api.openapi(list, async (c) => {
    const { id } = c.req.valid('param');
    if (!deps.identity.devices.get(id)) return problem(c, 'not-found');
    const { series } = await deps.store.catalogue(id);
    return c.json({ items: series.filter((one) => one.latestRankUs !== Number.NEGATIVE_INFINITY).map(viewOf), next: null }, 200);
  });
}

function viewOf(state: SeriesState): SeriesView {
  const { device, metric, unit, count, firstUs, lastUs, latestUs, latestValue, clockSuspect } = state;
  const kind = typeof latestValue as SeriesView['kind'];
  return {
    device,
    metric,
    unit,
    kind,
    count,
    firstMs: firstUs / 1000,
    lastMs: lastUs / 1000,
    latest: [latestUs / 1000, latestValue],
    clockSuspect,
  };
}

interface Found {
  readonly device: DeviceRow;
  readonly series: SeriesRow;
}
/** The last one of the page before. */
type Place = readonly [device: string, metric: string];
const START: Place = ['', ''];
const isPlace = (place: unknown): place is Place => Array.isArray(place) && place.length === 2;

interface Search {
  readonly words: readonly string[];
  readonly only: ReadonlySet<string> | null;
  readonly after: Place;
  readonly most: number;
}
/** By device and metric, no further than asked for: a fleet has tens of thousands. */
function findSeries(deps: ApiDeps, { words, only, after, most }: Search): Found[] {
  const wanted = only === null ? null : new Set([...only].map((name) => name.slice(0, name.indexOf('/'))));
  const devices = [...deps.identity.devices.all()].filter(({ id }) => id >= after[0] && (wanted === null || wanted.has(id)));
  const found: Found[] = [];
  for (const device of devices.sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const text = `${device.id} ${device.label} ${device.location} ${device.tags.join(' ')}`.toLowerCase();
    const left = words.filter((word) => !text.includes(word));
    for (const series of presentSeries(deps, device.id)) {
      if (device.id === after[0] && series.metric <= after[1]) continue;
      const metric = series.metric.toLowerCase();
      if (left.every((word) => metric.includes(word)) && (only === null || only.has(`${device.id}/${series.metric}`)))
        found.push({ device, series });
      if (found.length === most) return found;
    }
  }
  return found;
}

/** One a metric: where the unit changed, the series that goes on. */
function presentSeries(deps: ApiDeps, device: string): SeriesRow[] {
  const present = new Map<string, SeriesRow>();
  for (const series of deps.catalogue.ofDevice(device)) {
    const before = present.get(series.metric);
    if (before === undefined || latestOf(deps, before).timeUs <= latestOf(deps, series).timeUs) present.set(series.metric, series);
  }
  return [...present.values()].sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

function latestOf(deps: ApiDeps, { id }: SeriesRow): LatestReading {
  return deps.catalogue.latest(id) ?? { timeUs: Number.NEGATIVE_INFINITY, value: 0 };
}

function foundOf(deps: ApiDeps, { device, series }: Found): SeriesFound {
  const { timeUs, value } = latestOf(deps, series);
  const { id, label, expectEverySeconds } = device;
  const kind = typeof value as SeriesFound['kind'];
  return { device: id, label, metric: series.metric, unit: series.unit, kind, latest: [timeUs / 1000, value], expectEverySeconds };
}
