// States of devices as the gateway lists them, and what goes when a device is removed with everything that it stored.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const idsOf = async (gateway: TestGateway, query: string): Promise<string[]> =>
  (await gateway.admin(`/v1/devices?${query}`)).json().items.map(({ id }: { id: string }) => id);
const post = async (gateway: TestGateway, token: string, records: readonly object[]): Promise<void> => {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await gateway.request('/v1/readings', { method: 'POST', headers, body: records });
  expect(answer.status).toBe(200);
};

/** The figures are some seconds old at most. */
const holds = (gateway: TestGateway, readings: number): Promise<void> =>
  until(
    async () => (await gateway.admin('/v1/stats')).json().readings === readings,
    () => `there are not ${readings} readings`,
  );

test('the list tells the state that each device is in, filters by it, and keeps its rhythm over a restart', async () => {
  await using gateway = await startTestGateway();
  const nowSeconds = Date.now() / 1000;
  const posted = await gateway.addDevice('poster');
  await gateway.addDevice('sleeper');
  await gateway.addDevice('never');
  await gateway.addDevice('barred');
  // a reading a second, told in one go each: the last one was due five seconds ago, and the one before that a second earlier
  for (let i = 0; i < 5; i++) await post(gateway, posted, [{ n: 'level', u: 'm', t: nowSeconds - 10 + i, v: i }]);
  const change = (id: string, body: object) => gateway.admin(`/v1/devices/${id}`, { method: 'PATCH', body });
  expect((await change('sleeper', { maySleep: true, tags: ['battery'] })).json()).toMatchObject({ maySleep: true, state: 'asleep' });
  await change('barred', { status: 'suspended' });
  await using open = await gateway.device('open');
  open.send([{ n: 'level', v: 1 }]);
  await open.next();

  const poster = (await gateway.admin('/v1/devices/poster')).json();
  expect(poster).toMatchObject({ online: false, closedAt: null, seenEveryMs: 1000 });
  expect(Date.parse(poster.lastReadingAt)).toBeGreaterThan(Date.now() - 60_000);
  expect(await idsOf(gateway, 'status=asleep')).toEqual(['sleeper']);
  expect(await idsOf(gateway, 'status=suspended')).toEqual(['barred']);
  expect(await idsOf(gateway, 'status=offline')).toEqual(['never']);
  expect(await idsOf(gateway, 'status=live')).toContain('open');
  expect(await idsOf(gateway, 'status=active')).toEqual(['never', 'open', 'poster', 'sleeper']);
  expect(await idsOf(gateway, 'q=BATTERY&status=asleep')).toEqual(['sleeper']);
  expect(await idsOf(gateway, 'status=silent')).toEqual([]);
  await change('open', { expectEverySeconds: 0.001 });
  await until(
    async () => (await idsOf(gateway, 'status=silent')).includes('open'),
    () => 'a device that is expected every millisecond is not silent',
  );
  await open[Symbol.asyncDispose]();
  await until(
    async () => (await gateway.admin('/v1/devices/open')).json().closedAt !== null,
    () => 'the end of the connection is not told',
  );
  expect(await idsOf(gateway, 'status=offline')).toEqual(['never', 'open']);

  await gateway.restart();
  const again = (await gateway.admin('/v1/devices/poster')).json();
  expect(again.seenEveryMs).toBe(1000);
  expect(Math.abs(Date.parse(again.lastReadingAt) - Date.parse(poster.lastReadingAt))).toBeLessThan(60_000);
  expect(await idsOf(gateway, 'status=asleep')).toEqual(['sleeper']);
});

test('a device that is removed with everything leaves no reading and no refused record behind; the others keep theirs', async () => {
  await using gateway = await startTestGateway();
  const [gone, stays] = [await gateway.addDevice('gone-1'), await gateway.addDevice('stays-1')];
  const needle = 'a-needle-that-nobody-else-has';
  const pack = [
    ...Array.from({ length: 500 }, (_, i) => ({ n: 'level', u: 'm', t: 1_600_000_000 + i, v: i })),
    { n: 'state', vs: needle },
    { n: 'odd', vs: needle, s: 3 },
  ];
  await post(gateway, gone, pack);
  await post(gateway, stays, pack.slice(0, 500));
  expect((await gateway.admin('/v1/quarantine?device=gone-1')).json().items).toHaveLength(1);
  await holds(gateway, 1001);

  expect((await gateway.admin('/v1/devices/gone-1?purge=maybe', { method: 'DELETE' })).status).toBe(400);
  expect((await gateway.admin('/v1/devices/gone-1?purge=true', { method: 'DELETE' })).status).toBe(204);
  await holds(gateway, 500);
  expect((await gateway.admin('/v1/devices/gone-1')).status).toBe(404);
  expect((await gateway.admin('/v1/quarantine?device=gone-1')).json().items).toEqual([]);
  const range = 'from=0&to=now&limit=1000';
  expect((await gateway.admin(`/v1/readings?device=stays-1&metric=level&${range}`)).json().readings).toHaveLength(500);
  // made anew, it begins with nothing
  await gateway.addDevice('gone-1');
  expect((await gateway.admin('/v1/devices/gone-1')).json()).toMatchObject({ latest: {}, lastReadingAt: null, seenEveryMs: null });
  expect((await gateway.admin('/v1/devices/gone-1/series')).json().items).toEqual([]);
  expect((await gateway.admin(`/v1/readings?device=gone-1&metric=*&${range}`)).text).not.toContain(needle);
  // the books still add up, counted again from the rows
  const books = (await gateway.admin('/v1/accounting?verify=true')).json().items;
  expect(books.map(({ unexplained }: { unexplained: number }) => unexplained)).toEqual([0, 0]);
  const { items } = (await gateway.admin('/v1/audit')).json();
  expect(items).toContainEqual(expect.objectContaining({ act: 'device.purge', target: 'gone-1', detail: '501 readings' }));

  await gateway.restart();
  await holds(gateway, 500);
  expect((await gateway.admin('/v1/devices/gone-1')).json().latest).toEqual({});
});

test('a device that was removed before is purged by its id, once', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('gone-1');
  await post(gateway, token, [{ n: 'level', v: 1 }]);
  const remove = (query: string) => gateway.admin(`/v1/devices/gone-1${query}`, { method: 'DELETE' });
  expect((await remove('')).status).toBe(204);
  await holds(gateway, 1);
  expect((await remove('')).status).toBe(404);
  expect((await remove('?purge=true')).status).toBe(204);
  await holds(gateway, 0);
  expect((await remove('?purge=true')).status).toBe(404);
});

test('a simulated fleet starts once, carries its tag, and goes with everything that it stored; real devices are not touched', async () => {
  await using gateway = await startTestGateway();
  // two that look like the demo's: one that was there before, and one that is made anew under an id of its
  const token = await gateway.addDevice('demo-sim-0001');
  await gateway.admin('/v1/devices/demo-sim-0001', { method: 'PATCH', body: { tags: ['simulated'] } });
  await post(gateway, token, [{ n: 'level', v: 1 }]);
  const demo = async () => (await gateway.admin('/v1/demo')).json();
  expect(await demo()).toEqual({ state: 'off', devices: 0 });
  expect((await gateway.admin('/v1/demo', { method: 'DELETE' })).json()).toMatchObject({ code: 'no-demo' });
  expect((await gateway.admin('/v1/demo', { method: 'POST' })).status).toBe(202);
  expect((await gateway.admin('/v1/demo', { method: 'POST' })).json()).toMatchObject({ status: 409, code: 'demo-exists' });
  await until(
    async () => (await demo()).state === 'running',
    () => 'the demo does not run',
  );
  const all = (await gateway.admin('/v1/devices?tag=simulated&limit=100')).json().items as { id: string; label: string; tags: string[] }[];
  expect(all).toHaveLength(25);
  expect(all.filter(({ id, label }) => label === '' && id !== 'demo-sim-0001')).toEqual([]);
  expect((await gateway.admin('/v1/stats')).json().readings).toBeGreaterThan(1000);
  const [taken = ''] = all.map(({ id }) => id).filter((id) => id !== 'demo-sim-0001');
  await gateway.admin(`/v1/devices/${taken}`, { method: 'DELETE' });
  const again = await gateway.addDevice(taken);

  expect((await gateway.admin('/v1/demo', { method: 'DELETE' })).status).toBe(204);
  expect(await idsOf(gateway, 'limit=100')).toEqual(['demo-sim-0001', taken].sort());
  await post(gateway, again, [{ n: 'level', v: 2 }]);
  expect((await gateway.admin('/v1/devices/demo-sim-0001')).json().latest.level[1]).toBe(1);
  expect(await demo()).toEqual({ state: 'off', devices: 0 });
  expect(readdirSync(gateway.data).filter((name) => name.startsWith('demo'))).toEqual([]);
}, 120_000);

test('after a restart the simulated fleet has stopped, and is removed all the same; its processes went with the gateway', async () => {
  await using gateway = await startTestGateway();
  await gateway.admin('/v1/demo', { method: 'POST' });
  await until(
    async () => (await gateway.admin('/v1/devices?status=live')).json().items.length > 0,
    () => 'no simulated device is live',
  );
  const simulators = (): number => {
    const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return own.filter((pid) => commandOf(pid).includes(path.join(gateway.data, 'demo'))).length;
  };
  expect(simulators()).toBeGreaterThan(0);
  await gateway.restart();
  expect(simulators()).toBe(0);
  const demo = (await gateway.admin('/v1/demo')).json();
  expect(demo.state).toBe('stopped');
  expect(demo.devices).toBeGreaterThan(0);
  expect((await gateway.admin('/v1/demo', { method: 'POST' })).status).toBe(409);
  expect((await gateway.admin('/v1/demo', { method: 'DELETE' })).status).toBe(204);
  expect(await idsOf(gateway, '')).toEqual([]);
  await holds(gateway, 0);
}, 120_000);

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
