// Every page in light and dark, wide and on a phone: pictures to look at, nothing is cut, overlapping, too small to press or scrolls
// sideways, nothing breaks the policy, and axe finds nothing.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { openTestBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { faintColours } from '../support/page-fit.ts';
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
  /** The gateway refuses what the page asks for. */
  readonly isRefused?: boolean;
  /** Default: admin. */
  readonly role?: 'viewer' | 'operator';
  /** What is done on the page before one looks. */
  readonly act?: (page: Page) => Promise<unknown>;
  readonly ready: string;
}
const PAGES: readonly Shown[] = [
  {
    name: 'fleet',
    target: '/',
    ready: '[data-device="unit-with-a-rather-long-name-3"] dd, [data-device="unit-with-a-rather-long-name-3"] strong',
  },
  {
    name: 'device',
    target: '/devices/unit-with-a-rather-long-name-3?range=5m&metric=flow-temp&metric=burner&metric=mode',
    ready: 'main canvas',
  },
  { name: 'device-missing', target: '/devices/nobody', ready: '.empty', isRefused: true },
  { name: 'device-empty', target: '/devices/never-seen', ready: '.empty' },
  {
    name: 'pairing',
    target: '/',
    act: async (page: Page) => page.getByRole('button', { name: 'Pair devices' }).click(),
    ready: 'dialog .countdown.is-open',
  },
  {
    name: 'device-tokens',
    target: '/devices/never-seen',
    act: async (page: Page) => page.getByRole('button', { name: 'Tokens' }).click(),
    ready: 'dialog .token-list li',
  },
  {
    name: 'device-connect',
    target: '/devices/never-seen',
    act: async (page: Page) => {
      await page.getByRole('button', { name: 'Tokens' }).click();
      await page.getByRole('button', { name: 'Make a new token' }).click();
    },
    ready: 'dialog .snippets .text-link',
  },
  {
    name: 'device-remove',
    target: '/devices/never-seen',
    act: async (page: Page) => page.getByRole('button', { name: 'Remove' }).click(),
    ready: 'dialog .segments',
  },
  { name: 'explore-empty', target: '/explore', ready: '.offer' },
  {
    name: 'explore',
    target: `/explore?range=5m&${['flow-temp', 'pressure', 'burner', 'mode'].map((metric) => `s=unit-with-a-rather-long-name-3/${metric}`).join('&')}`,
    ready: '.legend .newest b',
  },
  {
    name: 'explore-table',
    target: '/explore?range=5m&view=table&s=unit-with-a-rather-long-name-3/flow-temp&s=unit-with-a-rather-long-name-3/mode',
    ready: '.reading-row:not(.head)',
  },
  {
    name: 'export-dialog',
    target: '/explore?range=5m&s=unit-with-a-rather-long-name-3/flow-temp',
    act: async (page: Page) => page.getByRole('button', { name: 'Export' }).click(),
    ready: 'dialog .snippets pre',
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
  { name: 'quarantine', target: '/quarantine', ready: 'main h1' },
  { name: 'events', target: '/events', ready: 'main h1' },
  { name: 'settings', target: '/settings', ready: '.set-section .panel, .set-section .empty' },
  {
    name: 'settings-rule',
    target: '/settings?section=retention',
    act: async (page: Page) => page.getByRole('button', { name: 'Add rule' }).click(),
    ready: '.rules li',
  },
  {
    name: 'settings-dialog',
    target: '/settings?section=users',
    act: async (page: Page) => page.getByRole('button', { name: 'Add user' }).click(),
    ready: 'dialog .roles',
  },
  { name: 'not-allowed', target: '/settings', role: 'viewer', ready: '.empty' },
  { name: 'palette', target: '/', act: async (page: Page) => page.keyboard.press('Control+k'), ready: '[role="option"]' },
  { name: 'keys', target: '/', act: async (page: Page) => page.keyboard.press('?'), ready: '.key-list' },
  { name: 'wall', target: '/?kiosk', role: 'viewer', ready: '.tile-wall dd' },
];
/** What does not depend on the scheme is looked at in one of them. */
const LOOKS = [
  { width: 1440, height: 900, scheme: 'light', isJudged: true },
  { width: 1440, height: 900, scheme: 'dark', isJudged: false },
  { width: 360, height: 780, scheme: 'dark', isJudged: true },
  { width: 360, height: 780, scheme: 'light', isJudged: false },
] as const;

async function inspect(opened: TestPage, { name, isRefused = false }: Pick<Shown, 'name' | 'isRefused'>): Promise<void> {
  const found: string[] = [];
  for (const look of LOOKS) {
    await opened.turn(look);
    await opened.picture(name);
    if (!look.isJudged) continue;
    const beside = await opened.overhang();
    const faults = [
      ...(beside > 0 ? [`${beside} px beside the window`] : []),
      ...(await opened.misfits()),
      ...(await opened.accessibilityFaults()),
    ];
    found.push(...faults.map((fault) => `${look.width} px, ${look.scheme}: ${fault}`));
  }
  // a browser notes each refusal as an error
  if (isRefused) await opened.forgive();
  expect([...found, ...(await opened.faults())]).toEqual([]);
}

for (const shown of PAGES) {
  const { name, target, ready, role, act } = shown;
  test(`the ${name} page fits a desk and a phone, is the same in light and dark, keeps to the policy and passes axe`, async () => {
    await using opened = await browser.openSignedIn(gateway, target, role === undefined ? {} : { role });
    await act?.(opened.page);
    await opened.page.locator(ready).first().waitFor();
    await inspect(opened, shown);
  });
}

test('the sign-in page fits a desk and a phone, is the same in light and dark, keeps to the policy and passes axe', async () => {
  await using opened = await browser.open(gateway);
  await gateway.key('admin');
  await opened.page.goto(gateway.url);
  await opened.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await inspect(opened, { name: 'sign-in' });
});

test('every colour that text and lines are drawn in stands out from every ground, in both themes', async () => {
  await using opened = await browser.openSignedIn(gateway, '/events');
  for (const look of LOOKS.slice(0, 2)) {
    await opened.turn(look);
    expect(await faintColours(opened.page)).toEqual([]);
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
