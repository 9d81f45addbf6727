// The life of one serial port, in this thread: silence, garbage, drivers that hang or fail, and a far side that does not keep up.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PORT_TIMING, type PortTiming } from '../../gateway/transports/serial/port.ts';
import type { PortFrame } from '../../gateway/transports/serial/port-frames.ts';
import { nativeHolder } from '../../gateway/transports/serial/port-holder.ts';
import { createPortOpener } from '../../gateway/transports/serial/port-opener.ts';
import { type OpenPort, type PortEars, type PortOpener, portTrouble } from '../../gateway/transports/serial/port-line.ts';
import { createPortReader } from '../../gateway/transports/serial/port-reader.ts';
import type { SerialLimits, SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import type { PortStatus } from '../../gateway/transports/serial/serial-messages.ts';
import { plugSerial } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const openPort = createPortOpener(nativeHolder);

const until = (holds: () => boolean): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 15_000 });

interface Ask {
  readonly path: string;
  readonly port?: Partial<SerialPortSettings>;
  readonly open?: PortOpener;
  readonly timing?: Partial<PortTiming>;
  readonly limits?: Partial<SerialLimits>;
  /** The far side answers for each batch. */
  readonly isTaking?: boolean;
}

function read({ path, port = {}, open = openPort, timing = {}, limits = {}, isTaking = true }: Ask) {
  const batches: (readonly PortFrame[])[] = [];
  const statuses: PortStatus[] = [];
  const reader = createPortReader({
    limits: { serialLineBytes: 4096, serialGapSeconds: 2, serialBufferBytes: 256 * 1024, ...limits },
    open,
    holdersOf: async () => [],
    timing: { ...PORT_TIMING, ...timing },
    nowUs: () => Date.now() * 1000,
    frames(_port, frames) {
      batches.push(frames);
      if (isTaking) queueMicrotask(() => reader.taken(0));
    },
    status: (_port, status) => void statuses.push(status),
    event: () => undefined,
    gone: () => undefined,
  });
  const settings: SerialPortSettings = {
    path,
    baudRate: 9600,
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
    flowControl: 'none',
    device: 'd',
    framing: { kind: 'line' },
    rule: { kind: 'csv', columns: [{ metric: 'v' }] },
    expectEverySeconds: null,
    ...port,
  };
  reader.add({ seat: 0, settings }, null);
  return {
    batches,
    statuses,
    states: () => statuses.map(({ condition }) => condition.state).filter((state, i, all) => state !== all[i - 1]),
    last: () => statuses.at(-1) as PortStatus,
    taken: () => reader.taken(0),
    close: () => reader.close(),
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

/** A port whose driver does as the test says. */
function madeOf(driver: Partial<OpenPort> & { onOpen?: (ears: PortEars) => void }): PortOpener {
  return async (_line, ears) => {
    driver.onOpen?.(ears);
    return {
      pause: () => undefined,
      resume: () => undefined,
      write: (bytes) => bytes.length,
      close: async () => ears.ended(),
      ...driver,
    };
  };
}

test('a sensor that has gone quiet is told as silent, its port is reopened, and a byte makes it open again', async () => {
  await using plug = await plugSerial();
  let opened = 0;
  const open: PortOpener = async (line, ears) => {
    // what is said while a terminal is being set up is lost
    const port = await openPort(line, ears);
    opened++;
    return port;
  };
  await using port = read({ path: plug.path, port: { expectEverySeconds: 1 }, open });
  await until(() => port.last()?.condition.state === 'open');
  await plug.sayAll('1\n');
  await until(() => port.last().condition.state === 'silent');
  expect(port.last().condition).toMatchObject({ reason: 'nothing came for 2 s', mend: expect.stringContaining('expectEverySeconds') });
  await until(() => opened === 2);
  await plug.sayAll('2\n');
  await until(() => port.last().condition.state === 'open');
  await until(() => port.batches.length === 2);
  expect(port.states()).toEqual(['opening', 'open', 'silent', 'open']);
});

test('W2 a port where for a minute nothing could be read is garbage, with a hint at the speed, until something can', async () => {
  await using plug = await plugSerial();
  await using port = read({ path: plug.path, timing: { garbageMs: 1500 } });
  await until(() => port.last()?.condition.state === 'open');
  const noise = setInterval(() => plug.say(Buffer.from([0xf8, 0x80, 0x0a, 0xfe, 0x0a])), 100);
  try {
    await until(() => port.last().condition.state === 'garbage');
  } finally {
    clearInterval(noise);
  }
  expect(port.last().condition.mend).toContain('baudRate (9600 here)');
  expect(port.last().counts.faults['undecodable']).toBeGreaterThan(5);
  await plug.sayAll('\n21.5\n');
  await until(() => port.last().condition.state === 'open');
});

test('W1 a flood without a line end is read slowly, dropped and counted, and what follows it is read', async () => {
  await using plug = await plugSerial();
  await using port = read({ path: plug.path });
  await until(() => port.last()?.condition.state === 'open');
  const cpu = process.threadCpuUsage();
  const startedMs = performance.now();
  await plug.sayAll(Buffer.alloc(4 * 1024 * 1024, 'x'));
  await plug.sayAll('\n7\n');
  await until(() => port.batches.flat().length === 1);
  const spentMs = performance.now() - startedMs;
  const { user, system } = process.threadCpuUsage(cpu);
  expect(spentMs).toBeGreaterThan(1000);
  expect((user + system) / 1000 / spentMs).toBeLessThan(0.9);
  expect(port.batches.flat()).toMatchObject([{ records: [{ n: 'v', v: 7 }] }]);
  await until(() => port.last().counts.faults['line-too-long'] === 1);
});

test('W14 frames that the far side does not take are dropped beyond the buffer, and counted', async () => {
  let ears: PortEars | undefined;
  await using plug = await plugSerial();
  const port = read({
    path: plug.path,
    open: madeOf({ onOpen: (own) => (ears = own) }),
    limits: { serialBufferBytes: 64 * 1024 },
    isTaking: false,
  });
  await until(() => port.last()?.condition.state === 'open');
  for (let i = 0; i < 6000; i++) ears?.bytes(Buffer.from(`${i}\n`));
  await until(() => (port.last().counts.faults['overrun'] ?? 0) > 0);
  const dropped = port.last().counts.faults['overrun'] ?? 0;
  expect(port.batches).toHaveLength(1);
  const closing = port.close();
  while (port.batches.length < 2) port.taken();
  port.taken();
  await closing;
  const values = port.batches.flat().map((frame) => ('records' in frame ? frame.records[0]?.v : null));
  expect(values).toEqual(Array.from({ length: 6000 - dropped }, (_, i) => i));
});

test('W16 errors that the driver reports are counted, and the port goes on', async () => {
  let ears: PortEars | undefined;
  await using plug = await plugSerial();
  await using port = read({ path: plug.path, open: madeOf({ onOpen: (own) => (ears = own) }) });
  await until(() => port.last()?.condition.state === 'open');
  for (const message of ['framing error', 'parity error', 'break']) ears?.fault(message);
  ears?.bytes(Buffer.from('1\n'));
  await until(() => port.last().counts.faults['driver'] === 3);
  expect(port.last()).toMatchObject({ condition: { state: 'open' }, counts: { readings: 1 } });
});

test('W16 damaged bytes and breaks are counted by what they are, and a port that brings nothing else is garbage', async () => {
  let ears: PortEars | undefined;
  await using plug = await plugSerial();
  await using port = read({ path: plug.path, open: madeOf({ onOpen: (own) => (ears = own) }), timing: { garbageMs: 300 } });
  await until(() => port.last()?.condition.state === 'open');
  ears?.fault('break', 'break');
  const damage = setInterval(() => ears?.fault('line-error', 'line-error'), 20);
  try {
    await until(() => port.last().condition.state === 'garbage');
  } finally {
    clearInterval(damage);
  }
  expect(port.last()).toMatchObject({ condition: { mend: expect.stringContaining('baudRate') }, counts: { faults: { break: 1 } } });
  expect(port.last().counts.faults['line-error']).toBeGreaterThan(5);
  ears?.bytes(Buffer.from('1\n'));
  await until(() => port.last().condition.state === 'open');
});

test('W17 a driver that hangs on close makes the port stuck, and closing does not wait for it', async () => {
  let hangUp = (): void => undefined;
  let letGo = (): void => undefined;
  let opened = 0;
  await using plug = await plugSerial();
  const open = madeOf({
    onOpen(ears) {
      opened++;
      hangUp = () => ears.ended();
    },
    close: () => new Promise<void>((resolve) => (letGo = resolve)),
  });
  const port = read({ path: plug.path, open, timing: { closeMs: 200, reopenMinMs: 50 } });
  await until(() => port.last()?.condition.state === 'open');
  hangUp();
  await until(() => port.last().condition.state === 'stuck');
  expect(port.last().condition.mend).toContain('unplug');
  expect(opened).toBe(1);
  letGo();
  await until(() => opened === 2 && port.last().condition.state === 'open');
  hangUp();
  await until(() => port.last().condition.state === 'stuck');
  await port.close();
  letGo();
});

test('W10 a port that may not be opened names the group that may, and is tried again ever more slowly', async () => {
  await using plug = await plugSerial();
  const triedMs: number[] = [];
  const open: PortOpener = async () => {
    triedMs.push(performance.now());
    throw portTrouble('permission', 'Permission denied, cannot open /dev/ttyUSB0');
  };
  await using port = read({ path: plug.path, open, timing: { reopenMinMs: 50, reopenMaxMs: 200 } });
  await until(() => triedMs.length === 5);
  expect(port.last().condition).toMatchObject({ state: 'failed', mend: expect.stringContaining('dialout') });
  const gaps = triedMs.slice(1).map((atMs, i) => atMs - (triedMs[i] ?? 0));
  expect(gaps.map((gap, i) => gap >= [49, 99, 199, 199][i])).toEqual([true, true, true, true]);
});

test('W10 a path that leads through a file, a loop of links or a name too long is told, and breaks nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-paths-'));
  try {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('loop', join(folder, 'loop'));
    const paths = ['file/tty/S0', 'loop/tty/S0', `${'x'.repeat(300)}/ttyS0`].map((path) => join(folder, path));
    for (const path of paths) {
      await using port = read({ path, timing: { reopenMinMs: 20, reopenMaxMs: 20 } });
      await until(() => ['absent', 'failed'].includes(port.last()?.condition.state ?? ''));
      expect(port.last().condition.mend).not.toBe('');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
