// What a port is doing, why, and what mends it: the words that operators read in the API, the events and the log.

import type { PortTrouble } from './port-line.ts';

export type PortState =
  /** It is being opened for the first time, or again. */
  | 'opening'
  | 'open'
  /** There is no such port now. It is opened when it comes. */
  | 'absent'
  /** It is open, and nothing has come for longer than it should. It is reopened now and then. */
  | 'silent'
  /** It is open, and for a minute nothing that came could be read. */
  | 'garbage'
  /** The driver does not let go of it. */
  | 'stuck'
  /** It is there and cannot be opened. It is tried again. */
  | 'failed'
  /** Nobody reads it: the gateway stops. */
  | 'closed';

const STATES: Readonly<Record<PortState, true>> = {
  opening: true,
  open: true,
  absent: true,
  silent: true,
  garbage: true,
  stuck: true,
  failed: true,
  closed: true,
};
export const PORT_STATES = Object.keys(STATES) as readonly PortState[];

export interface PortCondition {
  readonly state: PortState;
  /** '' when all is well. */
  readonly reason: string;
  /** What to do about it; '' when nothing needs to be done. */
  readonly mend: string;
}

export const OPENING: PortCondition = { state: 'opening', reason: '', mend: '' };
export const OPEN: PortCondition = { state: 'open', reason: '', mend: '' };
export const CLOSED: PortCondition = { state: 'closed', reason: '', mend: '' };

export const STUCK: PortCondition = {
  state: 'stuck',
  reason: 'the driver does not let go of the port',
  mend: 'unplug the adapter; if that does not help, restart the machine',
};
export const UNPLUGGED: PortCondition = {
  state: 'absent',
  reason: 'it was unplugged, or the other end hung up',
  mend: 'plug it in again; it is opened by itself',
};

export function silent(seconds: number): PortCondition {
  return {
    state: 'silent',
    reason: `nothing came for ${seconds} s`,
    mend: 'check cable and power of the sensor; if it speaks less often, raise expectEverySeconds',
  };
}

export function garbage(seconds: number, baudRate: number): PortCondition {
  return {
    state: 'garbage',
    reason: `nothing that came in the last ${seconds} s could be read`,
    mend: `check baudRate (${baudRate} here), dataBits, parity, and whether framing and rule fit the sensor`,
  };
}

export function cannotOpen({ trouble, message }: PortTrouble, holders: readonly string[]): PortCondition {
  switch (trouble) {
    case 'absent':
      return {
        state: 'absent',
        reason: 'there is no such port',
        mend: 'plug it in, or set path to one that "fieldgate serial ports" lists',
      };
    case 'permission':
      return {
        state: 'failed',
        reason: `permission denied: ${message}`,
        mend: 'add the gateway\'s user to the group that owns the port (sudo usermod -aG dialout USER; "ls -l" shows the group), then restart it',
      };
    case 'busy':
      return {
        state: 'failed',
        reason: holders.length === 0 ? 'another program has it open' : `held by ${holders.join(', ')}`,
        mend: 'stop the program that has it open (sudo fuser -v PORT; often ModemManager, brltty or gpsd)',
      };
    case 'no-port':
      return { state: 'failed', reason: `not a serial port, or not at this speed: ${message}`, mend: 'check path and baudRate' };
    case 'failed':
      return { state: 'failed', reason: message, mend: "see the kernel's messages (dmesg) for the adapter" };
    default:
      return trouble satisfies never;
  }
}
