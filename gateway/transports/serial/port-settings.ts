// One serial port as a configuration says it, checked and with every default filled in: plain values that go from thread to thread.

import type { FramingSettings } from './framing-settings.ts';
import type { ModbusSettings } from './modbus-settings.ts';
import type { PortLine } from './port-line.ts';
import type { RuleSettings } from './rules-settings.ts';

export interface SerialPortSettings extends PortLine {
  readonly device: string;
  readonly framing: FramingSettings | ModbusSettings;
  /** null: there is nothing to be made of frames, the points of the Modbus groups are the readings. */
  readonly rule: RuleSettings | null;
  /** At least one byte should come so often; null: nobody knows. */
  readonly expectEverySeconds: number | null;
}

/** What a port needs that is listened to, which all are but a Modbus bus. */
export interface HeardSettings {
  readonly framing: FramingSettings;
  readonly rule: RuleSettings;
}

/** null: it is a Modbus bus. */
export function heardSettings({ framing, rule }: Pick<SerialPortSettings, 'framing' | 'rule'>): HeardSettings | null {
  return framing.kind === 'modbus-rtu' || rule === null ? null : { framing, rule };
}

export interface SerialLimits {
  readonly serialLineBytes: number;
  readonly serialGapSeconds: number;
  readonly serialBufferBytes: number;
}
