// The Explore page with series of two real devices: found on the server, drawn on one axis, zoomed by hand and by keys, taken away as files.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestSocket } from '../support/socket.ts';

let browser: TestBrowser;
let gateway: TestGateway;
let boiler: TestSocket;
let pump: TestSocket;
/** Of the first reading, in whole seconds. */
let startSeconds = 0;
const READINGS = 240;

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
  boiler = await gateway.device('boiler-3');
  pump = await gateway.device('pump-1');
  startSeconds = Math.floor(Date.now() / 1000) - 280;
  for (const [device, offset] of [
    [boiler, 0],
    [pump, 0.5],
  ] as const) {
    device.send(
      Array.from({ length: READINGS }, (_, i) => [
        { n: 'flow-temp', u: 'Cel', t: startSeconds + i + offset, v: Math.round(600 + 50 * Math.sin(i / 15 + offset * 3)) / 10 },
        { n: 'pressure', u: 'bar', t: startSeconds + i + offset, v: Math.round(150 + 20 * Math.cos(i / 20)) / 100 },
        { n: 'running', t: startSeconds + i + offset, vb: i % 60 > 30 },
        { n: 'mode', t: startSeconds + i + offset, vs: i % 90 > 45 ? 'heating' : '=idle' },
      ]).flat(),
    );
    await device.next();
  }
  await gateway.local('/v1/devices/boiler-3', { method: 'PATCH', body: { label: '锅炉 三 🔥', tags: ['site:north'] } });
});
afterAll(async () => {
  await boiler?.[Symbol.asyncDispose]();
  await pump?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const TWO = '/explore?s=boiler-3/flow-temp&s=pump-1/pressure&range=5m';
const canvas = (page: Page) => page.locator('.explore .chart-panel canvas').first();
const address = (page: Page): URLSearchParams => new URL(page.url()).searchParams;
const legendOf = (page: Page, series: string) => page.locator(`.legend [data-series="${series}"]`);
/** The part between the axes. */
const boxOf = async (page: Page) => {
  const box = await page.locator('.explore .u-over').first().boundingBox();
  if (box === null) throw new Error('no plot');
  return box;
};

test('series are found by words of the device and the metric, and chosen by keys; what is chosen is in the address', async () => {
  await using opened = await browser.openSignedIn(gateway, '/explore');
  const { page } = opened;
  await page.getByRole('heading', { name: 'Compare series' }).waitFor();
  await opened.picture('explore-empty');
  const field = page.getByRole('combobox', { name: 'Add a series' });
  await field.fill('site:north flow');
  await expect.poll(() => page.getByRole('option').count()).toBe(1);
  await page.getByRole('option').getByText('锅炉 三 🔥').waitFor();
  await page.keyboard.press('Enter');
  await legendOf(page, 'boiler-3/flow-temp').getByText('°C').waitFor();
  await field.fill('PUMP pressure');
  await expect.poll(() => page.getByRole('option').count()).toBe(1);
  await page.keyboard.press('Enter');
  await legendOf(page, 'pump-1/pressure').getByText('bar').waitFor();
  await field.fill('pump nothing');
  await page.getByText('No series matches').waitFor();
  await page.keyboard.press('Escape');
  expect(address(page).getAll('s')).toEqual(['boiler-3/flow-temp', 'pump-1/pressure']);
  await canvas(page).waitFor();
  expect(await page.locator('.chart-panel').count()).toBe(1);
  await opened.picture('explore-two');

  // hidden and removed
  await legendOf(page, 'pump-1/pressure').getByRole('button', { pressed: true }).click();
  await expect.poll(() => address(page).getAll('hide')).toEqual(['pump-1/pressure']);
  await page.getByRole('button', { name: 'Remove Pressure, pump-1' }).click();
  await expect.poll(() => address(page).toString()).toBe(new URLSearchParams([['s', 'boiler-3/flow-temp']]).toString());
  expect(await opened.faults()).toEqual([]);
});

test('two series are zoomed into and exported, and the file is what REST answers for the same time', async () => {
  await using opened = await browser.openSignedIn(gateway, TWO);
  const { page } = opened;
  await canvas(page).waitFor();
  await page.locator('.chart-panel[data-phase="ready"]').waitFor();
  const box = await boxOf(page);
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.4, y);
  await page.locator('.readout b').first().waitFor();
  await opened.picture('explore-readout');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, y, { steps: 5 });
  await page.mouse.up();
  await expect.poll(() => address(page).has('from')).toBe(true);
  const [from, to] = [Number(address(page).get('from')), Number(address(page).get('to'))];
  expect(to - from).toBeGreaterThan(80_000);
  expect(to - from).toBeLessThan(100_000);

  await page.getByRole('button', { name: 'Export' }).click();
  const dialog = page.getByRole('dialog');
  await opened.picture('explore-export');
  const command = await dialog.locator('pre').innerText();
  for (const format of ['csv', 'ndjson'] as const) {
    if (format === 'ndjson') await dialog.getByRole('button', { name: 'NDJSON' }).click();
    const waiting = page.waitForEvent('download');
    await dialog.getByRole('link', { name: 'Every reading' }).click();
    const file = readFileSync(await (await waiting).path(), 'utf8');
    const query = `series=boiler-3/flow-temp&series=pump-1/pressure&from=${from}&to=${to}`;
    const told = await gateway.admin(`/v1/readings?${query}&format=${format}`);
    expect(file).toBe(told.text);
    const rows = (await gateway.admin(`/v1/readings?${query}`)).json().series;
    const count = rows.reduce((sum: number, one: { readings: unknown[] }) => sum + one.readings.length, 0);
    expect(count).toBeGreaterThan(150);
    expect(file.trim().split('\n').length).toBe(count + (format === 'csv' ? 1 : 0));
  }
  expect(command).toContain(`from=${from}&to=${to}`);
  expect(command).toContain('Authorization: Bearer $FIELDGATE_KEY');
  await dialog.getByRole('button', { name: 'Close' }).click();

  // the same view from its address, and the table holds every reading of it
  await using again = await browser.openSignedIn(gateway, `${new URL(page.url()).pathname}${new URL(page.url()).search}&view=table`);
  const table = again.page.getByRole('table', { name: 'All series in a table' });
  const query = `series=boiler-3/flow-temp&series=pump-1/pressure&from=${from}&to=${to}`;
  const rows = (await gateway.admin(`/v1/readings?${query}`)).json().series;
  const count = rows.reduce((sum: number, one: { readings: unknown[] }) => sum + one.readings.length, 0);
  await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(count + 1));
  expect(await table.getByRole('row').count()).toBeLessThan(60);
  await again.picture('explore-table');
  expect(await opened.faults()).toEqual([]);
  expect(await again.faults()).toEqual([]);
});

test('a plot is moved by wheel, drag and double click, and a plain wheel scrolls the page', async () => {
  await using opened = await browser.openSignedIn(gateway, TWO, { height: 420 });
  const { page } = opened;
  await canvas(page).waitFor();
  const box = await boxOf(page);
  const span = (): number => Number(address(page).get('to')) - Number(address(page).get('from'));
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.wheel(0, 60);
  await page.getByText('Ctrl + wheel zooms').waitFor();
  await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(0);
  await page.evaluate('scrollTo(0, 0)');
  expect(address(page).get('range')).toBe('5m');

  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Control');
  await expect.poll(span).toBeGreaterThan(100_000);
  expect(span()).toBeLessThan(120_000); // 300 s / e
  const before = Number(address(page).get('from'));
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 200, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  await expect.poll(() => Number(address(page).get('from'))).toBeLessThan(before);
  await page.mouse.dblclick(box.x + box.width / 2, box.y + 40);
  await expect.poll(() => address(page).has('from')).toBe(false);
  expect(await opened.faults()).toEqual([]);
});

test('keys alone read, zoom, move and go back', async () => {
  await using opened = await browser.openSignedIn(gateway, TWO);
  const { page } = opened;
  await canvas(page).waitFor();
  await page.locator('.explore .plot').first().focus();
  const readout = page.locator('.readout b');
  await page.keyboard.press('End');
  await expect.poll(() => readout.count()).toBe(2);
  const newest = await readout.allInnerTexts();
  await page.keyboard.press('Home');
  await expect.poll(() => readout.allInnerTexts()).not.toEqual(newest);
  await page.keyboard.press('Escape');
  await expect.poll(() => readout.count()).toBe(0);
  await page.keyboard.press('+');
  await expect.poll(() => address(page).get('range')).toBe('150s');
  await page.keyboard.press('Shift+ArrowLeft');
  await expect.poll(() => Number(address(page).get('to')) - Number(address(page).get('from'))).toBeGreaterThanOrEqual(150_000);
  await page.keyboard.press('-');
  await page.keyboard.press('Escape');
  await expect.poll(() => address(page).has('from') || address(page).has('range')).toBe(false);
  // every control is reached by Tab
  const reached = new Set<string>();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate<string>('document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent || ""'),
    );
  }
  for (const name of ['Zoom in', 'Later', 'Live', 'Export', 'Pressurepump-1', 'Remove Pressure, pump-1'])
    expect([...reached]).toContain(name);
});

test('on a phone two fingers zoom, one reads, and the page still scrolls', async () => {
  await using opened = await browser.openSignedIn(gateway, TWO, { width: 360, height: 640 });
  const { page, context } = opened;
  await canvas(page).waitFor();
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await page.locator('.u-over').first().scrollIntoViewIfNeeded();
  const box = await boxOf(page);
  const touch = await context.newCDPSession(page);
  await touch.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 2 });
  const at = (...points: [number, number][]) => points.map(([x, y], id) => ({ x: box.x + x, y: box.y + y, id }));
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: [number, number][]) =>
    touch.send('Input.dispatchTouchEvent', { type, touchPoints: at(...points) });
  const middle = box.width / 2;
  await send('touchStart', [middle, 60]);
  await send('touchMove', [middle + 20, 60]);
  await page.locator('.readout b').first().waitFor();
  await send('touchEnd');
  await send('touchStart', [middle - 20, 60], [middle + 20, 60]);
  for (const apart of [30, 45, 60, 80]) await send('touchMove', [middle - apart, 60], [middle + apart, 60]);
  await send('touchEnd');
  await expect.poll(() => Number(address(page).get('to')) - Number(address(page).get('from'))).toBeGreaterThan(50_000);
  expect(Number(address(page).get('to')) - Number(address(page).get('from'))).toBeLessThan(110_000);

  await page.evaluate('scrollTo(0, 0)');
  const start = await boxOf(page);
  const scroll = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) =>
    touch.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x: start.x + middle, y }] });
  const from = Math.min(start.y + start.height - 10, 600);
  await scroll('touchStart', from);
  for (let i = 1; i <= 10; i++) await scroll('touchMove', from - i * 15);
  await scroll('touchEnd');
  await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(20);
  await opened.picture('explore-phone');
});

test('live readings join what is explored, and a view that is held stands still', async () => {
  await using opened = await browser.openSignedIn(gateway, '/explore?s=pump-1/flow-temp&s=pump-1/mode&s=boiler-3/running&range=5m');
  const { page } = opened;
  await legendOf(page, 'pump-1/mode').waitFor();
  await expect.poll(() => page.locator('.chart-panel canvas').count()).toBe(3);
  pump.send([{ n: 'flow-temp', u: 'Cel', v: 71.5 }]);
  await legendOf(page, 'pump-1/flow-temp').getByText('71.5').waitFor();
  await page.locator('.explore .plot').first().focus();
  await page.keyboard.press('End');
  await expect.poll(async () => (await page.locator('.readout b').allInnerTexts()).join().replace(/\s/g, '')).toContain('71.5°C');
  await opened.picture('explore-states');
  const live = page.getByRole('button', { name: 'Live', exact: true });
  await live.click();
  await expect.poll(() => address(page).has('to')).toBe(true);
  const held = address(page).get('to');
  pump.send([{ n: 'flow-temp', u: 'Cel', v: 72.5 }]);
  await legendOf(page, 'pump-1/flow-temp').getByText('72.5').waitFor();
  expect(address(page).get('to')).toBe(held);
  await live.click();
  await expect.poll(() => address(page).has('to')).toBe(false);
  await page.locator('.explore .plot').first().focus();
  await page.keyboard.press('End');
  await expect.poll(async () => (await page.locator('.readout b').allInnerTexts()).join().replace(/\s/g, '')).toContain('72.5°C');
  expect(await opened.faults()).toEqual([]);
});

test('several units share two axes a plot, and states have strips of their own', async () => {
  const series = ['boiler-3', 'pump-1'].flatMap((id) => ['flow-temp', 'pressure', 'running', 'mode'].map((metric) => `s=${id}/${metric}`));
  await using opened = await browser.openSignedIn(gateway, `/explore?${series.join('&')}&range=5m`, { scheme: 'dark' });
  const { page } = opened;
  await expect.poll(() => page.locator('.chart-panel canvas').count()).toBe(5);
  expect(await page.locator('.chart-panel').first().getAttribute('data-units')).toBe('°C bar');
  await page.locator('.explore .plot').first().focus();
  await page.keyboard.press('Home');
  await page.locator('.readout.is-several b').first().waitFor();
  await opened.picture('explore-several');
  expect(await opened.faults()).toEqual([]);
});
