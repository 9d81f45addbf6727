// Framings, each with the bytes that show what it does.

import { expect, test } from 'vitest';
import { sentenceChecksum } from '../../gateway/protocol/nmea.ts';
import { encodeCobs } from '../../gateway/transports/serial/framing-cobs.ts';
import { createFramer } from '../../gateway/transports/serial/framing-factory.ts';
import type { LengthPrefixed } from '../../gateway/transports/serial/framing-settings.ts';
import { encodeSlip } from '../../gateway/transports/serial/framing-slip.ts';
import { FRAMING_LIMITS, frameBytes, SECOND_US } from '../support/framed-bytes.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const latin1 = (text: string): string => hex(text).toString('latin1');
const AIS = 'AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0';

test.for([
  ['a sentence', '$GPGLL,52*7B', '$GPGLL,52'],
  ['a sentence with a small letter in its checksum', '$GPGLL,a*1d', '$GPGLL,a'],
  ['a capsulated one', `!${AIS}*${sentenceChecksum(AIS)}`, `!${AIS}`],
  ['one with spaces behind', '$GPGLL,52*7B \t', '$GPGLL,52'],
  ['one after a tag block', '\\s:r3669961,c:1120959341*51\\$GPGLL,52*7B', '$GPGLL,52'],
  ['nothing but a tag block', '\\c:1\\', 'bad-frame: 5'],
  ['a tag block without end', '\\c:1$GPGLL,52*7B', 'bad-frame: 16'],
  ['a comment', '# Date: 2020-07-11', 'bad-frame: 18'],
] as const)('NMEA: of %s comes what is expected', ([, line, expected]) => {
  const framed = frameBytes({ kind: 'nmea' });
  framed.push(`${line}\r\n`);
  expect(framed.brief()).toEqual([expected]);
});

test('delimiters of many bytes are found where they overlap with what they are not', () => {
  const framed = frameBytes({ kind: 'delimiter', delimiterHex: Buffer.from('aab').toString('hex') });
  for (const byte of 'xaaabaabyaaaaab.aab') framed.push(byte);
  expect(framed.brief()).toEqual(['xa', 'yaaa', '.']);
});

test('fixed lengths without sync bytes are counted off', () => {
  const framed = frameBytes({ kind: 'fixed', lengthBytes: 3, syncHex: '' });
  framed.push('abcdefg');
  framed.framer.end(SECOND_US, framed.sink);
  expect(framed.brief()).toEqual(['abc', 'def', 'stale-partial: 1']);
});

test('fixed lengths with sync bytes find their start again after lost and foreign bytes, told in one fault', () => {
  const framed = frameBytes({ kind: 'fixed', lengthBytes: 5, syncHex: '4242' });
  framed.push('BB123noise.B-BBB45BB6');
  expect(framed.brief()).toEqual(['BB123', 'bad-frame: 8', 'BBB45']);
  framed.push('78');
  expect(framed.brief().slice(3)).toEqual(['BB678']);
});

test('a start is found behind noise of any length', () => {
  for (const noiseBytes of [4092, 4093, 4095, 4096, 10_000]) {
    const framed = frameBytes({ kind: 'fixed', lengthBytes: 5, syncHex: '4242' });
    framed.push('-'.repeat(noiseBytes));
    framed.push('BB123');
    expect(framed.brief()).toEqual([`bad-frame: ${noiseBytes}`, 'BB123']);
  }
});

const PREFIXED: LengthPrefixed = { kind: 'length-prefixed', syncHex: '424d', offsetBytes: 2, sizeBytes: 2, byteOrder: 'big', addBytes: 4 };

test.for([
  ['after sync bytes', PREFIXED, '00 424d0002aaaa 424d0000', ['bad-frame: 1', latin1('424d0002aaaa'), latin1('424d0000')]],
  ['little endian', { ...PREFIXED, byteOrder: 'little' }, '424d0200aaaa', [latin1('424d0200aaaa')]],
  ['that counts itself', { ...PREFIXED, syncHex: '', offsetBytes: 0, sizeBytes: 1, addBytes: 0 }, '03aabb 01', [latin1('03aabb'), '\x01']],
  [
    'of four bytes',
    { ...PREFIXED, syncHex: '', offsetBytes: 1, sizeBytes: 4, addBytes: 6 },
    '07 00000001 aa cc',
    [latin1('07 00000001 aa cc')],
  ],
  [
    'that is impossible: the next header that is possible begins a frame',
    PREFIXED,
    '424dffff 424d0001aa',
    ['bad-frame: 4', latin1('424d0001aa')],
  ],
  ['that is less than its header', { ...PREFIXED, addBytes: 0 }, '424d0003 424d0004', ['bad-frame: 4', latin1('424d0004')]],
  [
    'of four bytes beyond 2^31',
    { ...PREFIXED, offsetBytes: 2, sizeBytes: 4, addBytes: 10 },
    '424dfffffffc 424d00000000 aabbccdd',
    ['bad-frame: 6', latin1('424d00000000 aabbccdd')],
  ],
] as const)('a length %s', ([, settings, bytes, expected]) => {
  const framed = frameBytes(settings);
  framed.push(hex(bytes));
  expect(framed.brief()).toEqual(expected);
});

test('SLIP: an example with both escapes, and an ESC that stands for nothing', () => {
  const framed = frameBytes({ kind: 'slip' });
  expect(Buffer.from(encodeSlip(hex('01 c0 db 02'))).toString('hex')).toBe('c001dbdcdbdd02c0');
  framed.push(hex('c0 01 db dc db dd 02 c0 c0 61 db 62 c0 63 db c0 64 c0'));
  expect(framed.brief()).toEqual([latin1('01 c0 db 02'), 'bad-frame: 3', 'bad-frame: 2', 'd']);
});

test.for([
  ['', '01 00'],
  ['00', '01 01 00'],
  ['00 00', '01 01 01 00'],
  ['11 22 00 33', '03 11 22 02 33 00'],
  ['11 00 00 00', '02 11 01 01 01 00'],
] as const)('COBS: %s goes over the wire as %s', ([payload, wire]) => {
  expect(Buffer.from(encodeCobs(hex(payload)))).toEqual(hex(wire));
  const framed = frameBytes({ kind: 'cobs' });
  framed.push(hex(wire));
  expect(framed.all).toEqual([{ frame: latin1(payload), atUs: SECOND_US }]);
});

test('COBS: 254 bytes are one full block and nothing after it', () => {
  const payload = Buffer.from(Array.from({ length: 254 }, (_, i) => i + 1));
  expect(Buffer.from(encodeCobs(payload))).toEqual(Buffer.concat([hex('ff'), payload, hex('00')]));
});

test('COBS: a distance that leads out of the frame is a fault', () => {
  const framed = frameBytes({ kind: 'cobs' });
  framed.push(hex('00 05 11 22 00 02 33 00'));
  expect(framed.brief()).toEqual(['bad-frame: 3', '\x33']);
});

test('silence ends a frame of the gap framing, whether a timer or the next byte tells of it', () => {
  const framed = frameBytes({ kind: 'gap', gapMs: 20 });
  framed.push('ab', 1000);
  expect(framed.framer.idleAfterUs).toBe(20_000);
  framed.push('c', 20_999);
  framed.push('d', 40_999);
  framed.framer.idle(60_999, framed.sink);
  expect(framed.all).toEqual([
    { frame: 'abc', atUs: 20_999 },
    { frame: 'd', atUs: 40_999 },
  ]);
  framed.push('x'.repeat(4097), 70_000);
  framed.push('e', 100_000);
  framed.framer.end(100_001, framed.sink);
  expect(framed.brief().slice(2)).toEqual(['line-too-long: 4097', 'stale-partial: 1']);
});

test('a delimiter that is not hexadecimal is refused', () => {
  expect(() => createFramer({ kind: 'delimiter', delimiterHex: 'xy' }, FRAMING_LIMITS)).toThrow('"xy" is not pairs of hexadecimal digits');
});
