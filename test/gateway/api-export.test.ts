// Exports against a store that answers when the test says so: how many run, what a client that leaves costs, what a page is asked for.

import { expect, test } from 'vitest';
import { createExports, PAGE_ROWS } from '../../gateway/api/export.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';

/** Five pages, the last one short. */
const ROWS = Math.ceil((PAGE_ROWS * 4.01) / 1000) * 1000;
const MANY = '/v1/readings?device=big&metric=m&format=csv';

interface HeldHouse {
  readonly house: ApiHouse;
  readonly pages: () => number;
  /** Lets all pages after the first of an export through, now and from now on. */
  readonly release: () => void;
}

/** The first page of each export comes at once, the others wait. */
async function openHeldHouse(): Promise<HeldHouse> {
  let pages = 0;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const wrapStore = (store: ReadingStore): ReadingStore => ({
    ...store,
    async read(name, ask) {
      if (name === 'range') {
        pages++;
        if ('after' in ask) await released;
      }
      return store.read(name, ask);
    },
  });
  const house = await openApiHouse({ wrapStore });
  for (let i = 0; i < ROWS; i += 1000) {
    await house.store(
      'big',
      Array.from({ length: 1000 }, (_, k) => ({ n: 'm', v: i + k, t: 1_700_000_000 + i + k })),
    );
  }
  return { house, pages: () => pages, release };
}

test('R16 two exports run at once, a third is told to come back, and the places are free again when they end', async () => {
  const { house, release } = await openHeldHouse();
  await using _ = house;
  const running = [house.ask('GET', MANY), house.ask('GET', MANY)];
  await expect.poll(async () => (await house.ask('HEAD', MANY)).status, { timeout: 10_000 }).toBe(429);
  const refused = await house.ask('GET', MANY, { as: 'viewer' });
  expect([refused.status, refused.json.code]).toEqual([429, 'too-many-exports']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await house.ask('GET', '/v1/readings?device=big&metric=m&limit=1')).status).toBe(200);
  release();
  for (const answer of await Promise.all(running)) expect(answer.text.split('\n').length).toBe(ROWS + 2);
  expect((await house.ask('GET', MANY)).status).toBe(200);
});

test('R17 a client that leaves in the middle costs one page more at most, and its place is free', async () => {
  const { house, pages, release } = await openHeldHouse();
  await using _ = house;
  const leaving = [new AbortController(), new AbortController()];
  for (const { signal } of leaving) {
    const answer = await fetch(house.url + MANY, { headers: { authorization: `Bearer ${house.keys.viewer}` }, signal });
    await answer.body?.getReader().read();
  }
  expect((await house.ask('GET', MANY)).status).toBe(429);
  await expect.poll(pages, { timeout: 10_000 }).toBe(4);
  for (const one of leaving) one.abort();
  await expect.poll(async () => (await house.ask('HEAD', MANY)).status, { timeout: 10_000 }).toBe(200);
  const before = pages();
  release();
  expect((await house.ask('GET', MANY)).status).toBe(200);
  // five pages of the export that was just read; nothing of those whose clients left
  expect(pages() - before).toBe(5);
});

test('an export whose headers alone are asked for holds no place', async () => {
  await using house = await openApiHouse();
  for (let i = 0; i < 5; i++) expect((await house.ask('HEAD', '/v1/readings?format=csv')).status).toBe(200);
});

test('an export that cannot begin is refused with its own status and holds no place', async () => {
  await using house = await openApiHouse();
  const query = `/v1/readings?format=csv&since=${house.deps.catalogue.store}.5`;
  for (let i = 0; i < 5; i++) {
    const answer = await house.ask('GET', query);
    expect([answer.status, answer.json.code]).toEqual([400, 'bad-cursor']);
  }
});

test('an export that finds nothing is a file with its heading alone', async () => {
  await using house = await openApiHouse();
  expect((await house.ask('GET', '/v1/readings?format=csv')).text).toBe('time,time_ms,device,metric,unit,value\n');
  expect((await house.ask('GET', '/v1/readings?format=ndjson')).text).toBe('');
});

test('a client that stays and takes nothing loses its place', async () => {
  await using house = await openApiHouse({ limits: { exports: 1 } });
  const files = createExports(house.deps, 20);
  const choice = { devices: ['*'], metrics: ['*'], isNamed: false, isOneDevice: false, isAll: true, pairs: null };
  const question = { kind: 'range', choice, key: '', limit: 1, format: 'csv', range: { fromUs: 0, toUs: 1 }, place: null } as const;
  const opened = await files.open(question, false);
  if ('refused' in opened || !opened.body) throw new Error('not opened');
  expect(await files.open(question, false)).toEqual({ refused: 'too-many-exports' });
  await expect.poll(() => files.open(question, true), { timeout: 10_000 }).not.toHaveProperty('refused');
  await expect(opened.body.getReader().read()).rejects.toThrow('took nothing');
});
