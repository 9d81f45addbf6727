// What stands around every page: the way to each of them by role, the palette, the keys, the zone of times.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
let gateway: TestGateway;

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
  for (const id of ['pump-1', 'pump-2', 'boiler-3']) await gateway.addDevice(id);
  await gateway.local('/v1/devices/boiler-3', { method: 'PATCH', body: { label: '温室 boiler' } });
  await gateway.local('/v1/users', { method: 'POST', body: { name: 'maria', role: 'admin', password: 'a few words in a row' } });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const links = (page: Page): Promise<string[]> => page.locator('nav.rail > a:not(.brand)').filter({ visible: true }).allInnerTexts();
const focused = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const at = document.activeElement;
    return at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent.trim();
  })()`);
/** Presses Tab until it is at what is called so. */
async function tabTo(page: Page, wanted: RegExp, most = 60): Promise<void> {
  for (let k = 0; k < most; k++) {
    if (wanted.test(await focused(page))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not come to ${wanted}, but to ${await focused(page)}`);
}

test('the rail leads to the pages that the role may open, and marks the one that is shown', async () => {
  const all = ['Fleet', 'Explore', 'Serial', 'Quarantine', 'Events', 'Settings', 'API docs'];
  const allowed = {
    viewer: all.filter((name) => name !== 'Quarantine' && name !== 'Settings'),
    operator: all.filter((name) => name !== 'Settings'),
    admin: all,
  };
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    await using opened = await browser.openSignedIn(gateway, '/events', { role });
    expect(await links(opened.page)).toEqual(allowed[role]);
    expect(await opened.page.locator('nav.rail a[aria-current="page"]').innerText()).toBe('Events');
    expect(await opened.faults()).toEqual([]);
  }
});

test('a page that the role may not open says so, whatever way one came', async () => {
  await using opened = await browser.openSignedIn(gateway, '/settings', { role: 'operator' });
  const { page } = opened;
  await page.getByRole('heading', { name: 'Only admins see this page' }).waitFor();
  await page.getByRole('link', { name: 'Go to the fleet' }).click();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
});

test('on a phone the bar below leads to the main pages and keeps the others behind “More”, all of it large enough for a thumb', async () => {
  await using opened = await browser.openSignedIn(gateway, '/', { width: 360, height: 780 });
  const { page } = opened;
  expect(await links(page)).toEqual(['Fleet', 'Explore', 'Serial', 'Events']);
  await page.getByRole('button', { name: 'More' }).click();
  const sheet = page.getByRole('dialog', { name: 'More' });
  expect(await sheet.locator('.sheet-links > *').allInnerTexts()).toEqual(['Quarantine', 'Settings', 'API docs', 'Sign out']);
  expect(await opened.misfits()).toEqual([]);
  await sheet.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  await sheet.waitFor({ state: 'hidden' });
  expect(await page.getByRole('button', { name: 'More' }).getAttribute('aria-current')).toBe('true');
});

test('Ctrl-K finds devices, pages and actions by some of their letters, with the keyboard alone', async () => {
  await using opened = await browser.openSignedIn(gateway, '/events');
  const { page } = opened;
  const field = page.getByRole('combobox', { name: 'Find a device, page or action' });
  const chosen = page.getByRole('listbox', { name: 'Results' }).getByRole('option', { selected: true });

  await page.keyboard.press('Control+k');
  await field.waitFor();
  expect(await field.getAttribute('aria-expanded')).toBe('true');
  await page.keyboard.type('sri');
  await page.getByRole('option', { name: 'Serial' }).waitFor();
  await expect.poll(() => chosen.innerText()).toContain('Serial');
  // who hears the page is told what is chosen, without the focus leaving the field
  expect(await page.locator(`[id="${await field.getAttribute('aria-activedescendant')}"]`).innerText()).toContain('Serial');
  expect(await focused(page)).toBe('Find a device, page or action');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Serial', level: 1 }).waitFor();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('pump');
  await page.getByRole('option', { name: 'pump-2' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => chosen.innerText()).toContain('pump-2');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'pump-2' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/devices/pump-2');

  await page.keyboard.press('Control+k');
  await page.keyboard.type('温室');
  await page.getByRole('option', { name: '温室 boiler boiler-3' }).waitFor();
  await page.keyboard.press('Escape');
  await field.waitFor({ state: 'hidden' });

  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('add device');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Add a device' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('the palette offers a viewer nothing that needs another role', async () => {
  await using opened = await browser.openSignedIn(gateway, '/', { role: 'viewer' });
  const { page } = opened;
  await page.keyboard.press('Control+k');
  await page.getByRole('option', { name: 'Events' }).waitFor();
  const offered = await page.getByRole('option').allInnerTexts();
  expect(offered.filter((name) => /Settings|Quarantine|Add device/.test(name))).toEqual([]);
});

test('letters go to pages and to the search, but not while one types, nor when they are switched off', async () => {
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.keyboard.press('g');
  await page.keyboard.press('v');
  await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.getByRole('heading', { name: 'Fleet', level: 1 }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('gv?boiler');
  expect(await page.getByRole('searchbox', { name: 'Find devices by name, id or tag' }).inputValue()).toBe('gv?boiler');
  expect(new URL(page.url()).pathname).toBe('/');
  await page.evaluate('document.activeElement.blur()');

  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await keys.getByLabel('Use shortcuts of single letters').uncheck();
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'hidden' });
  await page.keyboard.press('?');
  await page.keyboard.press('g');
  await page.keyboard.press('v');
  // what has no letter goes on
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  expect(await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).count()).toBe(0);
  expect(new URL(page.url()).pathname).toBe('/');
});

test('times change over to UTC everywhere at once, and stay so', async () => {
  await using opened = await browser.openSignedIn(gateway, '/');
  // a browser in another zone than the gateway
  await using far = await browser.openSignedIn(gateway, '/?kiosk', { zone: 'Asia/Kolkata' });
  expect(await far.page.locator('.kiosk-clock small').innerText()).toBe('UTC+5:30');
  const clock = (): Promise<string> => far.page.locator('.kiosk-clock').innerText();
  const local = await clock();
  await far.page.evaluate(`localStorage.setItem('fieldgate.zone', 'utc')`);
  await far.page.reload();
  await expect.poll(clock).toContain('UTC');
  expect((await clock()).slice(0, 5)).not.toBe(local.slice(0, 5));

  const { page } = opened;
  const button = page.getByRole('button', { name: /^Times are in UTC/ });
  await button.click();
  expect(await page.evaluate(`localStorage.getItem('fieldgate.zone')`)).toBe('utc');
});

test('with the keyboard alone one signs in, passes by what stands around, reaches every page, and comes back out of dialogs', async () => {
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await gateway.key('admin');
  await page.goto(gateway.url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tabTo(page, /^Name/);
  await page.keyboard.type('maria');
  await page.keyboard.press('Tab');
  await page.keyboard.type('a few words in a row');
  await page.keyboard.press('Enter');
  await page.locator('[data-link="live"]').waitFor();

  await page.evaluate('document.activeElement.blur()');
  await page.keyboard.press('Tab');
  expect(await focused(page)).toBe('Skip to content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('content');

  await tabTo(page, /^Add device/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add a device' });
  await dialog.waitFor();
  for (let k = 0; k < 12; k++) {
    await page.keyboard.press('Tab');
    // the browser's own bar may take its turn; the page behind does not
    expect(await page.evaluate(`document.activeElement === document.body || document.activeElement.closest('dialog') !== null`)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(await focused(page)).toMatch(/^Add device/);

  for (const name of ['Explore', 'Serial', 'Quarantine', 'Events', 'Settings']) {
    await page.evaluate('document.activeElement.blur()');
    await tabTo(page, new RegExp(`^${name}$`));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    // everything that can be pressed on it is come to by Tab
    const missed = await page.evaluate<string[]>(`(() => {
      const all = [...document.querySelectorAll('main a[href], main button, main input, main select, main textarea')];
      return all.filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex < 0 && one.closest('[role="radiogroup"], [role="tablist"], [role="listbox"]') === null)
        .map((one) => one.outerHTML.slice(0, 120));
    })()`);
    expect(missed).toEqual([]);
  }
  expect(await opened.faults()).toEqual([]);
});
