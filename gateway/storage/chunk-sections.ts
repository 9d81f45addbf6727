// The second half of a chunk: its planes one after the other, cut into sections, each as it is or as a zstd frame. Planes that look alike
// share a frame; noise stays as it is, so that it spoils no one's code.

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type ByteReader, createByteWriter } from './chunk-bytes.ts';
import { ChunkDamage, damage, MAX_CHUNK_TEXT_BYTES } from './chunk-format.ts';

const SECTION = { raw: 0, zstd: 1 } as const;

/** Differences have few repetitions to be found: small tables are as good as large ones, and made much faster. */
const FAST = {
  chunkSize: 4096,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_hashLog]: 10, [constants.ZSTD_c_minMatch]: 7 },
};
/** What a frame may ask for while it is read: the largest text, and no more. */
const BOUNDED = { [constants.ZSTD_d_windowLogMax]: Math.log2(MAX_CHUNK_TEXT_BYTES) };
/** No zstd block gives more for each of its bytes: so a length that is a lie reserves nothing. */
const MAX_EXPANSION = 2 ** 15;

/** What a section costs by itself: its header, a frame's header, a code. */
const SECTION_BYTES = 24;
/** A frame more costs the reader time; it must save something. */
const WORTH = 0.02;
/** Below so many bits a byte, a plane is runs, which disturb no neighbour. */
const RUNS_BITS = 1;

interface Group {
  readonly planes: Uint8Array[];
  readonly counts: Uint32Array;
  bytes: number;
  isRaw: boolean;
  isRuns: boolean;
}

export function encodeSections(planes: readonly Uint8Array[]): Uint8Array[] {
  const groups = grouped(planes.filter((plane) => plane.length > 0));
  const parts = groups.flatMap((group) => section(joined(group.planes), !group.isRaw));
  if (groups.length < 2 && !groups.some((group) => group.isRaw)) return parts;
  // Counts of bytes know nothing of repetitions: those show when all is tried as one.
  const whole = section(joined(planes), true);
  return lengthOf(whole) < lengthOf(parts) ? whole : parts;
}

/** A zstd frame and the bytes that it gives. */
export interface Frame {
  readonly frame: Uint8Array;
  readonly size: number;
}
export interface Sections {
  readonly frames: readonly Frame[];
  /** `inflated`: what the frames gave, in their order. */
  join(inflated: readonly Uint8Array[]): Uint8Array;
}

/** Reads on until the sections that make `length` bytes are together. */
export function readSections(reader: ByteReader, length: number): Sections {
  const frames: Frame[] = [];
  const parts: (Uint8Array | null)[] = [];
  for (let at = 0; at < length; ) {
    const form = reader.byte();
    const size = reader.varint();
    if (size === 0 || size > length - at) damage(`a section of ${size} bytes where ${length - at} are missing`);
    if (form === SECTION.raw) parts.push(reader.take(size));
    else if (form === SECTION.zstd) {
      const frame = reader.take(reader.varint());
      if (size > frame.length * MAX_EXPANSION) damage(`a frame of ${frame.length} bytes for ${size}`);
      frames.push({ frame, size });
      parts.push(null);
    } else damage(`a section of the unknown form ${form}`);
    at += size;
  }
  return {
    frames,
    join(inflated) {
      let next = 0;
      const whole = parts.map((part) => part ?? (inflated[next++] as Uint8Array));
      if (whole.length === 1) return whole[0] as Uint8Array;
      const all = new Uint8Array(length);
      let at = 0;
      for (const part of whole) {
        all.set(part, at);
        at += part.length;
      }
      return all;
    },
  };
}

/** Several frames at once: a call costs ten times what a small frame does. Null when one of them is not what it says. */
export function inflateAll(frames: readonly Frame[]): Uint8Array[] | null {
  let size = 0;
  for (const frame of frames) size += frame.size;
  try {
    const all = inflated({ frame: Buffer.concat(frames.map(({ frame }) => frame)), size });
    let at = 0;
    return frames.map((frame) => {
      at += frame.size;
      return all.subarray(at - frame.size, at);
    });
  } catch (error) {
    if (error instanceof ChunkDamage) return null;
    throw error;
  }
}

/** About how many bytes the planes will take, by the frequency of their bytes alone. */
export function estimateBytes(planes: readonly Uint8Array[]): number {
  let sum = 0;
  for (const plane of planes) sum += Math.min(plane.length, codedBytes(countsOf(plane), plane.length));
  return sum;
}

export function inflated({ frame, size }: Frame): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = zstdDecompressSync(frame, { chunkSize: Math.max(size, 64), maxOutputLength: size, params: BOUNDED });
  } catch (error) {
    return damage(`zstd says: ${(error as Error).message}`);
  }
  return bytes.length === size ? bytes : damage(`a frame gave ${bytes.length} bytes instead of ${size}`);
}

function section(bytes: Uint8Array, mayShrink: boolean): Uint8Array[] {
  const writer = createByteWriter();
  const frame = mayShrink ? zstdCompressSync(bytes, FAST) : bytes;
  const isSmaller = frame.length < bytes.length;
  writer.byte(isSmaller ? SECTION.zstd : SECTION.raw);
  writer.varint(bytes.length);
  if (isSmaller) writer.varint(frame.length);
  return [writer.bytes(), isSmaller ? frame : bytes];
}

function grouped(planes: readonly Uint8Array[]): Group[] {
  const groups: Group[] = [];
  for (const plane of planes) {
    const counts = countsOf(plane);
    const coded = codedBytes(counts, plane.length);
    const isRaw = coded >= plane.length;
    const isRuns = coded * 8 < plane.length * RUNS_BITS;
    const last = groups.at(-1);
    if (last !== undefined && !isRaw && !last.isRaw) {
      const together = isRuns || last.isRuns ? 0 : coded + codedBytes(last.counts, last.bytes);
      const sum = last.counts.map((count, byte) => count + counts[byte]!);
      if (together === 0 || codedBytes(sum, last.bytes + plane.length) <= (together + SECTION_BYTES) * (1 + WORTH)) {
        last.planes.push(plane);
        if (last.isRuns || !isRuns) last.counts.set(last.isRuns ? counts : sum);
        last.bytes = last.isRuns && !isRuns ? plane.length : last.bytes + (isRuns ? 0 : plane.length);
        last.isRuns &&= isRuns;
        continue;
      }
    } else if (last?.isRaw && isRaw) {
      last.planes.push(plane);
      continue;
    }
    groups.push({ planes: [plane], counts, bytes: plane.length, isRaw, isRuns });
  }
  return groups;
}

function countsOf(bytes: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++;
  return counts;
}

/** Order-0 entropy and half a byte for each different byte. */
function codedBytes(counts: Uint32Array, length: number): number {
  let bits = 0;
  let different = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte]!;
    if (count === 0) continue;
    bits -= count * Math.log2(count / length);
    different++;
  }
  return bits / 8 + different / 2;
}

function joined(planes: readonly Uint8Array[]): Uint8Array {
  return planes.length === 1 ? planes[0]! : Buffer.concat(planes);
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
