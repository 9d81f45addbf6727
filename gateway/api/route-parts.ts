// The parts that most route definitions have in common: answers, paging parameters, and what a failed check of them is called.

import { z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import type { Problem, List } from '../protocol/rest.ts';
import type { ApiDeps, ApiEnv } from './api-deps.ts';
import { jsonBody } from './json-body.ts';
import { problem, type FieldFault, type ProblemResponse } from './problem.ts';

/** A schema whose values are exactly a type of protocol/rest.ts: a handler that answers another shape does not compile. */
export type Shape<T> = z.ZodType<T, T>;

const problemShape: Shape<Problem> = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string().openapi({ description: 'What to tell programs; the sentence is for people.' }),
    detail: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem');

export const refusals = { description: 'A refusal', content: { 'application/problem+json': { schema: problemShape } } };

/** The answers of a route: JSON of one shape, or a problem. */
export function answers<Status extends number, T>(status: Status, schema: z.ZodType<T, T>, description: string) {
  const good = { description, content: { 'application/json': { schema } } };
  return { [status]: good, default: refusals } as { [S in Status]: typeof good } & { default: typeof refusals };
}

/** The answers of a route that has nothing to say but that it is done. */
export const done = { 204: { description: 'Done' }, default: refusals };

/** Bytes that are not JSON: text, certificates, metrics. */
export function rawAnswer(mediaType: string, description: string) {
  return { 200: { description, content: { [mediaType]: { schema: z.string() } } }, default: refusals };
}

/** One value as it was sent. */
export const valueShape = z.union([z.number(), z.boolean(), z.string()]);
/** [timeMs, value] */
export const pointShape = z.tuple([z.number(), valueShape]);

export const roleShape = z.enum(['viewer', 'operator', 'admin']);

/** What people may write: printable, without the marks that turn the direction of text. */
export function printable(max: number, alsoLines = false) {
  const taken = alsoLines
    ? /^(?:[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]|[\n\t])*$/u
    : /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]*$/u;
  return z
    .string()
    .regex(taken, 'only printable characters, none that turn the direction of text')
    .refine((text) => [...text].length <= max, `at most ${max} characters`);
}

export function listOf<T>(item: Shape<T>): Shape<List<T>> {
  return z.object({ items: z.array(item), next: z.string().nullable() }) as unknown as Shape<List<T>>;
}

export function bodyOf<T extends z.ZodType>(schema: T) {
  return { required: true as const, content: { 'application/json': { schema } } };
}

/** A route without parameters refuses all of them. */
export const noQuery = z.strictObject({});

export const deviceParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: 'pump-1' }) });

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 500;
const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .transform(Number)
    .pipe(z.number().int().max(max));

export const limitParam = wholeNumber(MAX_LIMIT)
  .optional()
  .openapi({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT });
export const pointsParam = wholeNumber(MAX_LIMIT).optional().openapi({ type: 'integer', minimum: 1, maximum: MAX_LIMIT });
/** A number of ours, as an event's `id`. */
export const wholeNumberParam = z
  .string()
  .regex(/^[1-9]\d{0,14}$/)
  .transform(Number)
  .optional()
  .openapi({ type: 'integer', minimum: 1 });
export const nextParam = z.string().optional().openapi({ description: 'The `next` of the page before.' });
export const textParam = z.string().max(256).optional();
export const flagParam = z.enum(['true', 'false']).optional();
/** A parameter that may be repeated arrives as one string or as several. */
export const repeatableParam = z.union([z.string().max(256), z.array(z.string().max(256)).max(1000)]).optional();

export function allOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

const CODE_OF_PARAMETER: Readonly<Record<string, string>> = {
  limit: 'bad-limit',
  points: 'bad-limit',
  from: 'bad-range',
  to: 'bad-range',
  next: 'bad-token',
  cursor: 'bad-token',
  since: 'bad-cursor',
};

/** Names the first fault of a request that does not fit its schema. */
export function refuseInvalid(target: string, error: z.ZodError, c: Context<ApiEnv>): ProblemResponse {
  if (target === 'json') return problem(c, 'invalid', { errors: error.issues.flatMap(bodyFaults) });
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown)
    return problem(c, 'unknown-parameter', { errors: unknown.keys.slice(0, 20).map((key) => parameterFault(key, 'not taken here')) });
  const first = error.issues[0];
  const name = String(first?.path[0] ?? '');
  const code = CODE_OF_PARAMETER[name] ?? 'bad-request';
  const detail = code === 'bad-limit' ? `must be one whole number from 1 to ${MAX_LIMIT}` : (first?.message ?? 'not valid');
  return problem(c, code, { errors: [parameterFault(name, detail)] });
}

export function parameterFault(name: string, detail: string): FieldFault {
  return { pointer: `?${name.replace(/[^\w.-]/g, '?').slice(0, 64)}`, detail };
}

function bodyFaults(issue: z.core.$ZodIssue): FieldFault[] {
  const at = issue.path.map((part) => `/${String(part)}`).join('');
  if (issue.code !== 'unrecognized_keys') return [{ pointer: at, detail: issue.message }];
  return issue.keys
    .slice(0, 20)
    .map((key) => ({ pointer: `${at}/${key.replace(/[^\w.-]/g, '?').slice(0, 64)}`, detail: 'there is no such field' }));
}

/** The page size: what was asked for, or the usual one. */
export function pageSize(deps: ApiDeps, asked: number | undefined): number {
  return asked ?? Math.min(DEFAULT_LIMIT, deps.config.limits.pageRows);
}

/** The configuration may allow less than the schema: `limit` up to `limits.pageRows`, `points` up to `limits.chartPoints`. */
export const withPaging = (deps: ApiDeps): MiddlewareHandler<ApiEnv>[] => [
  async (c, next) => {
    const { pageRows, chartPoints } = deps.config.limits;
    for (const [name, max] of [
      ['limit', pageRows],
      ['points', chartPoints],
    ] as const) {
      if (Number(c.req.query(name)) > max) return problem(c, 'bad-limit', { errors: [parameterFault(name, `at most ${max}`)] });
    }
    return next();
  },
];

/** Reads the JSON body within the limits before the route's own schema sees it. */
export const withJson = (deps: ApiDeps, isOptional = false) => [jsonBody(deps.config.limits, isOptional)];
