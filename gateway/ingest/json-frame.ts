// Bytes of a frame to a parsed message, or why not. The bounds are looked at before the parser runs.

import type { ProblemCode } from '../protocol/problems.ts';
import { scanJson } from './json-scan.ts';

export interface Unreadable {
  readonly unreadable: ProblemCode;
  /** Where the fault is, when that is known. */
  readonly detail: string;
}
/** What an object says; nothing in it is checked yet. */
export type JsonMessage = Readonly<Record<string, unknown>>;
/** An array (a SenML pack, not empty) or an object. */
export type JsonFrame = { readonly pack: readonly unknown[] } | { readonly message: JsonMessage } | Unreadable;

export interface JsonLimits {
  readonly depth: number;
  readonly keysPerObject: number;
}

export function readJson(bytes: Uint8Array, limits: JsonLimits): JsonFrame {
  if (bytes.length === 0) return { unreadable: 'empty-message', detail: '' };
  const fault = scanJson(bytes, limits.depth, limits.keysPerObject);
  if (fault !== null) return { unreadable: fault, detail: '' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { unreadable: 'bad-json', detail: position(error, text) };
  }
  if (Array.isArray(parsed) && parsed.length > 0) return { pack: parsed };
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { unreadable: 'bad-shape', detail: '' };
  return { message: parsed as JsonMessage };
}

/** V8 says where, but echoes the input too: only the place is passed on. */
function position(error: unknown, text: string): string {
  const found = /position (\d+)/.exec((error as Error).message);
  return `Look at character ${found === null ? text.length : found[1]}.`;
}
