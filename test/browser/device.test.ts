// The Device page with a real device on a real socket: live values, history that goes over into live, and what an operator does there.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openTestBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

test('the chart joins history and live: every reading once, none missing between', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('boiler-3');
  const startSeconds = Math.floor(Date.now() / 1000) - 120;
  device.send(Array.from({ length: 100 }, (_, i) => ({ n: 'flow-temp', u: 'Cel', t: startSeconds + i, v: 60 + i / 10 })));
  await device.next();
  await using opened = await browser.openSignedIn(gateway, '/devices/boiler-3?range=5m');
  const { page } = opened;
  const chart = page.locator('.chart-panel[data-metric="flow-temp"]');
  await chart.locator('canvas').waitFor();
  const tile = page.locator('.tile[data-metric="flow-temp"]');
  await tile.getByText('69.9').waitFor();
  for (let i = 100; i < 110; i++) {
    device.send([{ n: 'flow-temp', u: 'Cel', t: startSeconds + i, v: 60 + i / 10 }]);
    await device.next();
  }
  await tile.getByText('70.9').waitFor();
  await opened.picture('device-chart');

  // the arrow keys read point by point, newest first, over the seam into history
  const plot = chart.locator('.plot');
  await plot.focus();
  const read: string[] = [];
  const readout = chart.locator('.readout b');
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('ArrowLeft');
    // each point has a value of its own, and is drawn with the next frame
    if (i > 0) await expect.poll(() => readout.innerText()).not.toBe(read[i - 1]);
    read.push(await readout.innerText());
  }
  const expected = Array.from({ length: 20 }, (_, i) => `${(60 + (109 - i) / 10).toFixed(1)}°C`);
  expect(read.map((value) => value.replace(/\s/g, ''))).toEqual(expected);
  expect(await opened.faults()).toEqual([]);
});

test('readings that are sent while history is being read are neither missing nor doubled', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('boiler-3');
  const startSeconds = Math.floor(Date.now() / 1000) - 100;
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    device.send(Array.from({ length: count }, () => ({ n: 'flow-temp', u: 'Cel', t: startSeconds + sent, v: 60 + sent++ / 10 })));
    await device.next();
  };
  await send(20);
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  let asked = 0;
  await page.route('**/v1/readings?series=*', async (route) => {
    asked++;
    await send(5);
    const response = await route.fetch();
    await send(5);
    await route.fulfill({ response });
  });
  await page.goto(`${gateway.url}/devices/boiler-3?range=5m`);
  const chart = page.locator('.chart-panel[data-metric="flow-temp"]');
  await page.locator('.chart-panel[data-phase="ready"] canvas').waitFor();
  await send(5);
  await page
    .locator('.tile[data-metric="flow-temp"]')
    .getByText((60 + (sent - 1) / 10).toFixed(1))
    .waitFor();
  expect(asked).toBeGreaterThan(0);
  // the table is what the chart shows
  await page.getByRole('button', { name: 'Table of Flow temp' }).click();
  const table = page.getByRole('table');
  await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(sent + 1));
  const read = new Set<string>();
  for (let top = 0; top < sent * 32; top += 200) {
    await table.evaluate((element, to) => (element.scrollTop = to), top);
    for (const row of await table.locator('[aria-rowindex] .value').allInnerTexts()) read.add(row.replace(/\s/g, ''));
  }
  expect([...read].sort()).toEqual(Array.from({ length: sent }, (_, i) => `${(60 + i / 10).toFixed(1)}°C`).sort());
  expect(new URL(page.url()).searchParams.getAll('table')).toEqual(['flow-temp']);
  expect(await chart.locator('canvas').count()).toBe(0);
  expect(await opened.faults()).toEqual([]);
});

test('zoomed out a chart shows buckets, zoomed in every reading, exactly; both can be taken away', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('boiler-3');
  const startMs = Date.now() - 3_500_000;
  for (let part = 0; part < 8; part++) {
    device.send(
      Array.from({ length: 800 }, (_, i) => {
        const n = part * 800 + i;
        return { n: 'flow-temp', u: 'Cel', t: (startMs + n * 500) / 1000, v: n % 100 };
      }),
    );
    await device.next();
  }
  await using opened = await browser.openSignedIn(gateway, '/devices/boiler-3?range=1h');
  const { page } = opened;
  const chart = page.locator('.chart-panel[data-metric="flow-temp"]');
  await chart.getByText('one point is 5 s, the band is min–max').waitFor();
  await opened.picture('device-band');
  const from = Math.round(startMs + 600_000);
  await page.goto(`${gateway.url}/devices/boiler-3?from=${from}&to=${from + 60_000}&metric=flow-temp&table=flow-temp`);
  await chart.getByText('every reading').waitFor();
  const told = (await gateway.admin(`/v1/readings?device=boiler-3&metric=flow-temp&from=${from}&to=${from + 60_000}`)).json();
  expect(told.readings.length).toBe(120);
  await expect.poll(() => page.getByRole('table').getAttribute('aria-rowcount')).toBe('121');
  const first = page.getByRole('table').locator('[aria-rowindex="2"] .value');
  await expect.poll(async () => (await first.innerText()).replace(/\s/g, '')).toBe(`${told.readings.at(-1)[1]}°C`);

  // drawn buckets as a file: counts and extremes are those of REST
  await page.goto(`${gateway.url}/devices/boiler-3?range=1h&metric=flow-temp`);
  await chart.getByText('one point is 5 s').waitFor();
  await page.getByRole('button', { name: 'Export Flow temp' }).click();
  const waiting = page.waitForEvent('download');
  await page.getByRole('link', { name: /drawn points/ }).click();
  const [head, ...rows] = readFileSync(await (await waiting).path(), 'utf8')
    .trim()
    .split('\n');
  expect(head).toBe('time,time_ms,device,metric,unit,value,count,min,max');
  expect(rows.reduce((sum, row) => sum + Number(row.split(',')[6]), 0)).toBeGreaterThan(6300);
  for (const row of rows.slice(5, 50)) expect(Number(row.split(',')[6])).toBe(10);
  expect(await opened.faults()).toEqual([]);
});

test('booleans, texts and names in any script are shown as they are, and a device without readings says what to do', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('door-1');
  await using opened = await browser.openSignedIn(gateway, '/devices/door-1');
  const { page } = opened;
  await page.getByText('A metric appears here with its first reading.').waitFor();
  device.send([
    { n: 'contact', vb: true },
    { n: 'state', vs: '<script>alert(1)</script> ωραία' },
  ]);
  await page.locator('.tile[data-metric="contact"]').getByText('open', { exact: true }).waitFor();
  await page.locator('.tile[data-metric="state"]').getByText('<script>alert(1)</script> ωραία').waitFor();
  await page.locator('.tile[data-metric="state"]').click();
  await page.locator('.chart-panel[data-metric="state"] canvas').waitFor();
  await page.locator('.chart-panel[data-metric="contact"] canvas').waitFor();
  expect(new URL(page.url()).searchParams.getAll('metric')).toEqual(['contact', 'state']);
  expect(await opened.faults()).toEqual([]);
});

test('books and events are those of the gateway', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello('stream-of-the-test');
  device.send({ type: 'readings', seq: 1, readings: [{ n: 'pressure', u: 'bar', v: 4.2 }] });
  device.send({ type: 'readings', seq: 2, readings: [{ n: 'bad name', v: 1 }] });
  device.send({ type: 'gap', from: 3, to: 5, reason: 'buffer-full' });
  await device.until((message: { type: string; seq?: number }) => message.type === 'ack' && (message.seq ?? 0) >= 5);
  await using opened = await browser.openSignedIn(gateway, '/devices/pump-1');
  const books = opened.page.getByRole('region', { name: 'Books' });
  await books.getByText('Settled frames').waitFor();
  const figures = await books
    .locator('dl > div')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  expect(Object.fromEntries(figures)).toMatchObject({
    'Settled frames': '5',
    Stored: '1',
    Quarantined: '1',
    'Gaps declared': '3',
    Unexplained: '0',
  });
  await opened.page.getByRole('region', { name: 'Events' }).getByText('Connected').first().waitFor();
  await opened.page.getByRole('region', { name: 'Connection' }).getByText('Address').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('an operator edits, suspends, resumes, makes a new token and removes; the device feels each', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await using opened = await browser.openSignedIn(gateway, '/devices/pump-1', { role: 'operator' });
  const { page } = opened;
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel('Label').fill('Pump A');
  await dialog.getByLabel('Tags').fill('site:west');
  await dialog.getByLabel('Expected every, seconds').fill('30');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Pump A' }).waitFor();
  await page.getByRole('region', { name: 'About' }).getByText('30 s').waitFor();
  expect((await gateway.admin('/v1/devices/pump-1')).json()).toMatchObject({
    label: 'Pump A',
    tags: ['site:west'],
    expectEverySeconds: 30,
  });

  await page.getByRole('button', { name: 'Tokens' }).click();
  await dialog.getByRole('button', { name: 'Make a new token' }).click();
  const token = await dialog.locator('[data-token]').innerText();
  expect(token).toMatch(/^fgd_/);
  await dialog.getByRole('button', { name: 'Done' }).click();

  await page.getByRole('button', { name: 'Suspend' }).click();
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  expect((await device.closed()).code).toBe(4403);
  await page.getByText('Suspended').first().waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Suspend' }).waitFor();

  await page.getByRole('button', { name: 'Remove' }).click();
  const remove = dialog.getByRole('button', { name: 'Remove device' });
  expect(await remove.isDisabled()).toBe(true);
  await dialog.getByLabel('Type pump-1 to confirm').fill('pump-1');
  await remove.click();
  await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
  expect((await gateway.admin('/v1/devices/pump-1')).status).toBe(404);
  expect(await opened.faults()).toEqual([]);
});

test('an unknown device leads back to the fleet', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.openSignedIn(gateway, '/devices/nobody');
  await opened.page.getByRole('heading', { name: 'There is no device with this id' }).waitFor();
  await opened.page.getByRole('link', { name: 'Go to the fleet' }).click();
  await opened.page.getByRole('heading', { name: 'No devices yet' }).waitFor();
});
