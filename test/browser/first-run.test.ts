// How people get in: set-up with the code of the log, a password, an API key, a link with a key; and out again.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openTestBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

async function setUp(page: Page, code: string, user: string): Promise<void> {
  await page.getByLabel('One-time code').fill(code);
  await page.getByLabel('Administrator’s name').fill(user);
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Create administrator' }).click();
}

test('the code of the log makes the first admin, who signs out and in again by password', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(gateway.url);
  await page.getByRole('heading', { name: 'Set up this gateway' }).waitFor();
  await opened.picture('setup');
  await page.getByLabel('One-time code').fill('wrong-code');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByText('That code does not match').waitFor();
  await opened.forgive();

  await page.getByLabel('One-time code').fill(gateway.setupCode ?? '');
  await page.getByLabel('Administrator’s name').fill('ada');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
  await page.locator('[data-link="live"]').waitFor();
  await opened.picture('fleet-empty');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('do not match').waitFor();
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('a first run shows the set-up page at any address, and goes on at the page that was asked for', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/devices/pump-1`);
  await page.getByText('It is new: nobody can sign in yet.').waitFor();
  expect(await opened.accessibilityFaults()).toEqual([]);
  await setUp(page, gateway.setupCode ?? '', 'ada');
  await page.getByRole('heading', { name: 'pump-1' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/devices/pump-1');
  expect(await opened.faults()).toEqual([]);
});

test('after setting up at /setup and after signing in at /setup or /signin comes the fleet, and who is in lands there from both', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.open(gateway);
  const { page } = opened;
  const fleet = async (): Promise<void> => {
    await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
    expect(page.url()).toBe(`${gateway.url}/`);
  };
  await page.goto(`${gateway.url}/setup`);
  await setUp(page, gateway.setupCode ?? '', 'ada');
  await fleet();
  for (const address of ['/setup', '/signin']) {
    await page.goto(`${gateway.url}${address}`);
    await fleet();
  }
  for (const address of ['/setup', '/signin']) {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await page.goto(`${gateway.url}${address}`);
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fleet();
  }
  expect(await opened.faults()).toEqual([]);
});

test('a set-up code that was asked for later takes nobody the way to sign in, and makes an administrator at /setup', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await gateway.admin('/v1/users', { method: 'POST', body: { name: 'ada', role: 'viewer', password: 'correct horse battery' } });
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/setup`);
  await page.getByText('Set-up is not open.').waitFor();

  const { code } = (await gateway.local('/v1/setup', { method: 'POST' })).json();
  await page.goto(`${gateway.url}/devices/pump-1`);
  await page.getByText('This gateway can be set up with a one-time code').waitFor();
  expect(await opened.accessibilityFaults()).toEqual([]);
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'pump-1' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'pump-1' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();

  await page.getByRole('link', { name: 'Set up' }).click();
  await page.getByRole('heading', { name: 'Set up this gateway' }).waitFor();
  expect(await page.getByText('It is new').count()).toBe(0);
  expect(await opened.accessibilityFaults()).toEqual([]);
  await page.getByRole('link', { name: 'Sign in instead' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByRole('link', { name: 'Set up' }).click();
  await setUp(page, code, 'grace');
  await page.locator('[data-device="pump-1"]').waitFor();
  expect(page.url()).toBe(`${gateway.url}/`);
  expect(await opened.faults()).toEqual([]);
});

test('an API key signs in, and what its role cannot do is not shown', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await using opened = await browser.open(gateway);
  const { page } = opened;
  const key = await gateway.key('viewer');
  await page.goto(`${gateway.url}/devices/pump-1`);
  await page.getByRole('button', { name: 'API key' }).click();
  await page.getByLabel('API key', { exact: true }).last().fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'pump-1' }).waitFor();
  await page.getByRole('heading', { name: 'Books' }).waitFor();
  expect(await page.getByRole('button', { name: 'Suspend' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Fleet' }).first().click();
  await page.locator('[data-device="pump-1"]').waitFor();
  expect(await page.getByRole('button', { name: 'Add device' }).count()).toBe(0);
  expect(await opened.faults()).toEqual([]);
});

test('a key in the fragment of a link is exchanged and erased from the address and the history', async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/?state=live#key=${await gateway.key('viewer')}`);
  await page.locator('[data-link="live"]').waitFor();
  expect(page.url()).toBe(`${gateway.url}/?state=live`);
  expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2);
  // the cookie holds the session: the bare address is enough from now on
  await page.reload();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('a link with a revoked key says so and offers the other ways in', async () => {
  await using gateway = await startTestGateway();
  await gateway.key('admin');
  await using opened = await browser.open(gateway);
  await opened.page.goto(`${gateway.url}/#key=fgk_${'a'.repeat(43)}`);
  await opened.page.getByText('The key in this link is not valid any more').waitFor();
  expect(new URL(opened.page.url()).hash).toBe('');
});

test('a session that ends elsewhere leads to the sign-in page, and back to the same place after it', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await gateway.admin('/v1/users', { method: 'POST', body: { name: 'ada', role: 'viewer', password: 'correct horse battery' } });
  await using opened = await browser.open(gateway);
  const { page } = opened;
  await page.goto(`${gateway.url}/devices/pump-1`);
  const signIn = async (): Promise<void> => {
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'pump-1' }).waitFor();
  };
  await signIn();
  await page.locator('[data-link="live"]').waitFor();
  // the same cookie, used by another tab
  await page.evaluate(() => fetch('/v1/session', { method: 'DELETE' }).then(() => undefined));
  await page.getByText('Your session has ended').waitFor();
  await signIn();
});

const LARGE_ENOUGH_PX = 44;
const TWO_MINUTES_MS = 120_000;

test('someone who has never seen it gets from the code in the log to the first value of a device in two minutes, with a thumb on a phone', {
  timeout: TWO_MINUTES_MS + 60_000,
}, async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.open(gateway, { width: 360, height: 780, hasTouch: true });
  const { page } = opened;
  const small: string[] = [];
  const tap = async (target: Locator): Promise<void> => {
    await target.waitFor();
    await target.scrollIntoViewIfNeeded();
    const box = await target.boundingBox();
    if (box === null || box.height < LARGE_ENOUGH_PX || box.width < LARGE_ENOUGH_PX) small.push(`${target} ${JSON.stringify(box)}`);
    await target.tap();
  };
  const write = async (label: string, words: string): Promise<void> => {
    const field = page.getByLabel(label, { exact: true });
    await tap(field);
    await page.keyboard.type(words);
  };
  const startedAtMs = Date.now();
  await page.goto(gateway.url);
  await write('One-time code', gateway.setupCode ?? '');
  await write('Password', 'correct horse battery');
  await tap(page.getByRole('button', { name: 'Create administrator' }));
  await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
  await opened.picture('first-run-empty');
  await tap(page.getByRole('button', { name: 'Add device' }));
  const dialog = page.getByRole('dialog');
  await write('Device id', 'boiler-1');
  await tap(dialog.getByRole('button', { name: 'Create and show token' }));
  await dialog.locator('.text-link').waitFor();
  await opened.picture('first-run-token');
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  // what the phone shows is typed on the machine that the sensor hangs on
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-first-'));
  try {
    await promisify(execFile)('sh', ['-ec', await dialog.locator('pre').innerText()], { cwd: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await dialog.locator('.checklist li.is-done').nth(3).waitFor();
  await opened.picture('first-run-green');
  await tap(dialog.getByRole('link', { name: 'Open its page' }));
  await page.locator('.tile[data-metric="temperature"]').getByText('21.5').waitFor();
  const tookMs = Date.now() - startedAtMs;
  await opened.picture('first-run-value');
  expect(small).toEqual([]);
  expect(tookMs).toBeLessThan(TWO_MINUTES_MS);
  expect(await opened.faults()).toEqual([]);
});

test('on a first run a demo fleet is started by a button, said to be simulated, and taken away with everything', {
  timeout: 120_000,
}, async () => {
  await using gateway = await startTestGateway();
  await using opened = await browser.openSignedIn(gateway, '/', { width: 360, height: 780 });
  const { page } = opened;
  await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
  await page.getByRole('button', { name: 'Start a demo fleet' }).click();
  await page.getByText('are starting; they tell six hours of history first.').waitFor();
  await page.getByText('are among these, tagged “simulated”.').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: /^simulated 24/ }).waitFor();
  await page.locator('[data-device] .cell-value strong').first().waitFor();
  await opened.picture('fleet-demo');
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await gateway.addDevice('real-1');
  await page.getByRole('button', { name: 'Remove them' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('24 simulated devices and all their readings are deleted. No other device is touched.').waitFor();
  await dialog.getByRole('button', { name: 'Remove them' }).click();
  await page.getByText('1 device', { exact: true }).waitFor({ timeout: 30_000 });
  await page.locator('[data-device="real-1"]').waitFor();
  expect(await page.locator('.demo-bar').count()).toBe(0);
  expect((await gateway.admin('/v1/demo')).json()).toEqual({ state: 'off', devices: 0 });
  expect(await opened.faults()).toEqual([]);
});
