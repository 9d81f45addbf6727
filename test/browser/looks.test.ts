// Every page in light and dark, wide and on a phone: pictures to look at, nothing scrolls sideways, nothing breaks the policy, and axe
// finds nothing.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import type { TestSocket } from '../support/socket.ts';
import { until } from '../support/until.ts';

let browser: TestBrowser;
let gateway: TestGateway;
let plug: SerialPlug;
const sockets: TestSocket[] = [];

beforeAll(async () => {
  browser = await openTestBrowser();
  plug = await plugSerial();
  const line = { baudRate: 115_200, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none', expectEverySeconds: null } as const;
  const csv = { framing: { kind: 'line' }, rule: { kind: 'csv', columns: [{ metric: 'temperature', unit: 'Cel' }, null] } } as const;
  const ports = [
    { path: plug.path, device: 'a-weather-mast-with-a-long-name', ...line, ...csv },
    { path: '/dev/serial/by-id/usb-nobody-has-plugged-this-adapter-in-if00-port0', device: 'scale-2', ...line, ...csv },
  ];
  gateway = await startTestGateway({ config: { serial: { ports } } });
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
  await until(
    async () => (await gateway.local('/v1/serial')).json().items[0].state === 'open',
    () => 'the port did not open',
  );
  await plug.sayAll('21.5,48\r\n21.6,48\r\nhello there\r\n');
  await plug.sayAll(Uint8Array.of(0xff, 0xfe, 0x00, 0x0a));
});
afterAll(async () => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await plug?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

interface Shown {
  readonly name: string;
  readonly target: string;
  /** What is done on the page before one looks. */
  readonly act?: (page: Page) => Promise<unknown>;
  readonly ready: string;
}
const PAGES = [
  { name: 'fleet', target: '/', ready: '[data-device="unit-with-a-rather-long-name-3"]' },
  {
    name: 'device',
    target: '/devices/unit-with-a-rather-long-name-3?range=5m&metric=flow-temp&metric=burner&metric=mode',
    ready: '.chart-panel[data-metric="mode"] canvas',
  },
  {
    name: 'serial',
    target: '/serial',
    act: async (page: Page) => page.getByRole('button', { name: /a-weather-mast/ }).click(),
    ready: '.frame.is-refused',
  },
  {
    name: 'workbench',
    target: '/serial?view=workbench',
    act: async (page: Page) => {
      await page.getByLabel('Settings of').selectOption({ index: 1 });
      await page.getByRole('textbox', { name: 'Bytes' }).fill('21.5,48\nhello there\n');
    },
    ready: '.frame.is-refused',
  },
  {
    name: 'serial-dialog',
    target: '/serial',
    act: async (page: Page) => page.getByRole('button', { name: 'Add port' }).click(),
    ready: 'dialog .setting-row',
  },
] as const satisfies readonly Shown[];

for (const { name, target, ready, ...more } of PAGES as readonly Shown[]) {
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1440, 360]) {
      test(`the ${name} page at ${width} px, ${scheme}, fits, keeps to the policy and passes axe`, async () => {
        await using opened = await browser.openSignedIn(gateway, target, { width, height: width === 360 ? 780 : 900, scheme });
        await more.act?.(opened.page);
        await opened.page.locator(ready).first().waitFor();
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
  for (const { target, ready, ...more } of PAGES as readonly Shown[]) {
    await using opened = await browser.openSignedIn(gateway, target, { width: 360, height: 780 });
    await more.act?.(opened.page);
    await opened.page.locator(ready).first().waitFor();
    // what is ticked is pressed by its label
    const pressed = opened.page
      .locator('button:not(.tag), input:not([type="checkbox"], [type="radio"]), label:has(input), select, a.btn, nav.rail a:not(.brand)')
      .filter({ visible: true });
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
