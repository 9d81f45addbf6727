// The gateway goes away under an open page and comes back.

import { expect, test } from 'vitest';
import { openTestBrowser } from '../support/browser.ts';
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
