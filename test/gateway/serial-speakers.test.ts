// `device-sim serial` as people run it: a process that speaks on a pseudo-terminal, and a reader that opens its link like a port.

import { constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { expect, test } from 'vitest';
import { parseCommand } from '../../device-sim/command-line.ts';
import { readLog } from '../../device-sim/serial-log.ts';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import { startSimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim, type SimEnd } from '../support/sim-process.ts';
import { plugSerial } from '../support/pty.ts';
import { until } from '../support/until.ts';

const PATIENCE_MS = 60_000;

interface Heard {
  readonly bytes: Buffer;
  /** How often the line hung up. */
  readonly hangUps: number;
}

function openReader(path: string) {
  const chunks: Buffer[] = [];
  const stream = new ReadStream(openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  return { closed, bytes: () => Buffer.concat(chunks), close: () => stream.destroy() };
}

/** Runs the speaker and reads its line, again each time that it comes back. */
async function listen(flags: readonly string[]): Promise<SimEnd & Heard & { totals: Record<string, unknown> }> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-speaker-'));
  try {
    const link = join(folder, 'port');
    let isOver = false;
    const over = runSim(['serial', '--link', link, ...flags]).finally(() => {
      isOver = true;
    });
    const heard: Buffer[] = [];
    let hangUps = 0;
    while (!isOver) {
      try {
        const reader = openReader(link);
        await reader.closed;
        heard.push(reader.bytes());
        hangUps++;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    const end = await over;
    return { ...end, bytes: Buffer.concat(heard), hangUps, totals: JSON.parse(end.stdout || '{}') as Record<string, unknown> };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sentence(body: string): string {
  const [name = '', ...fields] = body.split(',');
  return buildSentence(name, fields);
}

function isWhole(sentence: string): boolean {
  const found = /^\$([ -)+-~]+)\*([0-9A-F]{2})$/.exec(sentence);
  return found !== null && Buffer.from(found[1]!).reduce((sum, byte) => sum ^ byte, 0) === Number.parseInt(found[2]!, 16);
}

test('a boat says checksummed sentences, and the count at the end is what arrived', { timeout: PATIENCE_MS }, async () => {
  const { code, bytes, totals } = await listen(['--speak', 'nmea', '--rate', '200', '--duration', '1s']);
  const sentences = bytes.toString('latin1').split('\r\n').slice(0, -1);
  expect(code).toBe(0);
  expect(sentences.filter((sentence) => !isWhole(sentence))).toEqual([]);
  expect(totals).toMatchObject({ frames: sentences.length, intact: sentences.length, bytes: bytes.byteLength, lostBytes: 0, cut: 0 });
  const ofOneKind = sentences.filter((sentence) => sentence.startsWith('$GPRMC')).length;
  expect(totals['kinds']).toMatchObject({ GPRMC: ofOneKind });
});

test('damaged sentences are counted as such, and nothing else is damaged', { timeout: PATIENCE_MS }, async () => {
  const flags = ['--speak', 'nmea', '--rate', '120', '--duration', '2s', '--noise', '0.2', '--truncate', '0.2', '--seed', 'rough'];
  const { bytes, totals } = await listen(flags);
  const sentences = bytes.toString('latin1').split('\r\n').slice(0, -1);
  const { frames, intact, spoiled, truncated } = totals as Record<string, number>;
  expect(sentences).toHaveLength(frames!);
  expect(sentences.filter(isWhole)).toHaveLength(intact!);
  expect(spoiled).toBeGreaterThan(0);
  expect(truncated).toBeGreaterThan(0);
  expect(intact! + spoiled! + truncated!).toBe(frames);
});

test('a log arrives byte for byte, however fast it is said', { timeout: PATIENCE_MS }, async () => {
  const lines = Array.from({ length: 4000 }, (_, i) => buildSentence('GPXXX', [`${i}`, 'x'.repeat(i % 60), '\xff']));
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-log-'));
  try {
    const file = join(folder, 'a.nmea');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), 'latin1');
    const { code, bytes, totals } = await listen(['--file', file, '--speed', 'max']);
    expect(code).toBe(0);
    expect(bytes.equals(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'))).toBe(true);
    expect(totals).toMatchObject({ frames: 4000, intact: 4000, lostBytes: 0, kinds: { GPXXX: 4000 } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the pace of a log is that of its times: past midnight, and not through a night that it was switched off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-log-'));
  try {
    const file = join(folder, 'a.nmea');
    const lines = [
      '# a comment',
      sentence('GPRMC,235959.50,A,,,,,,,010120,,,A'),
      sentence('GPGSV,1,1,00'),
      '$GPGGA,000000.10,,,,,0,,,,M,,M,,*00',
      sentence('GPGGA,000000.25,,,,,0,,,,M,,M,,'),
      sentence('GPGLL,,,,,000002.25,V'),
      sentence('GPZDA,120000,01,01,2020,,'),
    ];
    writeFileSync(file, lines.join('\n'));
    const due: [string, number][] = [];
    for await (const { kind, dueMs } of readLog(file)) due.push([kind, Math.round(dueMs)]);
    expect(due).toEqual([
      ['no-match', 0],
      ['GPRMC', 0],
      ['GPGSV', 0],
      ['bad-checksum', 0],
      ['GPGGA', 750],
      ['GPGLL', 2750],
      ['GPZDA', 2750],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the plug is pulled in the middle of a frame, and the line comes back under its link', { timeout: PATIENCE_MS }, async () => {
  const { bytes, hangUps, totals } = await listen(['--speak', 'csv', '--rate', '100', '--duration', '3s', '--unplug', '400ms,200ms']);
  const { frames, intact, cut, unplugs } = totals as Record<string, number>;
  expect(unplugs).toBeGreaterThanOrEqual(2);
  expect(hangUps).toBe(unplugs! + 1);
  expect(cut).toBe(unplugs);
  expect(intact).toBe(frames! - cut!);
  expect(bytes.toString().match(/\r\n/g)).toHaveLength(intact!);
});

test('binary frames are SLIP around a fixed layout, whatever bytes the values have', { timeout: PATIENCE_MS }, async () => {
  const { bytes, totals } = await listen(['--speak', 'binary', '--rate', '500', '--duration', '1s']);
  const frames = bytes
    .toString('latin1')
    .split('\xc0')
    .filter((frame) => frame !== '')
    .map((frame) => Buffer.from(frame.replaceAll('\xdb\xdc', '\xc0').replaceAll('\xdb\xdd', '\xdb'), 'latin1'));
  expect(totals['frames']).toBe(frames.length);
  expect(frames.map((frame) => frame.byteLength).filter((length) => length !== 14)).toEqual([]);
  // counts beyond 0xc0 and 0xdb, which have to be escaped
  expect(frames.map((frame) => frame.readUInt32LE(0))).toEqual(frames.map((_, i) => i));
  expect(frames.length).toBeGreaterThan(0xdb);
});

test('at the wrong baud rate nothing that arrives is a line of what was said', { timeout: PATIENCE_MS }, async () => {
  const { bytes, totals } = await listen(['--speak', 'json', '--rate', '200', '--duration', '1s', '--wrong-baud']);
  expect(bytes.byteLength).toBe(totals['bytes']);
  expect(bytes.toString('latin1')).not.toContain('temperature');
  expect(totals['intact']).toBe(0);
});

test('nobody listens: the line fills up, and what it could not take is counted', { timeout: PATIENCE_MS }, async () => {
  await using plug = await plugSerial();
  plug.say(Buffer.alloc(1_000_000));
  expect(plug.lostBytes).toBeGreaterThan(500_000);
  await expect(plug.sayAll(Buffer.alloc(1_000_000), 50)).rejects.toThrow('nobody took');
});

test('a plug comes back under another name, its stable link follows, and the reader saw its line hang up', async () => {
  await using plug = await plugSerial();
  const before = openReader(plug.path);
  plug.say('before\n');
  await until(
    () => before.bytes().includes('before\n'),
    () => 'nothing was heard',
  );
  await plug.unplug();
  await before.closed;
  expect(() => openReader(plug.path)).toThrow('ENOENT');
  expect(plug.say('lost\n')).toBe(0);
  await plug.replug('ttyUSB7');
  expect(plug.devicePath).toMatch(/ttyUSB7$/);
  const after = openReader(plug.path);
  plug.say('after\n');
  await until(
    () => after.bytes().includes('after\n'),
    () => 'nothing was heard',
  );
  after.close();
  await after.closed;
  expect(plug.lostBytes).toBe('lost\n'.length);
});

test.each([
  [['--speak', 'csv'], /--link/],
  [['--link', 'x'], /one of --speak and --file/],
  [['--link', 'x', '--speak', 'csv', '--file', 'y'], /one of --speak and --file/],
  [['--link', 'x', '--speak', 'morse'], /Allowed choices/],
  [['--link', 'x', '--speak', 'csv', '--speed', '2'], /--rate goes with --speak/],
  [['--link', 'x', '--speak', 'csv', '--noise', '2'], /from 0 to 1/],
  [['--link', 'x', '--speak', 'csv', '--unplug', '5s'], /two times/],
])('%j is a mistake and said to be one', (flags, message) => {
  expect(() => parseCommand(['serial', ...flags], () => {})).toThrow(message);
});

test("a file that stands where the link should be is somebody's, and stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-speaker-'));
  try {
    const link = join(folder, 'precious');
    writeFileSync(link, 'words');
    const { code, stderr } = await runSim(['serial', '--link', link, '--speak', 'csv', '--duration', '1s']);
    expect([code, readFileSync(link, 'utf8')]).toEqual([74, 'words']);
    expect(stderr).toContain('choose another path');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('an NMEA log is replayed over wss with the times of its sentences, and what is no reading is counted by the reason', {
  timeout: PATIENCE_MS,
}, async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const seconds = Array.from({ length: 300 }, (_, i) => i);
  const day = Date.UTC(2020, 0, 1, 23, 59, 0);
  const clock = (second: number) => new Date(day + second * 1000).toISOString();
  const lines = seconds.flatMap((second) => {
    const [time, date] = [clock(second).slice(11, 19).replaceAll(':', ''), `0${clock(second).slice(9, 10)}0120`];
    return [
      sentence(`GPRMC,${time}.00,A,5222.3215,N,00454.5778,E,4.00,250.0,${date},,,A`),
      sentence(`SDDPT,${second / 4},0.0`),
      sentence('GPRTE,1,1,c,0'),
    ];
  });
  const file = folder.file('track.nmea', ['# a comment', ...lines, '$SDDPT,1.0,0.0*00', ''].join('\r\n'));
  const credentials = [
    '--token-file',
    folder.file('token', await gateway.addDevice('boat')),
    '--key-file',
    folder.file('key', gateway.apiKey),
  ];
  const end = await runSim(['replay', '--url', gateway.wsUrl, ...credentials, '--file', file, '--device', 'boat', '--json']);
  expect(JSON.parse(end.stdout)).toMatchObject({ isEqual: true, ok: true, skipped: { comment: 1, GPRTE: 300, 'bad-checksum': 1 } });
  expect(end.code).toBe(0);
  const query = 'device=boat&metric=depth&from=2010-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&limit=10000';
  const { readings } = await gateway.get<{ readings: [number, number][] }>(`/v1/readings?${query}`);
  expect(readings).toEqual(seconds.map((second) => [day + second * 1000, second / 4]));
});
