// Made-up slaves of a Modbus RTU bus: what each answers to a request, and with which fault. A function of the seed, the slave, how often it
// was asked, and the time.

import {
  ANSWER_HEAD_BYTES,
  EXCEPTION_BIT,
  hasModbusCrc,
  type ReadRequest,
  REQUEST_BYTES,
  withModbusCrc,
} from '../gateway/transports/serial/framing-modbus.ts';
import { chance, seedOf } from './noise.ts';
import { createWaveforms } from './waveforms.ts';

/** What a slave may do instead of answering; `late` answers after LATE_MS. */
export const SLAVE_FAULTS = ['timeout', 'late', 'bad-crc', 'exception', 'wrong-slave', 'wrong-function', 'wrong-length'] as const;
export type SlaveFault = (typeof SLAVE_FAULTS)[number];

export interface SlavePlan {
  /** 1 to 247. */
  readonly slave: number;
  /** With which share of its answers it does so. */
  readonly fault: { readonly kind: SlaveFault; readonly share: number } | null;
}

/** `fault`: what was done to it; `refused`: an exception that a right slave would answer, too. */
export interface SlaveReply {
  readonly bytes: Uint8Array;
  readonly afterMs: number;
  readonly outcome: 'answered' | 'refused' | SlaveFault;
}

export interface MadeUpSlave {
  reply(request: ReadRequest, timeMs: number): SlaveReply;
}

export const LATE_MS = 1500;
const REGISTERS = 8;
const BITS = 16;
const [ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY] = [1, 2, 3, 6];
const NOTHING = new Uint8Array(0);

export function createMadeUpSlave({ slave, fault }: SlavePlan, seed: string): MadeUpSlave {
  const own = seedOf(`${seed} slave ${slave}`);
  const wave = (metric: 'temperature' | 'pressure' | 'battery'): ((timeMs: number) => number) => {
    const [waveform] = createWaveforms(seed, `slave ${slave}`, [metric]);
    return (timeMs) => waveform!.at(timeMs) as number;
  };
  const [temperature, pressure, battery] = [wave('temperature'), wave('pressure'), wave('battery')];
  let asked = 0;

  /** Temperature f32, pressure f32, battery in mV u16, temperature in 0.1 °C i16, requests so far u32; high words first. */
  function registers(timeMs: number): Buffer {
    const all = Buffer.alloc(REGISTERS * 2);
    all.writeFloatBE(temperature(timeMs), 0);
    all.writeFloatBE(pressure(timeMs), 4);
    all.writeUInt16BE(Math.round(battery(timeMs) * 1000), 8);
    all.writeInt16BE(Math.round(temperature(timeMs) * 10), 10);
    all.writeUInt32BE(asked >>> 0, 12);
    return all;
  }

  function answer({ code, address, count }: ReadRequest, timeMs: number): { readonly bytes: Uint8Array; readonly isRefusal: boolean } {
    const refuse = (exception: number) => ({
      bytes: withModbusCrc(Uint8Array.of(slave, code | EXCEPTION_BIT, exception)),
      isRefusal: true,
    });
    if (code < 1 || code > 4) return refuse(ILLEGAL_FUNCTION);
    const isBits = code <= 2;
    if (count < 1 || count > (isBits ? 2000 : 125)) return refuse(ILLEGAL_VALUE);
    if (address + count > (isBits ? BITS : REGISTERS)) return refuse(ILLEGAL_ADDRESS);
    const data = isBits ? bitsOf(asked, address, count) : registers(timeMs).subarray(address * 2, (address + count) * 2);
    return { bytes: withModbusCrc(Uint8Array.of(slave, code, data.length, ...data)), isRefusal: false };
  }

  return {
    reply(request, timeMs) {
      asked++;
      const { bytes, isRefusal } = answer(request, timeMs);
      if (fault === null || chance(own, asked) >= fault.share) return { bytes, afterMs: 0, outcome: isRefusal ? 'refused' : 'answered' };
      const outcome = fault.kind;
      const instead = (content: Uint8Array) => ({ bytes: withModbusCrc(content), afterMs: 0, outcome });
      const content = bytes.slice(0, -2);
      switch (outcome) {
        case 'timeout':
          return { bytes: NOTHING, afterMs: 0, outcome };
        case 'late':
          return { bytes, afterMs: LATE_MS, outcome };
        case 'bad-crc': {
          const turned = Uint8Array.from(bytes);
          turned[ANSWER_HEAD_BYTES - 1 + Math.floor(chance(own, -asked) * (bytes.length - ANSWER_HEAD_BYTES + 1))]! ^= 1;
          return { bytes: turned, afterMs: 0, outcome };
        }
        case 'exception':
          return instead(Uint8Array.of(slave, request.code | EXCEPTION_BIT, BUSY));
        case 'wrong-slave':
          return instead(Uint8Array.of((slave % 247) + 1, ...content.subarray(1)));
        case 'wrong-function':
          return instead(Uint8Array.of(slave, request.code === 3 ? 4 : 3, ...content.subarray(2)));
        case 'wrong-length':
          return instead(Uint8Array.of(slave, request.code, content[2]! + 2, ...content.subarray(3), 0, 0));
        default:
          return outcome satisfies never;
      }
    },
  };
}

/** The lowest bit of the number is bit 0. */
function bitsOf(number: number, address: number, count: number): Uint8Array {
  const data = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) data[i >> 3]! |= ((number >>> (address + i)) & 1) << (i & 7);
  return data;
}

export interface RequestReader {
  /** Bytes of the line; gives the requests among them. */
  push(bytes: Uint8Array): ReadRequest[];
}

/** What has no right checksum is passed over byte by byte: only requests that read are understood. */
export function createRequestReader(): RequestReader {
  let pending = new Uint8Array(0);
  return {
    push(bytes) {
      const all = new Uint8Array(pending.length + bytes.length);
      all.set(pending);
      all.set(bytes, pending.length);
      const requests: ReadRequest[] = [];
      let from = 0;
      while (from + REQUEST_BYTES <= all.length) {
        if (!hasModbusCrc(all, from, from + REQUEST_BYTES)) {
          from++;
          continue;
        }
        const view = new DataView(all.buffer, from);
        requests.push({ slave: all[from]!, code: all[from + 1]!, address: view.getUint16(2), count: view.getUint16(4) });
        from += REQUEST_BYTES;
      }
      pending = all.slice(from);
      return requests;
    },
  };
}
