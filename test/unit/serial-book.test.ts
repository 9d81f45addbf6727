// The book of serial ports: what is read elsewhere is shown and left alone, and what the registry keeps stands behind the file.

import { expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { readSerialPort } from '../../gateway/config-serial.ts';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import { openSerialBook } from '../../gateway/serial-book.ts';
import { createSerialPorts } from '../../gateway/transports/serial/serial.ts';
import { unusableView } from '../../gateway/unusable-port.ts';
import { openTestIdentity, type TestIdentity } from '../support/test-identity.ts';

const body = (path: string, device = 'weather-1') => ({ path, baudRate: 9600, device, rule: 'json' });

function openBook(house: TestIdentity, fromFile: readonly object[] = [], further: readonly SerialPortView[] = []) {
  const { identity, registry, observe } = house;
  const { limits } = DEFAULTS;
  const sink = { store: async () => true, follow: () => undefined, recordEvent: () => undefined };
  return openSerialBook({
    ports: createSerialPorts({ limits, observe, sink }),
    fromFile: fromFile.map((one) => {
      const answer = readSerialPort(one);
      if ('faults' in answer) throw new Error(JSON.stringify(answer.faults));
      return answer.read;
    }),
    registry,
    identity,
    limits,
    recordEvent: sink.recordEvent,
    observe,
    further: [() => further],
  });
}

test('ports of a bridge, and a replay, are shown with the others and can be neither changed nor removed here', async () => {
  await using house = await openTestIdentity();
  const view = unusableView({ id: 'far-1', settings: JSON.stringify(body('/dev/ttyUSB0')), createdAtMs: 1 }, '');
  const further: SerialPortView[] = [
    { ...view, origin: 'bridge', bridge: 'barn', settings: null },
    { ...view, id: 'tape-1', origin: 'replay', settings: null },
  ];
  const book = await openBook(house, [], further);
  expect(book.views().map(({ id, origin }) => [id, origin])).toEqual([
    ['far-1', 'bridge'],
    ['tape-1', 'replay'],
  ]);
  const bridged = { refused: 'set-in-file', detail: 'It is set on the bridge barn.' };
  expect(await book.replace('far-1', body('/dev/ttyUSB0'), 'ada')).toEqual(bridged);
  expect(await book.remove('far-1', 'ada')).toEqual(bridged);
  expect(await book.remove('tape-1', 'ada')).toEqual({ refused: 'not-found' });
  // another box may have a port of the same name
  expect(await book.add(body('/dev/ttyUSB0'), 'ada')).toMatchObject({ origin: 'console', state: 'closed' });
});

test('a port that the file has got since is read as the file says, and the older entry is shown with the reason', async () => {
  await using house = await openTestIdentity();
  const before = await openBook(house);
  const added = await before.add(body('/dev/none', 'older'), 'ada');
  expect(added).toMatchObject({ device: 'older', settings: { path: '/dev/none' } });
  await house.restart();
  const book = await openBook(house, [body('/dev/none', 'newer')]);
  expect(book.views()).toMatchObject([
    { origin: 'file', device: 'newer', state: 'closed' },
    {
      origin: 'console',
      device: 'older',
      state: 'failed',
      reason: '/dev/none is the same port as that of newer in the configuration file',
      mend: 'change its settings, or remove it',
    },
  ]);
  const { id } = book.views()[1];
  expect(await book.replace(id, body('/dev/other', 'older'), 'ada')).toMatchObject({ id, state: 'closed', path: '/dev/other' });
});

test('an expected cadence is taken by a device that has none, and left alone where there is one', async () => {
  await using house = await openTestIdentity();
  const expects = (id: string): number | null | undefined => house.identity.devices.get(id)?.expectEverySeconds;
  const book = await openBook(house);
  await house.identity.devices.create({ id: 'known' }, 'ada');
  await house.identity.devices.update('known', { expectEverySeconds: 5 }, 'ada');
  await book.add({ ...body('/dev/none-1', 'known'), expectEverySeconds: 60 }, 'ada');
  await book.add({ ...body('/dev/none-2', 'new'), expectEverySeconds: 60 }, 'ada');
  await book.add(body('/dev/none-3', 'patient'), 'ada');
  expect([expects('known'), expects('new'), expects('patient')]).toEqual([5, 60, null]);
  expect(house.identity.devices.tokens('new')).toEqual([]);
});
