// Ports joined with what reads them: bytes in, batches and statuses out. Runs in the thread; a test runs it in its own.

import { realpathSync } from 'node:fs';
import { createFramer } from './framing-factory.ts';
import { createPort, type Port, type PortTiming } from './port.ts';
import { createPortFrames, type PortFrame, type PortFrames } from './port-frames.ts';
import { type PortOpener, type PortTrouble, portTrouble } from './port-line.ts';
import type { SerialLimits, SerialPortSettings } from './port-settings.ts';
import type { PortCondition } from './port-state.ts';
import { createRule } from './rules-factory.ts';
import type { PortStatus } from './serial-messages.ts';

export interface PortReader {
  /** The batch under way of this port has arrived. */
  taken(port: number): void;
  /** Closes every port; resolves when all that was read has been taken. */
  close(): Promise<void>;
}

export interface PortReaderOptions {
  readonly ports: readonly SerialPortSettings[];
  readonly limits: SerialLimits;
  readonly open: PortOpener;
  readonly holdersOf: (path: string) => Promise<readonly string[]>;
  readonly timing: PortTiming;
  readonly nowUs: () => number;
  frames(port: number, frames: readonly PortFrame[]): void;
  status(port: number, status: PortStatus): void;
}

const TICK_MS = 500;
/** The rate is that of so many ticks. */
const RATE_TICKS = 10;

export function createPortReader(options: PortReaderOptions): PortReader {
  const { limits, nowUs } = options;
  /** Real paths that are open, or being opened, by port. */
  const claims = new Map<number, string>();
  let onEmpty: (() => void) | null = null;

  const seats = options.ports.map((settings, index) => {
    let port: Port | null = null;
    let sinceMs = nowUs() / 1000;
    let state = '';
    let toldBytes = -1;
    const rates: number[] = [];
    const frames: PortFrames = createPortFrames({
      framer: createFramer(settings.framing, { maxBytes: limits.serialLineBytes, staleUs: limits.serialGapSeconds * 1e6 }),
      rule: createRule(settings.rule, { isVerified: settings.framing.kind === 'nmea' }),
      bufferBytes: limits.serialBufferBytes,
      nowUs,
      post: (batch) => options.frames(index, batch),
      verdict: (isGood) => port?.verdict(isGood),
    });
    const tell = (condition: PortCondition): void => {
      const { counts } = frames;
      toldBytes = counts.bytes;
      const [first = counts.frames] = rates;
      const framesPerSecond = ((counts.frames - first) * 1000) / (Math.max(1, rates.length) * TICK_MS);
      options.status(index, { condition, sinceMs, framesPerSecond, counts, seen: frames.seen() });
    };
    port = createPort({
      line: settings,
      expectEverySeconds: settings.expectEverySeconds,
      open: options.open,
      holdersOf: options.holdersOf,
      claim: (path) => claim(index, path),
      release: () => claims.delete(index),
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
      tick(): void {
        own.tick();
        const { bytes, frames: total } = frames.counts;
        const isQuiet = rates.length === RATE_TICKS && rates[0] === total;
        rates.push(total);
        if (rates.length > RATE_TICKS) rates.shift();
        if (bytes !== toldBytes || !isQuiet) tell(own.condition);
      },
    };
  });

  function claim(index: number, path: string): PortTrouble | null {
    let real: string;
    try {
      real = realpathSync(path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return portTrouble(code === 'EACCES' ? 'permission' : code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'failed', message);
    }
    for (const [other, held] of claims) {
      if (other !== index && held === real)
        return portTrouble('failed', `${options.ports[other]?.path ?? ''} is the same port (${real}); keep one of them`);
    }
    claims.set(index, real);
    return null;
  }

  const ticks = setInterval(() => {
    for (const seat of seats) seat.tick();
  }, TICK_MS);
  const isEmpty = (): boolean => seats.every((seat) => seat.frames.isEmpty);

  return {
    taken(port) {
      seats[port]?.frames.taken();
      if (onEmpty !== null && isEmpty()) onEmpty();
    },
    async close() {
      clearInterval(ticks);
      await Promise.all(seats.map((seat) => seat.port.close()));
      for (const seat of seats) seat.frames.close();
      if (isEmpty()) return;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
    },
  };
}
