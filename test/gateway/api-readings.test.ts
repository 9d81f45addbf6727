// GET /v1/readings over a real store: what was sent comes back bit for bit, by page, by bucket, since a cursor, and as a file.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Point, ReadingsAnswer } from '../../gateway/protocol/rest.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';

let house: ApiHouse;
const T0 = 1_700_000_000; // seconds
const atMs = (i: number): number => (T0 * 1_000_000 + i * 1_000_123) / 1000;
const VALUES = Array.from({ length: 25 }, (_, i) => Math.sin(i) * 1e3);

beforeAll(async () => {
  house = await openApiHouse();
  await house.store(
    'pump-1',
    VALUES.map((v, i) => ({ bt: T0 + i, t: (i * 123) / 1e6, n: 'pressure', u: 'Pa', v })),
  );
  await house.store('pump-1', [
    { n: 'temp', u: 'Cel', v: 20, t: T0 },
    { n: 'temp', u: 'degF', v: 68, t: T0 + 1 },
  ]);
  await house.store('pump-2', [
    { n: 'pressure', u: 'Pa', v: 7, t: T0 + 5 },
    { n: 'running', vb: true, t: T0 },
    { n: 'state', vs: '=SUM(A1)', t: T0 },
    { n: 'state', vs: 'say "hi", you', t: T0 + 1 },
  ]);
});
afterAll(() => house[Symbol.asyncDispose]());

const get = (query: string, as: 'viewer' | 'admin' = 'viewer') => house.ask('GET', `/v1/readings?${query}`, { as });

test('one series stands at the top, its readings as [timeMs, value], bit for bit', async () => {
  const { status, json } = await get('device=pump-1&metric=pressure');
  expect(status).toBe(200);
  expect(Object.keys(json).sort()).toEqual(['cursor', 'device', 'metric', 'next', 'readings', 'unit']);
  expect(json).toMatchObject({ device: 'pump-1', metric: 'pressure', unit: 'Pa', next: null });
  expect(json.readings).toEqual(VALUES.map((v, i) => [atMs(i), v]));
  expect(json.cursor).toBe(`${house.deps.catalogue.store}.${house.deps.catalogue.position}`);
});

test('pages of any size give the same readings once, in order, and one cursor', async () => {
  for (const limit of [1, 7, 24, 25, 26]) {
    const found: Point[] = [];
    const cursors = new Set<string>();
    let next: string | null = '';
    let pages = 0;
    while (next !== null) {
      const { status, json } = await get(`device=pump-1&metric=pressure&limit=${limit}${next === '' ? '' : `&next=${next}`}`);
      expect(status).toBe(200);
      found.push(...json.readings);
      cursors.add(json.cursor);
      next = json.next;
      pages++;
    }
    expect(found).toEqual(VALUES.map((v, i) => [atMs(i), v]));
    expect(pages).toBe(Math.ceil(25 / limit));
    expect(cursors.size).toBe(1);
  }
});

test('pages do not see what was committed after the first one', async () => {
  await house.store(
    'late',
    [1, 2, 3].map((v) => ({ n: 'm', v, t: T0 + v })),
  );
  const first = (await get('device=late&metric=m&limit=2')).json;
  await house.store('late', [{ n: 'm', v: 99, t: T0 + 2.5 }]);
  const second = (await get(`device=late&metric=m&limit=2&next=${first.next}`)).json;
  expect([...first.readings, ...second.readings].map(([, v]: Point) => v)).toEqual([1, 2, 3]);
  const since = (await get(`device=late&metric=m&since=${second.cursor}`)).json;
  expect(since.readings).toEqual([[(T0 + 2.5) * 1000, 99]]);
});

test('from is included and to is not, in every way of writing a time', async () => {
  const from = atMs(3);
  const to = atMs(6);
  const expected = VALUES.slice(3, 6).map((v, i) => [atMs(i + 3), v]);
  const iso = (ms: number): string =>
    `${new Date(ms).toISOString().slice(0, 19)}.${String(Math.round((ms % 1000) * 1000)).padStart(6, '0')}Z`;
  for (const [a, b] of [
    [from, to],
    [iso(from), iso(to)],
    [iso(from).replace('Z', '+00:00'), iso(to).replace('Z', '%2B00:00')],
  ]) {
    const { json } = await get(`device=pump-1&metric=pressure&from=${a}&to=${b}`);
    expect(json.readings).toEqual(expected);
  }
  expect((await get('device=pump-1&metric=pressure&from=now-6h')).json.readings).toEqual([]);
  expect((await get(`device=pump-1&metric=pressure&from=${from}&to=${from}`)).json.readings).toEqual([]);
});

test('several series are under `series`: by a pattern, by repeated parameters, by a metric with two units', async () => {
  const names = (json: ReadingsAnswer): string[] =>
    'series' in json ? json.series.map((one) => `${one.device} ${one.metric} ${one.unit}`).sort() : ['single'];
  expect(names((await get('device=*&metric=pressure')).json)).toEqual(['pump-1 pressure Pa', 'pump-2 pressure Pa']);
  expect(names((await get('device=pump-1&device=pump-2&metric=pressure')).json)).toEqual(['pump-1 pressure Pa', 'pump-2 pressure Pa']);
  expect(names((await get('device=pump-2&metric=running&metric=state')).json)).toEqual(['pump-2 running ', 'pump-2 state ']);
  expect(names((await get('device=pump-1&metric=temp')).json)).toEqual(['pump-1 temp Cel', 'pump-1 temp degF']);
  expect(names((await get('device=pump-2')).json)).toEqual(['pump-2 pressure Pa', 'pump-2 running ', 'pump-2 state ']);
  expect(names((await get('device=pump-2&metric=press*')).json)).toEqual(['pump-2 pressure Pa']);
  expect(names((await get('device=pump-2&metric=pressure')).json)).toEqual(['single']);
});

test('a series that has nothing yet is an empty one, not an error', async () => {
  const { status, json } = await get('device=none-such&metric=none');
  expect(status).toBe(200);
  expect(json).toMatchObject({ device: 'none-such', metric: 'none', unit: '', readings: [], next: null });
});

test('the kinds of value stay what they were', async () => {
  expect((await get('device=pump-2&metric=running')).json.readings).toEqual([[T0 * 1000, true]]);
  expect((await get('device=pump-2&metric=state')).json.readings[0]).toEqual([T0 * 1000, '=SUM(A1)']);
});

test('buckets begin at from + floor(i (to - from) / N) and leave the empty ones out', async () => {
  const fromMs = T0 * 1000;
  const toMs = T0 * 1000 + 100_000.001;
  const { status, json } = await get(`device=pump-1&metric=pressure&from=${fromMs}&to=${toMs}&points=7`);
  expect(status).toBe(200);
  expect(Object.keys(json).sort()).toEqual(['buckets', 'cursor', 'device', 'fromMs', 'metric', 'toMs', 'unit']);
  expect([json.fromMs, json.toMs]).toEqual([fromMs, toMs]);
  const starts = Array.from({ length: 8 }, (_, i) => Number((BigInt(i) * 100_000_001n) / 7n));
  const expected = starts.slice(0, 7).flatMap((startUs, i) => {
    const inside = VALUES.filter((_, k) => k * 1_000_123 >= startUs && k * 1_000_123 < (starts[i + 1] as number));
    if (inside.length === 0) return [];
    const avg = inside.reduce((sum, v) => sum + v, 0) / inside.length;
    return [[(T0 * 1e6 + startUs) / 1000, inside.length, Math.min(...inside), Math.max(...inside), avg, inside[0], inside.at(-1)]];
  });
  expect(json.buckets.length).toBe(2);
  for (const [i, row] of expected.entries()) {
    expect(json.buckets[i].toSpliced(4, 1)).toEqual(row.toSpliced(4, 1));
    expect(json.buckets[i][4]).toBeCloseTo(row[4] as number, 9);
  }
  const several = (await get(`device=*&metric=pressure&from=${fromMs}&to=${toMs}&points=3`)).json;
  expect(several.series.map((one: { device: string }) => one.device).sort()).toEqual(['pump-1', 'pump-2']);
  expect((await get(`device=pump-1&metric=none&from=${fromMs}&points=3`)).json).toMatchObject({ unit: '', buckets: [] });
});

test('buckets over the widest range there is are still exact', async () => {
  const bound = 9_007_199_254_740.992;
  const { status, json } = await get(`device=pump-2&metric=pressure&from=-${bound}&to=${bound}&points=3`);
  expect(status).toBe(200);
  const span = 2n ** 54n;
  const timeUs = BigInt((T0 + 5) * 1_000_000);
  const start = [2, 1, 0].map((i) => -(2n ** 53n) + (BigInt(i) * span) / 3n).find((at) => at <= timeUs) as bigint;
  expect(json.buckets).toEqual([[Number(start) / 1000, 1, 7, 7, 7, 7, 7]]);
});

test('what came since a cursor is in commit order, and the last page says where to go on', async () => {
  const { store } = house.deps.catalogue;
  let cursor = `${store}.0`;
  let next: string | null = null;
  const seen: Point[] = [];
  do {
    const { status, json } = await get(`since=${store}.0&device=pump-1&metric=pressure&limit=10${next === null ? '' : `&next=${next}`}`);
    expect(status).toBe(200);
    seen.push(...json.readings);
    ({ next, cursor } = json);
  } while (next !== null);
  expect(seen.length).toBe(25);
  expect((await get(`since=${cursor}`)).json).toEqual({ series: [], next: null, cursor });
  await house.store('pump-3', [{ n: 'm', v: 1, t: T0 }]);
  const after = (await get(`since=${cursor}`)).json;
  expect(after.series).toEqual([{ device: 'pump-3', metric: 'm', unit: '', readings: [[T0 * 1000, 1]] }]);
});

test.each(['nonsense', 'other-store.1', 'STORE.-1', 'STORE.1.5', 'STORE.x', 'STORE.', 'STORE.999999999', 'STORE.99999999999999999999', ''])(
  'a cursor that is none of this store is refused: %s',
  async (cursor) => {
    const { status, json } = await get(`since=${encodeURIComponent(cursor.replace('STORE', house.deps.catalogue.store))}`);
    expect([status, json.code]).toEqual([400, 'bad-cursor']);
  },
);

test('CSV has a row a reading, with exact times and quoted strings', async () => {
  const { status, headers, text } = await get('device=pump-1&metric=pressure&format=csv');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  const lines = text.split('\n');
  expect(lines[0]).toBe('time,time_ms,device,metric,unit,value');
  expect(lines.at(-1)).toBe('');
  expect(lines.slice(1, -1)).toEqual(
    VALUES.map((v, i) =>
      `${new Date(atMs(i)).toISOString().slice(0, 19)}.${String((i * 1_000_123) % 1_000_000).padStart(6, '0')}Z,${atMs(i)},pump-1,pressure,Pa,${v}`.replace(
        '.000000Z',
        '.000Z',
      ),
    ),
  );
});

test('R18 a string cell that a spreadsheet would run gets an apostrophe, a number never does', async () => {
  await house.store('sheet', [
    ...['=1+1', '+1', '-1', '@x', '\tx', 'plain', "'quoted", 'a"b'].map((vs, i) => ({ n: 's', vs, t: T0 + i })),
    { n: 'v', v: -5, t: T0 },
    { n: 'u', u: '=u', v: 1, t: T0 },
  ]);
  const cells = (await get('device=sheet&metric=s&format=csv')).text
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(',').slice(5).join(','));
  expect(cells).toEqual(['"\'=1+1"', '"\'+1"', '"\'-1"', '"\'@x"', '"\'\tx"', '"plain"', '"\'quoted"', '"a""b"']);
  expect((await get('device=sheet&metric=v&format=csv')).text).toMatch(/,-5\n$/);
  expect((await get('device=sheet&metric=u&format=csv')).text).toMatch(/,"'=u",1\n$/);
});

test('NDJSON is one SenML record a line, exact to the microsecond', async () => {
  const { headers, text } = await get('device=pump-1&metric=pressure&format=ndjson');
  expect(headers.get('content-type')).toBe('application/x-ndjson');
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records.length).toBe(25);
  for (const [i, record] of records.entries()) {
    expect(record).toEqual({ n: 'pressure', u: 'Pa', t: expect.any(Number), v: VALUES[i] });
    expect(Math.round(record.t * 1e6)).toBe(T0 * 1e6 + i * 1_000_123);
  }
  const several = (await get('device=pump-*&metric=running&format=ndjson')).text;
  expect(JSON.parse(several)).toEqual({ device: 'pump-2', n: 'running', t: T0, vb: true });
});

test('an export of many pages has every reading once, also since a cursor', async () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ n: 'many', v: i, t: T0 + i / 10 }));
  for (let i = 0; i < rows.length; i += 1000) await house.store('big', rows.slice(i, i + 1000));
  for (const how of ['from=0', `since=${house.deps.catalogue.store}.0`]) {
    const values = (await get(`device=big&metric=many&format=csv&${how}`)).text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[5]));
    expect(values).toEqual(rows.map((row) => row.v));
  }
});

test.each([
  ['points=0', 'bad-limit'],
  ['points=10001&from=0', 'bad-limit'],
  ['points=5', 'bad-range'],
  ['points=5&from=0&limit=3', 'bad-request'],
  ['points=5&from=0&format=csv', 'bad-request'],
  ['format=csv&limit=3', 'bad-request'],
  ['format=xml', 'bad-request'],
  ['since=STORE.0&from=0', 'bad-request'],
])('parameters that contradict each other are refused: %s', async (query, code) => {
  const { status, json } = await get(query.replace('STORE', house.deps.catalogue.store));
  expect([status, json.code]).toEqual([400, code]);
  expect(json.errors?.length).toBeGreaterThan(0);
});

test('more buckets than one answer may have are refused, with the numbers', async () => {
  await using wide = await openApiHouse({ limits: { chartPoints: 1 } });
  await wide.store(
    'd',
    Array.from({ length: 30 }, (_, i) => ({ n: `m${i}`, v: i })),
  );
  const answer = await wide.ask('GET', '/v1/readings?from=0&points=1');
  expect([answer.status, answer.json.code]).toEqual([400, 'bad-limit']);
  expect(answer.json.detail).toContain('30 series');
});

test('series names pairs of device and metric: exactly those come, on one cursor, in every form', async () => {
  const pairs = 'series=pump-1/pressure&series=pump-2/running';
  const raw = (await get(pairs)).json;
  const names = (answer: { series: { device: string; metric: string }[] }) =>
    answer.series.map(({ device, metric }) => `${device}/${metric}`).sort();
  expect(names(raw)).toEqual(['pump-1/pressure', 'pump-2/running']);
  const folded = (await get(`${pairs}&from=${T0 * 1000}&to=${(T0 + 60) * 1000}&points=10`)).json;
  expect(names(folded)).toEqual(['pump-1/pressure', 'pump-2/running']);
  const csv = (await get(`${pairs}&format=csv`)).text.trim().split('\n');
  expect(csv.length).toBe(1 + VALUES.length + 1);
  // one pair is one series, and stands at the top; a page of pairs goes on where it ended
  expect((await get('series=pump-1/pressure')).json).toMatchObject({ device: 'pump-1', metric: 'pressure' });
  const first = (await get(`${pairs}&limit=20`)).json;
  const second = (await get(`${pairs}&limit=20&next=${first.next}`)).json;
  const count = (answer: { series: { readings: unknown[] }[] }) => answer.series.reduce((sum, { readings }) => sum + readings.length, 0);
  expect(count(first) + count(second)).toBe(VALUES.length + 1);
  expect((await get(`series=pump-2/running&limit=20&next=${first.next}`)).json.code).toBe('bad-token');
  const since = (await get(`${pairs}&since=${deps().store}.0`)).json;
  expect(names(since)).toEqual(['pump-1/pressure', 'pump-2/running']);
  expect((await get('series=pump-1/none')).json).toMatchObject({ device: 'pump-1', metric: 'none', readings: [] });
});

test('series that are no pairs, hold a star, or come beside device and metric are refused', async () => {
  for (const query of [
    'series=pump-1',
    'series=/pressure',
    'series=pump-1/',
    'series=*/pressure',
    'series=pump-1/*',
    'series=pump-1/pressure&device=pump-1',
  ])
    expect([query, (await get(query)).json.code]).toEqual([query, 'bad-request']);
});
const deps = () => house.deps.catalogue;
