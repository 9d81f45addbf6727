// Captures and replays of serial ports, joined for the API: which port is meant, and whether it may be.

import type { CaptureBook } from './api/capture-book.ts';
import { type CaptureReplays, type CaptureReplaysOptions, createCaptureReplays } from './capture-replays.ts';
import { readSerialPort } from './config-serial.ts';
import { badSerial, type SerialBook } from './serial-book.ts';
import type { SerialPortView } from './protocol/rest.ts';
import { createCaptures } from './transports/serial/capture-streams.ts';
import type { SerialPortSettings } from './transports/serial/port-settings.ts';
import type { SerialPorts } from './transports/serial/serial.ts';

export interface CaptureDesk extends CaptureBook {
  readonly replayViews: CaptureReplays['views'];
  stop(): Promise<void>;
}
export interface CaptureDeskOptions extends Omit<CaptureReplaysOptions, 'settingsOf' | 'check'> {
  /** Asked late: the book shows our replays, and we look up its ports. */
  readonly serial: () => Pick<SerialBook, 'views'>;
  readonly tap: SerialPorts['tap'];
}

export function createCaptureDesk({ serial, tap, ...options }: CaptureDeskOptions): CaptureDesk {
  const captures = createCaptures({ bufferBytes: options.limits.serialBufferBytes, tap });
  /** Of this machine, or null. */
  const portOf = (id: string): SerialPortView | null =>
    serial()
      .views()
      .find((port) => port.id === id && (port.origin === 'file' || port.origin === 'console')) ?? null;
  const replays = createCaptureReplays({
    ...options,
    settingsOf: (id) => (portOf(id)?.settings as SerialPortSettings | null | undefined) ?? undefined,
    check(raw) {
      const read = readSerialPort(raw);
      return 'faults' in read ? badSerial(read.faults) : read.read;
    },
  });
  return {
    capture(id, question) {
      const port = portOf(id);
      if (port?.settings == null) return { refused: 'not-found' };
      return captures.open({ id, path: port.path, settings: { ...port.settings } }, question) ?? { refused: 'capture-running' };
    },
    finish: (id) => captures.finish(id) || { refused: 'not-found' },
    replay: replays.start,
    replayViews: replays.views,
    stop: replays.stop,
  };
}
