// Refusals over HTTP: RFC 9457 problem documents, their words and status from the one table in protocol/problems.ts.

import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';
import type { Refusal } from '../identity/identity.ts';
import { problemDocument, PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import type { Problem } from '../protocol/rest.ts';
import type { ApiEnv } from './api-deps.ts';

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 426 | 429 | 500 | 503;
export type ProblemResponse = Response & TypedResponse<JSONParsed<Problem>, ProblemStatus, 'json'>;

export interface FieldFault {
  readonly pointer: string;
  readonly detail: string;
}
export interface ProblemMore {
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
  /** Further members of the document. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const RETRY_AFTER_SECONDS: Readonly<Record<string, number>> = {
  'too-many-failures': 6,
  'too-many-exports': 5,
  'stream-quota': 3600,
  'store-unavailable': 5,
};

export function problem(c: Context<ApiEnv>, code: string, more: ProblemMore = {}): ProblemResponse {
  // a slip of ours, which belongs into the log and not before a client
  if (!Object.hasOwn(PROBLEMS, code)) throw new Error(`there is no problem code ${code}`);
  const known = code as ProblemCode;
  const document = problemDocument(known, more.detail);
  // Codes that only sockets know have no status of their own; over HTTP they are a bad request.
  const status = (document.status === 0 ? 400 : document.status) as ProblemStatus;
  c.set('refused', known);
  // A stranger learns nothing: every 401 has the same bytes.
  const body: Problem = status === 401 ? document : { ...document, status, errors: more.errors, ...more.extra };
  const headers: Record<string, string> = { ...more.headers, 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  // Spread over some seconds, so that those who were turned away together do not come back together.
  if (status === 429 || status === 503)
    headers['retry-after'] ??= String((RETRY_AFTER_SECONDS[known] ?? 1) + Math.floor(Math.random() * 5));
  return c.json(body, status, headers);
}

/** An expected outcome of the inside that is no success, as it is told outside. */
export function refuse(c: Context<ApiEnv>, refusal: Refusal): ProblemResponse {
  const { refused, detail, retryAfterSeconds } = refusal;
  return problem(c, refused, { detail, headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) } });
}
