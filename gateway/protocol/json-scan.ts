// A look at JSON bytes before they are parsed: nesting and keys an object are bounded first, so that no input makes the parser recurse
// or fills one hash table with colliding keys. Linear; says nothing about whether the JSON is right.

export type ScanFault = 'too-deep' | 'too-many-keys';
/** `suspect`: some key may be one that reaches a prototype; the parsed message has to be looked through. */
export type ScanResult = ScanFault | 'clean' | 'suspect';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const UNDERSCORE = 0x5f;
const SMALL_C = 0x63;
const SMALL_P = 0x70;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
/** Deeper levels than this are not counted, they are refused before. */
const LEVELS = 64;
const keysAt = new Int32Array(LEVELS);

/** `depth` at most 63. */
export function scanJson(bytes: Uint8Array, depth: number, keys: number): ScanResult {
  let level = 0;
  let isSuspect = false;
  /** First byte of the last string: of a key, when a colon follows. */
  let initial = 0;
  keysAt[0] = 0;
  for (let i = 0, end = bytes.length; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      initial = bytes[++i];
      while (i < end && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
    } else if (byte === COLON) {
      if (++keysAt[level] > keys) return 'too-many-keys';
      if (initial === UNDERSCORE || initial === BACKSLASH || initial === SMALL_C || initial === SMALL_P) isSuspect = true;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++level > depth) return 'too-deep';
      keysAt[level] = 0;
    } else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && level > 0) level--;
  }
  return isSuspect ? 'suspect' : 'clean';
}
