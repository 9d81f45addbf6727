// Alarms whose cause is outside the process: a clock that is set, a disk that takes nothing.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AlarmView, EventView } from '../../gateway/protocol/rest.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { createPreload } from '../support/preload.ts';

const LONG = { timeout: 90_000 };
const PATIENCE = { timeout: 30_000 };

function openFolder(): Disposable & { readonly path: string } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-alarms-')));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('clock-jumped: the wall clock is set, over when it is put back', LONG, async () => {
  using folder = openFolder();
  using preload = createPreload(folder.path);
  await using gateway = await startChildGateway([], preload.env);
  const items = async (): Promise<AlarmView[]> => (await gateway.local('GET', '/v1/alarms')).items;
  expect(await items()).toEqual([]);
  preload.shiftClock(3 * 3_600_000);
  await expect.poll(items, PATIENCE).toMatchObject([{ name: 'clock-jumped', severity: 'warning' }]);
  expect((await items())[0]?.message).toMatch(/^The clock of this machine was set forward by 3 h\./);
  preload.shiftClock(0);
  await expect.poll(items, PATIENCE).toEqual([]);
  const { items: events } = (await gateway.local('GET', '/v1/events?type=clock-jumped')) as { items: EventView[] };
  expect(events.map(({ reason }) => reason)).toEqual(['over', 'raised']);
});

test('store-failed: the disk takes nothing, over when it does again', LONG, async () => {
  using folder = openFolder();
  using preload = createPreload(folder.path);
  await using gateway = await startChildGateway([], preload.env, [], folder.path);
  const items = async (): Promise<AlarmView[]> => (await gateway.local('GET', '/v1/alarms')).items;
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'pump-1' });
  preload.fail({ kinds: ['write'], error: 'EIO', only: '=fieldgate.db-wal', from: 1 });
  const device = await gateway.device(token);
  device.send([{ n: 'a', v: 1 }]);
  await expect.poll(items, PATIENCE).toMatchObject([{ name: 'store-failed', severity: 'critical' }]);
  preload.heal();
  await expect.poll(items, PATIENCE).toEqual([]);
  device.ws.terminate();
});
