// The Events page with a real gateway: what happens arrives by itself, is filtered by kind, device and time, and can be pointed at by a
// link; admins see who did what. Alarms stand above every page, the gravest first, until they are over or dismissed.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventView } from '../../gateway/protocol/rest.ts';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const LONG = { timeout: 120_000 };
const PATIENCE = { timeout: 30_000 };
const MIB = 1024 * 1024;

let browser: TestBrowser;
let gateway: TestGateway;
let freeBytes = 900 * MIB;

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway({ readVolume: async () => ({ freeBytes, totalBytes: 1000 * MIB }) });
}, LONG.timeout);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const eventsOf = async (query: string): Promise<EventView[]> => (await gateway.local(`/v1/events?${query}`)).json().items;
async function comeAndGo(device: string): Promise<void> {
  await using socket = await gateway.device(device);
  socket.send([{ n: 'a', v: 1 }]);
  await socket.next();
}

test('what happens is on the page without a reload, in words, with its reason and device', LONG, async () => {
  await using opened = await browser.openSignedIn(gateway, '/events', { role: 'viewer' });
  const { page } = opened;
  await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
  await opened.picture('events-empty');
  await comeAndGo('pump-1');
  const offline = page.locator('[data-event="offline"]');
  await offline.getByText('Offline', { exact: true }).waitFor();
  await page.getByRole('heading', { name: 'Today' }).waitFor();
  await page.locator('[data-event="online"]').getByText('127.0.0.1').waitFor();
  await gateway.local('/v1/devices/pump-1', { method: 'PATCH', body: { status: 'suspended' } });
  await page.locator('[data-event="act"]').getByText('Device suspended').waitFor();
  await gateway.local('/v1/devices/pump-1', { method: 'PATCH', body: { status: 'active' } });
  expect(await page.getByRole('button', { name: 'Who did what' }).count()).toBe(0);
  await offline.getByRole('link', { name: 'pump-1' }).click();
  await expect.poll(() => page.url()).toMatch(/\/devices\/pump-1$/);
  expect(await opened.faults()).toEqual([]);
});

test('kind, device and time are chosen and stand in the address; a link leads to one event', LONG, async () => {
  await comeAndGo('pump-2');
  await using opened = await browser.openSignedIn(gateway, '/events', { role: 'viewer' });
  const { page } = opened;
  const lines = page.locator('.events [data-event]');
  await lines.nth(3).waitFor();
  await page.getByRole('button', { name: 'Connections' }).click();
  await expect.poll(() => page.url()).toMatch(/events\?kind=connections$/);
  await expect
    .poll(async () => new Set(await lines.evaluateAll((all) => all.map((line) => line.getAttribute('data-event')))))
    .toEqual(new Set(['offline', 'online']));
  await page.getByLabel('Device', { exact: true }).selectOption('pump-2');
  await expect.poll(() => lines.count(), PATIENCE).toBe(2);
  await page.getByLabel('Time', { exact: true }).selectOption('1h');
  await expect.poll(() => page.url()).toMatch(/kind=connections&device=pump-2&range=1h$/);
  await expect.poll(() => lines.count(), PATIENCE).toBe(2);
  await page.locator('[data-event="online"]').getByRole('link', { name: 'Link to this event' }).click();
  await page.getByText('A link led here').waitFor();
  await expect.poll(() => lines.count(), PATIENCE).toBe(1);
  await page.locator('.is-marked[data-event="online"]').waitFor();
  await page.reload();
  await page.locator('.is-marked[data-event="online"]').waitFor();
  await page.getByRole('button', { name: 'Show the newest' }).click();
  await expect.poll(() => lines.count(), PATIENCE).toBe(2);
  await page.getByRole('button', { name: 'Serial' }).click();
  await page.getByRole('heading', { name: 'No event fits' }).waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect.poll(() => page.url()).toMatch(/\/events$/);
  expect(await opened.faults()).toEqual([]);
});

test('admins see who did what', LONG, async () => {
  await using opened = await browser.openSignedIn(gateway, '/events');
  const { page } = opened;
  await page.getByRole('button', { name: 'Who did what' }).click();
  await expect.poll(() => page.url()).toMatch(/view=acts$/);
  await page.locator('[data-act="device.suspend"]').getByText('by local').waitFor();
  await page.locator('[data-act="device.suspend"]').getByText('pump-1', { exact: true }).waitFor();
  await opened.picture('events-acts');
  expect(await opened.accessibilityFaults()).toEqual([]);
  expect(await opened.faults()).toEqual([]);
});

test('older ones are read on demand and stay while new ones come', LONG, async () => {
  for (let i = 0; i < 110; i++) await gateway.local('/v1/devices/pump-1', { method: 'PATCH', body: { label: `Pump ${i}` } });
  await expect.poll(async () => (await eventsOf('type=act&limit=1000')).length, PATIENCE).toBeGreaterThan(110);
  await using opened = await browser.openSignedIn(gateway, '/events?kind=acts', { role: 'viewer' });
  const { page } = opened;
  const lines = page.locator('.events [data-event]');
  await expect.poll(() => lines.count(), PATIENCE).toBe(100);
  await page.getByRole('button', { name: 'Show older' }).click();
  const all = (await eventsOf('type=act&limit=1000')).length;
  await expect.poll(() => lines.count(), PATIENCE).toBe(all);
  await gateway.local('/v1/devices/pump-1', { method: 'PATCH', body: { label: 'Last' } });
  await expect.poll(() => lines.count(), PATIENCE).toBe(all + 1);
  expect(await opened.faults()).toEqual([]);
});

test(
  'alarms are told above every page, the gravest first, folded to a count, dismissed for the tab, and go when they are over',
  LONG,
  async () => {
    await using opened = await browser.openSignedIn(gateway, '/', { role: 'admin' });
    const { page } = opened;
    const bar = page.getByRole('alert').filter({ has: page.locator('[data-alarm]') });
    expect(await page.locator('[data-alarm]').count()).toBe(0);
    await using device = await gateway.device('flood-1');
    device.send(Array.from({ length: 120 }, () => ({ n: 'a' })));
    await device.next();
    await bar.getByText('Quarantine grows.').waitFor();
    expect(await page.locator('[data-alarm="quarantine-growing"] a').getAttribute('href')).toBe('/quarantine');
    freeBytes = 20 * MIB;
    await page.locator('[data-alarm="disk-full"]').waitFor();
    await bar.getByText('The disk is full: nothing is stored.').waitFor();
    expect(await page.locator('[data-alarm]').count()).toBe(1);
    await page.getByRole('button', { name: '1 more' }).click();
    expect(await page.locator('[data-alarm]').count()).toBe(2);
    await opened.picture('alarms');
    expect(await opened.accessibilityFaults()).toEqual([]);
    await page.locator('[data-alarm="disk-full"]').getByRole('button', { name: 'Dismiss for this session' }).click();
    await expect.poll(() => page.locator('[data-alarm]').count()).toBe(1);
    await page.reload();
    await page.locator('[data-alarm="quarantine-growing"]').waitFor();
    expect(await page.locator('[data-alarm="disk-full"]').count()).toBe(0);
    freeBytes = 900 * MIB;
    await expect.poll(async () => (await gateway.local('/v1/alarms')).json().items.length, PATIENCE).toBe(1);
    await gateway.local('/v1/quarantine?device=flood-1', { method: 'DELETE' });
    await page.locator('[data-alarm]').waitFor({ state: 'detached' });
    // the same again is another alarm
    freeBytes = 150 * MIB;
    await page.locator('[data-alarm="disk-low"]').getByText('150 MiB are free').waitFor();
    await page.setViewportSize({ width: 360, height: 780 });
    expect(await opened.overhang()).toBeLessThanOrEqual(0);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => opened.accessibilityFaults(), PATIENCE).toEqual([]);
    await opened.picture('alarms-phone');
    freeBytes = 900 * MIB;
    await page.locator('[data-alarm]').waitFor({ state: 'detached' });
    expect(await opened.faults()).toEqual([]);
  },
);

test(
  'the panels of a device: sessions with their ends, books by stream with gaps and a recount, frames while one looks',
  LONG,
  async () => {
    await using device = await gateway.device('panel-1');
    await device.hello('stream-panel-1', { oldest: 1, next: 9 });
    device.send({ type: 'readings', seq: 1, readings: [{ n: 'a', v: 1 }] });
    device.send({ type: 'gap', from: 2, to: 5, reason: 'buffer-full' });
    await device.until((message) => message.type === 'ack' && message.seq === 5);
    // 1985, and another unit
    device.send([
      { n: 'flow-temp', u: 'Cel', t: 500_000_000, v: 20 },
      { n: 'flow-temp', u: 'K', v: 293 },
    ]);
    await device.until((message) => message.type === 'stored');
    await using opened = await browser.openSignedIn(gateway, '/devices/panel-1', { role: 'operator' });
    const { page } = opened;
    await page.getByRole('region', { name: 'Sessions' }).getByText('open now').waitFor();
    const doubts = page.getByRole('region', { name: 'Clock and units' });
    await doubts.getByText('Flow temp: 1 reading with a time that cannot be right.').waitFor();
    await doubts.getByText('Flow temp came in more than one unit: °C, K.').waitFor();
    const books = page.getByRole('region', { name: 'Books' });
    await books.getByRole('button', { name: /^stream-panel/ }).click();
    await books.getByText('frames 2–5').waitFor();
    await books.getByText('its buffer was full').waitFor();
    await books.getByRole('button', { name: 'Count again' }).click();
    await books.getByText('Counted from the rows: all 6 frames are explained.').waitFor();

    const frames = page.getByRole('region', { name: 'Recent frames' });
    await frames.getByText('Frames are kept only while somebody looks.').waitFor();
    await frames.getByRole('button', { name: 'Watch frames' }).click();
    await frames.getByText('Waiting for its next frame.').waitFor();
    device.send({ type: 'readings', seq: 6, readings: [{ n: 'a', v: 2 }, { n: 'b' }] });
    const frame = frames.locator('[data-kind="readings"]');
    await frame.getByText('"seq":6').waitFor();
    await frame.getByText('1 reading, 1 refused: No value').waitFor();
    const refused = page.getByRole('region', { name: 'Refused' });
    await refused.getByRole('button', { name: /^No value/ }).click();
    await refused.getByText('By today’s rules nothing of it would be stored:').waitFor();
    await page.getByRole('region', { name: 'Sessions' }).scrollIntoViewIfNeeded();
    await opened.picture('device-panels');
    expect(await opened.accessibilityFaults()).toEqual([]);
    await device[Symbol.asyncDispose]();
    await page.getByRole('region', { name: 'Sessions' }).getByText('open now').waitFor({ state: 'detached' });
    await page.setViewportSize({ width: 360, height: 780 });
    await frames.scrollIntoViewIfNeeded();
    expect(await opened.overhang()).toBeLessThanOrEqual(0);
    await opened.picture('device-panels-phone');
    expect(await opened.faults()).toEqual([]);
  },
);

test.each([
  [1440, 'dark'],
  [360, 'light'],
] as const)('at %i px, %s, it fits and passes axe', LONG, async (width, scheme) => {
  await using opened = await browser.openSignedIn(gateway, '/events', { width, height: width === 360 ? 780 : 900, scheme, role: 'admin' });
  await opened.page.locator('.events [data-event]').nth(5).waitFor();
  await opened.picture('events');
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await expect.poll(() => opened.accessibilityFaults(), PATIENCE).toEqual([]);
  expect(await opened.faults()).toEqual([]);
});
