// GET /v1/readings: raw pages by time, buckets for charts, what came since a cursor, and exports.

import { createRoute, z } from '@hono/zod-openapi';
import type { Refusal } from '../identity/identity.ts';
import type { BucketsAnswer, Point, ReadingsAnswer, SeriesBuckets, SeriesReadings } from '../protocol/rest.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { createExports } from './export.ts';
import { createPageTokens } from './page-token.ts';
import { problem, refuse } from './problem.ts';
import { type FoundPage, type Rows, readPage, withSettledSeries } from './readings-pages.ts';
import { type ReadingsQuestion, readQuestion, type SeriesChoice } from './readings-query.ts';
import {
  limitParam,
  nextParam,
  pointShape,
  pointsParam,
  refusals,
  repeatableParam,
  type Shape,
  textParam,
  valueShape,
  withPaging,
} from './route-parts.ts';
import { bucketStartMs } from './time-range.ts';

const name = { device: z.string(), metric: z.string(), unit: z.string() };
const readingsFields = { ...name, readings: z.array(pointShape) };
const page = { next: z.string().nullable(), cursor: z.string() };
const readingsShape: Shape<ReadingsAnswer> = z.union([
  z.object({ ...readingsFields, ...page }).openapi('Readings'),
  z.object({ series: z.array(z.object(readingsFields)), ...page }).openapi('ReadingsOfSeveral'),
]);

const orNull = z.number().nullable();
const bucketShape = z
  .tuple([z.number(), z.number().int(), orNull, orNull, orNull, valueShape, valueShape])
  .openapi('Bucket', { description: '[startMs, count, min, max, avg, first, last]; empty buckets are left out' });
const bucketsFields = { ...name, fromMs: z.number(), toMs: z.number(), buckets: z.array(bucketShape) };
const bucketsShape: Shape<BucketsAnswer> = z.union([
  z.object({ ...bucketsFields, cursor: z.string() }).openapi('Buckets'),
  z.object({ series: z.array(z.object(bucketsFields)), cursor: z.string() }).openapi('BucketsOfSeveral'),
]);

const moment = 'RFC 3339, epoch milliseconds, or now-6h (s m h d w)';
const query = z.strictObject({
  device: repeatableParam.openapi({ description: 'Repeatable; * matches any run of characters; left out: all' }),
  metric: repeatableParam.openapi({ description: 'Repeatable; * matches any run of characters; left out: all' }),
  series: repeatableParam.openapi({ description: 'Repeatable, `DEVICE/METRIC`: exactly these, in place of device and metric' }),
  from: textParam.openapi({ description: `${moment}; included` }),
  to: textParam.openapi({ description: `${moment}; not included` }),
  since: textParam.openapi({ description: 'A cursor: what was committed after it, in commit order' }),
  points: pointsParam.openapi({ description: 'Answer this many buckets instead of readings' }),
  format: z.enum(['json', 'csv', 'ndjson']).optional(),
  limit: limitParam,
  next: nextParam,
});

const read = createRoute({
  method: 'get',
  path: '/v1/readings',
  summary: 'Readings: raw, in buckets, since a cursor, or as a file',
  request: { query },
  responses: {
    200: {
      description: 'Readings or buckets; one series at the top, several under `series`',
      content: {
        'application/json': { schema: z.union([readingsShape, bucketsShape]) },
        'text/csv': { schema: z.string() },
        'application/x-ndjson': { schema: z.string() },
      },
    },
    default: refusals,
  },
});

/** How many buckets one answer may have, all series together. */
const CELLS_PER_POINT_LIMIT = 20;

export function registerReadings(api: Api, deps: ApiDeps): void {
  const pageTokens = createPageTokens(() => deps.catalogue.store);
  const files = createExports(deps);
  api.openapi({ ...read, middleware: withPaging(deps) }, async (c) => {
    const question = readQuestion(deps, pageTokens, c.req.valid('query'));
    if ('refused' in question) return problem(c, question.refused, question);
    if (question.kind === 'buckets') {
      const body = await bucketsOf(deps, question);
      return 'refused' in body ? refuse(c, body) : c.json(body, 200);
    }
    if (question.format !== 'json') {
      const file = await files.open(question, c.req.method === 'HEAD');
      return 'refused' in file ? refuse(c, file) : new Response(file.body, { headers: file.headers });
    }
    const found = await readPage(deps, question, question.limit);
    if ('refused' in found) return refuse(c, found);
    const next = found.next === null ? null : pageTokens.issue(question.key, found.next);
    return c.json(pageOf(deps, question.choice, { ...found, next }), 200);
  });
}

function pageOf(deps: ApiDeps, choice: SeriesChoice, found: Omit<FoundPage, 'next'> & { next: string | null }): ReadingsAnswer {
  const { next, series, position } = found;
  const cursor = `${deps.catalogue.store}.${position}`;
  const all = grouped(deps, found.page);
  if (!isSingle(choice, series.length)) return { series: all, next, cursor };
  return { ...(all[0] ?? { ...nameOf(choice, series[0]?.unit), readings: [] }), next, cursor };
}

async function bucketsOf(deps: ApiDeps, question: Extract<ReadingsQuestion, { kind: 'buckets' }>): Promise<BucketsAnswer | Refusal> {
  const { choice, range, points } = question;
  const maxCells = deps.config.limits.chartPoints * CELLS_PER_POINT_LIMIT;
  const settled = await withSettledSeries(deps, choice, async (ids) =>
    ids.length > 1 && ids.length * points > maxCells ? null : deps.store.read('buckets', { series: ids, ...range, points }),
  );
  const { series, answer, completeTo } = settled;
  if (!answer) return { refused: 'bad-limit', detail: `${series.length} series match; points times series is at most ${maxCells}` };
  const cursor = `${deps.catalogue.store}.${Math.min(answer.upTo, completeTo)}`;
  const bounds = { fromMs: range.fromUs / 1000, toMs: range.toUs / 1000 };
  const rows = new Map(answer.buckets.map((one) => [one.seriesId, one.rows]));
  const all = series.map(({ id, device, metric, unit }): SeriesBuckets => {
    const buckets = (rows.get(id) ?? []).map(([index, ...rest]) => [bucketStartMs(range, points, index), ...rest] as const);
    return { device, metric, unit, ...bounds, buckets };
  });
  if (!isSingle(choice, series.length)) return { series: all.filter((one) => one.buckets.length > 0), cursor };
  return { ...(all[0] ?? { ...nameOf(choice, undefined), ...bounds, buckets: [] }), cursor };
}

function isSingle(choice: SeriesChoice, matched: number): boolean {
  return choice.isNamed && matched <= 1;
}

function nameOf(choice: SeriesChoice, unit: string | undefined): { device: string; metric: string; unit: string } {
  return { device: choice.devices[0] as string, metric: choice.metrics[0] as string, unit: unit ?? '' };
}

/** A page's rows by series, in the order in which the series appear. */
function grouped(deps: ApiDeps, { seriesId, timeUs, value }: Rows): SeriesReadings[] {
  const all = new Map<number, { device: string; metric: string; unit: string; readings: Point[] }>();
  for (const [i, id] of seriesId.entries()) {
    let group = all.get(id);
    if (!group) {
      const row = deps.catalogue.series(id);
      if (!row) continue;
      all.set(id, (group = { device: row.device, metric: row.metric, unit: row.unit, readings: [] }));
    }
    group.readings.push([(timeUs[i] as number) / 1000, value[i] as Point[1]]);
  }
  return [...all.values()];
}
