// The bytes of each record of a JSON frame that was readable, for quarantine: parsed and written again, 1e400 would be null.

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

/** Of a pack's array, or of a message's last `readings`; views of `bytes`, in order, in one walk. Empty when there is no such array. */
export function jsonRecordSlices(bytes: Uint8Array): readonly Uint8Array[] {
  const start = skipSpace(bytes, 0);
  if (bytes[start] === OPEN_ARRAY) return slicesOf(bytes, start).slices;
  let found: readonly Uint8Array[] = [];
  let at = skipSpace(bytes, start + 1);
  while (at < bytes.length && bytes[at] === QUOTE) {
    const keyEnd = behind(bytes, at);
    const key = JSON.parse(Buffer.from(bytes.subarray(at, keyEnd)).toString('utf8')) as string;
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] === COLON) at = skipSpace(bytes, at + 1);
    if (key === 'readings') {
      const { slices, end } = bytes[at] === OPEN_ARRAY ? slicesOf(bytes, at) : { slices: [], end: behind(bytes, at) };
      found = slices;
      at = end;
    } else at = behind(bytes, at);
    at = skipSpace(bytes, at);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return found;
}

function slicesOf(bytes: Uint8Array, arrayAt: number): { slices: readonly Uint8Array[]; end: number } {
  const slices: Uint8Array[] = [];
  let at = skipSpace(bytes, arrayAt + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_ARRAY) {
    const end = behind(bytes, at);
    slices.push(bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return { slices, end: at + 1 };
}

/** Where the value at `at` ends; always behind `at`, so that every walk comes to an end. */
function behind(bytes: Uint8Array, at: number): number {
  let level = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) level++;
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) level--;
    else if (level > 0 || !isEndOfScalar(bytes, i)) continue;
    if (level <= 0) return i + 1;
  }
  return bytes.length;
}
/** A number, true, false or null goes on until something that can't be part of it. */
function isEndOfScalar(bytes: Uint8Array, i: number): boolean {
  const next = bytes[i + 1];
  return next === undefined || next <= SPACE || next === COMMA || next === CLOSE_ARRAY || next === CLOSE_OBJECT;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] <= SPACE) at++;
  return at;
}
