// Modbus RTU on the wire, after "MODBUS over Serial Line" V1.02 and the "Application Protocol" V1.1b3: requests that read, the answers to
// them, and the checksum of both. Pure, and the same for a master and for one who plays a slave.

const POLYNOMIAL = 0xa001;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

export const CRC_BYTES = 2;
/** Slave, function, first address, count, checksum. */
export const REQUEST_BYTES = 8;
/** Slave, function with its highest bit, exception, checksum. */
export const EXCEPTION_BYTES = 5;
export const EXCEPTION_BIT = 0x80;
/** Slave, function, count of bytes: what stands before an answer's data. */
export const ANSWER_HEAD_BYTES = 3;
/** Nothing on the bus is longer. */
export const MOST_FRAME_BYTES = 256;

export interface ReadRequest {
  readonly slave: number;
  /** 1 and 2 read bits, 3 and 4 registers. */
  readonly code: number;
  readonly address: number;
  readonly count: number;
}

/** CRC-16 of `bytes[from … to)`; the low byte goes first. */
export function modbusCrc(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffff;
  for (let i = from; i < to; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]) & 0xff];
  return crc;
}

/** Whether the last two of these bytes are the checksum of the others. */
export function hasModbusCrc(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
  if (to - from < 2 + CRC_BYTES) return false;
  const crc = modbusCrc(bytes, from, to - CRC_BYTES);
  return bytes[to - 2] === (crc & 0xff) && bytes[to - 1] === crc >>> 8;
}

/** The content with its checksum behind it. */
export function withModbusCrc(content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(content.length + CRC_BYTES);
  frame.set(content);
  const crc = modbusCrc(content);
  frame[content.length] = crc & 0xff;
  frame[content.length + 1] = crc >>> 8;
  return frame;
}

export function encodeReadRequest({ slave, code, address, count }: ReadRequest): Uint8Array {
  return withModbusCrc(Uint8Array.of(slave, code, address >>> 8, address & 0xff, count >>> 8, count & 0xff));
}

/** How many bytes of data the answer to it has. */
export function answerDataBytes({ code, count }: Pick<ReadRequest, 'code' | 'count'>): number {
  return code <= 2 ? Math.ceil(count / 8) : count * 2;
}

/** What an exception code means, in the words of the protocol. */
export function exceptionName(code: number): string {
  return EXCEPTIONS[code] ?? 'unknown exception';
}
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge',
  6: 'server device busy',
  7: 'negative acknowledge',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device failed to respond',
};
