// What ws knows of a message that is not whole yet and has no public name for. All use of its insides is here; a test of the transport
// says when a version of ws has changed them.

import type { WebSocket } from 'ws';
import { CLOSE } from '../protocol/messages.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import type { BrokenMessage } from './transport.ts';

interface Receiver {
  readonly _state: number;
  readonly _fragmented: number;
  readonly _bufferedBytes: number;
  readonly _payloadLength: number;
  readonly _totalPayloadLength: number;
}
const IDLE = 0;

function receiverOf(ws: WebSocket): Receiver {
  return (ws as WebSocket & { readonly _receiver: Receiver })._receiver;
}

/** A frame's head or a fragment has come, and the rest has not. */
export function isMidMessage(ws: WebSocket): boolean {
  const { _state, _fragmented, _bufferedBytes } = receiverOf(ws);
  return _state !== IDLE || _fragmented !== 0 || _bufferedBytes > 0;
}

const CODE_OF: Readonly<Record<string, readonly [close: number, code: ProblemCode]>> = {
  WS_ERR_INVALID_UTF8: [CLOSE.invalidText, 'invalid-utf8'],
  WS_ERR_TOO_MANY_BUFFERED_PARTS: [CLOSE.policy, 'policy-violation'],
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: [CLOSE.tooBig, 'message-too-big'],
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: [CLOSE.tooBig, 'message-too-big'],
};

/** What ws found wrong with the bytes; null when the connection broke and not a message. */
export function brokenBy(error: Error & { readonly code?: string }, ws: WebSocket): BrokenMessage | null {
  if (error.code?.startsWith('WS_ERR_') !== true) return null;
  const [close, code] = CODE_OF[error.code] ?? [CLOSE.protocolError, 'websocket-fault'];
  const { _payloadLength, _totalPayloadLength } = receiverOf(ws);
  return { close, code, bytes: Math.max(_payloadLength, _totalPayloadLength) };
}
