// Holds a serial port with the native half of the binding, which sets it up and locks it. In the main thread only: a native call that is
// under way, or ends, when its worker thread is terminated takes the whole process with it (an uncaught Napi::Error). And the other half
// of the binding puts a poller into the main thread's event loop from whichever thread it is in.

import { asyncClose, asyncOpen } from '@serialport/bindings-cpp/dist/load-bindings.js';
import { type PortHolder, type PortTrouble, portTrouble } from './port-line.ts';

/** What the binding adds to the settings of a line. */
const RAW = { vmin: 1, vtime: 0, xany: false, hupcl: true, lock: true };

export const nativeHolder: PortHolder = {
  async hold({ path, baudRate, dataBits, stopBits, parity, flowControl }) {
    const isXon = flowControl === 'xon-xoff';
    const settings = { ...RAW, baudRate, dataBits, stopBits, parity, rtscts: flowControl === 'rts-cts', xon: isXon, xoff: isXon };
    try {
      return await asyncOpen(path, settings);
    } catch (error) {
      throw troubleOf(error);
    }
  },
  async letGo(fd) {
    await asyncClose(fd);
  },
};

/** The binding says it in words alone. */
function troubleOf(error: unknown): PortTrouble {
  const message = error instanceof Error ? error.message : String(error);
  const trouble = TROUBLES.find(([pattern]) => pattern.test(message))?.[1] ?? 'failed';
  return portTrouble(trouble, message.replace(/^Error:? /, '').slice(0, 200));
}

const TROUBLES: readonly (readonly [RegExp, PortTrouble['trouble']])[] = [
  [/No such (file|device)|ENOENT|ENODEV|ENXIO/i, 'absent'],
  [/Permission denied|Operation not permitted|EACCES|EPERM/i, 'permission'],
  [/Cannot lock port|resource busy|temporarily unavailable|EBUSY/i, 'busy'],
  [/Inappropriate ioctl|ENOTTY|Not a (typewriter|character)/i, 'no-port'],
];
