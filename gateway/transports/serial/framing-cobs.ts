// Consistent overhead byte stuffing (Cheshire and Baker, 1997): every zero becomes the distance to the next, so that zero alone ends a frame.

/** A block has so many bytes that are not zero, at most; its code is one more. */
const BLOCK_BYTES = 254;

/** The bytes between two zeros, decoded into `into` (which has room for as many): how many they are; null: a distance leads out of them. */
export function decodeCobs(bytes: Uint8Array, into: Uint8Array): number | null {
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at];
    const next = at + code;
    if (next > bytes.length) return null;
    for (let i = at + 1; i < next; i++) into[length++] = bytes[i];
    if (code <= BLOCK_BYTES && next < bytes.length) into[length++] = 0;
    at = next;
  }
  return length;
}

/** With the zero that ends it. */
export function encodeCobs(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + Math.floor(payload.length / BLOCK_BYTES) + 2);
  let codeAt = 0;
  let length = 1;
  const close = (): void => {
    bytes[codeAt] = length - codeAt;
    codeAt = length++;
  };
  for (const byte of payload) {
    // Only when more follows: a full block at the very end stands alone.
    if (length - codeAt > BLOCK_BYTES) close();
    if (byte === 0) close();
    else bytes[length++] = byte;
  }
  close();
  return bytes.subarray(0, length);
}
