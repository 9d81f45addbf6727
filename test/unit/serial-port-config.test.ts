// `serial.ports` of the configuration: short and long forms, defaults, and every problem with its place.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../gateway/load-config.ts';
import { createFolder, runCli } from '../support/cli-process.ts';

function load(text: string, env: NodeJS.ProcessEnv = {}) {
  using folder = createFolder();
  folder.file('fieldgate.yaml', text);
  const { config, problems } = loadConfig({ flags: {}, env, cwd: folder.path });
  return { ports: config.serial.ports, messages: problems.map(({ message }) => message.replace(folder.path, '')) };
}

test('a port needs a path, a speed, a device and a rule; everything else has a default', () => {
  const text = 'serial:\n  ports:\n    - {path: /dev/ttyUSB0, baudRate: 4800, device: boat, rule: nmea}\n';
  expect(load(text)).toEqual({
    messages: [],
    ports: [
      {
        path: '/dev/ttyUSB0',
        baudRate: 4800,
        dataBits: 8,
        stopBits: 1,
        parity: 'none',
        flowControl: 'none',
        device: 'boat',
        framing: { kind: 'line' },
        rule: { kind: 'nmea' },
        expectEverySeconds: null,
      },
    ],
  });
});

test('framing and rule take their own settings, with the defaults of the framing', () => {
  const text = `serial:
  ports:
    - path: /dev/ttyUSB0
      baudRate: 19200
      parity: even
      device: scale
      framing: {kind: length-prefixed, offsetBytes: 2, syncHex: aa55}
      rule:
        kind: binary
        match: [{atByte: 0, hex: aa55}]
        fields: [{metric: weight, unit: kg, atByte: 4, type: i16, scale: 0.01}]
      expectEverySeconds: 10
`;
  const { ports, messages } = load(text);
  expect(messages).toEqual([]);
  expect(ports[0]).toMatchObject({
    parity: 'even',
    framing: { kind: 'length-prefixed', syncHex: 'aa55', offsetBytes: 2, sizeBytes: 1, byteOrder: 'big', addBytes: 0 },
    rule: { kind: 'binary', fields: [{ metric: 'weight', unit: 'kg', atByte: 4, type: 'i16', scale: 0.01 }] },
    expectEverySeconds: 10,
  });
});

test('every problem of every port is told at once, with its place', () => {
  const { messages } = load(`serial:
  ports:
    - {path: ttyUSB0, baudRate: fast, device: "no good", rule: csv}
    - {path: /dev/ttyUSB1, baudrate: 9600, baudRate: 9600, device: a, rule: morse}
    - {path: /dev/ttyUSB2, baudRate: 9600, device: b, framing: {kind: fixed, lengthBytes: 0}, rule: json}
    - nonsense
    - {path: "/dev/tty\\e[31mS0", baudRate: 9600, device: c, rule: json}
    - {path: /dev/${'x'.repeat(600)}, baudRate: 9600, device: d, rule: json}
`);
  const said = messages.join('\n');
  for (const part of [
    'serial.ports[0].path must be the absolute path of a port',
    'serial.ports[0].baudRate must be a whole number from 50 to 4000000, not "fast"',
    'serial.ports[0].device must be a device id',
    'serial.ports[0].rule.columns must be a list of {metric: NAME, unit: UNIT}',
    'serial.ports[1] unknown key "baudrate"; did you mean baudRate?',
    'serial.ports[1].rule.kind must be a rule: csv, key-value, json, nmea, binary, regex',
    'serial.ports[2].framing.lengthBytes must be a whole number from 1 to 4096, not 0',
    'serial.ports[4].path must be the absolute path of a port',
    'serial.ports[5].path must be the absolute path of a port',
    'serial.ports[3] must be a port: {path: /dev/serial/by-id/…',
  ])
    expect(said).toContain(part);
  expect(messages[0]).toMatch(/^\/fieldgate\.yaml:2: /);
});

test('a word that is no framing or rule is named, beside the one that was probably meant', () => {
  const [framing = '', rule = '', kind = ''] = load(`serial:
  ports:
    - {path: /dev/ttyUSB0, baudRate: 9600, device: a, framing: lime, rule: nmae}
    - {path: /dev/ttyUSB1, baudRate: 9600, device: b, rule: {kind: key-values}}
    - {path: /dev/ttyUSB2, baudRate: 9600, device: c, rule: morse}
`).messages;
  expect(framing).toMatch(/serial\.ports\[0\]\.framing\.kind must be a framing: line, .*, not "lime"; did you mean line\?$/);
  expect(rule).toMatch(/serial\.ports\[0\]\.rule\.kind must be a rule: csv, .*, not "nmae"; did you mean nmea\?$/);
  expect(kind).toMatch(/not "key-values"; did you mean key-value\?$/);
});

test('a fixed frame is not shorter than the bytes that begin it', () => {
  const fixed = (framing: string): string[] =>
    load(`serial: {ports: [{path: /dev/ttyUSB0, baudRate: 9600, device: a, framing: ${framing}, rule: json}]}`).messages;
  expect(fixed('{kind: fixed, lengthBytes: 2, syncHex: aa55}')).toEqual([]);
  expect(fixed('{kind: fixed, lengthBytes: 1, syncHex: aa55}')[0]).toContain(
    'serial.ports[0].framing.lengthBytes must be at least 2, the bytes of syncHex, which are part of the frame, not 1',
  );
});

test('ports come from the file alone, and the environment is told so', () => {
  expect(load('', { FIELDGATE_SERIAL__PORTS: '/dev/ttyUSB0' }).messages[0]).toContain('ports are set in the configuration file');
});

test('W12 a pattern that only backtracking could match is refused with the reason', () => {
  const rule = (pattern: string) =>
    load(`serial: {ports: [{path: /dev/ttyUSB0, baudRate: 9600, device: a, rule: {kind: regex, pattern: '${pattern}'}}]}`).messages;
  expect(rule('(?P<v>\\d+)')).toEqual([]);
  expect(rule('(?P<v>a)\\1')[0]).toMatch(/serial\.ports\[0\]\.rule: .*pattern/);
  expect(rule('(?P<v>')[0]).toMatch(/serial\.ports\[0\]\.rule: .*pattern/);
  expect(rule('x'.repeat(10_240))[0]).toContain('serial.ports[0].rule.pattern must be');
});

test('W11 two entries for one port are refused with exit 78, also through a link', async () => {
  using folder = createFolder();
  const device = join(folder.path, 'ttyUSB0');
  writeFileSync(device, '');
  mkdirSync(join(folder.path, 'by-id'));
  const link = join(folder.path, 'by-id', 'usb-sensor');
  symlinkSync('../ttyUSB0', link);
  const line = (path: string, name: string): string => `    - {path: ${path}, baudRate: 9600, device: ${name}, rule: json}\n`;
  folder.file('fieldgate.yaml', `serial:\n  ports:\n${line(device, 'a')}${line(link, 'b')}${line('/dev/x', 'c')}${line('/dev//x', 'd')}`);
  const ended = await runCli(['start', '--data', join(folder.path, 'data')], { cwd: folder.path });
  expect(ended.code).toBe(78);
  expect(ended.stderr).toContain(`serial.ports[1].path ${link}, which is ${device}, is the same port as ports[0]; keep one of them`);
  expect(ended.stderr).toContain('serial.ports[3].path');
});
