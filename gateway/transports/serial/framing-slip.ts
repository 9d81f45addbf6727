// SLIP, RFC 1055: frames end with END; inside them END and ESC are written as two bytes.

export const SLIP_END = 0xc0;
const ESC = 0xdb;
const ESCAPED_END = 0xdc;
const ESCAPED_ESC = 0xdd;

/** The bytes between two ENDs, decoded into `into` (which has room for as many): how many they are; null: an ESC stands for nothing. */
export function decodeSlip(bytes: Uint8Array, into: Uint8Array): number | null {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== ESC) into[length++] = bytes[i];
    else {
      const next = bytes[++i];
      if (next !== ESCAPED_END && next !== ESCAPED_ESC) return null;
      into[length++] = next === ESCAPED_END ? SLIP_END : ESC;
    }
  }
  return length;
}

/** With END on both sides: the first ends what noise there was. */
export function encodeSlip(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + 2 * payload.length);
  let length = 0;
  bytes[length++] = SLIP_END;
  for (const byte of payload) {
    const isSpecial = byte === SLIP_END || byte === ESC;
    if (isSpecial) bytes[length++] = ESC;
    bytes[length++] = isSpecial ? (byte === ESC ? ESCAPED_ESC : ESCAPED_END) : byte;
  }
  bytes[length++] = SLIP_END;
  return bytes.subarray(0, length);
}
