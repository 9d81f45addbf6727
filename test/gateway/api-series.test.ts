// GET /v1/series over a real catalogue: found by words of devices and metrics, by name, and page by page.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SeriesFound } from '../../gateway/protocol/rest.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';

let house: ApiHouse;
const T0 = 1_700_000_000;
const find = async (query: string) => (await house.ask('GET', `/v1/series?${query}`, { as: 'viewer' })).json;
const names = ({ items }: { items: SeriesFound[] }): string[] => items.map(({ device, metric }) => `${device}/${metric}`);

beforeAll(async () => {
  house = await openApiHouse();
  for (const [id, label, tags] of [
    ['fan-1', 'Circulation', ['site:west']],
    ['fan-2', '锅炉', ['site:east']],
  ] as const) {
    await house.local('POST', '/v1/devices', { id, label, tags });
    await house.store(id, [
      { n: 'flow-temp', u: 'Cel', v: 60, t: T0 },
      { n: 'pressure', u: 'bar', v: 1.5, t: T0 },
      { n: 'running', vb: true, t: T0 },
    ]);
  }
  await house.local('PATCH', '/v1/devices/fan-2', { expectEverySeconds: 30 });
});
afterAll(() => house[Symbol.asyncDispose]());

test('every word must be in the device or the metric, in any case and any order', async () => {
  expect(names(await find('q=TEMP%20fan-2'))).toEqual(['fan-2/flow-temp']);
  expect(names(await find('q=circulation%20press'))).toEqual(['fan-1/pressure']);
  expect(names(await find('q=site:east%20running'))).toEqual(['fan-2/running']);
  expect(names(await find(`q=${encodeURIComponent('锅炉')}`))).toEqual(['fan-2/flow-temp', 'fan-2/pressure', 'fan-2/running']);
  expect(names(await find('q=temp%20pressure'))).toEqual([]);
  expect(names(await find('q=fan-'))).toHaveLength(6);
});

test('what is found says label, unit, kind, the newest value and the set rhythm', async () => {
  expect((await find('q=fan-2%20flow')).items).toEqual([
    {
      device: 'fan-2',
      label: '锅炉',
      metric: 'flow-temp',
      unit: 'Cel',
      kind: 'number',
      latest: [T0 * 1000, 60],
      expectEverySeconds: 30,
    },
  ]);
  expect((await find('series=fan-1/running')).items).toMatchObject([{ kind: 'boolean', unit: '', latest: [T0 * 1000, true] }]);
});

test('series asked for by name are those that exist', async () => {
  expect(names(await find('series=fan-2/running&series=fan-1/pressure&series=fan-1/none&series=nobody/pressure'))).toEqual([
    'fan-1/pressure',
    'fan-2/running',
  ]);
});

test('pages go on where they ended, and a page of one question is none of another', async () => {
  const seen: string[] = [];
  let next = '';
  for (;;) {
    const page = await find(`limit=4${next}`);
    seen.push(...names(page));
    if (page.next === null) break;
    next = `&next=${encodeURIComponent(page.next)}`;
  }
  expect(seen).toEqual(names(await find('')));
  expect((await find(`q=x${next}`)).code).toBe('bad-token');
});

test('a metric that changed its unit is found once, with the present one', async () => {
  await house.local('POST', '/v1/devices', { id: 'probe' });
  await house.store('probe', [{ n: 'temp', u: 'Cel', v: 20, t: T0 }]);
  await house.store('probe', [{ n: 'temp', u: 'degF', v: 68, t: T0 + 1 }]);
  expect((await find('q=probe')).items).toMatchObject([{ metric: 'temp', unit: 'degF', latest: [(T0 + 1) * 1000, 68] }]);
});

test('the series of a device that was removed are not offered', async () => {
  await house.local('POST', '/v1/devices', { id: 'gone' });
  await house.store('gone', [{ n: 'temp', u: 'Cel', v: 20, t: T0 }]);
  expect(names(await find('q=gone'))).toEqual(['gone/temp']);
  await house.local('DELETE', '/v1/devices/gone');
  expect(names(await find('q=gone'))).toEqual([]);
});
