// What may come over a serial line, row by row, and what framings make of it.

import { expect, test } from 'vitest';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import type { FramingSettings } from '../../gateway/transports/serial/framing-settings.ts';
import { FRAMING_LIMITS, frameBytes, SECOND_US } from '../support/framed-bytes.ts';

const LINE: FramingSettings = { kind: 'line' };
const NMEA: FramingSettings = { kind: 'nmea' };
const STALE_US = FRAMING_LIMITS.staleUs;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('W1 50 MB without a newline are one fault that counts them all, in constant memory, and the next line is whole', () => {
  const framed = frameBytes(LINE);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const heldBefore = process.memoryUsage().arrayBuffers;
  framed.push('a=1\nbegin');
  for (let i = 0; i < 800; i++) framed.push(chunk);
  expect(framed.brief()).toEqual(['a=1']);
  expect(process.memoryUsage().arrayBuffers - heldBefore).toBeLessThan(256 * 1024);
  framed.push('end\na=2\n');
  expect(framed.brief()).toEqual(['a=1', `line-too-long: ${800 * 64 * 1024 + 8}`, 'a=2']);
  expect(framed.all[1]).toMatchObject({ sample: `begin${'x'.repeat(251)}` });
});

test('W1 a line of 4 KiB is a frame, one byte more is a fault', () => {
  const framed = frameBytes(LINE);
  framed.push(`${'x'.repeat(4096)}\r\n${'y'.repeat(4097)}\r\nz\r\n`);
  expect(framed.brief()).toEqual(['x'.repeat(4096), 'line-too-long: 4097', 'z']);
});

test('W1 a line that is too long and then silent is told at once; the rest of it is no line', () => {
  const framed = frameBytes(LINE);
  framed.push('x'.repeat(5000));
  framed.framer.idle(SECOND_US + STALE_US, framed.sink);
  framed.push('rest\nb\n', 2 * SECOND_US + STALE_US);
  expect(framed.brief()).toEqual(['line-too-long: 5000', 'stale-partial: 4', 'b']);
});

test.for([
  ['W3 a flood of NUL', '00'],
  ['W3 a flood of 0xFF', 'ff'],
  ['W3 a flood of XON and XOFF', '1113'],
] as const)('%s is one line that is too long', ([, pattern]) => {
  const framed = frameBytes(LINE);
  for (let i = 0; i < 100; i++) framed.push(Buffer.alloc(10_000, hex(pattern)));
  framed.push('\nok\n');
  expect(framed.brief()).toEqual(['line-too-long: 1000000', 'ok']);
  expect(framed.all[0]).toMatchObject({ sample: Buffer.alloc(256, hex(pattern)).toString('latin1') });
});

test('W3 XON, XOFF and NUL inside a line stay in it', () => {
  const framed = frameBytes(LINE);
  framed.push('a\x11b\x13c\0d\n');
  expect(framed.brief()).toEqual(['a\x11b\x13c\0d']);
});

test('W4 bytes that come 10 s apart are stale, each, and the next whole line is read', () => {
  const framed = frameBytes(LINE);
  for (const [i, byte] of [...'ab'].entries()) {
    framed.push(byte, i * 10 * SECOND_US);
    expect(framed.framer.idleAfterUs).toBe(STALE_US);
    framed.framer.idle(i * 10 * SECOND_US + STALE_US, framed.sink);
    expect(framed.framer.idleAfterUs).toBeNull();
  }
  framed.push('\n', 20 * SECOND_US);
  framed.push('ok\n', 30 * SECOND_US);
  expect(framed.brief()).toEqual(['stale-partial: 1', 'stale-partial: 1', 'ok']);
});

test('W4 a pause of less than 2 s is no border', () => {
  const framed = frameBytes(LINE);
  for (const [i, byte] of [...'21.5\n'].entries()) framed.push(byte, i * (STALE_US - 1));
  expect(framed.all).toEqual([{ frame: '21.5', atUs: 4 * (STALE_US - 1) }]);
});

test('W4 the second half of a line whose first is stale is never a line of its own', () => {
  const framed = frameBytes(LINE);
  framed.push('t=2', SECOND_US);
  framed.push('1.5\nt=22\n', SECOND_US + STALE_US);
  expect(framed.brief()).toEqual(['stale-partial: 3', 'stale-partial: 3', 't=22']);
  expect(framed.all[0]).toEqual({ fault: 'stale-partial', bytes: 3, sample: 't=2', atUs: SECOND_US });
});

test('W4 of a sentence the checksum shows whether it is whole, so that nothing but the stale part is dropped', () => {
  const framed = frameBytes(NMEA);
  framed.push('$GPGLL,52', SECOND_US);
  framed.push(`${buildSentence('GPGLL', ['53'])}\n`, SECOND_US + STALE_US);
  expect(framed.brief()).toEqual(['stale-partial: 9', '$GPGLL,53']);
});

test('W4 a sentence without its line end is whole when its checksum is there, after silence and when the port closes', () => {
  const framed = frameBytes(NMEA);
  framed.push('$GPGLL,52*7B', SECOND_US);
  framed.framer.idle(SECOND_US + STALE_US, framed.sink);
  framed.push('\r\n$GPGLL,52*7B', 2 * SECOND_US + STALE_US);
  framed.framer.end(3 * SECOND_US + STALE_US, framed.sink);
  framed.push('$GPGLL,52*7', 4 * SECOND_US + STALE_US);
  framed.framer.end(5 * SECOND_US + STALE_US, framed.sink);
  expect(framed.brief()).toEqual(['$GPGLL,52', '$GPGLL,52', 'stale-partial: 11']);
  expect(framed.all[0]).toMatchObject({ atUs: SECOND_US });
});

test.for([
  ['delimiter', { kind: 'delimiter', delimiterHex: '0d0a' }, 'abc\r', '\nok\r\n', ['stale-partial: 4', 'ok']],
  ['slip', { kind: 'slip' }, 'abc', '\xc0ok\xc0', ['stale-partial: 3', 'ok']],
  ['cobs', { kind: 'cobs' }, '\x03a', 'b\0\x03ok\0', ['stale-partial: 2', 'stale-partial: 1', 'ok']],
  ['fixed', { kind: 'fixed', lengthBytes: 4, syncHex: '' }, 'ab', 'good', ['stale-partial: 2', 'good']],
  [
    'fixed with sync bytes',
    { kind: 'fixed', lengthBytes: 4, syncHex: '2424' },
    'a$$',
    '$$ok',
    ['bad-frame: 1', 'stale-partial: 2', '$$ok'],
  ],
] as const)('W4 %s: what was begun and not finished in 2 s is stale', ([, settings, begun, after, expected]) => {
  const framed = frameBytes(settings);
  framed.push(begun, SECOND_US);
  framed.framer.idle(SECOND_US + STALE_US, framed.sink);
  framed.push(after, SECOND_US + 2 * STALE_US);
  expect(framed.brief()).toEqual(expected);
});

test('W5 CR, LF, CRLF and LFCR end lines, mixed; empty ones are none', () => {
  const framed = frameBytes(LINE);
  framed.push('\r\n\na\rb\nc\r\nd\n\re\r\r\n\nf\n\n');
  expect(framed.brief()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(framed.framer.idleAfterUs).toBeNull();
});

test('W6 a character that is cut between two reads is whole in its line, and bytes that are no UTF-8 pass unchanged', () => {
  const framed = frameBytes(LINE);
  const line = Buffer.from('température=21°\n');
  for (const byte of line) framed.push(Uint8Array.of(byte));
  framed.push(hex('c3 28 ff 0a'));
  expect(framed.brief().map((text) => Buffer.from(text, 'latin1'))).toEqual([line.subarray(0, -1), hex('c3 28 ff')]);
});

test.for([
  ['wrong', '$GPGLL,52*00', 'bad-checksum'],
  ['missing', '$GPGLL,52', 'bad-checksum'],
  ['cut in half', '$GPGLL,52*7', 'bad-checksum'],
  ['followed by something', '$GPGLL,52*7Bx', 'bad-checksum'],
  ['not hexadecimal', '$GPGLL,52*7g', 'bad-checksum'],
  ['all that there is', '*7B', 'bad-frame'],
] as const)('W7 a checksum that is %s is a fault', ([, line, code]) => {
  const framed = frameBytes(NMEA);
  framed.push(`${line}\r\n`);
  expect(framed.all).toEqual([{ fault: code, bytes: line.length, sample: line, atUs: SECOND_US }]);
});

test('W9 what a port was in the middle of when it was closed is stale, and the next connection begins anew', () => {
  const framed = frameBytes({ kind: 'delimiter', delimiterHex: '0d0a' });
  framed.push('half\r', SECOND_US);
  framed.framer.end(SECOND_US, framed.sink);
  framed.push('\nwhole\r\n', SECOND_US + 1);
  expect(framed.brief()).toEqual(['stale-partial: 5', '\nwhole']);
  framed.framer.end(SECOND_US, framed.sink);
  expect(framed.all).toHaveLength(2);
});

test.for<FramingSettings>([
  NMEA,
  { kind: 'delimiter', delimiterHex: '0d0a' },
  { kind: 'fixed', lengthBytes: 32, syncHex: '01ff' },
  { kind: 'length-prefixed', syncHex: '424d', offsetBytes: 2, sizeBytes: 2, byteOrder: 'big', addBytes: 4 },
  { kind: 'slip' },
  { kind: 'cobs' },
  { kind: 'gap', gapMs: 20 },
])('W1 W3 $kind: 10 MB of one byte and 4 MB of noise leave nothing behind in memory', (settings) => {
  const { framer } = frameBytes(settings);
  const sink = { frame: () => {}, fault: () => {} };
  const noise = Uint8Array.from({ length: 65_536 }, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24);
  const flood = new Uint8Array(noise.length).fill(0xff);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 160; i++) framer.push(flood, SECOND_US, sink);
  for (let i = 0; i < 64; i++) framer.push(noise, SECOND_US, sink);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});
