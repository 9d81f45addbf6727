// Bodies, read within their limits before any handler: size, content type, encoding, and what could hurt in JSON (depth, keys, __proto__).

import type { Context, MiddlewareHandler } from 'hono';
import type { Limits } from '../config.ts';
import type { Refusal } from '../identity/identity.ts';
import { hasForbiddenKey } from '../ingest/json-frame.ts';
import { scanJson } from '../protocol/json-scan.ts';
import type { ApiEnv } from './api-deps.ts';
import { problem } from './problem.ts';

export interface MediaType {
  readonly type: string;
  readonly charset: string;
}

export function parseMediaType(header: string | undefined): MediaType | null {
  const match = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;\s*charset=("?)([\w-]+)\2\s*)?;?\s*$/i.exec(header ?? '');
  return match ? { type: (match[1] as string).toLowerCase(), charset: (match[3] ?? 'utf-8').toLowerCase() } : null;
}

export function isJsonText({ type, charset }: MediaType): boolean {
  return (charset === 'utf-8' || charset === 'us-ascii') && (type === 'application/json' || type.endsWith('+json'));
}

/** The body's bytes, or a refusal as soon as it is known to be too large; nothing beyond the limit is kept. */
export async function readBody(c: Context<ApiEnv>, limitBytes: number): Promise<Uint8Array | Refusal> {
  const tooLarge: Refusal = { refused: 'body-too-large', detail: `at most ${limitBytes} bytes` };
  const declared = c.req.header('content-length');
  if (declared !== undefined) {
    if (!/^\d{1,15}$/.test(declared)) return { refused: 'bad-request' };
    if (Number(declared) > limitBytes) return tooLarge;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // Node's parser gives exactly what content-length says: no need to count, and much cheaper than a stream.
    if (declared !== undefined) return new Uint8Array(await c.req.raw.arrayBuffer());
    const reader = c.req.raw.body?.getReader();
    if (!reader) return new Uint8Array(0);
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.byteLength;
      if (bytes > limitBytes) {
        await reader.cancel().catch(() => {});
        return tooLarge;
      }
      chunks.push(part.value);
    }
  } catch {
    return { refused: 'bad-request', detail: 'the body ended before it was complete' };
  }
  return Buffer.concat(chunks, bytes);
}

/** Checks and parses the body, and leaves its text where Hono's own validator finds it. */
export function jsonBody(limits: Limits, isOptional: boolean): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const header = c.req.header('content-type');
    const media = parseMediaType(header);
    const isBare = header === undefined && isOptional;
    if (!isBare && (!media || media.type !== 'application/json' || !isJsonText(media))) {
      return problem(c, 'unsupported-media-type', { detail: 'send application/json in UTF-8' });
    }
    const bytes = await readBody(c, limits.restBodyBytes);
    if (!(bytes instanceof Uint8Array)) return problem(c, bytes.refused, bytes);
    if (bytes.length === 0 && isOptional) keepText(c, isBare ? '' : '{}');
    else if (isBare) return problem(c, 'unsupported-media-type', { detail: 'send application/json in UTF-8' });
    else {
      // Nesting and keys are counted in the bytes, before the parser may build anything of them.
      const scan = scanJson(bytes, limits.depth, limits.keysPerObject);
      if (scan === 'too-deep' || scan === 'too-many-keys') return problem(c, scan);
      const text = decodeUtf8(bytes);
      if (text === null) return problem(c, 'bad-json', { detail: 'the body is not UTF-8' });
      const fault = parsedFault(text);
      if (fault) return problem(c, fault.refused);
      keepText(c, text);
    }
    return next();
  };
}

/** Hono keeps promises there, whatever its type says. */
function keepText(c: Context<ApiEnv>, text: string): void {
  (c.req.bodyCache as { text?: Promise<string> }).text = Promise.resolve(text);
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parsedFault(text: string): Refusal | null {
  try {
    return hasForbiddenKey(JSON.parse(text)) ? { refused: 'forbidden-key' } : null;
  } catch {
    return { refused: 'bad-json' };
  }
}
