// The disk fills up under an open page: a bar says so on every page, for as long as it is true.

import { expect, test } from 'vitest';
import { openTestBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';

const MIB = 1024 * 1024;

test('a full disk is told above the page, with what mends it, and the bar goes when there is room again', { timeout: 60_000 }, async () => {
  let freeBytes = 900 * MIB;
  await using browser = await openTestBrowser();
  await using gateway = await startTestGateway({ readVolume: async () => ({ freeBytes, totalBytes: 1000 * MIB }) });
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  const bar = page.locator('.storage-bar');
  expect(await bar.count()).toBe(0);

  freeBytes = 150 * MIB;
  await page.locator('[data-storage="low"]').waitFor();
  expect(await bar.innerText()).toBe(
    'The disk fills up. 150 MiB are free on the volume of the data directory; below 100 MiB storing stops. Make room there.',
  );
  freeBytes = 20 * MIB;
  await page.locator('[data-storage="paused"]').waitFor();
  expect(await bar.innerText()).toMatch(
    /^The disk is full: nothing is stored\. Only 20 MiB are free.*from 150 MiB on it goes on by itself/,
  );
  expect(await opened.accessibilityFaults()).toStrictEqual([]);
  await opened.picture('disk-full');
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await opened.overhang()).toBe(0);
  await page.emulateMedia({ colorScheme: 'dark' });
  // colours change over a moment
  await expect.poll(() => opened.accessibilityFaults(), { timeout: 10_000 }).toStrictEqual([]);
  await page.screenshot({ path: 'artefacts/disk-full-360-dark.png' });

  freeBytes = 900 * MIB;
  await bar.waitFor({ state: 'detached' });
  expect(await opened.faults()).toStrictEqual([]);
});
