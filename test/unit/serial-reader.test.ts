// The ports of one thread come and go: what one does is nothing to the others, and what it has read is not lost with it.

import { expect, test } from 'vitest';
import { PORT_TIMING } from '../../gateway/transports/serial/port.ts';
import type { PortFrame } from '../../gateway/transports/serial/port-frames.ts';
import type { OpenPort, PortEars, PortOpener } from '../../gateway/transports/serial/port-line.ts';
import { createPortReader } from '../../gateway/transports/serial/port-reader.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import type { PortStatus } from '../../gateway/transports/serial/serial-messages.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => boolean): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 15_000 });
const settings: SerialPortSettings = {
  // there, and not a link: drivers are the test's own
  path: '/dev/null',
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device: 'd',
  framing: { kind: 'line' },
  rule: { kind: 'csv', columns: [{ metric: 'v' }] },
  expectEverySeconds: null,
};

interface Driver {
  readonly ears: PortEars;
  /** Lets a close that hangs come to its end. */
  letGo(): void;
  isClosed: boolean;
}

/** Drivers that hang on close, or not, and the seats' words. */
function open(isHanging: (opened: number) => boolean = () => false) {
  const drivers: Driver[] = [];
  const frames: [seat: number, frames: readonly PortFrame[]][] = [];
  const latest = new Map<number, PortStatus>();
  const gone: number[] = [];
  const opener: PortOpener = async (_line, ears) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const isStuck = isHanging(drivers.length);
    const driver: Driver = { ears, letGo: resolve, isClosed: false };
    drivers.push(driver);
    const port: OpenPort = {
      write: (bytes) => bytes.length,
      pause: () => undefined,
      resume: () => undefined,
      async close() {
        if (isStuck) await promise;
        driver.isClosed = true;
        ears.ended();
      },
    };
    return port;
  };
  const reader = createPortReader({
    limits: { serialLineBytes: 4096, serialGapSeconds: 2, serialBufferBytes: 256 * 1024 },
    open: opener,
    holdersOf: async () => [],
    timing: { ...PORT_TIMING, closeMs: 200, reopenMinMs: 100, reopenMaxMs: 100 },
    nowUs: () => Date.now() * 1000,
    frames: (seat, batch) => void frames.push([seat, batch]),
    status: (seat, status) => void latest.set(seat, status),
    event: () => undefined,
    gone: (seat) => void gone.push(seat),
  });
  const stateOf = (seat: number): string => latest.get(seat)?.condition.state ?? '';
  return { reader, drivers, frames, gone, stateOf, latest, [Symbol.asyncDispose]: () => reader.close() };
}
const say = (driver: Driver, text: string): void => driver.ears.bytes(Buffer.from(text));

test('a port that is removed is gone when what it has read has been taken', async () => {
  await using all = open();
  const { reader, drivers, frames, gone } = all;
  reader.add({ seat: 1, settings }, null);
  await until(() => all.stateOf(1) === 'open');
  say(drivers[0], '1\n2\n');
  say(drivers[0], '3\n');
  expect(frames).toHaveLength(1);
  reader.remove(1);
  await until(() => drivers[0].isClosed);
  expect(gone).toEqual([]);
  reader.taken(1);
  await until(() => frames.length === 2);
  expect(gone).toEqual([]);
  reader.taken(1);
  await until(() => gone.length === 1);
  expect(gone).toEqual([1]);
  reader.remove(1);
  reader.taken(1);
  expect(gone).toEqual([1]);
});

test('a changed port is opened when the one before has let go, and takes its place', async () => {
  await using all = open((opened) => opened === 0);
  const { reader, drivers } = all;
  reader.add({ seat: 1, settings }, null);
  await until(() => all.stateOf(1) === 'open');
  reader.remove(1);
  reader.add({ seat: 2, settings }, 1);
  // changed once more, before the first change could be made
  reader.remove(2);
  reader.add({ seat: 3, settings }, 2);
  drivers[0].letGo();
  await until(() => all.stateOf(3) === 'open');
  expect(drivers).toHaveLength(2);
  expect(all.stateOf(2)).toBe('');
  expect(new Set(all.gone)).toEqual(new Set([1, 2]));
});

test('W17 a stuck port is removed, the others are read, and the same one is opened when its driver has let go', async () => {
  await using all = open((opened) => opened === 0);
  const { reader, drivers, frames } = all;
  reader.add({ seat: 1, settings }, null);
  reader.add({ seat: 2, settings: { ...settings, path: '/dev/zero' } }, null);
  await until(() => all.stateOf(1) === 'open' && all.stateOf(2) === 'open');
  drivers[0].ears.ended();
  await until(() => all.stateOf(1) === 'stuck');
  reader.remove(1);
  await until(() => all.gone.includes(1));
  reader.add({ seat: 3, settings }, null);
  await until(() => all.stateOf(3) === 'failed');
  expect(all.latest.get(3)?.condition.reason).toContain('has not let go of /dev/null');
  say(drivers[1], '7\n');
  expect(frames.map(([seat]) => seat)).toEqual([2]);
  reader.taken(2);
  drivers[0].letGo();
  await until(() => all.stateOf(3) === 'open');
});

test('two ports that turn out to be the same one are told so by name', async () => {
  await using all = open();
  all.reader.add({ seat: 1, settings }, null);
  await until(() => all.stateOf(1) === 'open');
  all.reader.add({ seat: 2, settings: { ...settings, path: '/dev/../dev/null' } }, null);
  await until(() => all.stateOf(2) === 'failed');
  expect(all.latest.get(2)?.condition.reason).toBe('/dev/null is the same port (/dev/null); keep one of them');
});
