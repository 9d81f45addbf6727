// Ports that one thread reads and another one holds: whenever the reader ends, each is let go, and none of them twice.

import { expect, test } from 'vitest';
import { createBorrowingHolder, createLendingHolder, type HoldAsk } from '../../gateway/transports/serial/lent-holder.ts';
import { type PortHolder, type PortLine, portTrouble } from '../../gateway/transports/serial/port-line.ts';

const LINE: PortLine = { path: '/dev/ttyUSB0', baudRate: 9600, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' };

/** A system that opens ports when it is told to, and knows which are held. */
function createSystem() {
  const held = new Set<number>();
  const letGoTwice: number[] = [];
  const opening: (() => void)[] = [];
  let opened = 0;
  const holder: PortHolder = {
    async hold() {
      const fd = ++opened;
      await new Promise<void>((resolve) => opening.push(resolve));
      held.add(fd);
      return fd;
    },
    async letGo(fd) {
      if (!held.delete(fd)) letGoTwice.push(fd);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return { holder, held, letGoTwice, open: () => opening.shift()?.() };
}
function createPair(holder: PortHolder) {
  const lending = createLendingHolder(holder, (answer) => borrowing.answered(structuredClone(answer)));
  const borrowing = createBorrowingHolder((ask: HoldAsk) => lending.asked(structuredClone(ask)));
  return { lending, borrowing };
}

test('what a reader held, was about to hold and was about to let go when it ended is let go once', async () => {
  const { holder, held, letGoTwice, open } = createSystem();
  const { lending, borrowing } = createPair(holder);
  const asked = [borrowing.hold(LINE), borrowing.hold(LINE), borrowing.hold(LINE)];
  open();
  open();
  const [first = 0, second = 0] = await Promise.all(asked.slice(0, 2));
  expect([...held]).toEqual([first, second]);
  const going = borrowing.letGo(first);
  lending.close();
  lending.close();
  expect([...held]).toEqual([]);
  open();
  await Promise.all([going, asked[2]]);
  expect([[...held], letGoTwice]).toEqual([[], []]);
});

test('why a port cannot be held is said in the other thread, too', async () => {
  const holder: PortHolder = { hold: () => Promise.reject(portTrouble('busy', 'Cannot lock port')), letGo: () => Promise.resolve() };
  const { borrowing } = createPair(holder);
  await expect(borrowing.hold(LINE)).rejects.toMatchObject({ trouble: 'busy', message: 'Cannot lock port' });
});
