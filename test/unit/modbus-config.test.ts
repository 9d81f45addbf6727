// `framing: {kind: modbus-rtu, …}` of a configuration: defaults, and every problem with its place.

import { expect, test } from 'vitest';
import { readSerialPort } from '../../gateway/config-serial.ts';

const point = (more: object = {}) => ({ metric: 'v', address: 0, ...more });
const group = (more: object = {}) => ({ slave: 1, function: 'holding-registers', points: [point()], ...more });
const framing = (more: object = {}) => ({ kind: 'modbus-rtu', groups: [group()], ...more });
const read = (more: object = {}) => readSerialPort({ path: '/dev/ttyUSB0', baudRate: 9600, device: 'plc', framing: framing(), ...more });
const said = (more: object): string[] => {
  const answer = read(more);
  return 'faults' in answer ? answer.faults.map(({ path, says }) => `${path.join('.')}: ${says}`) : [];
};
const saidOf = (one: object): string[] => said({ framing: framing({ groups: [one] }) });

test('a Modbus bus needs its groups alone; everything else has a default, and what comes out goes in again', () => {
  const answer = read({ framing: framing({ groups: [group(), group({ function: 2, points: [point({ metric: 'b' })] })] }) });
  expect(answer).toEqual({
    read: {
      path: '/dev/ttyUSB0',
      baudRate: 9600,
      dataBits: 8,
      stopBits: 1,
      parity: 'none',
      flowControl: 'none',
      device: 'plc',
      framing: {
        kind: 'modbus-rtu',
        timeoutMs: 500,
        lateMs: null,
        retries: 1,
        gapMs: null,
        silentAfter: 3,
        pauseSeconds: 5,
        maxPauseSeconds: 60,
        groups: [
          {
            slave: 1,
            function: 'holding-registers',
            address: 0,
            everyMs: 1000,
            joinGap: 0,
            wordOrder: 'big',
            byteOrder: 'big',
            points: [{ metric: 'v', address: 0, type: 'u16' }],
          },
          {
            slave: 1,
            function: 'discrete-inputs',
            address: 0,
            everyMs: 1000,
            joinGap: 0,
            wordOrder: 'big',
            byteOrder: 'big',
            points: [{ metric: 'b', address: 0, type: 'bool' }],
          },
        ],
      },
      rule: null,
      expectEverySeconds: null,
    },
  });
  expect('read' in answer && readSerialPort(answer.read)).toEqual(answer);
});

test('a rule is refused where there is a bus, and missed where there is none', () => {
  expect(said({ rule: 'nmea' })).toEqual(['rule: must be left out: the points of a modbus-rtu framing are the readings']);
  expect(said({ rule: null })).toEqual([]);
  const without = said({ framing: 'line', baudRate: 'fast' });
  expect(without[0]).toMatch(/^baudRate: /);
  expect(without[1]).toMatch(/^rule: must be a rule: csv, .*, not nothing$/);
  expect(said({ framing: 'nmea', rule: null })).toHaveLength(1);
});

test.each([
  [{ slave: 0 }, 'framing.groups.0.slave: must be a whole number from 1 to 247, not 0'],
  [{ slave: 248 }, 'framing.groups.0.slave: must be a whole number from 1 to 247, not 248'],
  [
    { function: 5 },
    'framing.groups.0.function: must be one of coils, discrete-inputs, holding-registers, input-registers, or its code (1, 2, 3, 4), not 5',
  ],
  [{ everyMs: 5 }, 'framing.groups.0.everyMs: must be a whole number from 10 to 86400000, not 5'],
  [{ points: [] }, 'framing.groups.0.points: must be a list with at least one'],
  [
    { points: [point({ type: 'u8' })] },
    'framing.groups.0.points.0.type: must be one of bool, u16, i16, u32, i32, u64, i64, f32, f64, not "u8"',
  ],
  [{ points: [point({ metric: 'a b' })] }, 'framing.groups.0.points.0.metric: must be one (a metric is at most 128 letters'],
  [
    { points: [point(), point({ address: 1 })] },
    'framing.groups.0.points.1.metric: v is that of groups[0].points[0], too; every point needs its own',
  ],
  [
    { points: [point({ address: 65_535, type: 'u32' })] },
    "framing.groups.0.points.0.address: must end within the 65536 addresses there are, with the group's (0)",
  ],
  [
    { address: 65_000, points: [point({ address: 600 })] },
    "framing.groups.0.points.0.address: must end within the 65536 addresses there are, with the group's (65000)",
  ],
  [{ points: [point({ bit: 3 })] }, 'framing.groups.0.points.0.bit: is nothing that a point of type u16 has'],
  [{ points: [point({ wordOrder: 'little' })] }, 'framing.groups.0.points.0.wordOrder: is nothing that a point of type u16 has'],
  [{ points: [point({ type: 'bool', scale: 2 })] }, 'framing.groups.0.points.0.scale: is nothing that a bool has'],
  [{ points: [point({ type: 'bool', bit: 16 })] }, 'framing.groups.0.points.0.bit: must be a whole number from 0 to 15, not 16'],
  [{ points: [point({ scale: 'x' })] }, 'framing.groups.0.points.0.scale: must be a number, not "x"'],
  [{ function: 'coils', points: [point({ type: 'u16' })] }, 'framing.groups.0.points.0.type: must be bool, as all coils are, not u16'],
  [{ function: 'coils', points: [point({ offset: 1 })] }, 'framing.groups.0.points.0.offset: is nothing that a point of coils has'],
  [{ function: 'coils', wordOrder: 'little' }, 'framing.groups.0.wordOrder: is nothing that coils have'],
  [{ register: 3 }, 'framing.groups.0: unknown key "register"'],
])('%j is refused with its place', (more, message) => {
  expect(saidOf(group(more)).join('\n')).toContain(message);
});

test('a bus has bounds', () => {
  const many = (count: number, points: number) =>
    framing({
      groups: Array.from({ length: count }, (_, i) =>
        group({ points: Array.from({ length: points }, (_, j) => point({ metric: `m${i}.${j}`, address: j })) }),
      ),
    });
  expect(said({ framing: many(64, 8) })).toEqual([]);
  expect(said({ framing: many(65, 1) })[0]).toContain('framing.groups: must be a list of 1 to 64 groups');
  expect(said({ framing: many(2, 257) })).toEqual(['framing.groups: must have at most 512 points in all, not 514']);
  expect(said({ framing: framing({ timeoutMs: 500, lateMs: 100 }) })).toEqual([
    'framing.lateMs: must be at least timeoutMs (500), not 100',
  ]);
  expect(said({ framing: framing({ pauseSeconds: 90 }) })).toEqual(['framing.maxPauseSeconds: must be at least pauseSeconds (90), not 60']);
  expect(said({ framing: 'modbus-rtu' })[0]).toContain('framing.groups: must be a list of 1 to 64 groups');
});
