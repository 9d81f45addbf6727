// The gateway goes away under an open page and comes back.

import { expect, test } from 'vitest';
import { openTestBrowser } from '../support/browser.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { startTestGateway } from '../support/gateway.ts';

test('a restart under an open page is told, then the page comes back by itself with what was stored meanwhile', async () => {
  await using browser = await openTestBrowser();
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  const post = (value: number) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: [{ n: 'pressure', u: 'bar', v: value }],
    });
  await post(4.2);
  await using opened = await browser.openSignedIn(gateway, '/devices/pump-1?range=5m');
  const { page } = opened;
  const tile = page.locator('.tile[data-metric="pressure"]');
  await tile.getByText('4.2').waitFor();
  await page.locator('.chart-panel canvas').waitFor();
  // from here on everything the bar says is kept, however short it stands
  await page.evaluate(`
    globalThis.said = [];
    new MutationObserver(() => said.push(document.querySelector('.connection-bar')?.textContent ?? ''))
      .observe(document.body, { childList: true, subtree: true, characterData: true });
  `);

  await gateway.restart();
  await post(4.3);
  await page.locator('[data-link="live"]').waitFor({ timeout: 60_000 });
  await tile.getByText('4.3').waitFor();
  await post(4.4);
  await tile.getByText('4.4').waitFor();
  const said = await page.evaluate<string[]>('said');
  expect(said.some((words) => /Reconnecting/.test(words) && /Values are stale since \d\d:\d\d/.test(words))).toBe(true);

  // the chart holds all three, the one that came during the restart too
  const plot = page.locator('.chart-panel .plot');
  await plot.focus();
  const readBefore = async (): Promise<string> => {
    await page.keyboard.press('ArrowLeft');
    return (await page.locator('.readout b').innerText()).replace(/\s/g, '');
  };
  // the chart follows the series by itself: the newest reading may reach it a moment after the tile
  const readNewest = async (): Promise<string> => {
    await page.keyboard.press('Escape');
    return readBefore();
  };
  await expect.poll(readNewest, { timeout: 20_000 }).toBe('4.4bar');
  expect([await readBefore(), await readBefore()]).toEqual(['4.3bar', '4.2bar']);
});

test('a gateway that is killed under an open page and started again: the page comes back by itself and fills the gap', async () => {
  await using browser = await openTestBrowser();
  await using gateway = await startChildGateway();
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'pump-1' });
  const { key } = await gateway.local('POST', '/v1/keys', { name: 'page', role: 'viewer' });
  const url = `https://localhost:${gateway.port}`;
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    await using device = await gateway.device(token);
    device.send(Array.from({ length: count }, (_, i) => ({ n: 'pressure', u: 'bar', t: Date.now() / 1000 - count + i, v: 10 + sent + i })));
    expect(await device.next()).toMatchObject({ type: 'stored', readings: count });
    sent += count;
  };
  await send(5);
  await using opened = await browser.openSignedIn({ url, key: async () => key }, '/devices/pump-1?range=5m');
  const { page } = opened;
  const tile = page.locator('.tile[data-metric="pressure"]');
  await tile.getByText('14').waitFor();
  await page.locator('.chart-panel[data-phase="ready"] canvas').waitFor();

  await gateway.kill('SIGKILL');
  await page.locator('[data-link="live"]').waitFor({ state: 'detached', timeout: 60_000 });
  await page.getByText(/Values are stale since/).waitFor();
  await page
    .getByText(/Reconnecting/)
    .first()
    .waitFor();
  await gateway.start();
  // stored before the page is back: it has to be fetched from the log
  await send(5);
  await page.locator('[data-link="live"]').waitFor({ timeout: 60_000 });
  await tile.getByText('19').waitFor();
  await send(1);
  await tile.getByText('20').waitFor();
  await page.getByRole('button', { name: 'Table of Pressure' }).click();
  const values = page.getByRole('table').locator('[aria-rowindex] .value');
  await expect
    .poll(async () => (await values.allInnerTexts()).map((value) => Number.parseFloat(value)).sort((a, b) => a - b))
    .toEqual(Array.from({ length: 11 }, (_, i) => 10 + i));
});
