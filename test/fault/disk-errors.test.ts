// A disk that fails: each kind of call with each error, once at some later call or until it is over. The same promises as on a full one.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isClean } from '../../device-sim/findings.ts';
import { eagerSealing } from '../support/canaries.ts';
import { createPreload, type Fault, type Preload } from '../support/preload.ts';
import { freshSeed } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { openWatchedLoad, type WatchedLoad } from '../support/watched-load.ts';

const RESUME_MS = 10_000;
const ENV = { FIELDGATE_LIMITS__WAL_CHECKPOINT_BYTES: String(256 * 1024) };
const WAL = '=fieldgate.db-wal';
const DATABASE = '=fieldgate.db';

/** Strikes once, at the nth call. */
const ONCE: readonly { readonly what: string; readonly fault: Omit<Fault, 'from' | 'to'>; readonly nth: readonly number[] }[] = [
  { what: 'EIO at a write of the log', fault: { kinds: ['write'], error: 'EIO', only: WAL }, nth: [1, 2, 7, 40] },
  { what: 'no space at a write of the log', fault: { kinds: ['write'], error: 'ENOSPC', only: WAL }, nth: [1, 3, 20] },
  { what: 'EIO at a sync of the log', fault: { kinds: ['sync'], error: 'EIO', only: WAL }, nth: [1, 2, 9] },
  { what: 'no space at a sync of the log', fault: { kinds: ['sync'], error: 'ENOSPC', only: WAL }, nth: [1, 4] },
  { what: 'EIO at a write of the database', fault: { kinds: ['write'], error: 'EIO', only: DATABASE }, nth: [1, 3] },
  { what: 'no space at a write of the database', fault: { kinds: ['write'], error: 'ENOSPC', only: DATABASE }, nth: [2] },
  { what: 'EIO at a sync of the database', fault: { kinds: ['sync'], error: 'EIO', only: DATABASE }, nth: [1, 2] },
];
/** Lasts until it is taken away. */
const LASTING: readonly { readonly what: string; readonly fault: Omit<Fault, 'from' | 'to'> }[] = [
  { what: 'every write fails with EIO', fault: { kinds: ['write'], error: 'EIO' } },
  { what: 'every sync fails with EIO', fault: { kinds: ['sync'], error: 'EIO' } },
  { what: 'every write finds no space', fault: { kinds: ['write'], error: 'ENOSPC' } },
  { what: 'the file system is read-only', fault: { kinds: ['write', 'sync', 'open', 'change'], error: 'EROFS' } },
];

const seed = freshSeed();
let data: string;
let preload: Preload;
let load: WatchedLoad;

beforeAll(async () => {
  data = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-errors-')));
  preload = createPreload(data);
  // what fails hits an append, a slice of sealing, or the trimming of the log
  load = await openWatchedLoad({ data, seed, env: { ...ENV, ...eagerSealing(), ...preload.env } });
});
afterAll(async () => {
  await load?.[Symbol.asyncDispose]();
  preload?.[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

async function untilStruck(): Promise<void> {
  await until(
    () => preload.failed > 0,
    () => 'the call that shall fail was never made',
    { patienceMs: 20_000 },
  );
}

for (const { what, fault, nth } of ONCE)
  test(`${what} (the ${nth.map(ordinal).join(', ')} one) is got over within 10 s`, { timeout: 120_000 }, async () => {
    for (const n of nth) {
      await load.resumed();
      preload.fail({ ...fault, from: n, to: n });
      await untilStruck();
      expect(await load.resumed()).toBeLessThan(RESUME_MS);
      preload.heal();
    }
  });

for (const { what, fault } of LASTING)
  test(`while ${what} nothing is acked and everything can be read; afterwards it goes on within 10 s`, { timeout: 120_000 }, async () => {
    await load.resumed();
    preload.fail({ ...fault, from: 1 });
    await untilStruck();
    await until(
      async () => (await load.readyStatus()) === 503,
      () => 'still ready on a disk that fails',
    );
    const settled = load.fleet.settled;
    for (const device of load.devices) expect(await load.readable(device)).toBeGreaterThan(0);
    expect(load.fleet.settled).toBe(settled);
    preload.heal();
    expect(await load.resumed()).toBeLessThan(RESUME_MS);
  });

test('a device that cannot be written down is not made, and can be made when the disk is well again', { timeout: 60_000 }, async () => {
  for (const kind of ['write', 'sync'] as const) {
    preload.fail({ kinds: [kind], error: 'EIO', from: 1, only: 'registry.db' });
    await expect(load.gateway.local('POST', '/v1/devices', { id: `late-${kind}` })).rejects.toThrow(/50[0-9]/);
    preload.heal();
    await until(
      () =>
        load.gateway.local('POST', '/v1/devices', { id: `late-${kind}` }).then(
          () => true,
          () => false,
        ),
      () => 'the registry does not come back',
      { patienceMs: RESUME_MS },
    );
  }
});

test('after all of it both databases are sound, and the oracle finds every acked reading once and in order', {
  timeout: 60_000,
}, async () => {
  const { counts, examples, damage } = await load.finish();
  console.log(`disk errors: seed ${seed}, ${counts.ok} readings found`);
  expect(damage).toStrictEqual([]);
  expect(examples, seed).toStrictEqual([]);
  expect(isClean(counts)).toBe(true);
});

test('the canary: a gateway that acks before the commit is found out by one sync that fails', { timeout: 60_000 }, async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-errors-')));
  try {
    using failing = createPreload(folder);
    await using weak = await openWatchedLoad({ data: folder, seed, env: failing.env, canary: 'ack-before-commit' });
    await weak.resumed();
    failing.fail({ kinds: ['sync'], error: 'EIO', from: 3, to: 3, only: WAL });
    await until(
      () => failing.failed > 0,
      () => 'the call that shall fail was never made',
    );
    await weak.resumed();
    expect(isClean((await weak.finish()).counts)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function ordinal(n: number): string {
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10 > 3 || (n > 10 && n < 20) ? 0 : n % 10]}`;
}
