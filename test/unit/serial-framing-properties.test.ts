// What holds of every framing, whatever the bytes: chunks don't matter, nor who notices silence; every byte is accounted for.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sentenceChecksum } from '../../gateway/protocol/nmea.ts';
import { encodeCobs } from '../../gateway/transports/serial/framing-cobs.ts';
import {
  FRAMING_FIELDS,
  type FramingField,
  type FramingKind,
  type FramingSettings,
} from '../../gateway/transports/serial/framing-settings.ts';
import { encodeSlip } from '../../gateway/transports/serial/framing-slip.ts';
import { type Framed, frameBytes } from '../support/framed-bytes.ts';

const KINDS = Object.keys(FRAMING_FIELDS) as FramingKind[];
/** Few different bytes, so that borders, escapes and sync bytes meet often. */
const ALPHABET = [0, 1, 2, 3, 0x0a, 0x0d, 0x24, 0x2a, 0x30, 0x5c, 0xc0, 0xdb, 0xdc, 0xff];
const byte = fc.oneof({ arbitrary: fc.constantFrom(...ALPHABET), weight: 5 }, { arbitrary: fc.nat(255), weight: 1 });
const someBytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.array(byte, { maxLength }).map((list) => Uint8Array.from(list));
/** Small bounds, so that they are met. */
const LIMITS = { maxBytes: 24, staleUs: 1000 };

/** Any settings within the ranges that are published. */
function anySettings(kind: FramingKind): fc.Arbitrary<FramingSettings> {
  const fields = Object.entries(FRAMING_FIELDS[kind]).map(([name, field]) => [name, anyValue(field)] as const);
  return fc.record({ kind: fc.constant(kind), ...Object.fromEntries(fields) }) as fc.Arbitrary<FramingSettings>;
}

function anyValue(field: FramingField): fc.Arbitrary<unknown> {
  if (field.type === 'choice') return fc.constantFrom(...field.of);
  if (field.type === 'integer') return fc.oneof(fc.integer({ min: field.min, max: Math.min(field.max, field.min + 8) }), fc.integer(field));
  return fc.oneof(
    fc.array(fc.constantFrom(0x0d, 0x0a), { minLength: field.minBytes, maxLength: 3 }).map((list) => Buffer.from(list).toString('hex')),
    fc.array(byte, { minLength: field.minBytes, maxLength: field.maxBytes }).map((list) => Buffer.from(list).toString('hex')),
  );
}

/** Bytes with the pauses before them. */
const timed = fc.array(fc.tuple(fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, fc.nat(1500)), byte), { maxLength: 200 });

interface Arrival {
  readonly bytes: Uint8Array;
  readonly atUs: number;
}

/** Bytes that arrive at one time are cut wherever `isCut` says so. */
function arrivals(stream: readonly (readonly [number, number])[], isCut: (at: number) => boolean): Arrival[] {
  const list: { bytes: number[]; atUs: number }[] = [];
  let atUs = 1_000_000;
  stream.forEach(([pauseUs, value], i) => {
    atUs += pauseUs;
    if (list.length === 0 || pauseUs > 0 || isCut(i)) list.push({ bytes: [], atUs });
    list[list.length - 1].bytes.push(value);
  });
  return list.map((one) => ({ bytes: Uint8Array.from(one.bytes), atUs: one.atUs }));
}

function framesOf(settings: FramingSettings, list: readonly Arrival[], hasTimer: boolean): Framed[] {
  const { framer, sink, all, push } = frameBytes(settings, LIMITS);
  let lastAtUs = 0;
  for (const { bytes, atUs } of list) {
    const idleAfterUs = framer.idleAfterUs;
    if (hasTimer && idleAfterUs !== null && atUs - lastAtUs >= idleAfterUs) framer.idle(lastAtUs + idleAfterUs, sink);
    push(bytes, atUs);
    lastAtUs = atUs;
  }
  framer.end(lastAtUs + 1, sink);
  return all;
}

test.for(KINDS)('%s: the same bytes give the same frames and faults however they are cut, and whoever notices silence', (kind) => {
  fc.assert(
    fc.property(anySettings(kind), timed, fc.array(fc.boolean(), { minLength: 1 }), fc.boolean(), (settings, stream, cuts, hasTimer) => {
      const whole = framesOf(
        settings,
        arrivals(stream, () => false),
        false,
      );
      expect(
        framesOf(
          settings,
          arrivals(stream, (i) => cuts[i % cuts.length]),
          hasTimer,
        ),
      ).toEqual(whole);
      expect(
        framesOf(
          settings,
          arrivals(stream, () => true),
          true,
        ),
      ).toEqual(whole);
    }),
    { numRuns: 300 },
  );
});

test.for(KINDS)('%s: no frame is longer than its bound, no sample than 256 bytes, and no fault tells of nothing', (kind) => {
  fc.assert(
    fc.property(anySettings(kind), timed, (settings, stream) => {
      let told = 0;
      for (const one of framesOf(
        settings,
        arrivals(stream, () => false),
        true,
      )) {
        const bytes = 'frame' in one ? one.frame.length : one.bytes;
        if ('frame' in one) expect(bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
        else expect(one.sample).toHaveLength(Math.min(bytes, LIMITS.maxBytes, 256));
        if ('fault' in one) expect(bytes).toBeGreaterThan(0);
        told += bytes;
      }
      expect(told).toBeLessThanOrEqual(stream.length);
      // Framings without borders account for every byte; of the others, borders and escapes are in no frame.
      if (kind === 'fixed' || kind === 'length-prefixed' || kind === 'gap') expect(told).toBe(stream.length);
    }),
  );
});

test('line: every byte that is not an end of line is in a frame or in a fault', () => {
  fc.assert(
    fc.property(timed, (stream) => {
      const framed = framesOf(
        { kind: 'line' },
        arrivals(stream, () => false),
        false,
      );
      const told = framed.reduce((sum, one) => sum + ('frame' in one ? one.frame.length : one.bytes), 0);
      expect(told).toBe(stream.filter(([, value]) => value !== 0x0a && value !== 0x0d).length);
    }),
  );
});

test.for([
  ['slip', encodeSlip],
  ['cobs', encodeCobs],
] as const)('%s: any payload comes back as it was, after noise that its border ended', ([kind, encode]) => {
  const payload = fc.oneof(
    someBytes(40),
    fc.uint8Array({ minLength: 200, maxLength: 1200 }),
    fc.uint8Array({ min: 1, minLength: 250, maxLength: 520 }),
  );
  fc.assert(
    fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), (payloads) => {
      const framed = frameBytes({ kind });
      for (const one of payloads) framed.push(encode(one));
      // Between two ENDs of SLIP nothing is no frame.
      const expected = kind === 'slip' ? payloads.filter((one) => one.length > 0) : payloads;
      expect(framed.brief()).toEqual(expected.map((one) => Buffer.from(one).toString('latin1')));
    }),
  );
});

test('nmea: any sentence comes back as it was, and with one byte changed it never does', () => {
  const printable = fc.string({ unit: fc.constantFrom(...'ABGPRMC,.0123456789-'), minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(printable, fc.nat(), fc.integer({ min: 1, max: 255 }), (text, where, change) => {
      const line = Buffer.from(`$${text}*${sentenceChecksum(text)}\r\n`);
      const framed = frameBytes({ kind: 'nmea' });
      framed.push(line);
      expect(framed.brief()).toEqual([`$${text}`]);
      const changed = Buffer.from(line);
      changed[1 + (where % text.length)] ^= change;
      const wrong = frameBytes({ kind: 'nmea' });
      wrong.push(changed);
      expect(wrong.all.filter((one) => 'frame' in one)).toEqual([]);
    }),
  );
});
