// Why a page is not live, in the words that help; how it gets back to where it was; and walls, which nobody is there to press.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
let gateway: TestGateway;

const PASSWORD = 'a few words in a row';
const bar = (page: Page, words: string | RegExp) => page.locator('.connection-bar').filter({ hasText: words });
const isLive = (page: Page) => page.locator('[data-link="live"]').waitFor({ timeout: 60_000 });

/** At once, unless the page was quicker. */
async function retry(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: 'Retry now' })
    .click({ timeout: 2000 })
    .catch(() => undefined);
  await isLive(page);
}

async function signIn(page: Page, user: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name').fill(user);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await isLive(page);
}
const post = async (token: string, value: number): Promise<void> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await gateway.request('/v1/readings', { method: 'POST', headers, body: [{ n: 'pressure', u: 'bar', v: value }] });
  expect(answer.status).toBe(200);
};

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway({ limits: { socketsPerSession: 2, subscribers: 4 } });
  for (const [name, role] of [
    ['ana', 'admin'],
    ['bo', 'operator'],
  ]) {
    await gateway.local('/v1/users', { method: 'POST', body: { name, role, password: PASSWORD } });
  }
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

test('who is signed out by somebody else is told, signs in again, and is where they were', async () => {
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/events?q=pump`);
  await signIn(page, 'bo');
  expect(new URL(page.url()).pathname).toBe('/events');
  await gateway.local('/v1/users/bo', { method: 'PATCH', body: { password: `${PASSWORD} anew` } });
  await page.getByText('Your session has ended.').waitFor();
  await signIn(page, 'bo', `${PASSWORD} anew`);
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/events?q=pump');
});

test('any request that is answered 401 ends in the sign-in page, at the same address', async () => {
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  const body = JSON.stringify({ type: 'about:blank', status: 401, code: 'unauthorized', title: 'Sign in' });
  await page.route('**/v1/events*', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body }));
  await page.locator('nav.rail').getByRole('link', { name: 'Events' }).click();
  await page.getByText('Your session has ended.').waitFor();
  expect(new URL(page.url()).pathname).toBe('/events');
});

test('another role is there at once, without loading the page again', async () => {
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/settings`);
  await signIn(page, 'ana');
  const settings = page.locator('nav.rail').getByRole('link', { name: 'Settings' });
  await settings.waitFor();
  await gateway.local('/v1/users/ana', { method: 'PATCH', body: { role: 'viewer' } });
  await page.getByRole('heading', { name: 'Only admins see this page' }).waitFor();
  await settings.waitFor({ state: 'detached' });
  await isLive(page);
});

test('a tab too many says so and becomes live when another is closed; so does a screen too many', async () => {
  await using opened = await browser.openSignedIn(gateway, '/');
  const { context } = opened;
  const second = await context.newPage();
  await second.goto(gateway.url);
  await isLive(second);
  const third = await context.newPage();
  await third.goto(gateway.url);
  await bar(third, 'Too many tabs are open with this sign-in').waitFor();
  await second.close();
  await retry(third);

  await using other = await browser.openSignedIn(gateway, '/');
  const { page: fourth } = await browser.openSignedIn(gateway, '/');
  await using crowded = await browser.open(gateway);
  await crowded.page.goto(`${gateway.url}/#key=${await gateway.key('viewer')}`);
  await bar(crowded.page, 'As many screens are watching as the gateway has room for').waitFor();
  await fourth.context().close();
  await retry(crowded.page);
  expect(await other.faults()).toEqual([]);
});

test('without a network the page says so, and is live again at once when there is one', async () => {
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page, context } = opened;
  // an open socket outlives this switch, a new one does not
  await page.evaluate(`(() => {
    const Socket = WebSocket;
    globalThis.WebSocket = class extends Socket {};
  })()`);
  await context.setOffline(true);
  await gateway.restart();
  await bar(page, 'This device is not on a network.').waitFor();
  await bar(page, /Values are stale since \d\d:\d\d/).waitFor();
  await context.setOffline(false);
  // by the network's return alone: nobody presses anything
  await isLive(page);
});

test('a wall shows every device from a link with a key, has nothing to press, and goes on after the gateway was restarted', async () => {
  const token = await gateway.addDevice('pump-1');
  await post(token, 4.2);
  await using opened = await browser.openSignedIn(gateway, '/?kiosk', { role: 'viewer', width: 1920, height: 1080 });
  const { page } = opened;
  expect(page.url()).toBe(`${gateway.url}/?kiosk`);
  const tile = page.locator('[data-device="pump-1"]');
  await tile.getByText('4.2').waitFor();
  expect(await page.locator('a, button, input').filter({ visible: true }).allInnerTexts()).toEqual([]);
  await gateway.restart();
  await post(token, 4.3);
  await isLive(page);
  await tile.getByText('4.3').waitFor();
  await post(token, 4.4);
  await tile.getByText('4.4').waitFor();
});

test('a wall opened while the gateway is away keeps its key until it is back', async () => {
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.route('**/v1/info', (route) => route.abort(), { times: 1 });
  await page.goto(`${gateway.url}/?kiosk#key=${await gateway.key('viewer')}`);
  await page.getByText('The gateway does not answer. Is it running').waitFor();
  expect(new URL(page.url()).hash).toBe('');
  await isLive(page);
});

test('after an upgrade of the gateway a wall loads the new console by itself, other pages offer it', async () => {
  await using wall = await browser.openSignedIn(gateway, '/?kiosk', { role: 'viewer' });
  await using desk = await browser.openSignedIn(gateway, '/');
  for (const { page } of [wall, desk]) {
    // who asks, without going there, is told of a console of another name
    await page.route(/\/$/, async (route) => {
      if (route.request().resourceType() !== 'fetch') return route.fallback();
      return route.fulfill({ contentType: 'text/html', body: '<script type="module" src="/assets/index-newer.js"></script>' });
    });
    await page.evaluate('globalThis.isOldPage = true');
  }
  const isOld = (page: Page): Promise<boolean> => page.evaluate('globalThis.isOldPage === true').catch(() => true) as Promise<boolean>;
  await gateway.restart();
  await desk.page.getByText('The gateway was upgraded.').waitFor({ timeout: 80_000 });
  await expect.poll(() => isOld(wall.page)).toBe(false);
  await isLive(wall.page);
  expect(new URL(wall.page.url()).search).toMatch(/^\?kiosk/);
  expect(await isOld(desk.page)).toBe(true);
  await desk.page.getByRole('button', { name: 'Reload this page' }).click();
  await expect.poll(() => isOld(desk.page)).toBe(false);
  await isLive(desk.page);
});
