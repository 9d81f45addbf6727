// The thread that reads the serial ports: whatever keeps the gateway's own thread busy, bytes are taken from the drivers in time.

import { parentPort, workerData } from 'node:worker_threads';
import { PORT_TIMING } from './port.ts';
import { holdersOf } from './port-holders.ts';
import { openPort } from './port-opener.ts';
import { createPortReader } from './port-reader.ts';
import type { FromThread, SerialThreadData, ToThread } from './serial-messages.ts';

const gateway = parentPort;
if (gateway === null) throw new Error('serial-thread runs in a worker thread');
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
