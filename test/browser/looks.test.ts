// Every page in light and dark, wide and on a phone: pictures to look at, nothing scrolls sideways, nothing breaks the policy, and axe
// finds nothing.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestSocket } from '../support/socket.ts';

let browser: TestBrowser;
let gateway: TestGateway;
const sockets: TestSocket[] = [];

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
  const nowSeconds = Date.now() / 1000;
  for (let i = 0; i < 12; i++) {
    const id = `unit-with-a-rather-long-name-${i}`;
    const device = await gateway.device(id);
    sockets.push(device);
    device.send(
      Array.from({ length: 200 }, (_, k) => [
        { n: 'flow-temp', u: 'Cel', t: nowSeconds - 250 + k, v: 60 + i + Math.round(30 * Math.sin(k / 20)) / 10 },
        { n: 'pressure', u: 'bar', t: nowSeconds - 250 + k, v: 1.6 + Math.round(10 * Math.cos(k / 30)) / 100 },
        { n: 'burner', t: nowSeconds - 250 + k, vb: k % 60 > 30 },
        { n: 'mode', t: nowSeconds - 250 + k, vs: k % 80 > 40 ? 'heating' : 'idle' },
      ]).flat(),
    );
    await device.next();
    await gateway.local(`/v1/devices/${id}`, {
      method: 'PATCH',
      body: { tags: ['site:north', 'a-tag-that-is-long'], ...(i % 3 === 0 ? { label: `Kessel ${i}` } : {}) },
    });
  }
  await gateway.addDevice('never-seen');
  await sockets[4]?.[Symbol.asyncDispose]();
});
afterAll(async () => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const PAGES = [
  { name: 'fleet', target: '/', ready: '[data-device="unit-with-a-rather-long-name-3"]' },
  {
    name: 'device',
    target: '/devices/unit-with-a-rather-long-name-3?range=5m&metric=flow-temp&metric=burner&metric=mode',
    ready: '.chart-panel[data-metric="mode"] canvas',
  },
] as const;

for (const { name, target, ready } of PAGES) {
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1440, 360]) {
      test(`the ${name} page at ${width} px, ${scheme}, fits, keeps to the policy and passes axe`, async () => {
        await using opened = await browser.openSignedIn(gateway, target, { width, height: width === 360 ? 780 : 900, scheme });
        await opened.page.locator(ready).waitFor();
        await opened.page.locator('path[d^="M"]').first().waitFor({ state: 'attached' });
        await opened.picture(name);
        expect(await opened.overhang()).toBeLessThanOrEqual(0);
        expect(await opened.accessibilityFaults()).toEqual([]);
        expect(await opened.faults()).toEqual([]);
      });
    }
  }
}

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1440, 360]) {
    test(`the sign-in page at ${width} px, ${scheme}, fits, keeps to the policy and passes axe`, async () => {
      await using opened = await browser.open(gateway, { width, height: width === 360 ? 780 : 900, scheme });
      await gateway.key('admin');
      await opened.page.goto(gateway.url);
      await opened.page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await opened.picture('sign-in');
      expect(await opened.overhang()).toBeLessThanOrEqual(0);
      expect(await opened.accessibilityFaults()).toEqual([]);
      expect(await opened.faults()).toEqual([]);
    });
  }
}

test('on a phone everything that is pressed is at least 44 px high, but for links inside a line of text', async () => {
  for (const { target, ready } of PAGES) {
    await using opened = await browser.openSignedIn(gateway, target, { width: 360, height: 780 });
    await opened.page.locator(ready).waitFor();
    const pressed = opened.page.locator('button:not(.tag), input, select, nav.rail a:not(.brand)').filter({ visible: true });
    const heights = await pressed.evaluateAll((elements) =>
      elements.map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect().height] as const),
    );
    expect(heights.length).toBeGreaterThan(5);
    const small = heights.filter(([, height]) => height < 44);
    expect(small).toEqual([]);
  }
});

test('the choice of theme outlasts the page', async () => {
  await using opened = await browser.openSignedIn(gateway, '/', { scheme: 'light' });
  const { page } = opened;
  const paper = (): Promise<string> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await paper();
  await page.getByRole('button', { name: /^Theme: System/ }).click();
  await page.getByRole('button', { name: /^Theme: Light/ }).click();
  await page.getByRole('button', { name: /^Theme: Dark/ }).waitFor();
  expect(await paper()).not.toBe(light);
  await page.reload();
  await page.getByRole('button', { name: /^Theme: Dark/ }).waitFor();
  expect(await paper()).not.toBe(light);
});
