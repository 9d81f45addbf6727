// Sec-WebSocket-Protocol: a list of tokens, in which browsers, which can set no header, also put their credential.

import { valuesOf } from './credential-headers.ts';

export interface Subprotocols {
  /** What was offered, in the client's order, without the credential. */
  readonly offered: readonly string[];
  /** The secret out of `bearer.<base64url of it>`; '' when it cannot be read. */
  readonly bearer: string | null;
  /** Not a list of different tokens (RFC 6455 §4.1), or longer than any honest one. */
  readonly isMalformed: boolean;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MAX_ITEMS = 16;
const BEARER = 'bearer.';
const NONE: Subprotocols = { offered: [], bearer: null, isMalformed: false };

export function subprotocolsOf(rawHeaders: readonly string[]): Subprotocols {
  const values = valuesOf(rawHeaders, 'sec-websocket-protocol');
  if (values.length === 0) return NONE;
  const items = values
    .join(',')
    .split(',', MAX_ITEMS + 1)
    .map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ''));
  const bearers = items.filter((item) => item.startsWith(BEARER));
  const isMalformed =
    items.length > MAX_ITEMS || new Set(items).size !== items.length || !items.every((item) => TOKEN.test(item)) || bearers.length > 1;
  return {
    offered: items.filter((item) => !item.startsWith(BEARER)),
    bearer: bearers[0] === undefined ? null : decode(bearers[0].slice(BEARER.length)),
    isMalformed,
  };
}

function decode(text: string): string {
  const isBase64Url = /^[A-Za-z0-9_-]+$/.test(text);
  return isBase64Url ? Buffer.from(text, 'base64url').toString('utf8') : '';
}
