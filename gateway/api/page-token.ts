// The `next` tokens of lists: a place in one query, signed, so that a token of another query, store or process is told from a real one.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface PageTokens {
  /** `query` names everything that decides what the pages hold; `place` is where the next one starts. */
  issue(query: unknown, place: unknown): string;
  /** The place, or undefined when the token was not issued for this very query. */
  redeem(query: unknown, token: string): unknown;
}

const MAC_BYTES = 16;
const MAX_TOKEN_CHARS = 512;

export function createPageTokens(store: () => string, key: Uint8Array = randomBytes(32)): PageTokens {
  const sign = (query: unknown, place: Uint8Array): Buffer => {
    const digest = createHash('sha256')
      .update(JSON.stringify([store(), query]))
      .digest();
    return createHmac('sha256', key).update(digest).update(place).digest().subarray(0, MAC_BYTES);
  };
  return {
    issue(query, place) {
      const bytes = Buffer.from(JSON.stringify(place));
      return Buffer.concat([sign(query, bytes), bytes]).toString('base64url');
    },
    redeem(query, token) {
      const bytes = Buffer.from(token.slice(0, MAX_TOKEN_CHARS), 'base64url');
      // Only the one spelling that was given out: base64 has spare bits in its last letter.
      if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== token) return undefined;
      const place = bytes.subarray(MAC_BYTES);
      if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), sign(query, place))) return undefined;
      return JSON.parse(place.toString());
    },
  };
}
