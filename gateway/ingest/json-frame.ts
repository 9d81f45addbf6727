// Bytes of a frame to a parsed message, or why not. The bounds are looked at before the parser runs.

import { isUtf8 } from 'node:buffer';
import type { ProblemCode } from '../protocol/problems.ts';
import { jsonFaultAt } from './json-fault.ts';
import { scanJson } from '../protocol/json-scan.ts';

export interface Unreadable {
  readonly unreadable: ProblemCode;
  /** Where the fault is, when that is known. */
  readonly detail: string;
}
/** What an object says; nothing in it is checked yet. */
export type JsonMessage = Readonly<Record<string, unknown>>;
/** An array (a SenML pack, not empty) or an object. A forbidden key, at any level, refuses the whole of it. */
export type JsonFrame =
  | { readonly pack: readonly unknown[]; readonly isForbidden: boolean }
  | { readonly message: JsonMessage; readonly isForbidden: boolean }
  | Unreadable;

export interface JsonLimits {
  readonly depth: number;
  readonly keysPerObject: number;
}

export function readJson(bytes: Uint8Array, limits: JsonLimits): JsonFrame {
  if (bytes.length === 0) return { unreadable: 'empty-message', detail: '' };
  const scan = scanJson(bytes, limits.depth, limits.keysPerObject);
  if (scan === 'too-deep' || scan === 'too-many-keys') return { unreadable: scan, detail: '' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  // a socket has looked already, a POST has not; invalid bytes became replacement characters, which may also be sent as such
  if (text.includes('\ufffd') && !isUtf8(bytes)) return { unreadable: 'bad-json', detail: 'The bytes are not UTF-8.' };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { unreadable: 'bad-json', detail: position(error, text) };
  }
  const isForbidden = scan === 'suspect' && hasForbiddenKey(parsed);
  if (Array.isArray(parsed) && parsed.length > 0) return { pack: parsed, isForbidden };
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { unreadable: 'bad-shape', detail: '' };
  return { message: parsed as JsonMessage, isForbidden };
}

/** V8 often says where, and echoes the input: only the place is passed on. */
function position(error: unknown, text: string): string {
  const found = /position (\d+)/.exec((error as Error).message);
  return `Look at character ${found === null ? jsonFaultAt(text) : found[1]}.`;
}

/** Keys that would reach a prototype. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Here or anywhere below. The depth was bounded before. */
export function hasForbiddenKey(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some(hasForbiddenKey);
  return Object.entries(node).some(([key, below]) => FORBIDDEN_KEYS.has(key) || hasForbiddenKey(below));
}
