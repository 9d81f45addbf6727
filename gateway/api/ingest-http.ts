// POST /v1/readings: SenML from a device that can only POST. Answered after the commit; at least once as it is, exactly once with a stream
// and a number in the headers.

import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { DeclaredGap, NumberedPost, PackResult } from '../ingest/pack.ts';
import { GAP_REASON, type RecordFault, STREAM_ID } from '../protocol/messages.ts';
import type { Principal } from '../identity/identity.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import type { Api, ApiDeps, ApiEnv } from './api-deps.ts';
import { isJsonText, parseMediaType, readBody } from './json-body.ts';
import { problem, type ProblemMore, type ProblemResponse } from './problem.ts';
import { noQuery, refusals, type Shape } from './route-parts.ts';

interface PackStored {
  readonly stored: number;
  readonly errors?: readonly RecordFault[];
  readonly duplicate?: boolean;
}

const faultShape = z.object({ index: z.number().int().optional(), code: z.string(), message: z.string() });
const packShape: Shape<PackStored> = z
  .object({
    stored: z.number().int(),
    errors: z.array(faultShape).optional(),
    duplicate: z
      .boolean()
      .optional()
      .openapi({ description: 'The same body was settled under this seq before; nothing was stored again.' }),
  })
  .openapi('PackStored');

const CBOR = 'application/senml+cbor';
const JSON_TYPES = ['application/senml+json', 'application/json'];
const MAX_SEQ = Number.MAX_SAFE_INTEGER;

const ackedHeader = {
  'Fieldgate-Acked': {
    description: 'Highest seq of the stream that is settled on disk (without a stream: of `~http`).',
    schema: { type: 'integer' as const },
  },
};
const jsonPack = { schema: { type: 'array' as const, items: { type: 'object' as const } } };

const post = createRoute({
  method: 'post',
  path: '/v1/readings',
  summary: 'Store a SenML pack; the answer comes after the commit',
  description:
    'With `Fieldgate-Stream` and `Fieldgate-Seq` exactly once: repeat a request that was not answered, byte for byte, until it is. A request ' +
    'settles as a whole or not at all; 422 is settled too. `Fieldgate-Gap` may come with a frame behind it, or with a stream and no body.',
  request: {
    query: noQuery,
    headers: z.object({
      'fieldgate-stream': z.string().optional().openapi({ description: '8 to 64 of A-Z a-z 0-9 _ -, random', example: '8f3ac2d19b' }),
      'fieldgate-seq': z.string().optional().openapi({ description: 'Number of the frame: the settled one plus 1', example: '41' }),
      'fieldgate-gap': z.string().optional().openapi({ description: 'Frames that will never come, and why', example: '30-35;buffer-full' }),
    }),
    body: {
      content: {
        [JSON_TYPES[0] as string]: jsonPack,
        [JSON_TYPES[1] as string]: jsonPack,
        [CBOR]: { schema: { type: 'string' as const, format: 'binary' } },
      },
    },
  },
  responses: {
    200: {
      description: 'What was stored, and what was refused',
      headers: ackedHeader,
      content: { 'application/json': { schema: packShape } },
    },
    default: { ...refusals, headers: ackedHeader },
  },
});

type DevicePrincipal = Extract<Principal, { kind: 'device' }>;

/** What the headers say: where the request belongs, or what is wrong with them. */
type Place = { readonly numbered: NumberedPost | undefined } | { readonly refused: ProblemCode; readonly detail: string };

export function registerIngest(api: Api, deps: ApiDeps): void {
  api.openapi(post, async (c) => {
    const principal = c.var.principal;
    if (principal?.kind !== 'device') return problem(c, 'forbidden');
    const { device } = principal;
    const place = placeOf(c);
    const stream = c.req.header('fieldgate-stream');
    /** Refused before the ingest saw it. */
    const refuseEarly = async (code: string, more: ProblemMore = {}): Promise<ProblemResponse> => {
      // nothing is ever settled under a name that can't be one
      const acked = stream !== undefined && !isStreamName(stream) ? 0 : await deps.packsAcked(device, stream ?? null);
      return problem(c, code, { ...more, ...(acked === null ? {} : { headers: { ...more.headers, 'fieldgate-acked': String(acked) } }) });
    };
    if ('refused' in place) return refuseEarly(place.refused, { detail: place.detail });

    const { numbered } = place;
    const isGapAlone = numbered !== undefined && numbered.seq === null;
    const media = parseMediaType(c.req.header('content-type'));
    const isCbor = media?.type === CBOR;
    const isJson = media !== null && JSON_TYPES.includes(media.type) && isJsonText(media);
    if (!isGapAlone && !isCbor && !isJson) {
      return refuseEarly('unsupported-media-type', { detail: `send ${JSON_TYPES.join(' or ')} in UTF-8, or ${CBOR}` });
    }

    const { restBodyBytes } = deps.config.limits;
    const declared = Number(c.req.header('content-length') ?? restBodyBytes);
    const entered = await deps.enterPost(device, Math.min(declared, restBodyBytes));
    if (typeof entered === 'string') return refuseEarly(entered, { headers: { 'retry-after': '1' } });
    using _ = { [Symbol.dispose]: entered.leave };
    const bytes = await readBody(c, restBodyBytes);
    if (!(bytes instanceof Uint8Array)) return await refuseEarly(bytes.refused, { detail: bytes.detail });
    if (isGapAlone && bytes.length > 0)
      return await refuseEarly('bad-seq', { detail: 'a body needs Fieldgate-Seq beside Fieldgate-Stream' });
    // a body may take long to come: what the credential was at its beginning does not count any more
    const ended = endedMeanwhile(deps, principal);
    if (ended !== null) return problem(c, ended);

    const result = await deps.ingestPack(device, bytes, { isCbor, ...(numbered && { numbered }) });
    if (result.outcome === 'store-unavailable') return problem(c, 'store-unavailable');
    c.header('fieldgate-acked', String(result.acked));
    if (result.outcome === 'duplicate') return c.json({ stored: 0, duplicate: true }, 200);
    if (result.outcome !== 'settled') return refuseResult(c, result, numbered !== undefined);
    const { stored, errors, acked } = result;
    if (stored > 0 || errors.length === 0) return c.json({ stored, errors }, 200);
    const faults = errors.map((fault) => ({
      pointer: fault.index === undefined ? '' : `/${fault.index}`,
      detail: fault.message,
      ...fault,
    }));
    return problem(c, 'nothing-stored', { errors: faults, extra: { stored: 0, ...(numbered && { acked }) } });
  });
}

function endedMeanwhile({ identity, nowMs }: ApiDeps, { device, tokenId }: DevicePrincipal): ProblemCode | null {
  const token = identity.devices.tokens(device).find(({ id }) => id === tokenId);
  if (token === undefined || (token.expiresAtMs !== null && token.expiresAtMs <= nowMs())) return 'unauthorized';
  return identity.devices.get(device)?.status === 'active' ? null : 'suspended';
}

function refuseResult(
  c: Context<ApiEnv>,
  result: Extract<PackResult, { outcome: 'refused' | 'unreadable' }>,
  isNumbered: boolean,
): ProblemResponse {
  const { code, acked } = result;
  return problem(c, code, {
    ...('detail' in result && result.detail !== '' ? { detail: result.detail } : {}),
    ...(isNumbered ? { extra: { acked, expected: acked + 1 } } : {}),
  });
}

function placeOf(c: Context<ApiEnv>): Place {
  const stream = c.req.header('fieldgate-stream');
  const seqText = c.req.header('fieldgate-seq');
  const gapText = c.req.header('fieldgate-gap');
  if (stream === undefined && seqText === undefined && gapText === undefined) return { numbered: undefined };
  if (stream === undefined) return { refused: 'bad-request', detail: 'Fieldgate-Stream is missing' };
  if (!isStreamName(stream)) return { refused: 'bad-stream', detail: 'in Fieldgate-Stream' };
  if (seqText === undefined && gapText === undefined) return { refused: 'bad-request', detail: 'Fieldgate-Seq is missing' };
  const seq = seqText === undefined ? null : numberOf(seqText);
  if (seq !== null && !isSeq(seq)) return { refused: 'bad-seq', detail: 'in Fieldgate-Seq' };
  const gap = gapText === undefined ? null : gapOf(gapText);
  if (gap === 'bad') return { refused: 'bad-gap', detail: 'send Fieldgate-Gap: 30-35;buffer-full' };
  return { numbered: { stream, seq, gap } };
}

function gapOf(text: string): DeclaredGap | 'bad' {
  const [, first = '', last = '', reason = ''] = /^(\d+)-(\d+) *; *([a-z-]+)$/.exec(text) ?? [];
  const [from, to] = [numberOf(first), numberOf(last)];
  return isSeq(from) && isSeq(to) && to >= from && to < MAX_SEQ && GAP_REASON.test(reason) ? { from, to, reason } : 'bad';
}

function isStreamName(text: string): boolean {
  return STREAM_ID.test(text) && !/^0+$/.test(text);
}
function numberOf(text: string): number {
  return /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
}
function isSeq(value: number): boolean {
  return Number.isSafeInteger(value);
}
