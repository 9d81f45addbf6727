// The bytes of each record of a CBOR frame that was readable, for quarantine: what was refused is kept as it came.

const RECORDS = 'readings';
const [BYTES, TEXT, ARRAY, MAP] = [2, 3, 4, 5];
const SIMPLE = 7;

/** Of a pack's array, or of a message's `readings`; views of `bytes`, in order, in one walk. Empty when there is no such array. */
export function recordSlices(bytes: Uint8Array): readonly Uint8Array[] {
  const outer = headOf(bytes, 0);
  if (outer.major === ARRAY) return slicesOf(bytes, 0);
  if (outer.major !== MAP) return [];
  let at = outer.next;
  for (let pair = 0; pair < outer.argument && at < bytes.length; pair++) {
    const { major, argument, next } = headOf(bytes, at);
    const isRecords = major === TEXT && argument === RECORDS.length && isRecordsText(bytes, next);
    at = behind(bytes, at);
    if (isRecords) return headOf(bytes, at).major === ARRAY ? slicesOf(bytes, at) : [];
    at = behind(bytes, at);
  }
  return [];
}

function slicesOf(bytes: Uint8Array, arrayAt: number): readonly Uint8Array[] {
  const { argument: count, next } = headOf(bytes, arrayAt);
  const slices: Uint8Array[] = [];
  for (let i = 0, at = next; i < count && at < bytes.length; i++) {
    const end = behind(bytes, at);
    slices.push(bytes.subarray(at, end));
    at = end;
  }
  return slices;
}

function isRecordsText(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < RECORDS.length; i++) if (bytes[at + i] !== RECORDS.charCodeAt(i)) return false;
  return true;
}

/** Where the item at `at` ends. Items inside are counted, not entered. */
function behind(bytes: Uint8Array, at: number): number {
  let place = at;
  for (let items = 1; items > 0 && place < bytes.length; items--) {
    const { major, argument, next } = headOf(bytes, place);
    place = major === BYTES || major === TEXT ? next + argument : next;
    if (major === ARRAY) items += argument;
    else if (major === MAP) items += argument * 2;
  }
  return place;
}

interface Head {
  readonly major: number;
  readonly argument: number;
  readonly next: number;
}
function headOf(bytes: Uint8Array, at: number): Head {
  const major = bytes[at] >> 5;
  const info = bytes[at] & 31;
  const size = info < 24 ? 0 : 1 << (info - 24);
  let argument = info;
  // what follows a simple value's head is a float: passed over, it counts nothing
  if (size > 0 && major !== SIMPLE) {
    argument = 0;
    for (let i = 1; i <= size; i++) argument = argument * 256 + bytes[at + i];
  }
  return { major, argument, next: at + 1 + size };
}
