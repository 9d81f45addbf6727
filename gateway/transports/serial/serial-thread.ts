// The thread that reads the serial ports: whatever keeps the gateway's own thread busy, bytes are taken from the drivers in time.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { createCaptureTaps } from './capture-taps.ts';
import { createBorrowingHolder } from './lent-holder.ts';
import { PORT_TIMING } from './port.ts';
import { holdersOf } from './port-holders.ts';
import { createPortOpener } from './port-opener.ts';
import { createPortReader } from './port-reader.ts';
import type { FromThread, SerialThreadData, ToThread } from './serial-messages.ts';

/** Nice values below 0 take a right or a limit (CAP_SYS_NICE, LimitNICE=). */
const PRIORITY = -10;

const gateway = parentPort;
if (gateway === null) throw new Error('serial-thread runs in a worker thread');
raisePriority();
const { seats, limits } = workerData as SerialThreadData;
const say = (message: FromThread): void => gateway.postMessage(message);

const holder = createBorrowingHolder(say);
const taps = createCaptureTaps(createPortOpener(holder));
const reader = createPortReader({
  limits,
  open: taps.open,
  holdersOf,
  timing: PORT_TIMING,
  nowUs: () => Date.now() * 1000,
  frames: (seat, frames) => say({ what: 'frames', seat, frames }),
  status: (seat, status) => say({ what: 'status', seat, status }),
  event: (seat, event) => say({ what: 'event', seat, event }),
  gone: (seat) => say({ what: 'gone', seat }),
});
for (const seat of seats) reader.add(seat, null);

gateway.on('message', (message: ToThread) => {
  switch (message.what) {
    case 'add':
      reader.add(message.added, message.after);
      break;
    case 'remove':
      reader.remove(message.seat);
      break;
    case 'held':
      holder.answered(message);
      break;
    case 'taken':
      reader.taken(message.seat);
      break;
    case 'capture':
      taps.start(message.order, message.channel);
      break;
    case 'stop':
      taps.close();
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
