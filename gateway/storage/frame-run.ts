// How many readings each frame of a run has, as unsigned LEB128 one after the other: the column `counts` of the table `frames`.

export function packCounts(counts: Int32Array, from: number, to: number): Buffer {
  const bytes: number[] = [];
  for (let f = from; f < to; f++) {
    let rest = counts[f];
    while (rest > 0x7f) {
      bytes.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    bytes.push(rest);
  }
  return Buffer.from(bytes);
}

/** The counts of a run; `packed` null means that `readings` are spread evenly over `frames`. */
export function unpackCounts(packed: Uint8Array | null, frames: number, readings: number): number[] {
  if (packed === null) return new Array<number>(frames).fill(readings / frames);
  const counts: number[] = [];
  let value = 0;
  let shift = 0;
  for (const byte of packed) {
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte < 0x80) {
      counts.push(value);
      value = 0;
      shift = 0;
    }
  }
  return counts;
}
