// Reads a manifest: once through to see which lines are whose, then device by device, so that a long run of a large fleet fits into memory.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EXIT, Failure, unreadableFile } from './failure.ts';
import { LETTER, readLine } from './happening.ts';
import { HEADER, type ManifestFacts, VERSION } from './manifest.ts';
import { createSentDevice, type SentDevice } from './sent-device.ts';

export interface ManifestReader {
  /** Of each session, the first one first. */
  readonly sessions: readonly ManifestFacts[];
  readonly devices: readonly string[];
  /** Of a last line that was cut in the middle; it says nothing. */
  readonly tornBytes: number;
  device(id: string): SentDevice;
  close(): void;
}

interface Line {
  readonly offset: number;
  readonly length: number;
}
/** A device's lines in columns: a long run has millions of them. */
interface Index {
  readonly streams: string[];
  readonly offset: number[];
  readonly length: number[];
  readonly stream: number[];
}

const CHUNK_BYTES = 1024 * 1024;
const LINE_BREAK = 10;
const SPACE = 32;

export function readManifest(file: string): ManifestReader {
  const fd = openFile(file);
  try {
    const scan = scanLines(fd, file);
    let buffer = Buffer.alloc(CHUNK_BYTES);
    return {
      ...scan,
      devices: [...scan.indexes.keys()],
      device(id) {
        const index = scan.indexes.get(id);
        const sent = createSentDevice(id);
        for (let i = 0; i < (index?.offset.length ?? 0); i++) {
          const length = index!.length[i]!;
          if (length > buffer.length) buffer = Buffer.alloc(length * 2);
          readSync(fd, buffer, 0, length, index!.offset[i]!);
          const happening = readLine(buffer.toString('utf8', 0, length));
          if (happening === null) throw brokenAt(file, index!.offset[i]!);
          sent.take(index!.streams[index!.stream[i]!]!, happening);
        }
        return sent;
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw unreadableFile(file, error);
  }
}

function brokenAt(file: string, offset: number): Failure {
  return new Failure(`${file} is not readable as a manifest from byte ${offset} on`, EXIT.io);
}

function scanLines(fd: number, file: string) {
  const sessions: ManifestFacts[] = [];
  const indexes = new Map<string, Index>();
  let streams: { readonly index: Index; readonly at: number }[] = [];
  /** Acks only rise: of those between two welcomes the last one is enough. */
  let lastAcks = new Map<number, Line>();

  function push(number: number, offset: number, length: number): void {
    const { index, at } = streams[number]!;
    index.offset.push(offset);
    index.length.push(length);
    index.stream.push(at);
  }
  function pushAck(number: number): void {
    const ack = lastAcks.get(number);
    if (ack === undefined) return;
    lastAcks.delete(number);
    push(number, ack.offset, ack.length);
  }
  function endSession(): void {
    for (const number of lastAcks.keys()) pushAck(number);
    streams = [];
    lastAcks = new Map();
  }
  function take(line: Buffer, offset: number): void {
    if (line[1] !== SPACE) {
      endSession();
      sessions.push(readHeader(line.toString('utf8'), file, offset));
      return;
    }
    const letter = String.fromCharCode(line[0]!);
    const end = line.indexOf(SPACE, 2);
    const number = Number(line.toString('latin1', 2, end < 0 ? line.length : end));
    if (sessions.length === 0 || end < 0 || !Number.isSafeInteger(number)) throw brokenAt(file, offset);
    if (letter === LETTER.stream) {
      const [device = '', name = ''] = line.toString('latin1', end + 1).split(' ');
      let index = indexes.get(device);
      if (index === undefined) indexes.set(device, (index = { streams: [], offset: [], length: [], stream: [] }));
      let at = index.streams.indexOf(name);
      if (at < 0) at = index.streams.push(name) - 1;
      streams[number] = { index, at };
      return;
    }
    if (streams[number] === undefined) throw brokenAt(file, offset);
    if (letter === LETTER.ack) lastAcks.set(number, { offset, length: line.length });
    else {
      if (letter === LETTER.welcome) pushAck(number);
      push(number, offset, line.length);
    }
  }

  const size = fstatSync(fd).size;
  let rest = Buffer.alloc(0);
  let at = 0;
  while (at < size) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
    const got = readSync(fd, chunk, 0, chunk.length, at);
    if (got === 0) break;
    const start = at - rest.length;
    const text = rest.length === 0 ? chunk.subarray(0, got) : Buffer.concat([rest, chunk.subarray(0, got)]);
    let from = 0;
    for (let end = text.indexOf(LINE_BREAK); end >= 0; end = text.indexOf(LINE_BREAK, from)) {
      take(text.subarray(from, end), start + from);
      from = end + 1;
    }
    rest = text.subarray(from);
    at += got;
  }
  endSession();
  if (sessions.length === 0) throw new Failure(`${file} is no manifest: ${size === 0 ? 'it is empty' : 'it has no header'}`, EXIT.io);
  return { sessions, indexes, tornBytes: rest.length };
}

function readHeader(line: string, file: string, offset: number): ManifestFacts {
  const [, version, facts] = new RegExp(`^${HEADER} (\\d+) (\\{.*\\})$`).exec(line) ?? [];
  if (version === undefined || facts === undefined) throw brokenAt(file, offset);
  if (Number(version) !== VERSION)
    throw new Failure(`${file} is a manifest of version ${version}; this simulator reads version ${VERSION}`, EXIT.io);
  return JSON.parse(facts) as ManifestFacts;
}
