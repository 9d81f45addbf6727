// What a made-up serial sensor says, frame by frame: pure functions of a seed, a number and the time, so that a seed always says the same.

import { encodeSlip } from '../gateway/transports/serial/framing-slip.ts';
import { chance, seedOf } from './noise.ts';
import { createBoat } from './serial-boat.ts';
import { createWaveforms } from './waveforms.ts';

/** One frame before it goes on the line. */
export interface Utterance {
  /** What it is counted under: a sentence's name, why a line is no sentence, or the name of the speech. */
  readonly kind: string;
  /** Without what ends it. */
  readonly content: Uint8Array;
}

export interface Speech {
  utter(n: number, timeMs: number): Utterance;
  /** The content with what ends it, as it goes on the line. */
  wrap(content: Uint8Array): Uint8Array;
  /** Some of its bytes spoiled. Text gets bytes that no text holds; anything else a turned bit. */
  spoil(content: Uint8Array, seed: number): Uint8Array;
}

export const SPEECHES = ['nmea', 'csv', 'key-value', 'json', 'binary'] as const;
export type SpeechName = (typeof SPEECHES)[number];

/** Counter u32, temperature f32, pressure f32, battery in mV u16; little-endian. */
const BINARY_BYTES = 14;

export function createSpeech(name: SpeechName, seed: string): Speech {
  const [temperature, pressure, battery] = (['temperature', 'pressure', 'battery'] as const).map((metric) => {
    const [waveform] = createWaveforms(seed, 'serial', [metric]);
    return (timeMs: number) => waveform!.at(timeMs) as number;
  }) as [(timeMs: number) => number, (timeMs: number) => number, (timeMs: number) => number];
  const lines = (line: (timeMs: number) => string): Speech => ({
    ...TEXT,
    utter: (_n, timeMs) => ({ kind: name, content: Buffer.from(line(timeMs)) }),
  });
  switch (name) {
    case 'nmea': {
      const boat = createBoat(seedOf(seed));
      return {
        ...TEXT,
        utter(n, timeMs) {
          const { kind, sentence } = boat.say(n, timeMs);
          return { kind, content: Buffer.from(sentence) };
        },
      };
    }
    case 'csv':
      return lines((at) => `${temperature(at)},${pressure(at)},${battery(at)}`);
    case 'key-value':
      return lines((at) => `temperature=${temperature(at)} pressure=${pressure(at)} battery=${battery(at)}`);
    case 'json':
      return lines((at) => JSON.stringify({ temperature: temperature(at), pressure: pressure(at), battery: battery(at) }));
    case 'binary':
      return {
        wrap: encodeSlip,
        spoil: turnBit,
        utter(n, timeMs) {
          const content = Buffer.alloc(BINARY_BYTES);
          content.writeUInt32LE(n >>> 0, 0);
          content.writeFloatLE(temperature(timeMs), 4);
          content.writeFloatLE(pressure(timeMs), 8);
          content.writeUInt16LE(Math.round(battery(timeMs) * 1000), 12);
          return { kind: name, content };
        },
      };
    default:
      return name satisfies never;
  }
}

/** Lines: of a recorded log, too. */
export const TEXT: Omit<Speech, 'utter'> = {
  wrap: (content) => Buffer.concat([content, Buffer.from('\r\n')]),
  spoil(content, seed) {
    const spoiled = Buffer.from(content);
    // one of 0x80 to 0xff alone is no UTF-8, and never a line's end
    if (spoiled.byteLength > 0) spoiled[Math.floor(chance(seed, 1) * spoiled.byteLength)]! |= 0x80;
    return spoiled;
  },
};

function turnBit(content: Uint8Array, seed: number): Uint8Array {
  const turned = Buffer.from(content);
  turned[Math.floor(chance(seed, 1) * turned.byteLength)]! ^= 1 << Math.floor(chance(seed, 2) * 8);
  return turned;
}
