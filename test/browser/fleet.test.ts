// The Fleet page with real devices on real sockets.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openTestBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

const rowOf = (page: Page, device: string) => page.locator(`[data-device="${device}"]`);

test('a value that a device sends is seen on the Fleet page, with its unit, and goes on changing', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  device.send([{ n: 'flow-temp', u: 'Cel', v: 21.5 }]);
  await rowOf(page, 'pump-1').getByText('21.5').waitFor();
  await rowOf(page, 'pump-1').getByText('°C').waitFor();
  await rowOf(page, 'pump-1').getByText('Flow temp').waitFor();
  await rowOf(page, 'pump-1').getByText('Live').waitFor();
  device.send([{ n: 'flow-temp', u: 'Cel', v: 22.75 }]);
  await rowOf(page, 'pump-1').getByText('22.75').waitFor();
  await device[Symbol.asyncDispose]();
  await rowOf(page, 'pump-1').getByText('Offline').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('a device that only posts is live for its readings, with when it was seen, also on a page opened later', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('poster-1');
  const post = (value: number) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: [{ n: 'level', u: 'm', v: value }],
    });
  await post(4.2);
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  const state = rowOf(page, 'poster-1').locator('.state');
  const isLive = () =>
    page
      .locator('.state.is-live')
      .getByText(/^seen .+ ago$/)
      .waitFor();
  await isLive();
  await post(4.3);
  await rowOf(page, 'poster-1').getByText('4.3').waitFor();
  await isLive();
  // the words fit in their column, long ages too
  await state.locator('small').evaluate((element) => element.replaceChildren('seen 88 min ago'));
  const ends = await state.evaluate((element) => [element, element.parentElement].map((one) => one?.getBoundingClientRect().right ?? 0));
  expect(ends[0]).toBeLessThanOrEqual((ends[1] ?? 0) + 1);
  await page.setViewportSize({ width: 360, height: 780 });
  const nameEnds = await rowOf(page, 'poster-1')
    .locator('.name')
    .evaluate((element) => element.getBoundingClientRect().right);
  expect(nameEnds).toBeLessThanOrEqual(await state.evaluate((element) => element.getBoundingClientRect().left));
  await page.reload();
  await isLive();
  await page.goto(`${gateway.url}/devices/poster-1`);
  await page.getByRole('heading', { name: 'poster-1' }).waitFor();
  await isLive();
  expect(await page.locator('.state.is-offline').count()).toBe(0);
  expect(await opened.faults()).toEqual([]);
});

test('no column of the list is cut at any width of the window', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send([
    { n: 'flow-temp', u: 'Cel', v: 21.5 },
    { n: 'pressure', u: 'bar', v: 4.2 },
  ]);
  await device.next();
  await using opened = await browser.openSignedIn(gateway, '/', { width: 1280 });
  const { page } = opened;
  await rowOf(page, 'pump-1').getByText('4.2').waitFor();
  expect(await page.getByRole('columnheader', { name: 'Per second' }).isVisible()).toBe(true);
  await opened.picture('fleet');
  for (const width of [1920, 1440, 1391, 1390, 1280, 1241, 1240, 1191, 1190, 1100, 1041, 1040, 901, 900, 741, 740, 641]) {
    await page.setViewportSize({ width, height: 900 });
    const cut = await page.locator('.fleet-list').evaluate((list) => {
      const inner = list.getBoundingClientRect().left + list.clientLeft + list.clientWidth;
      return [...list.querySelectorAll('.row > *, .row.head button')]
        .filter((cell) => cell.getBoundingClientRect().right > inner)
        .map((cell) => cell.textContent);
    });
    expect([width, cut]).toEqual([width, []]);
  }
});

test('a device that is added elsewhere joins an open page', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await using opened = await browser.openSignedIn(gateway, '/');
  await rowOf(opened.page, 'pump-1').waitFor();
  await using device = await gateway.device('pump-2');
  device.send([{ n: 'pressure', u: 'bar', v: 4.2 }]);
  await rowOf(opened.page, 'pump-2').getByText('4.2').waitFor();
});

test('ten thousand devices are listed with the rows near the screen only; search, filter and order stand in the address', {
  timeout: 120_000,
}, async () => {
  await using gateway = await startTestGateway();
  const add = (i: number) =>
    gateway.local('/v1/devices', {
      method: 'POST',
      body: { id: `unit-${String(i).padStart(4, '0')}`, tags: [i % 2 === 0 ? 'even' : 'odd'] },
    });
  // a hundred at a time share a commit
  for (let i = 0; i < 10_000; i += 100) await Promise.all(Array.from({ length: 100 }, (_, k) => add(i + k)));
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.getByText('10,000 devices').waitFor();
  await rowOf(page, 'unit-0000').waitFor();
  expect(await page.locator('[data-device]').count()).toBeLessThan(60);
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('10001');
  await page.keyboard.press('End');
  await rowOf(page, 'unit-9999').waitFor();
  expect(await page.locator('[data-device]').count()).toBeLessThan(60);

  await page.keyboard.press('/');
  await page.keyboard.type('unit-050');
  await page.getByText('10 of 10,000 devices').waitFor();
  await page.getByRole('group', { name: 'Tags' }).getByRole('button', { name: 'even 5,000' }).waitFor();
  await page.locator('[data-device="unit-0501"]').getByRole('button', { name: 'odd' }).click();
  await page.getByText('5 of 10,000 devices').waitFor();
  await page.getByRole('columnheader', { name: 'Device' }).getByRole('button').click();
  expect(await page.locator('[data-device]').first().getAttribute('data-device')).toBe('unit-0509');
  expect(page.url()).toBe(`${gateway.url}/?q=unit-050&tag=odd&order=desc`);

  await page.reload();
  await page.getByText('5 of 10,000 devices').waitFor();
  expect(await page.locator('[data-device]').first().getAttribute('data-device')).toBe('unit-0509');
  await page.getByRole('searchbox', { name: 'Find devices by name, id or tag' }).first().fill('nothing like this');
  await page.getByRole('heading', { name: 'No device matches' }).waitFor();
  await page.getByRole('button', { name: 'Clear search and filters' }).click();
  await page.getByText('10,000 devices').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('tags give way to the device id, and how many more there are is said', async () => {
  await using gateway = await startTestGateway();
  const tags = ['site:north', 'climate', 'battery', 'radio', 'a-tag-that-is-long'];
  await gateway.local('/v1/devices', { method: 'POST', body: { id: 'weather-mast-17', label: 'Weather mast', tags } });
  for (const width of [1440, 1000, 360]) {
    await using opened = await browser.openSignedIn(gateway, '/', { width });
    const row = rowOf(opened.page, 'weather-mast-17');
    const more = row.getByText(/^\+\d$/);
    await more.waitFor();
    const shown = await row.locator('.tag').count();
    expect(await more.innerText()).toBe(`+${tags.length - shown}`);
    const id = row.getByText('weather-mast-17');
    expect(await id.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    const ends = await row
      .locator('.row-tags')
      .evaluate((box) => [box.lastElementChild, box].map((one) => one?.getBoundingClientRect().right ?? 0));
    expect(ends[0]).toBeLessThanOrEqual((ends[1] ?? 0) + 1);
  }
});

test('the last hour of a device added a moment ago shows what it measured before', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('logger-1');
  const nowSeconds = Math.floor(Date.now() / 1000);
  // high for the older half of the hour, low since
  device.send(Array.from({ length: 56 }, (_, k) => ({ n: 'level', u: 'm', t: nowSeconds - (56 - k) * 60, v: k < 28 ? 9 : 1 })));
  await device.next();
  await using opened = await browser.openSignedIn(gateway, '/');
  const drawn = await rowOf(opened.page, 'logger-1').locator('.cell-spark.main path[d^="M"]').getAttribute('d');
  expect(drawn?.match(/L/g)?.length).toBeGreaterThan(40);
  expect(drawn).toMatch(/^M0\.0 2\.0/);
});

test('adding a device shows its token once, commands filled in with it, and a checklist that turns green', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.getByRole('button', { name: 'Add device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Device id').fill('bad id!');
  await dialog.getByRole('button', { name: 'Create and show token' }).click();
  await dialog.getByText('Begin with a letter or digit').waitFor();
  await dialog.getByLabel('Device id').fill('boiler-3');
  await dialog.getByLabel('Label').fill('Kessel 3 <b>Süd</b> 温室');
  await dialog.getByLabel('Tags').fill('site:north, heating');
  await dialog.getByRole('button', { name: 'Create and show token' }).click();
  await dialog.getByRole('heading', { name: 'Connect boiler-3' }).waitFor();
  const token = await dialog.locator('[data-token]').innerText();
  expect(token).toMatch(/^fgd_[A-Za-z0-9_-]{43}$/);
  const command = await dialog.locator('pre').innerText();
  expect(command).toContain(token);
  expect(command).toContain(`${gateway.url}/v1/readings`);
  await dialog.getByText('waiting for the device to connect').waitFor();
  await opened.picture('add-device');
  const answer = await gateway.request('/v1/readings', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: '[{"n":"temperature","u":"Cel","v":21.5}]',
  });
  expect(answer.status).toBe(200);
  await dialog.getByText('Temperature 21.5 °C').waitFor();
  await dialog.getByText('Reached over HTTP').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  // a label in any script, and with what looks like markup, is text
  await rowOf(page, 'boiler-3').getByText('Kessel 3 <b>Süd</b> 温室').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('states are right on a page that was just opened, each with its words, and their chips count and filter', async () => {
  await using gateway = await startTestGateway();
  const change = (id: string, body: object) => gateway.admin(`/v1/devices/${id}`, { method: 'PATCH', body });
  const nowSeconds = Date.now() / 1000;
  await using quick = await gateway.device('quick');
  await using slow = await gateway.device('slow');
  await gateway.addDevice('sleeper');
  await gateway.addDevice('never');
  // told in the rhythm in which they measured: both were heard a moment ago
  for (let i = 0; i < 6; i++) {
    quick.send([{ n: 'level', u: 'm', t: nowSeconds - 3 + i / 2, v: i }]);
    slow.send([{ n: 'level', u: 'm', t: nowSeconds - 3000 + i * 600, v: i }]);
    await Promise.all([quick.next(), slow.next()]);
  }
  await change('sleeper', { maySleep: true, tags: ['battery', 'site:north'] });
  await change('never', { tags: ['site:north'] });
  await change('quick', { expectEverySeconds: 0.001 });
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await rowOf(page, 'quick').getByText('Silent').waitFor();
  await rowOf(page, 'slow').getByText('Live').waitFor();
  await rowOf(page, 'sleeper').getByText('Asleep').waitFor();
  await rowOf(page, 'never').getByText('Offline').waitFor();
  expect(await rowOf(page, 'slow').locator('.state').getAttribute('title')).toContain('10 min');
  await opened.picture('fleet-states');
  const states = page.getByRole('group', { name: 'State' });
  await states.getByRole('button', { name: 'Asleep 1' }).click();
  await page.getByText('1 of 4 devices').waitFor();
  expect(page.url()).toBe(`${gateway.url}/?state=asleep`);
  await states.getByRole('button', { name: 'All 4' }).click();
  const tags = page.getByRole('group', { name: 'Tags' });
  await tags.getByRole('button', { name: 'site:north 2' }).click();
  await page.getByText('2 of 4 devices').waitFor();
  await tags.getByRole('button', { name: 'battery 1' }).click();
  await page.getByText('1 of 4 devices').waitFor();
  expect(new URL(page.url()).searchParams.getAll('tag')).toEqual(['site:north', 'battery']);
  await page.reload();
  await page.getByText('1 of 4 devices').waitFor();
  await rowOf(page, 'sleeper').waitFor();
  // an awake one is live, and asleep again once it goes
  await using sleeper = await gateway.device('sleeper');
  sleeper.send([{ n: 'level', u: 'm', v: 1 }]);
  await rowOf(page, 'sleeper').getByText('Live').waitFor();
  await sleeper[Symbol.asyncDispose]();
  await rowOf(page, 'sleeper').getByText('Asleep').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('labels in Chinese, Arabic and with emoji stand as they are, apart from what is around them, and are found', async () => {
  await using gateway = await startTestGateway();
  const labels = { 'cn-1': '三号温室 (南)', 'ar-1': 'مضخة البئر الشرقية 2', 'em-1': '🌡️ Kessel 👩🏽‍🔧 7', 'mix-1': 'Pump (مضخة) – 泵' };
  for (const [id, label] of Object.entries(labels)) {
    await gateway.addDevice(id);
    await gateway.admin(`/v1/devices/${id}`, { method: 'PATCH', body: { label, tags: ['موقع:شمال', '场地'], location: 'القاعة ٢' } });
  }
  for (const width of [1440, 360]) {
    await using opened = await browser.openSignedIn(gateway, '/', { width, height: 780 });
    const { page } = opened;
    for (const [id, label] of Object.entries(labels)) {
      const name = rowOf(page, id).locator('.name bdi');
      expect(await name.innerText()).toBe(label);
      expect(await page.evaluate(`getComputedStyle(document.querySelector('[data-device="${id}"] .name bdi')).unicodeBidi`)).toContain(
        'isolate',
      );
      // what stands beside an Arabic name stays where it stands beside any other
      const [nameLeft, idLeft] = await rowOf(page, id).evaluate((row) =>
        ['.name', '.sub .mono'].map((part) => row.querySelector(part)?.getBoundingClientRect().left ?? -1),
      );
      expect(idLeft).toBe(nameLeft);
    }
    await opened.picture('fleet-scripts');
    expect(await opened.overhang()).toBeLessThanOrEqual(0);
    for (const [words, id] of [
      ['温室', 'cn-1'],
      ['البئر', 'ar-1'],
      ['👩🏽‍🔧', 'em-1'],
    ] as const) {
      await page.goto(`${gateway.url}/?q=${encodeURIComponent(words)}`);
      await page.getByText('1 of 4 devices').waitFor();
      await rowOf(page, id).waitFor();
    }
    await page.goto(`${gateway.url}/devices/ar-1`);
    await page.getByRole('heading', { name: labels['ar-1'] }).waitFor();
    await page.locator('.device-head .tag').first().waitFor();
    await opened.picture('device-scripts');
    expect(await opened.overhang()).toBeLessThanOrEqual(0);
    expect(await opened.faults()).toEqual([]);
  }
});

test('everything that is known of a device is edited on a phone; its tokens are rotated and revoked, and it goes with all that it stored', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send([{ n: 'level', u: 'm', v: 1 }]);
  await device.next();
  await using opened = await browser.openSignedIn(gateway, '/devices/pump-1', { width: 360, height: 780, role: 'operator' });
  const { page } = opened;
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Edit' }).click();
  for (const [label, words] of [
    ['Label', 'Pumpe Süd'],
    ['Tags', 'site:west, battery'],
    ['Location', 'Halle 2'],
    ['Expected every, seconds', '30'],
    ['Pinged every, seconds', '0'],
    ['Notes', 'Valve is stiff.'],
  ] as const)
    await dialog.getByLabel(label).fill(words);
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'When they arrive' }).click();
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await opened.picture('device-edit');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('A number from 1 to 300, or nothing.').waitFor();
  await dialog.getByLabel('Pinged every, seconds').fill('60');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Pumpe Süd' }).waitFor();
  expect((await gateway.admin('/v1/devices/pump-1')).json()).toMatchObject({
    label: 'Pumpe Süd',
    tags: ['site:west', 'battery'],
    location: 'Halle 2',
    notes: 'Valve is stiff.',
    expectEverySeconds: 30,
    pingSeconds: 60,
    maySleep: true,
    clock: 'gateway',
  });

  await page.getByRole('button', { name: 'Tokens' }).click();
  await dialog.getByRole('button', { name: 'Make a new token' }).click();
  await dialog.locator('[data-token]').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Tokens' }).click();
  const old = dialog.locator('[data-token-id]').filter({ hasText: 'ends' });
  await old.waitFor();
  expect(await dialog.locator('[data-token-id]').count()).toBe(2);
  await opened.picture('device-tokens');
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await old.getByRole('button', { name: 'Revoke' }).click();
  await old.getByRole('button', { name: 'Cut it off now' }).click();
  await old.waitFor({ state: 'detached' });
  expect((await device.closed()).code).toBe(4401);
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('button', { name: 'Is deleted too' }).click();
  await dialog.getByText('All its readings and refused records are deleted for good.').waitFor();
  await opened.picture('device-remove');
  await dialog.getByLabel('Type pump-1 to confirm').fill('pump-1');
  await dialog.getByRole('button', { name: 'Remove and delete' }).click();
  await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
  expect((await gateway.admin('/v1/devices/pump-1?purge=true', { method: 'DELETE' })).status).toBe(404);
  expect(await opened.faults()).toEqual([]);
});
