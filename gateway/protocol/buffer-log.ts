// The text of a buffer's file: one record a line, `CCCCCCCC KIND FIELDS…`, where C is the CRC-32C in hex of what follows the blank. A line
// that does not add up is torn or damaged; what a damaged file still tells comes in runs, with the damage between them.

import { crc32c } from './crc32c.ts';
import type { FrameBody } from './frame-split.ts';
import type { BufferEntry } from './send-buffer.ts';

export type BufferRecord =
  /** Always the first: `provenTo` as in `SendBuffer`, for a file that was rewritten before a welcome came. */
  | { readonly kind: 'start'; readonly stream: string; readonly first: number; readonly acked: number; readonly provenTo: number }
  | { readonly kind: 'frame'; readonly seq: number; readonly readings: number; readonly body: string }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number; readonly reason: string }
  | { readonly kind: 'lost'; readonly from: number; readonly to: number }
  | { readonly kind: 'acked'; readonly seq: number }
  | { readonly kind: 'replaced'; readonly seq: number; readonly frames: readonly FrameBody[] }
  /** A program opened the file; a welcome agreed with it. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'confirmed' };

export const BUFFER_FORMAT = 1;

const CRC_CHARACTERS = 8;
const NEWLINE = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeRecord(record: BufferRecord): Uint8Array {
  const payload = encoder.encode(payloadOf(record));
  const line = new Uint8Array(CRC_CHARACTERS + payload.length + 2);
  encoder.encodeInto(`${crc32c(payload).toString(16).padStart(CRC_CHARACTERS, '0')} `, line);
  line.set(payload, CRC_CHARACTERS + 1);
  line[line.length - 1] = NEWLINE;
  return line;
}

export function entryRecord({ from, to, body, readings, reason }: BufferEntry): BufferRecord {
  return body === null ? { kind: 'gap', from, to, reason } : { kind: 'frame', seq: from, readings, body };
}

export interface ReadLog {
  /** Whole records in order; where something unreadable lies between two of them, a new run begins. The first starts at the file's start. */
  readonly runs: readonly (readonly BufferRecord[])[];
  /** Where the last whole record ends: the rest is a torn tail. */
  readonly goodBytes: number;
}

export function readLog(bytes: Uint8Array): ReadLog {
  const runs: BufferRecord[][] = [[]];
  let isWhole = true;
  let goodBytes = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at);
    const record = end < 0 ? null : decodeLine(bytes.subarray(at, end));
    if (record === null) isWhole = false;
    else {
      if (!isWhole) runs.push([]);
      isWhole = true;
      runs.at(-1)!.push(record);
      goodBytes = end + 1;
    }
    if (end < 0) break;
    at = end + 1;
  }
  return { runs, goodBytes };
}

function payloadOf(record: BufferRecord): string {
  switch (record.kind) {
    case 'start':
      return `S ${BUFFER_FORMAT} ${record.stream} ${record.first} ${record.acked} ${record.provenTo}`;
    case 'frame':
      return `F ${record.seq} ${record.readings} ${record.body}`;
    case 'gap':
      return `G ${record.from} ${record.to} ${record.reason}`;
    case 'lost':
      return `L ${record.from} ${record.to}`;
    case 'acked':
      return `A ${record.seq}`;
    case 'replaced':
      return `R ${record.seq} ${JSON.stringify(record.frames.map(({ readings, body }) => [readings, body]))}`;
    case 'opened':
      return 'O';
    case 'confirmed':
      return 'M';
    default:
      return record satisfies never;
  }
}

/** A file of a later version: better not touched than misread. */
export class UnknownBufferFormat extends Error {}

function decodeLine(line: Uint8Array): BufferRecord | null {
  if (line.length < CRC_CHARACTERS + 2) return null;
  const payload = line.subarray(CRC_CHARACTERS + 1);
  try {
    const sum = decoder.decode(line.subarray(0, CRC_CHARACTERS + 1));
    return sum === `${crc32c(payload).toString(16).padStart(CRC_CHARACTERS, '0')} ` ? parsePayload(decoder.decode(payload)) : null;
  } catch (error) {
    if (error instanceof UnknownBufferFormat) throw error;
    return null;
  }
}

/** What adds up was written by this code, or by a later version of it. */
function parsePayload(text: string): BufferRecord {
  const [kind, first = '', second = '', third = '', fourth = '', fifth = ''] = text.split(' ', 6);
  switch (kind) {
    case 'S':
      if (Number(first) !== BUFFER_FORMAT) break;
      return { kind: 'start', stream: second, first: Number(third), acked: Number(fourth), provenTo: Number(fifth) };
    case 'F':
      return { kind: 'frame', seq: Number(first), readings: Number(second), body: text.slice(4 + first.length + second.length) };
    case 'G':
      return { kind: 'gap', from: Number(first), to: Number(second), reason: third };
    case 'L':
      return { kind: 'lost', from: Number(first), to: Number(second) };
    case 'A':
      return { kind: 'acked', seq: Number(first) };
    case 'R': {
      const frames = JSON.parse(text.slice(3 + first.length)) as [number, string][];
      return { kind: 'replaced', seq: Number(first), frames: frames.map(([readings, body]) => ({ readings, body })) };
    }
    case 'O':
      return { kind: 'opened' };
    case 'M':
      return { kind: 'confirmed' };
    default:
  }
  throw new UnknownBufferFormat('the buffer was written by a later version of this program: move its file away, or update the program');
}
