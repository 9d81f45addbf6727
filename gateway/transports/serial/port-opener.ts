// Opens a serial port: one descriptor is held, set up and locked, and a second one is read as a terminal. So a port costs three descriptors
// while it is open. Who holds it says a `PortHolder`, for that cannot be done in the thread that reads.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { createMarkReader, markErrors } from './port-marks.ts';
import { type OpenPort, type PortEars, type PortHolder, type PortLine, type PortOpener, portTrouble } from './port-line.ts';

export function createPortOpener(holder: PortHolder): PortOpener {
  return (line, ears) => openPort(holder, line, ears);
}

async function openPort(holder: PortHolder, line: PortLine, ears: PortEars): Promise<OpenPort> {
  const heldFd = await holder.hold(line);
  const isMarked = await markErrors(heldFd);
  let reader: Reader;
  try {
    reader = openReader(heldFd);
  } catch (error) {
    await holder.letGo(heldFd);
    throw portTrouble('failed', (error as Error).message);
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
        await holder.letGo(heldFd);
      })();
      return closing;
    },
  };
}

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
