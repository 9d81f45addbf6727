// The client's column of the protocol's close-code table, as one function: what a device does after its connection ended.

import type { SocketEnd } from './device-socket.ts';
import { CLOSE } from './messages.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface ClosePlan {
  /** `back-off`: jittered, but not before `atLeastMs`; `after`: `atLeastMs` and then jittered; `stop`: not again by itself. */
  readonly retry: 'back-off' | 'after' | 'stop';
  readonly atLeastMs: number;
  /** The counter is not continuous with what the gateway knows: go on under a new stream. */
  readonly newStream: boolean;
  /** The next frame in turn was unreadable to the gateway (rule 4). */
  readonly refused: boolean;
  /** One word or two for a person. */
  readonly why: string;
}

const BACK_OFF: ClosePlan = { retry: 'back-off', atLeastMs: 0, newStream: false, refused: false, why: 'closed' };

/** `lastError` is the code of the fatal `error` message that came before the close, or ''. */
export function planAfterClose(end: SocketEnd, lastError: string): ClosePlan {
  if (end.status !== undefined) return planAfterRefusal(end.status, end.retryAfterMs ?? 0);
  switch (end.code) {
    case CLOSE.protocolError:
    case CLOSE.unsupportedData:
    case CLOSE.invalidText:
    case CLOSE.policy:
    case CLOSE.tooBig:
    case CLOSE.badMessage:
      // A name that the gateway does not take is not taken the second time either.
      if (lastError === 'bad-stream') return { ...BACK_OFF, newStream: true, why: lastError };
      return { ...BACK_OFF, refused: true, why: lastError || `refused-${end.code}` };
    case CLOSE.internal:
    case CLOSE.restarting:
    case CLOSE.overloaded:
      return { ...BACK_OFF, atLeastMs: retryAfterMs(end.reason), why: end.code === CLOSE.restarting ? 'restarting' : 'overloaded' };
    case CLOSE.credential:
      return { ...BACK_OFF, retry: 'stop', why: 'credential' };
    case CLOSE.forbidden:
      return { ...BACK_OFF, retry: 'after', atLeastMs: 10 * MINUTE_MS, why: 'forbidden' };
    case CLOSE.conflict:
      return planAfterConflict(lastError || end.reason);
    case CLOSE.tooManyStreams:
      return { ...BACK_OFF, retry: 'after', atLeastMs: HOUR_MS, why: 'stream-quota' };
    case CLOSE.stalled:
      return { ...BACK_OFF, why: 'stalled' };
    default:
      // 1000, 1001, no close frame at all, and every code that is not known here.
      return BACK_OFF;
  }
}

function planAfterConflict(what: string): ClosePlan {
  if (what.includes('seq-regression')) return { ...BACK_OFF, newStream: true, why: 'seq-regression' };
  if (what.includes('stream-closed')) return { ...BACK_OFF, newStream: true, why: 'stream-closed' };
  // The welcome says again from where to resend, so a skipped seq needs no more than a reconnect.
  if (what.includes('seq-gap')) return { ...BACK_OFF, why: 'seq-gap' };
  // Another holder of this identity took over. `after`, so that two clones do not meet every 30 s in lockstep.
  return { ...BACK_OFF, retry: 'after', atLeastMs: 30_000, why: 'superseded' };
}

/** The upgrade was answered with an HTTP status: the same outcomes, before there was a socket. */
function planAfterRefusal(status: number, atLeastMs: number): ClosePlan {
  if (status === 401) return { ...BACK_OFF, retry: 'stop', why: 'credential' };
  if (status === 403) return { ...BACK_OFF, retry: 'after', atLeastMs: 10 * MINUTE_MS, why: 'forbidden' };
  // Everybody was told the same whole seconds: with `after` they do not come back in the same one.
  const retry = atLeastMs > 0 ? 'after' : 'back-off';
  return { ...BACK_OFF, retry, atLeastMs: Math.min(atLeastMs, HOUR_MS), why: `http-${status}` };
}

function retryAfterMs(reason: string): number {
  const found = /retry-after-ms=(\d{1,9})/.exec(reason);
  return found ? Math.min(Number(found[1]), HOUR_MS) : 0;
}
