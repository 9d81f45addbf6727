// A Modbus bus behind a real pseudo-terminal: slaves that answer, that are silent, late, wrong or garbled, and what that costs the others.

import { expect, test } from 'vitest';
import { PORT_TIMING } from '../../gateway/transports/serial/port.ts';
import {
  MODBUS_DEFAULTS,
  type ModbusGroup,
  type ModbusPoint,
  type ModbusSettings,
} from '../../gateway/transports/serial/modbus-settings.ts';
import type { SlaveEvent } from '../../gateway/transports/serial/modbus-slave.ts';
import type { PortFrame } from '../../gateway/transports/serial/port-frames.ts';
import { nativeHolder } from '../../gateway/transports/serial/port-holder.ts';
import { createPortOpener } from '../../gateway/transports/serial/port-opener.ts';
import { createPortReader } from '../../gateway/transports/serial/port-reader.ts';
import type { PortStatus } from '../../gateway/transports/serial/serial-messages.ts';
import { exception, type ModbusBus, registers, type Script, sealed, spoiled, startModbusBus } from '../support/modbus-bus.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const openPort = createPortOpener(nativeHolder);

const until = (holds: () => boolean): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 20_000, everyMs: 5 });

function group(slave: number, more: Partial<ModbusGroup> = {}, ...points: Partial<ModbusPoint>[]): ModbusGroup {
  return {
    slave,
    function: 'holding-registers',
    address: 0,
    everyMs: 100,
    joinGap: 0,
    wordOrder: 'big',
    byteOrder: 'big',
    ...more,
    points: (points.length === 0 ? [{}] : points).map((point, i) => ({ metric: `s${slave}.${i}`, address: i, type: 'u16', ...point })),
  };
}

interface Watched extends AsyncDisposable {
  readonly readings: readonly { readonly metric: string; readonly value: unknown; readonly atUs: number; readonly heardAtMs: number }[];
  valuesOf(metric: string): unknown[];
  readonly events: readonly SlaveEvent[];
  status(): PortStatus;
  slave(number: number): PortStatus['slaves'][number];
}

function master(plug: SerialPlug, settings: Partial<ModbusSettings>): Watched {
  const readings: Watched['readings'][number][] = [];
  const events: SlaveEvent[] = [];
  let last: PortStatus | null = null;
  const reader = createPortReader({
    limits: { serialLineBytes: 4096, serialGapSeconds: 2, serialBufferBytes: 256 * 1024 },
    open: openPort,
    holdersOf: async () => [],
    timing: { ...PORT_TIMING, reopenMinMs: 50 },
    nowUs: () => Date.now() * 1000,
    frames(seat, frames: readonly PortFrame[]) {
      const heardAtMs = performance.now();
      for (const frame of frames) {
        if (!('records' in frame)) continue;
        for (const { n = '', v, vb } of frame.records) readings.push({ metric: n, value: v ?? vb, atUs: frame.atUs, heardAtMs });
      }
      queueMicrotask(() => reader.taken(seat));
    },
    status: (_seat, status) => {
      last = status;
    },
    event: (_seat, event) => void events.push(event),
    gone: () => undefined,
  });
  const framing: ModbusSettings = { kind: 'modbus-rtu', ...MODBUS_DEFAULTS, groups: [group(1)], ...settings };
  const line = { path: plug.path, baudRate: 115_200, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' } as const;
  reader.add({ seat: 1, settings: { ...line, device: 'd', framing, rule: null, expectEverySeconds: null } }, null);
  return {
    readings,
    valuesOf: (metric) => readings.filter((reading) => reading.metric === metric).map(({ value }) => value),
    events,
    status: () => last as unknown as PortStatus,
    slave: (number) => (last as unknown as PortStatus).slaves.find(({ slave }) => slave === number)!,
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

/** A test machine is busy with other things, too. */
const BUSY_MS = 300;
/** Counts up with each answer. */
const counting: Script = (asked, n) => registers(asked, () => n);
const gapsOf = (bus: ModbusBus, slave: number): number[] =>
  bus
    .askedOf(slave)
    .map(({ atMs }, i, all) => atMs - (all[i - 1]?.atMs ?? atMs))
    .slice(1);

test('a slave is asked as often as its group says, and its registers are readings of the moment of the answer', async () => {
  await using plug = await plugSerial();
  await using bus = startModbusBus(plug, { 1: counting });
  await using bed = master(plug, { groups: [group(1, { everyMs: 100 }, {}, { scale: 0.1, offset: -40, unit: 'Cel' })] });
  await until(() => bed.readings.length >= 20);
  expect(bed.valuesOf('s1.0').slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
  expect(bed.valuesOf('s1.1')[0]).toBeCloseTo(-39.9, 6);
  expect(bus.asked[0]).toMatchObject({ slave: 1, code: 3, address: 0, count: 2 });
  const span = bus.asked.at(-1)!.atMs - bus.asked[0]!.atMs;
  expect(span / (bus.asked.length - 1)).toBeGreaterThan(80);
  expect(span / (bus.asked.length - 1)).toBeLessThan(200);
  for (const { atUs } of bed.readings) expect(Math.abs(atUs / 1000 - Date.now())).toBeLessThan(10_000);
  await until(() => bed.slave(1)?.answers >= 5);
  expect(bed.slave(1)).toMatchObject({ state: 'answers', timeouts: 0, crcErrors: 0, exceptions: 0, lastError: '' });
  const [{ outcome, raw, says }] = bed.status().seen as [PortStatus['seen'][number]];
  const n = Number(/s1\.0 (\d+)/.exec(says)?.[1]);
  expect({ outcome, raw }).toEqual({ outcome: 'readings', raw: sealed(1, 3, 4, 0, n, 0, n).toString('base64') });
});

test('slaves that are absent, garbled, or refuse cost a good one no more than a time-out, and each is counted by its name', async () => {
  await using plug = await plugSerial();
  await using bus = startModbusBus(plug, {
    1: counting,
    3: (asked, n) => spoiled(registers(asked, () => n)),
    4: (asked) => exception(asked, 2),
  });
  await using bed = master(plug, {
    timeoutMs: 600,
    lateMs: 700,
    pauseSeconds: 60,
    groups: [group(1, { everyMs: 50 }), group(2, { everyMs: 100 }), group(3, { everyMs: 100 }), group(4, { everyMs: 100 })],
  });
  await until(() => bed.valuesOf('s1.0').length >= 60);
  // the time-out, its own cadence, and the pause that ends what is garbled
  expect(Math.max(...gapsOf(bus, 1))).toBeLessThan(600 + 50 + 30 + BUSY_MS);
  expect(bed.valuesOf('s1.0')).toEqual(bed.valuesOf('s1.0').map((_, i) => i + 1));
  await until(() => bed.slave(2).state === 'silent' && bed.slave(3).state === 'silent');
  expect(bed.slave(2)).toMatchObject({
    answers: 0,
    timeouts: bed.slave(2).requests,
    lastError: expect.stringContaining('no answer within 600 ms'),
  });
  expect(bed.slave(3)).toMatchObject({ answers: 0, crcErrors: bed.slave(3).requests });
  const refusing = bed.slave(4);
  expect(refusing).toMatchObject({
    state: 'answers',
    answers: 0,
    timeouts: 0,
    lastError: 'slave 4, holding-registers 0: illegal data address',
  });
  // one may be under way
  expect(refusing.requests - refusing.exceptions).toBeLessThanOrEqual(1);
  const { faults } = bed.status().counts;
  expect(Object.keys(faults).sort()).toEqual(['bad-crc', 'exception-2', 'timeout']);
  expect(bed.events.map(({ type, detail }) => `${type} ${detail.slave}`).sort()).toEqual(['slave-silent 2', 'slave-silent 3']);
});

test('an answer that comes after its time-out is never taken for that to the next request', async () => {
  await using plug = await plugSerial();
  // the same function and length for all, so that nothing but the order tells them apart
  const late: Script = (asked, n) => {
    const bytes = registers(asked, () => asked.address * 1000 + n);
    return n % 3 === 0 ? { afterMs: 260, bytes } : bytes;
  };
  await using bus = startModbusBus(plug, { 1: late, 2: counting });
  await using bed = master(plug, {
    timeoutMs: 150,
    groups: [group(1, { everyMs: 60 }, { metric: 'a', address: 1 }, { metric: 'b', address: 7 }), group(2, { everyMs: 40 })],
  });
  await until(() => bed.valuesOf('a').length >= 8 && bed.valuesOf('b').length >= 8);
  const wrong = (metric: string, address: number): unknown[] =>
    bed.valuesOf(metric).filter((value) => Math.floor((value as number) / 1000) !== address);
  expect(wrong('a', 1)).toEqual([]);
  expect(wrong('b', 7)).toEqual([]);
  // nor is one stored that was late
  expect([...bed.valuesOf('a'), ...bed.valuesOf('b')].filter((value) => ((value as number) % 1000) % 3 === 0)).toEqual([]);
  const { faults } = bed.status().counts;
  expect(faults['late-answer']).toBeGreaterThan(2);
  expect(faults['timeout']).toBeGreaterThanOrEqual(faults['late-answer']!);
  // the other one was asked meanwhile
  expect(Math.max(...gapsOf(bus, 2))).toBeLessThan(150 + 40 + BUSY_MS);
});

test('a slave that owes an answer is asked nothing until it has come, or can come no more', async () => {
  await using plug = await plugSerial();
  await using bus = startModbusBus(plug, { 1: () => null });
  await using bed = master(plug, { timeoutMs: 50, lateMs: 600, retries: 0, silentAfter: 100, groups: [group(1, { everyMs: 20 })] });
  await until(() => bus.asked.length >= 4);
  expect(Math.min(...gapsOf(bus, 1))).toBeGreaterThan(550);
  expect(bed.readings).toEqual([]);
});

test('garbage before, after and between answers is dropped and counted, and every answer is read', async () => {
  await using plug = await plugSerial();
  const noisy: Script = (asked, n) => {
    const answer = registers(asked, () => n);
    const noise = Buffer.from([0x00, 0xff, 0x01, 0x03, 0x55, 0xaa]);
    return n % 2 === 0 ? Buffer.concat([noise, answer]) : Buffer.concat([answer, noise]);
  };
  await using bus = startModbusBus(plug, { 1: noisy });
  await using bed = master(plug, { groups: [group(1, { everyMs: 60 })] });
  await until(() => bed.valuesOf('s1.0').length >= 12);
  expect(bed.valuesOf('s1.0')).toEqual(bed.valuesOf('s1.0').map((_, i) => i + 1));
  await until(() => (bed.status().counts.faults['noise'] ?? 0) >= 3 && (bed.status().counts.faults['unasked'] ?? 0) >= 3);
  expect(bed.slave(1)).toMatchObject({ state: 'answers', timeouts: 0 });
  expect(bus.garbled).toBe(0);
});

test('an adapter that returns what is sent is no fault', async () => {
  await using plug = await plugSerial();
  const echoing: Script = (asked, n) =>
    Buffer.concat([sealed(asked.slave, asked.code, 0, asked.address, 0, asked.count), registers(asked, () => n)]);
  await using _bus = startModbusBus(plug, { 1: echoing });
  await using bed = master(plug, { groups: [group(1, { everyMs: 50 })] });
  await until(() => bed.valuesOf('s1.0').length >= 5);
  expect(bed.status().counts.faults).toEqual({});
});

test.each([
  ['wrong-slave', (): Script => (asked, n) => registers({ ...asked, slave: 9 }, () => n)],
  ['wrong-function', (): Script => (asked, n) => registers({ ...asked, code: 4 }, () => n)],
  ['wrong-length', (): Script => (asked, n) => registers({ ...asked, count: 3 }, () => n)],
  ['short-answer', (): Script => (asked, n) => registers(asked, () => n).subarray(0, -2)],
  ['bad-crc', (): Script => (asked, n) => spoiled(registers(asked, () => n))],
] as const)('%s is told as such, and nothing is stored of it', async (code, script) => {
  await using plug = await plugSerial();
  await using _bus = startModbusBus(plug, { 1: script(), 2: counting });
  await using bed = master(plug, { timeoutMs: 80, lateMs: 80, silentAfter: 3, groups: [group(1), group(2, { everyMs: 50 })] });
  await until(() => bed.events.length > 0 && bed.valuesOf('s2.0').length > 3);
  await until(() => (bed.status().counts.faults[code] ?? 0) > 0);
  expect(bed.valuesOf('s1.0')).toEqual([]);
  await until(() => bed.slave(1).state === 'silent');
  expect(bed.slave(1).answers).toBe(0);
  expect(bed.status().seen.some(({ outcome }) => outcome === code)).toBe(true);
});

test('a silent slave is asked after growing pauses, and as often as ever when it is back', async () => {
  await using plug = await plugSerial();
  await using bus = startModbusBus(plug, { 1: counting });
  await using bed = master(plug, {
    timeoutMs: 60,
    lateMs: 60,
    retries: 0,
    silentAfter: 2,
    pauseSeconds: 1,
    maxPauseSeconds: 2,
    groups: [group(2), group(1)],
  });
  await until(() => bed.events.length === 1);
  expect(bed.events[0]).toMatchObject({
    type: 'slave-silent',
    detail: { slave: 2 },
    reason: expect.stringContaining('2 requests in a row failed'),
  });
  await until(() => bed.slave(2)?.state === 'silent');
  expect(bed.slave(2).nextAskAtMs).toBeGreaterThan(Date.now() - 1000);
  await until(() => bus.askedOf(2).length >= 4);
  const [between, once, twice] = gapsOf(bus, 2) as [number, number, number];
  expect(between).toBeLessThan(700);
  expect(once).toBeGreaterThan(950);
  expect(twice).toBeGreaterThan(1950);
  bus.script(2, counting);
  await until(() => bed.valuesOf('s2.0').length >= 3);
  expect(bed.events.map(({ type }) => type)).toEqual(['slave-silent', 'slave-answers']);
  await until(() => bed.slave(2).state === 'answers');
  expect(bed.slave(2).nextAskAtMs).toBeNull();
  expect(gapsOf(bus, 2).at(-1)).toBeLessThan(700);
});

test('a bus that is unplugged in the middle of an answer is asked again when it is back, under whatever name', async () => {
  await using plug = await plugSerial();
  await using bus = startModbusBus(plug, { 1: counting });
  await using bed = master(plug, { groups: [group(1, { everyMs: 50 })] });
  await until(() => bed.valuesOf('s1.0').length >= 3);
  bus.script(1, (asked, n) => registers(asked, () => n).subarray(0, 4));
  await until(() => (bed.status().counts.faults['short-answer'] ?? 0) > 0);
  await plug.unplug();
  await until(() => bed.status().condition.state === 'absent');
  const before = bed.readings.length;
  bus.script(1, counting);
  await plug.replug('ttyUSB7');
  await until(() => bed.readings.length >= before + 3);
  expect(bed.status().condition.state).toBe('open');
  const values = bed.valuesOf('s1.0') as number[];
  expect(values.toSorted((a, b) => a - b)).toEqual(values);
  expect(new Set(values).size).toBe(values.length);
});
