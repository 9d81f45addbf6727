// The wall clock jumps while devices send: by hours, by years, to 1970. Nothing that matters looks at it.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isClean } from '../../device-sim/findings.ts';
import { createPreload } from '../support/preload.ts';
import { freshSeed } from '../support/seeded-random.ts';
import type { TestSocket } from '../support/socket.ts';
import { openStoredReadings } from '../support/stored-readings.ts';
import { until } from '../support/until.ts';
import { openWatchedLoad } from '../support/watched-load.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** So that several pings fall into each stretch. */
const LIVELY = { FIELDGATE_LIVENESS__PING_SECONDS: '1', FIELDGATE_LIVENESS__PONG_SECONDS: '1' };
const STRETCH_FRAMES = 30;
const FRAMES_PER_SECOND = 20;
const OWN_STREAM = 'timeless-0001';

/** Frames whose readings have no time: the gateway gives them one. */
async function sendTimeless(socket: TestSocket, from: number, count: number): Promise<number> {
  for (let seq = from; seq < from + count; seq++) {
    const readings = Array.from({ length: 3 }, (_, i) => ({ n: 'c', v: seq * 3 + i }));
    socket.send({ type: 'readings', seq, readings });
    await socket.until((message) => message.type === 'ack' && message.seq === seq);
  }
  return from + count;
}

function openFolder(): Disposable & { readonly path: string } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-clock-')));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('no jump of the clock loses, doubles, reorders or disconnects, and given times rise over jumps and restarts', {
  timeout: 120_000,
}, async () => {
  using folder = openFolder();
  using preload = createPreload(folder.path);
  const seed = freshSeed();
  await using load = await openWatchedLoad({
    data: folder.path,
    seed,
    env: { ...LIVELY, ...preload.env },
    framesPerSecond: FRAMES_PER_SECOND,
  });
  const { gateway, fleet, devices } = load;
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'timeless' });
  await load.resumed();
  let next = 1;
  {
    await using timeless = await gateway.device(token);
    await timeless.hello(OWN_STREAM);
    const to1970Ms = 60_000 - Date.now();
    for (const offsetMs of [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS, to1970Ms, 0]) {
      preload.shiftClock(offsetMs);
      next = await sendTimeless(timeless, next, 5);
      const goal = fleet.leastSettled + STRETCH_FRAMES;
      await until(
        () => fleet.leastSettled >= goal,
        () => `clock off by ${offsetMs} ms: ${JSON.stringify(fleet.ends)}`,
        { patienceMs: 20_000 },
      );
      // who comes while the clock is wrong is let in, and told the gateway's time
      await using visitor = await gateway.device((await gateway.local('POST', '/v1/devices', { id: `visitor-${next}` })).token);
      const welcome = await visitor.hello('visiting-0001');
      expect(Math.abs(welcome.serverTimeMs - (Date.now() + offsetMs))).toBeLessThan(5_000);
    }
    expect(fleet.ends).toStrictEqual({});
    expect(fleet.connects).toBe(devices.length);
  }

  preload.shiftClock(-HOUR_MS);
  await gateway.kill('SIGKILL');
  await gateway.start();
  await using again = await gateway.device(token);
  expect((await again.hello(OWN_STREAM, { oldest: next, next })).acked).toBe(next - 1);
  next = await sendTimeless(again, next, 5);
  await load.resumed();

  const { examples, counts, damage } = await load.finish();
  expect(damage).toStrictEqual([]);
  // of the device that notes nothing down the oracle knows nothing
  const others = examples.filter((one) => one.device !== 'timeless');
  expect(others, seed).toStrictEqual([]);
  expect(counts.lost + counts.doubled + counts.altered + counts.misordered).toBe(0);
  using stored = openStoredReadings(folder.path);
  const given = stored.device('timeless').readings;
  expect(given.map((reading) => reading.value)).toStrictEqual(Array.from({ length: (next - 1) * 3 }, (_, i) => i + 3));
  for (const [i, reading] of given.entries()) if (i > 0) expect(reading.timeUs, `${i}`).toBeGreaterThan(given[i - 1]!.timeUs);
});

test('a first start in 1970 is a start: devices trust the certificate, and the time is put right while they send', {
  timeout: 60_000,
}, async () => {
  using folder = openFolder();
  using preload = createPreload(folder.path);
  const seed = freshSeed();
  preload.shiftClock(60_000 - Date.now());
  await using load = await openWatchedLoad({ data: folder.path, seed, env: preload.env });
  await load.resumed();
  preload.shiftClock(0);
  await load.resumed();
  expect(load.fleet.ends).toStrictEqual({});
  const { examples, counts, damage } = await load.finish();
  expect(damage).toStrictEqual([]);
  expect(examples, seed).toStrictEqual([]);
  expect(isClean(counts)).toBe(true);
});
