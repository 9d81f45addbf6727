// The bridge's word on its ports, for the gateway's list: trimmed to what a frame may hold, told at once when a port's state changes, and
// now and then for the rest. A link may be paid for by the megabyte.

import type { BridgedPort, PortsMessage } from './protocol/messages.ts';
import type { SerialPortView } from './protocol/rest.ts';

export interface PortsTeller {
  /** Says what is due, if anything. */
  tick(nowMs: number): void;
  /** A session began: everything is due. */
  begin(frameBytes: number): void;
  /** The gateway does not know the message. */
  end(): void;
}
export interface PortsTellerOptions {
  readonly bridge: string;
  readonly views: () => readonly SerialPortView[];
  /** False: there was no session to say it in. */
  readonly tell: (message: PortsMessage) => boolean;
}

/** Counts and last lines; another state is told within a second. */
const REST_MS = 10_000;
const LAST_FRAMES = 10;
const REASONS = 60;
const TEXT_CHARS = 500;
const NAME_CHARS = 64;
const SAYS_CHARS = 8000;
const OTHER = 'other';
const CONTROL = /\p{Cc}/gu;
const KEY = /^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}$/;
/** Words that mean something to programs: no gateway takes them as a key. */
const FORBIDDEN: ReadonlySet<string> = new Set(['constructor', 'prototype']);

export function createPortsTeller({ bridge, views, tell }: PortsTellerOptions): PortsTeller {
  let frameBytes = 0;
  let toldStates = '';
  let toldRest = '';
  let restMs = 0;
  return {
    begin(limit) {
      frameBytes = limit;
      toldStates = toldRest = '';
      restMs = Number.NEGATIVE_INFINITY;
    },
    end() {
      frameBytes = 0;
    },
    tick(nowMs) {
      if (frameBytes === 0) return;
      const ports = views();
      const states = JSON.stringify(ports.map(({ path, state, reason }) => [path, state, reason]));
      if (states === toldStates && nowMs - restMs < REST_MS) return;
      const message = portsMessage(bridge, ports, frameBytes);
      const rest = JSON.stringify(message);
      if (rest === toldRest || message === null || !tell(message)) return;
      toldStates = states;
      toldRest = rest;
      restMs = nowMs;
    },
  };
}

/** null: it does not fit at all. */
export function portsMessage(bridge: string, ports: readonly SerialPortView[], frameBytes: number): PortsMessage | null {
  for (let frames = LAST_FRAMES; ; frames = frames >> 1) {
    const message: PortsMessage = { type: 'ports', bridge, ports: ports.map((port) => trimmed(port, frames)) };
    if (Buffer.byteLength(JSON.stringify(message)) <= frameBytes) return message;
    if (frames === 0) return null;
  }
}

function trimmed({ id: _i, origin: _o, bridge: _b, settings: _s, ...port }: SerialPortView, frames: number): BridgedPort {
  return {
    ...port,
    reason: plain(port.reason, TEXT_CHARS),
    mend: plain(port.mend, TEXT_CHARS),
    faults: named(port.faults),
    skipped: named(port.skipped),
    slaves: port.slaves.map((slave) => ({ ...slave, faults: named(slave.faults), lastError: plain(slave.lastError, TEXT_CHARS) })),
    lastFrames: (frames === 0 ? [] : port.lastFrames.slice(-frames)).map((frame) => ({
      ...frame,
      outcome: plain(frame.outcome, NAME_CHARS) || OTHER,
      says: plain(frame.says, SAYS_CHARS),
    })),
  };
}

/** A text value of a sensor may have anything in it, and no gateway takes a list with that. */
function plain(text: string, chars: number): string {
  return text.replaceAll(CONTROL, ' ').slice(0, chars).toWellFormed();
}

/** Reasons can name what a sensor said. */
function named(counts: Readonly<Record<string, number>>): Record<string, number> {
  const kept: Record<string, number> = {};
  for (const [name, count] of Object.entries(counts)) {
    const key = KEY.test(name) && !FORBIDDEN.has(name) && Object.keys(kept).length < REASONS ? name : OTHER;
    kept[key] = (kept[key] ?? 0) + count;
  }
  return kept;
}
