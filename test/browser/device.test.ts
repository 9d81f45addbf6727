// The Device page with a real device on a real socket: live values, history that goes over into live, and what an operator does there.

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

  // the arrow keys read every point, newest first, over the seam into history
  const plot = chart.locator('.plot');
  await plot.focus();
  const read: string[] = [];
  const readout = chart.locator('.readout b');
  for (let i = 0; i < 110; i++) {
    await page.keyboard.press('ArrowLeft');
    // each point has a value of its own, and is drawn with the next frame
    if (i > 0) await expect.poll(() => readout.innerText()).not.toBe(read[i - 1]);
    read.push(await readout.innerText());
  }
  const expected = Array.from({ length: 110 }, (_, i) => `${(60 + (109 - i) / 10).toFixed(1)}°C`);
  expect(read.map((value) => value.replace(/\s/g, ''))).toEqual(expected);
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

  await page.getByRole('button', { name: 'New token' }).click();
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
