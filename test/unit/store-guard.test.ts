// What a full disk stops, and what goes on again when there is room: the ingest, and sealing with it.

import { expect, test } from 'vitest';
import { openStoreGuard } from '../../gateway/store-guard.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';

const MIB = 2 ** 20;

test('a full disk stops the ingest, and sealing, which would take room before it gives any back', async () => {
  let freeMib = 500;
  const done: string[] = [];
  const guard = await openStoreGuard({
    folder: '/nowhere',
    file: '/nowhere/fieldgate.db',
    minFreeBytes: 100 * MIB,
    readVolume: async () => ({ freeBytes: freeMib * MIB, totalBytes: 1000 * MIB }),
    ingest: {
      pause: () => void done.push('pause'),
      resume: () => void done.push('resume'),
      trouble: () => null,
      recordEvent: ({ type }) => void done.push(type),
    },
    store: { holdSealing: (isHeld) => void done.push(isHeld ? 'hold' : 'go on') },
    observe: createRecordedObserve(),
  });
  try {
    freeMib = 99;
    await expect.poll(() => done, { timeout: 20_000 }).toStrictEqual(['disk-full', 'pause', 'hold']);
    freeMib = 200;
    await expect.poll(() => done.slice(3), { timeout: 20_000 }).toStrictEqual(['disk-freed', 'resume', 'go on']);
  } finally {
    guard.close();
  }
});
