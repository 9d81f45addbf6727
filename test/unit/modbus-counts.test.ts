// What a Modbus master counts besides faults of slaves: a driver that takes no bytes, turns for which there is no time, and points that hold
// no reading.

import { expect, test } from 'vitest';
import { createModbusMaster } from '../../gateway/transports/serial/modbus-master.ts';
import { MODBUS_DEFAULTS, type ModbusPoint } from '../../gateway/transports/serial/modbus-settings.ts';
import type { PortFrame, PortFrames } from '../../gateway/transports/serial/port-frames.ts';
import { registers, sealed } from '../support/modbus-bus.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => boolean): Promise<void> => untilWithin(holds, () => holds.toString(), { patienceMs: 15_000, everyMs: 5 });
const ASKED = { slave: 1, code: 3, address: 0, atMs: 0 };

/** `put` is the driver; what it returns is what it took. */
function masterOf(points: readonly ModbusPoint[], put: (master: PortFrames, bytes: Uint8Array) => number) {
  const batches: (readonly PortFrame[])[] = [];
  const group = {
    slave: 1,
    function: 'holding-registers',
    address: 0,
    everyMs: 20,
    joinGap: 0,
    wordOrder: 'big',
    byteOrder: 'big',
  } as const;
  const master = createModbusMaster({
    settings: { kind: 'modbus-rtu', ...MODBUS_DEFAULTS, timeoutMs: 1000, groups: [{ ...group, points }] },
    line: { baudRate: 19_200, dataBits: 8, stopBits: 1, parity: 'even' },
    bufferBytes: 64 * 1024,
    nowUs: () => Date.now() * 1000,
    post: (frames) => void batches.push(frames),
    verdict: () => undefined,
    event: () => undefined,
  });
  master.begin((bytes) => put(master, bytes));
  return {
    master,
    batches,
    [Symbol.dispose]: () => {
      master.end(Date.now() * 1000);
      master.close();
    },
  };
}
const u16 = (metric: string, address: number, more: Partial<ModbusPoint> = {}): ModbusPoint => ({ metric, address, type: 'u16', ...more });

test('a driver that takes a request in part alone is counted, tried again after a while, and no slave is blamed', async () => {
  let tries = 0;
  using bed = masterOf([u16('v', 0)], () => {
    tries++;
    return 3;
  });
  await until(() => tries === 4);
  expect(bed.master.counts.faults).toEqual({ 'not-sent': 4 });
  expect(bed.master.slaves()).toMatchObject([{ state: 'new', faults: {} }]);
  expect(bed.master.seen().at(-1)).toMatchObject({
    outcome: 'not-sent',
    says: 'the port took 3 of 8 bytes for slave 1, holding-registers 0',
  });
});

test('turns for which the bus has no time are left out and counted', async () => {
  using bed = masterOf([u16('v', 0)], (master, bytes) => {
    setTimeout(
      () =>
        master.push(
          registers({ ...ASKED, count: 1 }, () => 1),
          Date.now() * 1000,
        ),
      70,
    );
    return bytes.length;
  });
  await until(() => (bed.master.counts.skipped['turn-missed'] ?? 0) >= 6);
  expect(bed.master.counts.frames).toBeLessThanOrEqual(4);
});

test('absent values and what is no number are counted point by point, and an answer with nothing else is shown as such', async () => {
  const points = [u16('a', 0, { absent: 0xffff }), u16('b', 1, { absent: 0xffff }), { metric: 'c', address: 2, type: 'f32' as const }];
  const contents = ['ffff0001 7fc00000', 'ffffffff 3f800000', 'ffffffff 7fc00000', 'ffffffff 7fc00000'];
  let asked = 0;
  using bed = masterOf(points, (master, bytes) => {
    const data = Buffer.from(contents[asked++ % 4]!.replace(' ', ''), 'hex');
    setImmediate(() => master.push(sealed(1, 3, data.length, ...data), Date.now() * 1000));
    return bytes.length;
  });
  await until(() => bed.master.counts.frames === 4);
  const { absent, 'not-a-number': none } = bed.master.counts.skipped;
  expect([absent, none]).toEqual([7, 3]);
  expect(bed.master.counts.readings).toBe(2);
  expect(bed.master.seen().map(({ outcome, says }) => [outcome, says])).toEqual([
    ['readings', 'b 1'],
    ['readings', 'c 1'],
    ['not-a-number', ''],
    ['not-a-number', ''],
  ]);
});
