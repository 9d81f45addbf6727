// What is called full, low and ample, on volumes of any size.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fullBelowBytes, openDiskWatch, readVolume, type Room } from '../../gateway/storage/disk-watch.ts';

const MIB = 1024 * 1024;

async function watch(minFreeBytes: number | 'auto', totalBytes: number, freeBytes: number) {
  const volume = { freeBytes, totalBytes };
  const rooms: Room[] = [];
  const errors: unknown[] = [];
  let fault: Error | null = null;
  const disk = await openDiskWatch({
    folder: '/',
    minFreeBytes,
    readVolume: async () => {
      if (fault !== null) throw fault;
      return { ...volume };
    },
    onRoom: (room) => void rooms.push(room),
    onError: (error) => void errors.push(error),
  });
  return {
    disk,
    rooms,
    errors,
    async set(free: number) {
      volume.freeBytes = free;
      await expect.poll(() => disk.freeBytes, { timeout: 10_000 }).toBe(free);
    },
    break: (error: Error | null) => {
      fault = error;
    },
    [Symbol.dispose]: () => disk.close(),
  };
}

test('by default 256 MiB are kept free, and a tenth of a volume that is smaller than ten times that', () => {
  const limit = (totalMib: number): number => fullBelowBytes('auto', { totalBytes: totalMib * MIB, freeBytes: 0 }) / MIB;
  expect([limit(1_000_000), limit(2560), limit(1000), limit(64)]).toStrictEqual([256, 256, 100, expect.closeTo(6.4, 5)]);
  expect(fullBelowBytes(123, { totalBytes: 64 * MIB, freeBytes: 0 })).toBe(123);
});

test('full below the limit until half as much again is free, low below twice, ample again a little above that', async () => {
  using watched = await watch(100, 10_000, 250);
  const { disk, rooms, set } = watched;
  const seen: [number, Room][] = [];
  for (const free of [200, 199, 249, 250, 100, 99, 149, 150, 99, 300, 199, 0, 1000]) {
    await set(free);
    seen.push([free, disk.room]);
  }
  expect(seen.map(([free, room]) => `${free} ${room}`)).toStrictEqual([
    '200 ample',
    '199 low',
    '249 low',
    '250 ample',
    '100 low',
    '99 full',
    '149 full',
    '150 low',
    '99 full',
    '300 ample',
    '199 low',
    '0 full',
    '1000 ample',
  ]);
  expect(rooms).toStrictEqual(['low', 'ample', 'low', 'full', 'low', 'full', 'ample', 'low', 'full', 'ample']);
});

test('it has looked once when it opens, and 0 is never full', async () => {
  using full = await watch('auto', 64 * MIB, 6 * MIB);
  expect([full.disk.room, full.rooms]).toStrictEqual(['full', ['full']]);
  using off = await watch(0, 64 * MIB, 0);
  expect([off.disk.room, off.rooms]).toStrictEqual(['ample', []]);
});

test('a volume that cannot be asked is told once and changes nothing', async () => {
  using watched = await watch(100, 10_000, 120);
  watched.break(new Error('EIO'));
  await expect.poll(() => watched.errors.length).toBe(1);
  watched.break(null);
  await watched.set(130);
  expect([watched.disk.room, watched.errors.length, watched.rooms]).toStrictEqual(['low', 1, ['low']]);
});

test('the real volume tells what this user may still write', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-volume-'));
  const { freeBytes, totalBytes } = await readVolume(folder);
  rmSync(folder, { recursive: true });
  expect(freeBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
});
