// What a port is opened with, what an open one is, and why one cannot be opened: shared by the port's life and by those who open ports.

import type { LineFault } from './port-marks.ts';

export interface PortLine {
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly stopBits: 1 | 2;
  readonly parity: 'none' | 'even' | 'odd';
  readonly flowControl: 'none' | 'rts-cts' | 'xon-xoff';
}

/** What happens on an open port. `bytes` are valid during the call. */
export interface PortEars {
  bytes(bytes: Uint8Array): void;
  /** The driver reports an error, or the line one of a byte; the port may go on. */
  fault(message: string, code?: LineFault): void;
  /** Nothing more will come: it was unplugged, or `close` was called. Called once. */
  ended(): void;
}

export interface OpenPort {
  pause(): void;
  resume(): void;
  /** Gives the driver what it takes at once, and says how many of the bytes that were; what went wrong is told as a fault. */
  write(bytes: Uint8Array): number;
  /** Resolves when the system has let the port go; a driver that hangs keeps it waiting. Idempotent. */
  close(): Promise<void>;
}

/** Keeps a port for this process: locked, and set up as the line says. Its descriptors are good in every thread. */
export interface PortHolder {
  /** Rejects with a PortTrouble. */
  hold(line: PortLine): Promise<number>;
  /** Resolves when the system has let it go. */
  letGo(fd: number): Promise<void>;
}

/** Rejects with a PortTrouble. */
export type PortOpener = (line: PortLine, ears: PortEars) => Promise<OpenPort>;

export interface PortTrouble extends Error {
  readonly trouble: 'absent' | 'permission' | 'busy' | 'no-port' | 'failed';
}

export function portTrouble(trouble: PortTrouble['trouble'], message: string): PortTrouble {
  return Object.assign(new Error(message), { trouble });
}
