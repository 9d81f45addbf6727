// One serial port as a configuration says it, checked and with every default filled in: plain values that go from thread to thread.

import type { FramingSettings } from './framing-settings.ts';
import type { PortLine } from './port-line.ts';
import type { RuleSettings } from './rules-settings.ts';

export interface SerialPortSettings extends PortLine {
  readonly device: string;
  readonly framing: FramingSettings;
  readonly rule: RuleSettings;
  /** At least one byte should come so often; null: nobody knows. */
  readonly expectEverySeconds: number | null;
}

export interface SerialLimits {
  readonly serialLineBytes: number;
  readonly serialGapSeconds: number;
  readonly serialBufferBytes: number;
}
