// A serial line without hardware: two pseudo-terminals that socat holds back to back. Who reads the line opens `path` as if it were a
// port; the sensor is this end. A write never waits: bytes that find no room were lost on a real wire, too.

import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, lstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from './failure.ts';

export interface PseudoTerminal extends AsyncDisposable {
  /** Writes what there is room for, and says how many of the bytes that were. */
  offer(bytes: Uint8Array): number;
  /** What the reader of the line has sent to the sensor since the last call. */
  receive(): Buffer;
  /** socat is ended at once: the reader sees its line hang up, and `path` is gone. */
  close(): Promise<void>;
}

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 5;
const RECEIVE_BYTES = 4096;
const OPEN_FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** `path` becomes a link to the pseudo-terminal. */
export async function openPseudoTerminal(path: string): Promise<PseudoTerminal> {
  const sensorPath = sensorPathOf(path);
  const pty = (link: string) => `pty,raw,echo=0,link=${link}`;
  if (/[,:!"'\\]/.test(path)) throw new Failure(`${path} holds a character that socat reads as its own; use a plain path`, EXIT.usage);
  clearWay(path);
  clearWay(sensorPath);
  // socat ends with this process, however that ends
  const socat = spawn('setpriv', ['--pdeathsig', 'KILL', 'socat', pty(path), pty(sensorPath)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  socat.stderr.on('data', (text: Buffer) => {
    complaint = (complaint + text.toString()).slice(-1000);
  });
  let isEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isEnded = true;
      resolve();
    };
    socat.once('close', end);
    socat.once('error', (error) => {
      complaint = error.message;
      end();
    });
  });
  const descriptors: number[] = [];
  let closing: Promise<void> | null = null;
  const end = async () => {
    // first the process: with it both terminals hang up, and nobody can open what is about to go
    socat.kill('SIGKILL');
    await ended;
    for (const descriptor of descriptors) closeSync(descriptor);
    for (const link of [path, sensorPath]) rmSync(link, { force: true });
  };
  const close = () => (closing ??= end());

  const startedAtMs = performance.now();
  while (!(existsSync(path) && existsSync(sensorPath))) {
    if (isEnded || performance.now() - startedAtMs > PATIENCE_MS) {
      await close();
      throw new Failure(
        `no pseudo-terminal could be made at ${path}: ${complaint.trim() || 'socat did not answer'} (it needs socat and setpriv: apt-get install socat util-linux)`,
        EXIT.io,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
  // The reader's end is held open here, too: socat would end with the last reader, and a port outlives those who read it.
  descriptors.push(openSync(path, OPEN_FLAGS), openSync(sensorPath, OPEN_FLAGS));
  const sensor = descriptors[1]!;
  return {
    offer(bytes) {
      return bytes.byteLength === 0 ? 0 : unlessBlocked(() => writeSync(sensor, bytes));
    },
    receive() {
      const bytes = Buffer.alloc(RECEIVE_BYTES);
      return bytes.subarray(
        0,
        unlessBlocked(() => readSync(sensor, bytes)),
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A link that an earlier run left behind goes; anything else is somebody's. */
function clearWay(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry && !entry.isSymbolicLink()) throw new Failure(`${path} exists and is no link: it is left alone; choose another path`, EXIT.io);
  rmSync(path, { force: true });
}

/** The other end of the line at `path`. */
export function sensorPathOf(path: string): string {
  return `${path}.sensor`;
}

function unlessBlocked(act: () => number): number {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 0;
    if (code === 'EIO') throw new Failure('the pseudo-terminal is gone: its socat was ended by somebody else', EXIT.io);
    throw error;
  }
}
