// CBOR (RFC 8949) as JSON text for the eye and the editor, with SenML's integer labels (RFC 8428, table 4) by their names. Only what the
// gateway takes: whole items with lengths, no tags; anything else is null.

const LABELS: Readonly<Record<number, string>> = {
  [-1]: 'bver',
  [-2]: 'bn',
  [-3]: 'bt',
  [-4]: 'bu',
  [-5]: 'bv',
  [-6]: 'bs',
  0: 'n',
  1: 'u',
  2: 'v',
  3: 'vs',
  4: 'vb',
  5: 's',
  6: 't',
  7: 'ut',
  8: 'vd',
};
const DEEPEST = 16;

class NotCbor extends Error {}

export function cborText(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let at = 0;

  function take(count: number): number {
    const from = at;
    at += count;
    if (at > bytes.length) throw new NotCbor();
    return from;
  }
  function argument(low: number): number {
    if (low < 24) return low;
    if (low === 24) return view.getUint8(take(1));
    if (low === 25) return view.getUint16(take(2));
    if (low === 26) return view.getUint32(take(4));
    if (low === 27) return Number(view.getBigUint64(take(8)));
    throw new NotCbor();
  }
  function half(bits: number): number {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size =
      exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction === 0 ? Infinity : NaN) : (fraction + 1024) * 2 ** (exponent - 25);
    return bits & 0x8000 ? -size : size;
  }
  function simple(low: number): string {
    if (low === 20 || low === 21) return String(low === 21);
    if (low === 22) return 'null';
    if (low === 25) return String(half(view.getUint16(take(2))));
    if (low === 26) return String(view.getFloat32(take(4)));
    if (low === 27) return String(view.getFloat64(take(8)));
    throw new NotCbor();
  }
  function key(depth: number): string {
    const written = item(depth);
    if (written.startsWith('"')) return written;
    const name = LABELS[Number(written)];
    return JSON.stringify(name ?? written);
  }
  function item(depth: number): string {
    if (depth > DEEPEST) throw new NotCbor();
    const head = view.getUint8(take(1));
    const low = head & 31;
    switch (head >> 5) {
      case 0:
        return String(argument(low));
      case 1:
        return String(-1 - argument(low));
      case 2: {
        const count = argument(low);
        const from = take(count);
        return JSON.stringify([...bytes.subarray(from, from + count)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
      }
      case 3: {
        const count = argument(low);
        const from = take(count);
        return JSON.stringify(utf8.decode(bytes.subarray(from, from + count)));
      }
      case 4:
        return `[${many(argument(low), () => item(depth + 1))}]`;
      case 5:
        return `{${many(argument(low), () => `${key(depth + 1)}:${item(depth + 1)}`)}}`;
      case 7:
        return simple(low);
      default:
        throw new NotCbor();
    }
  }
  function many(count: number, one: () => string): string {
    const parts: string[] = [];
    for (let i = 0; i < count; i++) parts.push(one());
    return parts.join(',');
  }

  try {
    const written = item(0);
    return at === bytes.length ? written : null;
  } catch (error) {
    // its end is not where it says, or its text is none
    if (error instanceof NotCbor || error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}
