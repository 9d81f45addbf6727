// The Fleet page with real devices on real sockets.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
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

test('a thousand devices are listed with the rows near the screen only; search, filter and order stand in the address', async () => {
  await using gateway = await startTestGateway();
  for (let i = 0; i < 1000; i++) {
    const id = `unit-${String(i).padStart(4, '0')}`;
    await gateway.local('/v1/devices', { method: 'POST', body: { id, tags: [i % 2 === 0 ? 'even' : 'odd'] } });
  }
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.getByText('1,000 devices').waitFor();
  await rowOf(page, 'unit-0000').waitFor();
  expect(await page.locator('[data-device]').count()).toBeLessThan(60);
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('1001');
  await page.keyboard.press('End');
  await rowOf(page, 'unit-0999').waitFor();
  expect(await page.locator('[data-device]').count()).toBeLessThan(60);

  await page.keyboard.press('/');
  await page.keyboard.type('unit-050');
  await page.getByText('10 of 1,000 devices').waitFor();
  await page.locator('[data-device="unit-0501"]').getByRole('button', { name: 'odd' }).click();
  await page.getByText('5 of 1,000 devices').waitFor();
  await page.getByRole('columnheader', { name: 'Device' }).getByRole('button').click();
  expect(await page.locator('[data-device]').first().getAttribute('data-device')).toBe('unit-0509');
  expect(page.url()).toBe(`${gateway.url}/?q=unit-050&tag=odd&order=desc`);

  await page.reload();
  await page.getByText('5 of 1,000 devices').waitFor();
  expect(await page.locator('[data-device]').first().getAttribute('data-device')).toBe('unit-0509');
  await page.getByRole('searchbox', { name: 'Find devices by name, id or tag' }).first().fill('nothing like this');
  await page.getByRole('heading', { name: 'No device matches' }).waitFor();
  await page.getByRole('button', { name: 'Clear search and filters' }).click();
  await page.getByText('1,000 devices').waitFor();
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
  await dialog.getByRole('button', { name: 'Python' }).click();
  expect(await dialog.locator('pre').innerText()).toContain("# pip install 'websockets>=11'");

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

test('the command for the simulator runs as it stands, ends well and keeps the token to its owner', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.getByRole('button', { name: 'Add device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Device id').fill('boiler-3');
  await dialog.getByRole('button', { name: 'Create and show token' }).click();
  await dialog.getByRole('button', { name: 'Simulator' }).click();
  await dialog.getByText('/ca.crt').waitFor();
  const shown = await dialog.locator('pre').innerText();
  expect(shown).toContain('npm run sim -- run');
  // in a folder of its own, and not for a whole minute
  const simulator = path.join(import.meta.dirname, '../../device-sim/main.ts');
  const command = shown.replace('npm run sim --', `'${process.execPath}' '${simulator}'`).replace('--duration 60s', '--duration 2s');
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-snippet-'));
  try {
    const { stderr } = await promisify(execFile)('sh', ['-ec', command], { cwd: folder });
    expect(stderr).not.toContain('NOT COMPARED');
    expect((await stat(path.join(folder, 'boiler-3.token'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await dialog.locator('.checklist li.is-done').nth(2).waitFor();
});
