// A capture: what came over a serial line, byte for byte and with the times of arrival, as a file. A line of JSON, then records; docs/capture-format.md
// has the format. Pure, so that the gateway, the commands and the simulator read and write the same. Times are epoch µs.

import { crc32c } from './crc32c.ts';

export interface CaptureHeader {
  readonly format: 'fieldgate-capture';
  readonly version: 1;
  readonly startedUs: number;
  /** The same for people. */
  readonly startedAt: string;
  /** The port's settings as `serial.ports` of the configuration takes them, as far as they were known: nobody has checked them. */
  readonly port: Readonly<Record<string, unknown>>;
}

export type CaptureRecord =
  /** One read of the port. */
  | { readonly kind: 'bytes'; readonly atUs: number; readonly bytes: Uint8Array }
  /** Here so many bytes are missing: whoever wrote them down did not keep up. */
  | { readonly kind: 'left-out'; readonly atUs: number; readonly count: number }
  /** The port hung up, or was closed; what follows is from another connection. */
  | { readonly kind: 'hang-up'; readonly atUs: number }
  /** The capture was ended by whoever made it. */
  | { readonly kind: 'end'; readonly atUs: number };

/** How reading ended: at its end, without one (its writer was cut off), or at bytes that are not what was written. */
export type CaptureOutcome = 'whole' | 'cut-short' | 'damaged';

export const CAPTURE_TYPE = 'application/vnd.fieldgate.capture';
const FORMAT = 'fieldgate-capture';
const VERSION = 1;

const LETTERS = { bytes: 0x44, 'left-out': 0x4c, 'hang-up': 0x48, end: 0x45, check: 0x43 } as const;
/** Letter, µs since the record before (u48), bytes of content (u16); little-endian. */
const HEAD_BYTES = 9;
const LONGEST_CONTENT = 0xffff;
/** A check follows at least so often. */
const CHECK_BYTES = 4096;
/** What a reader keeps at most: a block whose check is not there yet. */
const LONGEST_BLOCK = 256 * 1024;
const LONGEST_HEADER = 64 * 1024;
const NEWLINE = 0x0a;
const U32 = 2 ** 32;

export interface CaptureWriter {
  bytes(bytes: Uint8Array, atUs: number): void;
  leftOut(count: number, atUs: number): void;
  hangUp(atUs: number): void;
  end(atUs: number): void;
  /** Written and not taken yet. */
  readonly waitingBytes: number;
  take(): Uint8Array<ArrayBuffer>;
}

export function captureHeader(startedUs: number, port: CaptureHeader['port']): CaptureHeader {
  return { format: FORMAT, version: VERSION, startedUs, startedAt: new Date(startedUs / 1000).toISOString(), port };
}

export function createCaptureWriter(header: CaptureHeader): CaptureWriter {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lastUs = header.startedUs;
  let check = 0;
  let uncheckedBytes = 0;

  function put(bytes: Uint8Array): void {
    waiting.push(bytes);
    waitingBytes += bytes.length;
    check = crc32c(bytes, check);
    uncheckedBytes += bytes.length;
  }
  function record(letter: number, atUs: number, content: Uint8Array): void {
    const whole = new Uint8Array(HEAD_BYTES + content.length);
    const view = new DataView(whole.buffer);
    const deltaUs = Math.max(0, Math.round(atUs - lastUs));
    lastUs += deltaUs;
    whole[0] = letter;
    putU48(view, 1, deltaUs);
    view.setUint16(7, content.length, true);
    whole.set(content, HEAD_BYTES);
    put(whole);
  }
  function seal(): void {
    const content = new Uint8Array(4);
    new DataView(content.buffer).setUint32(0, check, true);
    record(LETTERS.check, lastUs, content);
    check = 0;
    uncheckedBytes = 0;
  }
  function add(letter: number, atUs: number, content: Uint8Array): void {
    record(letter, atUs, content);
    if (uncheckedBytes >= CHECK_BYTES || letter === LETTERS.end) seal();
  }

  put(new TextEncoder().encode(`${JSON.stringify(header)}\n`));
  return {
    bytes(bytes, atUs) {
      for (let from = 0; from < bytes.length; from += LONGEST_CONTENT)
        add(LETTERS.bytes, atUs, bytes.subarray(from, from + LONGEST_CONTENT));
    },
    leftOut(count, atUs) {
      const content = new Uint8Array(6);
      putU48(new DataView(content.buffer), 0, count);
      add(LETTERS['left-out'], atUs, content);
    },
    hangUp: (atUs) => add(LETTERS['hang-up'], atUs, NOTHING),
    end: (atUs) => add(LETTERS.end, atUs, NOTHING),
    get waitingBytes() {
      return waitingBytes;
    },
    take() {
      const taken = new Uint8Array(waitingBytes);
      let at = 0;
      for (const one of waiting) {
        taken.set(one, at);
        at += one.length;
      }
      waiting = [];
      waitingBytes = 0;
      return taken;
    },
  };
}

export interface CaptureReader {
  /** What is sure by now: records come when the check after them has shown that they are what was written. */
  push(bytes: Uint8Array): readonly CaptureRecord[];
  /** Nothing more comes: the whole records that no check follows, and how it ended. */
  close(): { readonly records: readonly CaptureRecord[]; readonly outcome: CaptureOutcome };
  /** null: not read yet. */
  readonly header: CaptureHeader | null;
  /** Why it is no capture that can be read here, as a sentence; null: it may be one. */
  readonly problem: string | null;
  /** Everything before this byte of the file was read. */
  readonly readTo: number;
}

export function createCaptureReader(): CaptureReader {
  /** From the last check on. */
  let block: Uint8Array = NOTHING;
  /** Of the block, how much is parsed. */
  let parsed = 0;
  let held: CaptureRecord[] = [];
  let header: CaptureHeader | null = null;
  let problem: string | null = null;
  let isDamaged = false;
  let hasEnded = false;
  let atUs = 0;
  let blockFrom = 0;

  function readHeader(): boolean {
    const end = block.indexOf(NEWLINE);
    if (end === -1 || end > LONGEST_HEADER) {
      if (end > LONGEST_HEADER || block.length > LONGEST_HEADER || !looksRight(block)) problem = 'this is no capture of a serial line';
      return false;
    }
    const parsedHeader = parseHeader(block.subarray(0, end));
    if (typeof parsedHeader === 'string') problem = parsedHeader;
    else {
      header = parsedHeader;
      atUs = parsedHeader.startedUs;
      parsed = end + 1;
    }
    return header !== null;
  }

  /** Parses what is there; moves what a check vouches for into `sure`. */
  function parse(sure: CaptureRecord[]): void {
    while (!isDamaged && block.length - parsed >= HEAD_BYTES) {
      const view = new DataView(block.buffer, block.byteOffset + parsed);
      const length = view.getUint16(7, true);
      if (block.length - parsed < HEAD_BYTES + length) break;
      const content = block.subarray(parsed + HEAD_BYTES, parsed + HEAD_BYTES + length);
      const letter = block[parsed];
      const deltaUs = getU48(view, 1);
      atUs += deltaUs;
      if (letter === LETTERS.check) {
        // it vouches for what is before it, so its own head must be the only one that there is
        const wanted = length === 4 && deltaUs === 0 ? view.getUint32(HEAD_BYTES, true) : -1;
        if (crc32c(block.subarray(0, parsed)) !== wanted) {
          isDamaged = true;
          held = [];
          break;
        }
        sure.push(...held);
        hasEnded ||= held.some(({ kind }) => kind === 'end');
        held = [];
        parsed += HEAD_BYTES + length;
        blockFrom += parsed;
        block = block.subarray(parsed);
        parsed = 0;
        continue;
      }
      const one = recordOf(letter, content, atUs);
      // letters that a later version added are no business of ours
      if (one !== null) held.push(one);
      parsed += HEAD_BYTES + length;
    }
    if (block.length > LONGEST_BLOCK) {
      isDamaged = true;
      held = [];
    }
  }

  return {
    push(bytes) {
      const sure: CaptureRecord[] = [];
      // bounded, however much comes at once
      for (let from = 0; from < bytes.length && !isDamaged && !hasEnded && problem === null; from += LONGEST_CONTENT) {
        block = joined(block, bytes.subarray(from, from + LONGEST_CONTENT));
        if (header !== null || readHeader()) parse(sure);
      }
      return sure;
    },
    close() {
      if (header === null) problem ??= 'this is no capture of a serial line, or less than the beginning of one';
      const records = held;
      held = [];
      return { records, outcome: isDamaged ? 'damaged' : hasEnded ? 'whole' : 'cut-short' };
    },
    get header() {
      return header;
    },
    get problem() {
      return problem;
    },
    get readTo() {
      return blockFrom + (isDamaged ? 0 : parsed);
    },
  };
}

/** A capture as it comes from a file or a socket. Throws a CaptureProblem when it is none. */
export interface OpenCapture {
  readonly header: CaptureHeader;
  /** Once. */
  records(): AsyncGenerator<CaptureRecord>;
  /** After the last record. */
  readonly end: { readonly outcome: CaptureOutcome; readonly readTo: number };
}
export class CaptureProblem extends Error {
  override readonly name = 'CaptureProblem';
}

export async function openCapture(source: AsyncIterable<Uint8Array>): Promise<OpenCapture> {
  const reader = createCaptureReader();
  const pieces = source[Symbol.asyncIterator]();
  let first: readonly CaptureRecord[] = [];
  let isOver = false;
  let outcome: CaptureOutcome = 'cut-short';
  while (reader.header === null && reader.problem === null && !isOver) {
    const piece = await pieces.next();
    isOver = piece.done === true;
    if (piece.done !== true) first = reader.push(piece.value);
  }
  if (reader.header === null) {
    if (isOver) reader.close();
    await pieces.return?.();
    throw new CaptureProblem(reader.problem ?? '');
  }
  return {
    header: reader.header,
    async *records() {
      yield* first;
      while (!isOver) {
        const piece = await pieces.next();
        isOver = piece.done === true;
        if (piece.done !== true) yield* reader.push(piece.value);
      }
      const last = reader.close();
      yield* last.records;
      outcome = last.outcome;
    },
    get end() {
      return { outcome, readTo: reader.readTo };
    },
  };
}

const NOTHING = new Uint8Array(0);

function recordOf(letter: number | undefined, content: Uint8Array, atUs: number): CaptureRecord | null {
  switch (letter) {
    case LETTERS.bytes:
      return { kind: 'bytes', atUs, bytes: content };
    case LETTERS['left-out']:
      return content.length === 6 ? { kind: 'left-out', atUs, count: getU48(new DataView(content.buffer, content.byteOffset), 0) } : null;
    case LETTERS['hang-up']:
      return { kind: 'hang-up', atUs };
    case LETTERS.end:
      return { kind: 'end', atUs };
    default:
      return null;
  }
}

function parseHeader(line: Uint8Array): CaptureHeader | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    return 'this is no capture of a serial line';
  }
  const { format, version, startedUs, port } = (value ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) return 'this is no capture of a serial line';
  if (version !== VERSION) return `this capture is of version ${String(version).slice(0, 16)}; version ${VERSION} is read here`;
  if (typeof startedUs !== 'number' || !Number.isSafeInteger(startedUs) || startedUs < 0) return 'startedUs of this capture is no time';
  return captureHeader(startedUs, typeof port === 'object' && port !== null ? (port as CaptureHeader['port']) : {});
}

/** Whatever is no JSON object is told from a capture by its first byte. */
function looksRight(bytes: Uint8Array): boolean {
  return bytes.length === 0 || bytes[0] === 0x7b;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b.slice();
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function putU48(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % U32, true);
  view.setUint16(at + 4, Math.floor(value / U32), true);
}
function getU48(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint16(at + 4, true) * U32;
}
