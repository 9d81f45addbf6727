// Opens a serial port with the native half of the binding, which sets it up and locks it, and reads it as a terminal. So a port costs three
// descriptors while it is open. The other half must not come into a worker thread: each port object of it puts a poller into the event loop
// of the main thread, from wherever it is made and collected, and both threads then write to that loop.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { asyncClose, asyncOpen } from '@serialport/bindings-cpp/dist/load-bindings.js';
import { createMarkReader, markErrors } from './port-marks.ts';
import { type OpenPort, type PortEars, type PortLine, type PortTrouble, portTrouble } from './port-line.ts';

export async function openPort(line: PortLine, ears: PortEars): Promise<OpenPort> {
  const { path, baudRate, dataBits, stopBits, parity, flowControl } = line;
  const isXon = flowControl === 'xon-xoff';
  const settings = { ...RAW, baudRate, dataBits, stopBits, parity, rtscts: flowControl === 'rts-cts', xon: isXon, xoff: isXon };
  const heldFd: number = await asyncOpen(path, settings).catch((error: unknown) => {
    throw troubleOf(error);
  });
  const isMarked = await markErrors(heldFd);
  let reader: Reader;
  try {
    reader = openReader(heldFd);
  } catch (error) {
    await asyncClose(heldFd);
    throw troubleOf(error);
  }
  const { stream, fd } = reader;
  let hasEnded = false;
  let closing: Promise<void> | null = null;
  const closed = new Promise<void>((resolve) => {
    stream.on('close', () => {
      hasEnded = true;
      // the stream has made a descriptor of its own and closed that; where it could not, it used ours
      if (reader.isOwn) closeSync(fd);
      resolve();
      ears.ended();
    });
  });
  const marks = isMarked ? createMarkReader({ bytes: ears.bytes, fault: (fault) => ears.fault(fault, fault) }) : null;
  stream.on('data', (bytes: Buffer) => (marks === null ? ears.bytes(bytes) : marks.push(bytes)));
  // with a listener the stream goes on to its end
  stream.on('error', (error) => ears.fault(error.message));
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    write(bytes) {
      if (hasEnded || closing !== null) return 0;
      try {
        // not the binding's own, which shares a poller with its reader
        return writeSync(heldFd, bytes);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN') ears.fault(message);
        return 0;
      }
    },
    close() {
      closing ??= (async () => {
        if (!hasEnded) stream.destroy();
        await closed;
        // last, because only the last one to let go waits for the driver, and this one waits beside the thread
        await asyncClose(heldFd);
      })();
      return closing;
    },
  };
}

/** What the binding adds to the settings of a line. */
const RAW = { vmin: 1, vtime: 0, xany: false, hupcl: true, lock: true };

interface Reader {
  readonly stream: ReadStream;
  readonly fd: number;
  readonly isOwn: boolean;
}

/** A second descriptor of the same port, whatever its path has come to mean since: the lock stays with the first. */
function openReader(heldFd: number): Reader {
  const fd = openSync(`/dev/fd/${heldFd}`, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    const stream = new ReadStream(fd);
    const used = (stream as unknown as { _handle: { fd: number } })._handle.fd;
    return { stream, fd, isOwn: used !== fd };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

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
