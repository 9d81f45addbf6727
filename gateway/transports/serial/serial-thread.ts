// The thread that reads the serial ports: whatever keeps the gateway's own thread busy, bytes are taken from the drivers in time.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { PORT_TIMING } from './port.ts';
import { holdersOf } from './port-holders.ts';
import { openPort } from './port-opener.ts';
import { createPortReader } from './port-reader.ts';
import type { FromThread, SerialThreadData, ToThread } from './serial-messages.ts';

/** Nice values below 0 take a right or a limit (CAP_SYS_NICE, LimitNICE=). */
const PRIORITY = -10;

const gateway = parentPort;
if (gateway === null) throw new Error('serial-thread runs in a worker thread');
raisePriority();
const { ports, limits } = workerData as SerialThreadData;
const say = (message: FromThread): void => gateway.postMessage(message);

const reader = createPortReader({
  ports,
  limits,
  open: openPort,
  holdersOf,
  timing: PORT_TIMING,
  nowUs: () => Date.now() * 1000,
  frames: (port, frames) => say({ what: 'frames', port, frames }),
  status: (port, status) => say({ what: 'status', port, status }),
});

gateway.on('message', (message: ToThread) => {
  switch (message.what) {
    case 'taken':
      reader.taken(message.port);
      break;
    case 'stop':
      void reader.close().then(() => say({ what: 'stopped' }));
      break;
    default:
      message satisfies never;
  }
});

/** A driver keeps some milliseconds of bytes. On Linux this thread alone is meant, where the user may do it at all. */
function raisePriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, PRIORITY);
  } catch {
    // an ordinary user: the thread takes its turn among the others
  }
}
