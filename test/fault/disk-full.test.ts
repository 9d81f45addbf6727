// A disk that fills up under load, for real: a small file system. No acknowledgement is a lie, what is there can be read, nothing breaks,
// and with room again everything goes on by itself.

import { expect, test } from 'vitest';
import { isClean } from '../../device-sim/findings.ts';
import { freshSeed } from '../support/seeded-random.ts';
import { openSmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';
import { openWatchedLoad, type WatchedLoad } from '../support/watched-load.ts';

const MIB = 1024 * 1024;
const DISK_BYTES = 64 * MIB;
const RESUME_MS = 10_000;

async function untilRefusing(load: WatchedLoad): Promise<void> {
  await until(
    async () => (await load.readyStatus()) === 503,
    () => `still ready on a full disk; ${load.gateway.log.slice(-2000)}`,
  );
}

test('on 64 MiB a gateway pauses before the disk is full, starts in that state, and goes on within 10 s of there being room', {
  timeout: 120_000,
}, async () => {
  await using disk = await openSmallDisk(DISK_BYTES);
  const seed = freshSeed();
  await using load = await openWatchedLoad({ data: disk.data, seed });
  await load.resumed();

  disk.fillTo(3 * MIB);
  await untilRefusing(load);
  for (const device of load.devices) expect(await load.readable(device)).toBeGreaterThan(0);
  disk.free();
  expect(await load.resumed()).toBeLessThan(RESUME_MS);

  disk.fillTo(3 * MIB);
  await untilRefusing(load);
  await load.gateway.kill('SIGKILL');
  await load.gateway.start();
  await untilRefusing(load);
  for (const device of load.devices) expect(await load.readable(device)).toBeGreaterThan(0);
  disk.free();
  expect(await load.resumed()).toBeLessThan(RESUME_MS);

  const { counts, examples, damage } = await load.finish();
  expect(damage).toStrictEqual([]);
  expect(examples, seed).toStrictEqual([]);
  expect(isClean(counts)).toBe(true);
});

test('a gateway that keeps no room free meets the end of the disk again and again, and neither lies nor breaks', {
  timeout: 120_000,
}, async () => {
  await using disk = await openSmallDisk(DISK_BYTES);
  const seed = freshSeed();
  // a small log, so that the disk also ends in the middle of writing it into the database
  const env = { FIELDGATE_STORE__MIN_FREE_BYTES: '0', FIELDGATE_LIMITS__WAL_CHECKPOINT_BYTES: String(256 * 1024) };
  await using load = await openWatchedLoad({ data: disk.data, seed, env, readingsPerFrame: 25 });
  const resumes: number[] = [];
  for (const left of [0, 40_000, 300_000]) {
    await load.resumed();
    disk.fillTo(left);
    await untilRefusing(load);
    for (const device of load.devices) expect(await load.readable(device)).toBeGreaterThan(0);
    disk.free();
    resumes.push(await load.resumed());
  }
  expect(Math.max(...resumes)).toBeLessThan(RESUME_MS);
  const { counts, examples, damage } = await load.finish();
  expect(damage).toStrictEqual([]);
  expect(examples, seed).toStrictEqual([]);
  expect(isClean(counts)).toBe(true);
});
