// CBOR bytes of a frame to the same message that JSON would give, or why not: RFC 8949 with definite lengths alone, no tags, no second
// item. One pass that reads each byte once; what a head claims is held against the bytes that are left before anything is made of it.

import { readText } from './cbor-text.ts';
import { type JsonFrame, type JsonLimits, type JsonMessage, FORBIDDEN_KEYS } from './json-frame.ts';
import type { ProblemCode } from '../protocol/problems.ts';

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
/** In the low five bits of a head: the argument follows in 1, 2, 4 or 8 bytes, or has no end. */
const IN_1_BYTE = 24;
const IN_2_BYTES = 25;
const IN_4_BYTES = 26;
const IN_8_BYTES = 27;
const INDEFINITE = 31;
const SIMPLE = { false: 20, true: 21, null: 22, half: 25, single: 26, double: 27 } as const;

/** RFC 8428 §6: labels 0 to 8, and -1 to -6. */
const LABELS = ['n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut', 'vd'];
const BASE_LABELS = ['bver', 'bn', 'bt', 'bu', 'bv', 'bs'];

// The frame being read. Reading is synchronous and never enters itself.
const NOTHING = Buffer.alloc(0);
const scratch = new DataView(new ArrayBuffer(2));
let input = NOTHING;
let at = 0;
let maxDepth = 0;
let maxKeys = 0;
/** An 8-byte argument's halves: beyond 2^53 a double has lost what labels and negative numbers need. */
let high = 0;
let low = 0;
let fault: ProblemCode | null = null;

/** Byte strings come as views of `bytes`. Integers beyond 2^53 are the nearest double. */
export function readCbor(bytes: Uint8Array, limits: JsonLimits): JsonFrame {
  if (bytes.length === 0) return { unreadable: 'empty-message', detail: '' };
  input = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  at = 0;
  maxDepth = limits.depth;
  maxKeys = limits.keysPerObject;
  fault = null;
  const item = readItem(0);
  if (fault === null && at < input.length) fail('bad-cbor');
  input = NOTHING;
  if (fault !== null) return { unreadable: fault, detail: `Look at byte ${at}.` };
  if (Array.isArray(item) && item.length > 0) return { pack: item, isForbidden: false };
  if (typeof item !== 'object' || item === null || Array.isArray(item) || item instanceof Uint8Array)
    return { unreadable: 'bad-shape', detail: '' };
  return { message: item as JsonMessage, isForbidden: false };
}

/** The first fault stays, and `at` with it: whoever finds `fault` set returns. */
function fail(code: ProblemCode, where = at): undefined {
  fault = code;
  at = where;
}

function readItem(level: number): unknown {
  const start = at;
  if (start >= input.length) return fail('bad-cbor');
  const head = input[at++];
  const major = head >> 5;
  const info = head & 31;
  if (major === MAJOR.simple) return readSimple(info, start);
  if (major === MAJOR.tag) return fail('tag-not-allowed', start);
  if (info === INDEFINITE) return fail(major < MAJOR.bytes ? 'bad-cbor' : 'indefinite-not-allowed', start);
  const argument = readArgument(info, start);
  if (fault !== null) return undefined;
  switch (major) {
    case MAJOR.unsigned:
      return argument;
    case MAJOR.negative:
      // beyond 2^53 the sum of the halves is rounded once, as it must be
      return argument > Number.MAX_SAFE_INTEGER ? -(high * 2 ** 32 + (low + 1)) : -1 - argument;
    case MAJOR.bytes:
      if (argument > input.length - at) return fail('bad-cbor', start);
      at += argument;
      return input.subarray(at - argument, at);
    case MAJOR.text:
      return readString(argument, start);
    case MAJOR.array:
      return readArray(argument, level + 1, start);
    default:
      return readMap(argument, level + 1, start);
  }
}

function readArray(count: number, level: number, start: number): unknown {
  if (level > maxDepth) return fail('too-deep', start);
  if (count > input.length - at) return fail('bad-cbor', start);
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const item = readItem(level);
    if (fault !== null) return undefined;
    items.push(item);
  }
  return items;
}

function readMap(pairs: number, level: number, start: number): unknown {
  if (level > maxDepth) return fail('too-deep', start);
  if (pairs > (input.length - at) / 2) return fail('bad-cbor', start);
  if (pairs > maxKeys) return fail('too-many-keys', start);
  const map: Record<string, unknown> = {};
  for (let i = 0; i < pairs; i++) {
    const labelAt = at;
    const label = readLabel();
    if (label === undefined) return undefined;
    if (Object.hasOwn(map, label)) return fail('bad-cbor', labelAt);
    const item = readItem(level);
    if (fault !== null) return undefined;
    map[label] = item;
  }
  return map;
}

/** Text, or an integer as the SenML label or the decimal digits that it stands for. */
function readLabel(): string | undefined {
  const start = at;
  if (start >= input.length) return fail('bad-cbor');
  const head = input[at++];
  const major = head >> 5;
  const info = head & 31;
  if (major === MAJOR.tag) return fail('tag-not-allowed', start);
  if (major === MAJOR.text && info === INDEFINITE) return fail('indefinite-not-allowed', start);
  if (major !== MAJOR.text && major !== MAJOR.unsigned && major !== MAJOR.negative) return fail('bad-cbor', start);
  const argument = readArgument(info, start);
  if (fault !== null) return undefined;
  if (major === MAJOR.text) {
    const label = readString(argument, start);
    return label !== undefined && FORBIDDEN_KEYS.has(label) ? fail('forbidden-key', start) : label;
  }
  const known = major === MAJOR.unsigned ? LABELS : BASE_LABELS;
  if (argument < known.length) return known[argument];
  const exact = info === IN_8_BYTES ? (BigInt(high) << 32n) | BigInt(low) : BigInt(argument);
  return `${major === MAJOR.unsigned ? exact : -1n - exact}`;
}

function readString(length: number, start: number): string | undefined {
  if (length > input.length - at) return fail('bad-cbor', start);
  at += length;
  return readText(input, at - length, at) ?? fail('bad-cbor', start);
}

function readSimple(info: number, start: number): unknown {
  switch (info) {
    case SIMPLE.false:
      return false;
    case SIMPLE.true:
      return true;
    case SIMPLE.null:
      return null;
    case SIMPLE.half:
    case SIMPLE.single:
    case SIMPLE.double:
      return readFloat(info, start);
    default:
      // 28 to 30 mean nothing yet; the rest are values that JSON has no word for
      return fail(info > SIMPLE.double && info < INDEFINITE ? 'bad-cbor' : 'tag-not-allowed', start);
  }
}

function readFloat(info: number, start: number): number | undefined {
  const size = info === SIMPLE.half ? 2 : info === SIMPLE.single ? 4 : 8;
  if (size > input.length - at) return fail('bad-cbor', start);
  at += size;
  if (size === 8) return input.readDoubleBE(at - 8);
  if (size === 4) return input.readFloatBE(at - 4);
  scratch.setUint8(0, input[at - 2]);
  scratch.setUint8(1, input[at - 1]);
  return scratch.getFloat16(0);
}

/** What follows a head: small in itself, or in the next bytes. Longer than it needs to be is fine. */
function readArgument(info: number, start: number): number {
  if (info < IN_1_BYTE) return info;
  const size = 1 << (info - IN_1_BYTE);
  if (info > IN_8_BYTES || size > input.length - at) {
    fail('bad-cbor', start);
    return 0;
  }
  at += size;
  if (info === IN_1_BYTE) return input[at - 1];
  if (info === IN_2_BYTES) return input.readUInt16BE(at - 2);
  low = input.readUInt32BE(at - 4);
  if (info === IN_4_BYTES) return low;
  high = input.readUInt32BE(at - 8);
  return high * 2 ** 32 + low;
}
