// The Serial page with real pseudo-terminals: what a port says beside what was made of it, ports added, changed and removed, and the workbench.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { openTestBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';

const TIMEOUT_MS = 60_000;

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openTestBrowser();
}, TIMEOUT_MS);
afterAll(() => browser?.[Symbol.asyncDispose]());

const port = (path: string, more: Partial<SerialPortSettings> = {}): SerialPortSettings => ({
  path,
  baudRate: 115_200,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device: 'weather-1',
  framing: { kind: 'line' },
  rule: {
    kind: 'csv',
    columns: [
      { metric: 'temperature', unit: 'Cel' },
      { metric: 'humidity', unit: '%RH' },
    ],
  },
  expectEverySeconds: null,
  ...more,
});
const start = (...ports: SerialPortSettings[]): Promise<TestGateway> => startTestGateway({ config: { serial: { ports } } });
const portsOf = async (gateway: TestGateway): Promise<SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;
const openNames = async (opened: TestPage): Promise<string[]> =>
  (await opened.page.locator('button:visible').allInnerTexts()).map((name) => name.trim()).filter(Boolean);

test('a port is open, its lines stand beside their readings or the reason, and unplugged it says so with what mends it', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await using opened = await browser.openSignedIn(gateway, '/serial');
  const { page } = opened;
  const row = page.locator('.port');
  await row.locator('[data-state="open"]').getByText('Open', { exact: true }).waitFor();
  await row.getByText('115,200 baud 8N1').waitFor();
  await row.getByRole('button', { name: 'Last frames and figures of weather-1' }).click();
  expect(page.url()).toMatch(/\/serial\?port=/);
  await row.getByText('Nothing has come yet.').waitFor();

  await plug.sayAll('21.5,48\r\n22,hot\r\n');
  await row.locator('[data-outcome="readings"]').getByText('temperature 21.5 Cel, humidity 48 %RH').waitFor();
  await row.locator('[data-outcome="bad-number"]').getByText('not a number').waitFor();
  await plug.sayAll(Uint8Array.of(0xff, 0xfe, 0x00, 0xaa, 0x0a));
  expect(await row.locator('[data-outcome="undecodable"] .raw').innerText()).toBe('ff fe 00 aa');
  // newest first
  expect(await row.locator('.frame').evaluateAll((frames) => frames.map((frame) => frame.getAttribute('data-outcome')))).toEqual([
    'undecodable',
    'bad-number',
    'readings',
  ]);
  // what a sensor says is text, with what can't be seen made visible
  await plug.sayAll('\u202e\u0007<img src=x onerror=alert(1)>\u00a0\n');
  const hostile = row.locator('.frame').first().locator('.raw');
  await expect.poll(() => hostile.innerText()).toBe('\\u202e\\x07<img src=x onerror=alert(1)>\\xa0');
  expect(await page.locator('main img').count()).toBe(0);
  await row.getByRole('region', { name: 'Errors by code' }).getByText('not a number').waitFor();
  await opened.picture('serial-open');

  await plug.unplug();
  await row.locator('[data-state="absent"]').getByText('Absent', { exact: true }).waitFor();
  await row.getByText(/Plug it in again; it is opened by itself\.|Plug it in, or set path/).waitFor();
  await opened.picture('serial-absent');
  await plug.replug('ttyUSB9');
  await row.locator('[data-state="open"]').waitFor();
  expect(await row.locator('.port-note').count()).toBe(0);

  await row.getByRole('link', { name: 'weather-1' }).click();
  await page.getByRole('heading', { name: 'weather-1' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('held still, the frames stay while others come; let go, they move on', { timeout: TIMEOUT_MS }, async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await using opened = await browser.openSignedIn(gateway, '/serial');
  const { page } = opened;
  // by keyboard
  const toggle = page.getByRole('button', { name: 'Last frames and figures of weather-1' });
  await toggle.focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-state="open"]').waitFor();
  await plug.sayAll('1,1\n');
  await page.locator('.frame').getByText('1,1', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await plug.sayAll('2,2\n3,3\n');
  await page.getByText(/^Held since \d\d:\d\d, 2 newer$/).waitFor();
  expect(await page.locator('.frame .raw').allInnerTexts()).toEqual(['1,1']);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect.poll(() => page.locator('.frame .raw').allInnerTexts()).toEqual(['3,3', '2,2', '1,1']);
  // faster than can be shown: what is left out is counted
  await plug.sayAll(Array.from({ length: 50 }, (_, i) => `${i},0\n`).join(''));
  await page.getByText('30 frames in between, too fast to show').waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('an admin adds a port in the dialog, is told at the field what is wrong, sees its readings, changes and removes it', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  await using opened = await browser.openSignedIn(gateway, '/serial');
  const { page } = opened;
  await page.getByRole('heading', { name: 'No serial ports yet' }).waitFor();
  // the icon is drawn on the button, not in the colour of the drawing above it
  const [stroke, ink] = await page.evaluate<[string, string]>(`['.empty .btn .icon path', '.empty .btn'].map((at, index) =>
    getComputedStyle(document.querySelector(at))[index === 0 ? 'stroke' : 'color'])`);
  expect(stroke).toBe(ink);
  await opened.picture('serial-empty');
  await page.getByRole('button', { name: 'Add port' }).click();
  const dialog = page.getByRole('dialog');
  // a typed path, whether or not this machine has ports of its own
  const other = dialog.getByRole('radio', { name: 'Another path' });
  await dialog.getByText(/Another path|Nothing that looks like a serial port/).waitFor();
  if ((await other.count()) > 0) await other.check();
  await dialog.getByRole('textbox', { name: 'Path' }).fill('ttyUSB0');
  await dialog.getByLabel('Device id').fill('probe-1');
  await dialog.getByLabel('Baud').fill('fast');
  await dialog.getByRole('button', { name: 'Add port' }).click();
  await dialog.locator('.field', { hasText: 'Baud' }).locator('.fault').filter({ hasText: 'must be' }).waitFor();
  await dialog.locator('.field', { hasText: 'Another path' }).locator('.fault').filter({ hasText: 'must be' }).first().waitFor();
  await dialog.locator('.setting-row .fault').waitFor();
  await opened.forgive();

  await dialog.getByRole('textbox', { name: 'Path' }).fill(plug.path);
  await dialog.getByLabel('Baud').fill('9600');
  await dialog.getByLabel('Metric').fill('level');
  await dialog.getByLabel('Unit').fill('cm');
  await dialog.getByRole('button', { name: 'Add port' }).click();
  const row = page.locator('.port');
  await row.locator('[data-state="open"]').waitFor();
  await dialog.waitFor({ state: 'detached' });
  await plug.sayAll('17.25\n');
  await row.getByText('level 17.25 cm').waitFor();
  expect(await portsOf(gateway)).toMatchObject([{ origin: 'console', device: 'probe-1', baudRate: 9600 }]);

  await page.getByRole('button', { name: 'Edit' }).click();
  expect(await dialog.getByLabel('Metric').inputValue()).toBe('level');
  await dialog.getByRole('button', { name: 'Add a column' }).click();
  await dialog.locator('.setting-row').nth(1).getByLabel('Read as').selectOption('skip');
  await dialog.getByLabel('Separator').fill(';');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await expect
    .poll(async () => (await portsOf(gateway))[0]?.settings?.rule)
    .toMatchObject({
      columns: [{ metric: 'level', unit: 'cm' }, null],
      separator: ';',
    });
  await row.locator('[data-state="open"]').waitFor();
  await plug.sayAll('18.5;ignored\n');
  await row.getByText('level 18.5 cm').waitFor();

  await page.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByText(plug.path).waitFor();
  await dialog.getByRole('button', { name: 'Remove port' }).click();
  await page.getByRole('heading', { name: 'No serial ports yet' }).waitFor();
  expect(await portsOf(gateway)).toEqual([]);
  expect(await opened.faults()).toEqual([]);
});

test('what is plugged in can be chosen, but for what is read already', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await start();
  await using opened = await browser.openSignedIn(gateway, '/serial');
  const { page } = opened;
  const usb = { manufacturer: 'Acme', product: 'UART', serialNumber: '7' };
  const free = { path: '/dev/serial/by-id/usb-free-if00', name: '/dev/ttyUSB1', ...usb, device: null };
  const taken = { path: '/dev/serial/by-id/usb-taken-if00', name: '/dev/ttyUSB0', ...usb, device: 'scale-2' };
  await page.route('**/v1/serial/attached', (route) => route.fulfill({ json: { items: [taken, free], next: null } }));
  await page.getByRole('button', { name: 'Add port' }).click();
  const dialog = page.getByRole('dialog');
  // the only one that nobody reads is chosen
  await expect.poll(() => dialog.getByRole('radio', { name: free.path }).isChecked()).toBe(true);
  expect(await dialog.getByRole('radio', { name: /read by scale-2/ }).isDisabled()).toBe(true);
  await dialog.getByLabel('Device id').fill('probe-1');
  await dialog.getByLabel('Metric').fill('level');
  await dialog.getByRole('button', { name: 'Add port' }).click();
  await page.locator('.port [data-state="absent"]').waitFor();
  expect(await portsOf(gateway)).toMatchObject([{ path: free.path, device: 'probe-1' }]);
  expect(await opened.faults()).toEqual([]);
});

test('the workbench shows readings and reasons of pasted bytes, and its rule goes into the port', { timeout: TIMEOUT_MS }, async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  const made = await gateway.admin('/v1/serial', {
    method: 'POST',
    body: port(plug.path, { rule: { kind: 'csv', columns: [{ metric: 'a' }] } }),
  });
  expect(made.status).toBe(201);
  await using opened = await browser.openSignedIn(gateway, '/serial?view=workbench');
  const { page } = opened;
  const results = page.getByRole('region', { name: 'What becomes of it' });
  await page.getByRole('textbox', { name: 'Bytes' }).fill('21.5,48\nhello');
  await results.getByText('The rule is not complete yet').waitFor();
  await page.locator('.setting-row .fault').waitFor();
  await opened.forgive();

  await page.getByLabel('Settings of').selectOption({ index: 1 });
  expect(await page.getByLabel('Metric').inputValue()).toBe('a');
  await page.getByLabel('Metric').fill('temperature');
  await page.getByLabel('Unit').fill('Cel');
  await page.getByRole('button', { name: 'Add a column' }).click();
  await page.locator('.setting-row').nth(1).getByLabel('Metric').fill('humidity');
  const first = results.locator('.frame').first();
  await first.getByText('humidity').waitFor();
  expect(await first.locator('.record').allInnerTexts()).toEqual(['temperature 21.5°C', 'humidity 48']);
  await results.locator('.frame').nth(1).locator('.reason').waitFor();
  await results.getByText('2 frames, 2 readings').waitFor();
  await opened.picture('serial-workbench');

  // the same bytes as hex, and one that is none
  await page.getByRole('button', { name: 'Hex' }).click();
  expect(await page.getByRole('textbox', { name: 'Bytes' }).inputValue()).toBe('32 31 2e 35 2c 34 38 0a 68 65 6c 6c 6f');
  await page.getByRole('textbox', { name: 'Bytes' }).fill('0x31 2c 32 0a zz');
  await page.getByText('“zz” is no pairs of hexadecimal digits.').waitFor();
  await page.getByRole('textbox', { name: 'Bytes' }).fill('0x31, 2c 32 0a');
  await results.getByText('1 frame, 2 readings').waitFor();

  await page.getByRole('button', { name: 'Use this for weather-1' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect
    .poll(async () => (await portsOf(gateway))[0]?.settings?.rule)
    .toMatchObject({
      columns: [{ metric: 'temperature', unit: 'Cel' }, { metric: 'humidity' }],
    });
  expect(await opened.faults()).toEqual([]);
});

test('a port of the file says where it is set and is read-only; a viewer sees no buttons that change anything', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using plug = await plugSerial();
  await using gateway = await start(port(plug.path));
  await using admins = await browser.openSignedIn(gateway, '/serial');
  await admins.page.getByRole('button', { name: 'Last frames and figures of weather-1' }).click();
  await admins.page.getByText('Set in the configuration file, under serial.ports').waitFor();
  await admins.page.getByRole('link', { name: 'Try its rule' }).waitFor();
  expect(await admins.page.getByRole('button', { name: /Edit|Remove/ }).count()).toBe(0);

  await using viewers = await browser.openSignedIn(gateway, '/serial', { role: 'viewer' });
  await viewers.page.getByRole('button', { name: 'Last frames and figures of weather-1' }).click();
  await viewers.page.getByText('Set in the configuration file, under serial.ports').waitFor();
  await plug.sayAll('1,2\n');
  await viewers.page.locator('.frame').first().waitFor();
  expect(await openNames(viewers)).toEqual(['Sign out', 'UTC', 'Pause']);
  await viewers.page.goto(`${gateway.url}/serial?view=workbench`);
  await viewers.page.getByRole('heading', { name: 'The workbench is for operators' }).waitFor();
  expect(await viewers.faults()).toEqual([]);
  expect(await admins.faults()).toEqual([]);
});

test('it is asked about once a second while the page is seen, and not at all while it is hidden', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await start();
  await using opened = await browser.openSignedIn(gateway, '/serial');
  const { page } = opened;
  let asked = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/v1/serial') asked++;
  });
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(2);
  const show = (state: 'visible' | 'hidden'): Promise<void> =>
    page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));`);
  await show('hidden');
  const before = asked;
  // that nothing happens only time can show
  await page.waitForTimeout(2500);
  expect(asked - before).toBeLessThanOrEqual(1);
  await show('visible');
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(before + 1);
});

test('ports that can not be read are told with the reason, and asked for again on demand', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await start();
  await using opened = await browser.openSignedIn(gateway, '/');
  const { page } = opened;
  await page.route('**/v1/serial', (route) => route.abort());
  await page.getByRole('link', { name: 'Serial' }).click();
  await page.getByRole('heading', { name: 'The serial ports could not be read.' }).waitFor();
  await page.getByText('The gateway does not answer.').waitFor();
  await page.unroute('**/v1/serial');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'No serial ports yet' }).waitFor();
});
