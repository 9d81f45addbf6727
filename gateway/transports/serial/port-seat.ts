// One port joined with what reads it: bytes in, batches and statuses out. Lives in the thread, until it is removed or its settings change.

import { createFramer } from './framing-factory.ts';
import { createModbusMaster } from './modbus-master.ts';
import type { SlaveEvent } from './modbus-slave.ts';
import { createPort, type Port, type PortTiming } from './port.ts';
import { createPortFrames, type PortFrame, type PortFrames } from './port-frames.ts';
import type { PortOpener, PortTrouble } from './port-line.ts';
import type { SerialLimits, SerialPortSettings } from './port-settings.ts';
import type { PortCondition } from './port-state.ts';
import { createRule } from './rules-factory.ts';
import type { PortStatus } from './serial-messages.ts';

/** What all ports of a thread share. */
export interface SeatSurroundings {
  readonly limits: SerialLimits;
  readonly open: PortOpener;
  readonly holdersOf: (path: string) => Promise<readonly string[]>;
  readonly timing: PortTiming;
  readonly nowUs: () => number;
}
export interface SeatOptions extends SeatSurroundings {
  readonly settings: SerialPortSettings;
  readonly claim: (path: string) => PortTrouble | null;
  readonly release: () => void;
  frames(frames: readonly PortFrame[]): void;
  status(status: PortStatus): void;
  /** Something happened on the bus behind the port. */
  event(event: SlaveEvent): void;
}
export interface Seat {
  readonly port: Port;
  readonly frames: PortFrames;
  /** Once in SEAT_TICK_MS. */
  tick(): void;
}

export const SEAT_TICK_MS = 500;
/** The rate is that of so many ticks. */
const RATE_TICKS = 10;

export function createSeat(options: SeatOptions): Seat {
  const { settings, nowUs } = options;
  let port: Port | null = null;
  let sinceMs = nowUs() / 1000;
  let state = '';
  let toldSteps = -1;
  const rates: number[] = [];
  const frames = framesOf(options, (isGood) => port?.verdict(isGood));
  const tell = (condition: PortCondition): void => {
    const { counts } = frames;
    toldSteps = frames.steps;
    const [first = counts.frames] = rates;
    const framesPerSecond = ((counts.frames - first) * 1000) / (Math.max(1, rates.length) * SEAT_TICK_MS);
    options.status({ condition, sinceMs, framesPerSecond, counts, seen: frames.seen(), slaves: frames.slaves() });
  };
  port = createPort({
    line: settings,
    expectEverySeconds: settings.expectEverySeconds,
    open: options.open,
    holdersOf: options.holdersOf,
    claim: options.claim,
    release: options.release,
    frames,
    timing: options.timing,
    nowUs,
    changed(condition) {
      if (condition.state !== state) sinceMs = nowUs() / 1000;
      state = condition.state;
      tell(condition);
    },
  });
  const own = port;
  tell(own.condition);
  return {
    port: own,
    frames,
    tick() {
      own.tick();
      const { frames: total } = frames.counts;
      const isQuiet = rates.length === RATE_TICKS && rates[0] === total;
      rates.push(total);
      if (rates.length > RATE_TICKS) rates.shift();
      if (frames.steps !== toldSteps || !isQuiet) tell(own.condition);
    },
  };
}

/** A Modbus bus is asked; everything else is listened to. */
function framesOf(options: SeatOptions, verdict: (isGood: boolean | null) => void): PortFrames {
  const { settings, limits, nowUs } = options;
  const { framing } = settings;
  const shared = { bufferBytes: limits.serialBufferBytes, nowUs, post: options.frames, verdict };
  if (framing.kind === 'modbus-rtu') return createModbusMaster({ ...shared, settings: framing, line: settings, event: options.event });
  if (settings.rule === null) throw new Error(`a port whose framing is ${framing.kind} needs a rule`);
  return createPortFrames({
    ...shared,
    framer: createFramer(framing, { maxBytes: limits.serialLineBytes, staleUs: limits.serialGapSeconds * 1e6 }),
    rule: createRule(settings.rule, { isVerified: framing.kind === 'nmea' }),
  });
}
