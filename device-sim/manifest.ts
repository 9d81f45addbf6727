// The manifest of a run: an append-only file that says what was sent, before it is on the wire, and what was answered, as soon as it is
// seen. With the operating system it is safe from the kill of this process, which is the fault that it is made for; it is not synced.

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { EXIT, Failure, unreadableFile } from './failure.ts';
import { type Happening, LETTER, lineOf } from './happening.ts';

/** Opens every session of a manifest: the word, the version, and facts as JSON. */
export const HEADER = 'fieldgate-manifest';
export const VERSION = 1;

/** What a session says of itself; nothing that depends on where the gateway is. */
export interface ManifestFacts {
  readonly seed?: string;
  readonly software?: string;
  readonly [fact: string]: unknown;
}

export interface Manifest {
  /** Notes what is about to be sent on that stream, or was heard. It is written soon: see `afterWrite`. */
  note(device: string, stream: string, happening: Happening): void;
  /** Runs `send` when everything noted so far is with the operating system; calls of one turn of the event loop share one write. */
  afterWrite(send: () => void): void;
  /** A number for a bare pack, which has none of its own: unique in the file, and rising. */
  numberPack(): number;
  /** Writes at once, for who sends by itself; runs what waits. */
  flush(): void;
  close(): void;
}

/** Begins a manifest, or a further session in one that exists: a last line that its killed writer left torn is cut off. */
export function openManifest(file: string, facts: ManifestFacts = {}): Manifest {
  const fd = openWhole(file);
  // No session has as many packs as its lines have bytes.
  let packs = fstatSync(fd).size;
  const numbers = new Map<string, number>();
  let lines = `${HEADER} ${VERSION} ${JSON.stringify({ ...facts, startedAt: new Date().toISOString() })}\n`;
  let waiting: (() => void)[] = [];
  let turn: NodeJS.Immediate | undefined;
  let isClosed = false;

  function flush(): void {
    clearImmediate(turn);
    turn = undefined;
    if (isClosed) return;
    const bytes = Buffer.from(lines);
    lines = '';
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    const sends = waiting;
    waiting = [];
    for (const send of sends) send();
  }
  function later(): void {
    turn ??= setImmediate(flush);
  }

  flush();
  return {
    note(device, stream, happening) {
      const name = `${device} ${stream}`;
      let number = numbers.get(name);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(name, number);
        lines += `${LETTER.stream} ${number} ${name}\n`;
      }
      lines += lineOf(number, happening);
      later();
    },
    numberPack: () => ++packs,
    afterWrite(send) {
      waiting.push(send);
      later();
    },
    flush,
    close() {
      if (isClosed) return;
      flush();
      isClosed = true;
      closeSync(fd);
    },
  };
}

const CHUNK_BYTES = 64 * 1024;
const LINE_BREAK = 10;

function openWhole(file: string): number {
  let fd: number;
  try {
    fd = openSync(file, 'a+', 0o600);
  } catch (error) {
    throw unreadableFile(file, error);
  }
  const size = fstatSync(fd).size;
  const head = Buffer.alloc(HEADER.length);
  if (readSync(fd, head, 0, head.length, 0) > 0 && !HEADER.startsWith(head.toString('latin1').replaceAll('\0', '').slice(0, size))) {
    closeSync(fd);
    throw new Failure(`${file} exists and is no manifest; name another file`, EXIT.usage);
  }
  const whole = wholeBytes(fd, size);
  if (whole < size) ftruncateSync(fd, whole);
  return fd;
}

/** Where the last whole line ends. */
function wholeBytes(fd: number, size: number): number {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - CHUNK_BYTES);
    readSync(fd, chunk, 0, end - from, from);
    const at = chunk.subarray(0, end - from).lastIndexOf(LINE_BREAK);
    if (at >= 0) return from + at + 1;
    end = from;
  }
  return 0;
}
