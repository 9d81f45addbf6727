// W16: errors of the line as a driver marks them (PARMRK), by hand, because a pseudo-terminal has no parity and no break; and that a real
// terminal marks what it should. With real adapters none of this was run.

import { MockBinding, type MockPortBinding } from '@serialport/binding-mock';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PORT_TIMING } from '../../gateway/transports/serial/port.ts';
import { nativeHolder } from '../../gateway/transports/serial/port-holder.ts';
import { createPortOpener } from '../../gateway/transports/serial/port-opener.ts';
import { createMarkReader, markErrors } from '../../gateway/transports/serial/port-marks.ts';
import { createPortReader } from '../../gateway/transports/serial/port-reader.ts';
import type { PortStatus } from '../../gateway/transports/serial/serial-messages.ts';
import { plugSerial } from '../support/pty.ts';
import { until } from '../support/until.ts';

const openPort = createPortOpener(nativeHolder);

type Event = { readonly byte: number } | { readonly fault: 'line-error' | 'break'; readonly damaged: number };

/** What a terminal with PARMRK gives for what happens on its line. */
function marked(events: readonly Event[]): number[] {
  return events.flatMap((event) => {
    if ('fault' in event) return [0xff, 0, event.fault === 'break' ? 0 : event.damaged];
    return event.byte === 0xff ? [0xff, 0xff] : [event.byte];
  });
}
function read(bytes: readonly number[], cuts: readonly number[]) {
  const heard: number[] = [];
  const faults: string[] = [];
  const reader = createMarkReader({ bytes: (some) => void heard.push(...some), fault: (fault) => void faults.push(fault) });
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const to = from + (cuts[i % cuts.length] ?? 1);
    reader.push(Uint8Array.from(bytes.slice(from, to)));
    from = to;
  }
  return { heard, faults };
}

/** Until the driver is closed. */
async function listen(driver: MockPortBinding, heard: (bytes: Uint8Array) => void): Promise<void> {
  const buffer = Buffer.alloc(64);
  for (;;) {
    const read = await driver.read(buffer, 0, buffer.length).catch(() => null);
    if (read === null) return;
    heard(buffer.subarray(0, read.bytesRead));
  }
}

const anyByte = fc.oneof(fc.constantFrom(0, 0xff, 0x41), fc.nat(255));
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { arbitrary: anyByte.map((byte) => ({ byte })), weight: 5 },
  {
    arbitrary: fc.record({ fault: fc.constantFrom('line-error' as const, 'break' as const), damaged: fc.integer({ min: 1, max: 255 }) }),
    weight: 1,
  },
);

test('W16 every good byte comes through as it was and every error is counted, however the reads are cut', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 200 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (events, cuts) => {
      expect(read(marked(events), cuts)).toEqual({
        heard: events.flatMap((event) => ('byte' in event ? [event.byte] : [])),
        faults: events.flatMap((event) => ('fault' in event ? [event.fault] : [])),
      });
    }),
    { numRuns: 500 },
  );
});

test('W16 whatever a driver gives, no more comes out than went in, and what is no mark is left as it is', () => {
  fc.assert(
    fc.property(fc.array(anyByte, { maxLength: 200 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (bytes, cuts) => {
      const { heard, faults } = read(bytes, cuts);
      expect(heard.length + 3 * faults.length).toBeLessThanOrEqual(bytes.length);
      expect(read(bytes, [1])).toEqual({ heard, faults });
      if (!bytes.includes(0xff)) expect(heard).toEqual(bytes);
    }),
  );
  expect(read([0xff, 0x41, 0x42], [1])).toEqual({ heard: [0xff, 0x41, 0x42], faults: [] });
});

test('W16 a port is opened with marks, and all 256 bytes come through it as they were', async () => {
  await using plug = await plugSerial();
  const heard: number[] = [];
  const line = { path: plug.path, baudRate: 9600, dataBits: 8, stopBits: 1, parity: 'even', flowControl: 'none' } as const;
  const faults: string[] = [];
  const port = await openPort(line, {
    bytes: (bytes) => void heard.push(...bytes),
    fault: (fault) => void faults.push(fault),
    ended: () => undefined,
  });
  const all = Uint8Array.from({ length: 1024 }, (_, i) => (i < 256 ? i : i < 512 ? 0xff : 511 - (i % 512)));
  await plug.sayAll(all);
  await until(
    () => heard.length >= all.length,
    () => `${heard.length} bytes came`,
  );
  await port.close();
  expect([heard, faults]).toEqual([[...all], []]);
});

test('W16 parity, framing and break errors of a driver are counted by the port, and what is damaged is in no reading', async () => {
  await using plug = await plugSerial();
  MockBinding.createPort(plug.path);
  let driver: MockPortBinding | undefined;
  const statuses: PortStatus[] = [];
  const values: unknown[] = [];
  const reader = createPortReader({
    limits: { serialLineBytes: 4096, serialGapSeconds: 2, serialBufferBytes: 65_536 },
    async open(line, ears) {
      const opened = await MockBinding.open({ path: line.path, baudRate: line.baudRate });
      driver = opened;
      const marks = createMarkReader({ bytes: ears.bytes, fault: (fault) => ears.fault(fault, fault) });
      void listen(opened, (bytes) => marks.push(bytes)).then(ears.ended);
      return { pause: () => undefined, resume: () => undefined, write: (bytes) => bytes.length, close: () => opened.close() };
    },
    holdersOf: async () => [],
    timing: PORT_TIMING,
    nowUs: () => Date.now() * 1000,
    frames(seat, frames) {
      for (const frame of frames) if ('records' in frame) values.push(...frame.records.map(({ v }) => v));
      queueMicrotask(() => reader.taken(seat));
    },
    status: (_seat, status) => void statuses.push(status),
    event: () => undefined,
    gone: () => undefined,
  });
  const line = { path: plug.path, baudRate: 9600, dataBits: 8, stopBits: 1, parity: 'even', flowControl: 'none' } as const;
  const rule = { kind: 'csv', columns: [{ metric: 'v' }] } as const;
  reader.add({ seat: 0, settings: { ...line, device: 'd', framing: { kind: 'line' }, rule, expectEverySeconds: null } }, null);
  await until(
    () => statuses.at(-1)?.condition.state === 'open',
    () => 'the port did not open',
  );
  // a break before a line, a damaged byte in the next one, and one between lines
  driver?.emitData(Buffer.from([0xff, 0, 0, 0x31, 0x0a, 0x32, 0xff, 0, 0x41, 0x33, 0x0a, 0xff, 0, 0xfe, 0x34, 0x0a]));
  await until(
    () => statuses.at(-1)?.counts.faults['line-error'] === 2,
    () => JSON.stringify(statuses.at(-1)?.counts),
  );
  expect(statuses.at(-1)).toMatchObject({ condition: { state: 'open' }, counts: { faults: { break: 1, 'line-error': 2 }, frames: 3 } });
  expect(values).toEqual([1, 23, 4]);
  await reader.close();
});

test('W16 where marks cannot be had the port is read without them', async () => {
  expect(await markErrors(-1)).toBe(false);
  // no descriptor of this process: the system does not even begin
  expect(await markErrors(9999)).toBe(false);
});
