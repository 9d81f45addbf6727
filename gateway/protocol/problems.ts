// Every refusal, in one table: its code, HTTP status (0 where it only occurs on a socket) and what it means to the one who got it.
// test/check fails when a code here is named by no test.

import type { Problem } from './rest.ts';

export interface ProblemEntry {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS = {
  // handshake and HTTP
  'bad-request': { status: 400, title: 'The request could not be understood.' },
  'bad-ws-key': { status: 400, title: 'Sec-WebSocket-Key must be 16 bytes in base64.' },
  'bad-ws-version': { status: 426, title: 'Only WebSocket version 13 is spoken here.' },
  'upgrade-required': { status: 426, title: 'This address speaks WebSocket; connect with wss:// instead of https://.' },
  'unsupported-upgrade': { status: 400, title: 'Only an upgrade to websocket is possible.' },
  'unsupported-subprotocol': { status: 400, title: 'None of the offered subprotocols is spoken here.' },
  'token-in-url': { status: 400, title: 'Tokens in the URL end up in logs; send Authorization: Bearer instead.' },
  'ambiguous-credentials': { status: 400, title: 'Send one credential: either the cookie or the Authorization header.' },
  unauthorized: { status: 401, title: 'A valid credential is needed.' },
  suspended: { status: 403, title: 'This device is suspended; an operator can resume it.' },
  forbidden: { status: 403, title: 'This credential may not do that.' },
  'origin-denied': { status: 403, title: 'Requests from this origin are not allowed; see http.origins.' },
  'not-found': { status: 404, title: 'There is nothing at this address.' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method.' },
  exists: { status: 409, title: 'It exists already.' },
  gone: { status: 410, title: 'This request is over: it was refused, came too late, or its token has been fetched. Ask again.' },
  'body-too-large': { status: 413, title: 'The body is larger than the limit.' },
  'unsupported-media-type': { status: 415, title: 'The content type is not one this address takes.' },
  invalid: { status: 422, title: 'Some fields are not valid.' },
  'nothing-stored': { status: 422, title: 'No record of the pack could be stored; all are in quarantine.' },
  'still-refused': { status: 422, title: 'By the rules of today none of it can be stored either; send it amended as raw, or discard it.' },
  'too-many-failures': { status: 429, title: 'Too many failed sign-ins from this address; wait and try again.' },
  'too-many-asks': { status: 429, title: 'Too many requests to pair from this address; wait and try again.' },
  'too-many-sockets': { status: 429, title: 'This session follows the live feed too often; close a tab of the console.' },
  'import-running': { status: 429, title: 'Another import runs; try again when it has ended.' },
  'bad-import': { status: 400, title: 'The file cannot be read as readings.' },
  'bad-time': { status: 0, title: 'The row has no time that can be read.' },
  'too-many-exports': { status: 429, title: 'Two exports run already; try again when one has ended.' },
  internal: { status: 500, title: 'Something broke here; the log has the details.' },
  'revocation-not-durable': {
    status: 500,
    title: 'It is in force now, but could not be written down everywhere; do it again when the disk is well.',
  },
  full: { status: 503, title: 'The gateway is full; try again later.' },
  draining: { status: 503, title: 'The gateway is shutting down; try again in a moment.' },
  busy: { status: 503, title: 'Too much is queued; try again in a moment.' },
  'disk-trouble': { status: 503, title: 'The disk of the gateway is full or failing; this could not be read or saved. Try again later.' },
  'store-unavailable': { status: 503, title: 'Readings cannot be stored now; send them again later.' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time.' },
  'headers-too-large': { status: 431, title: 'The request has more, or longer, headers than are taken.' },
  // REST parameters
  'bad-limit': { status: 400, title: 'limit must be a whole number from 1 to 10000.' },
  'bad-range': { status: 400, title: 'from and to must be times (RFC 3339, epoch milliseconds or now-6h), from before to.' },
  'bad-token': { status: 400, title: 'next belongs to another query or has been changed; start again without it.' },
  'bad-cursor': { status: 400, title: 'since is not a cursor of this store; start again without it.' },
  'unknown-parameter': { status: 400, title: 'There is no such parameter here.' },
  // serial ports
  'bad-serial': { status: 400, title: 'The settings are none of a serial port; each place says what it must be.' },
  'set-in-file': {
    status: 409,
    title: 'This is set in the configuration file, by a flag or by the environment; change it there and restart.',
  },
  'same-port': { status: 409, title: 'This port is there already; two readers would share its bytes.' },
  'too-many-ports': { status: 409, title: 'There are 32 serial ports; remove one first.' },
  'no-serial-port': { status: 409, title: 'The device has no serial port here any more, whose rule could read this line; discard it.' },
  'too-many-watched': { status: 429, title: 'The frames of 32 devices are watched already; each ends a minute after nobody asks for it.' },
  'bad-capture': { status: 400, title: 'The body is no capture of a serial line that can be replayed.' },
  'capture-running': { status: 409, title: 'This port is being captured, or is not read now; one capture at a time.' },
  // the simulated fleet
  'demo-exists': { status: 409, title: 'A simulated fleet is there already; remove it first.' },
  'no-demo': { status: 404, title: 'There is no simulated fleet.' },
  // upkeep
  'upkeep-running': { status: 409, title: 'The same work is under way already; try again when it has ended.' },
  'bad-backup': { status: 400, title: 'A backup cannot be written there.' },
  // frames
  'bad-ports': { status: 0, title: 'The message ports does not have the form that it must have, or names ports of another device.' },
  'too-many-bridges': {
    status: 0,
    title: 'The gateway has no room for what more bridges tell of their ports; readings are taken as before.',
  },
  'hello-first': { status: 0, title: 'Send hello before readings or gap.' },
  'bad-message': { status: 0, title: 'The message does not have the shape that its type needs.' },
  'empty-message': { status: 0, title: 'The message is empty.' },
  'bad-json': { status: 400, title: 'The message is not JSON.' },
  'bad-cbor': { status: 400, title: 'The message is not one whole item of CBOR with text or integers as keys, each once.' },
  'indefinite-not-allowed': { status: 400, title: 'Strings, arrays and maps without a length are not taken; send their length first.' },
  'tag-not-allowed': { status: 400, title: 'Of CBOR, tags, undefined and simple values other than false, true and null are not taken.' },
  'bad-shape': { status: 400, title: 'A message is an object with a type, or an array of SenML records.' },
  'too-deep': { status: 400, title: 'The message is nested deeper than 8.' },
  'too-many-keys': { status: 400, title: 'An object has more than 64 keys.' },
  'bad-seq': { status: 400, title: 'seq must be a whole number from 1 to 2^53 - 1.' },
  'bad-stream': { status: 400, title: 'stream must be 8 to 64 of A-Z a-z 0-9 _ -, and random.' },
  'bad-gap': { status: 400, title: 'A gap starts at the expected seq, ends at or after it and names a reason.' },
  'unknown-type': { status: 0, title: 'This message type is not known here; it was ignored.' },
  'seq-regression': { status: 409, title: 'This seq is settled already; if the counter was reset, make a new stream.' },
  'seq-gap': { status: 409, title: 'A seq was skipped; send again from the expected one.' },
  'stream-in-use': { status: 409, title: 'This stream is open on a socket; close that one first, or send the frame there.' },
  'stream-closed': { status: 409, title: 'This stream is retired; make a new one.' },
  'duplicate-identity': { status: 429, title: 'Two devices use this identity and take it from each other; give each its own token.' },
  'stream-quota': { status: 429, title: 'Too many new streams in an hour; wait, or send bare packs.' },
  'websocket-fault': { status: 0, title: 'The bytes break the rules of WebSocket (RFC 6455).' },
  'unsupported-data': { status: 0, title: 'This subprotocol takes text frames with JSON, or binary ones with CBOR, and not the other.' },
  'invalid-utf8': { status: 0, title: 'A text message is not UTF-8.' },
  'policy-violation': { status: 0, title: 'Too many fragments, pieces or pings.' },
  'message-too-big': { status: 0, title: 'The message is larger than limits.deviceFrameBytes.' },
  superseded: { status: 0, title: 'A newer connection of this device took over.' },
  'limit-exceeded': { status: 0, title: 'The subscription is larger than the limits allow.' },
  // records
  'no-value': { status: 0, title: 'A record needs one of v, vb or vs.' },
  'multiple-values': { status: 0, title: 'A record has exactly one of v, vb and vs.' },
  'unsupported-version': { status: 0, title: 'Only SenML version 10 is understood, the same in a whole pack.' },
  'must-understand': { status: 0, title: 'A label that ends in _ must be understood, and is not.' },
  'unsupported-value': { status: 0, title: 'vd, s and bs are not taken.' },
  'wrong-type': { status: 0, title: 'A field has the wrong type; nothing is converted.' },
  'bad-name': { status: 0, title: 'The resolved name must be 1 to 128 of the characters that RFC 8428 allows.' },
  'bad-unit': { status: 0, title: 'A unit is at most 32 bytes, without control characters.' },
  'non-finite': { status: 0, title: 'A number must be finite.' },
  'not-well-formed': { status: 0, title: 'A string has a lone surrogate.' },
  'too-long': { status: 0, title: 'A string is longer than the limit.' },
  'too-many-readings': { status: 0, title: 'A frame has at most 1000 readings.' },
  'forbidden-key': { status: 0, title: '__proto__, constructor and prototype are not taken as keys.' },
  'empty-pack': { status: 0, title: 'The pack has base fields but no record.' },
} as const satisfies Record<string, ProblemEntry>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The body of a refusal (RFC 9457). A stranger who gets a 401 learns nothing: always the same bytes. */
export function problemDocument(code: ProblemCode, detail?: string): Problem {
  const { status, title } = PROBLEMS[code];
  const bare = { type: `urn:fieldgate:problem:${code}`, title, status, code };
  return detail === undefined || status === 401 ? bare : { ...bare, detail };
}
