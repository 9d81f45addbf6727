// Adding a device: every snippet is taken from the page and run as it stands, with the real program, against the real gateway, until the
// checklist beside it is green. The sketch for the ESP32 alone is not run.

import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlainBrowser, openTestBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startPageServer } from '../support/page-server.ts';
import { connectSocket } from '../support/socket.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const LIMIT_MS = 90_000;
let browser: TestBrowser;
let gateway: TestGateway;
let opened: TestPage;
beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
  opened = await browser.openSignedIn(gateway, '/');
});
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const steps = (dialog: Locator) => dialog.locator('.checklist li');
const green = (dialog: Locator) => dialog.locator('.checklist li.is-done');

/** A device with this id, its dialog open. */
async function add(page: Page, id: string): Promise<{ dialog: Locator; token: string }> {
  await page.goto(gateway.url);
  await page.getByRole('button', { name: 'Add device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Device id').fill(id);
  await dialog.getByRole('button', { name: 'Create and show token' }).click();
  const token = await dialog.locator('[data-token]').innerText();
  return { dialog, token };
}
/** The text as a person would copy it. */
async function choose(dialog: Locator, name: string): Promise<string> {
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.locator('.text-link').waitFor();
  return dialog.locator('pre').innerText();
}
/** A folder in which npx finds this project's own programs. */
async function makeFolder(): Promise<{ folder: string } & AsyncDisposable> {
  const parent = path.join(ROOT, 'node_modules/.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(path.join(parent, 'snippet-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
/** Types it into a shell and lets it go on until `isEnough`, or to its end. */
async function type(script: string, folder: string, isEnough: Promise<unknown>): Promise<string> {
  // standard input stays open, as a terminal's does
  const child = spawn('sh', ['-ec', script], { cwd: folder, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
  const over = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await Promise.race([isEnough, over.then(() => isEnough)]).catch((error: unknown) => {
    throw new Error(`${String(error)}\nit said: ${said}`);
  });
  try {
    process.kill(-(child.pid ?? 0), 'SIGTERM');
  } catch {
    // it has ended by itself
  }
  await over;
  return said;
}
/** The lines that a file's head tells to type. */
const commandsIn = (code: string): string =>
  code
    .split('\n')
    .filter((line) => /^(#|\/\/) \$ /.test(line))
    .map((line) => line.replace(/^(#|\/\/) \$ /, ''))
    .join('\n');
const isGreen = (dialog: Locator) =>
  green(dialog)
    .nth(3)
    .waitFor({ timeout: LIMIT_MS / 2 });

test('the curl snippet runs as it stands, and the checklist says that the device came over HTTP', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-1');
  await dialog.getByText('waiting for the device to connect').waitFor();
  await opened.picture('add-device');
  await using at = await makeFolder();
  const said = await type(await choose(dialog, 'curl'), at.folder, isGreen(dialog));
  expect(said).toContain('"stored":1');
  await dialog.getByText('Temperature 21.5 °C').waitFor();
  await dialog.getByText('Reached over HTTP').waitFor();
  await dialog.getByText('Temperature: °C').waitFor();
  await opened.picture('add-device-green');
  expect(await opened.faults()).toEqual([]);
});

test('the Python snippet runs as it stands', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-2');
  const code = await choose(dialog, 'Python');
  await using at = await makeFolder();
  await writeFile(path.join(at.folder, 'device.py'), code);
  // Debian's own interpreter has the package, whatever is first on the PATH
  await symlink('/usr/bin/python3', path.join(at.folder, 'python3'));
  const said = await type(`PATH=${at.folder}:$PATH\n${commandsIn(code)}`, at.folder, isGreen(dialog));
  expect(said).toContain('{"type":"stored","readings":1}');
  expect(await steps(dialog).nth(1).innerText()).toContain('Connected');
});

test('the Node snippet runs as it stands', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-3');
  const code = await choose(dialog, 'Node');
  await using at = await makeFolder();
  await writeFile(path.join(at.folder, 'device.mjs'), code);
  await symlink(process.execPath, path.join(at.folder, 'node'));
  const said = await type(`PATH=${at.folder}:$PATH\n${commandsIn(code)}`, at.folder, isGreen(dialog));
  expect(said).toContain('{"type":"stored","readings":1}');
});

test('the wscat snippet runs as it stands', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-4');
  await using at = await makeFolder();
  await type(await choose(dialog, 'wscat'), at.folder, isGreen(dialog));
  // it stays for a minute, so that one sees it connected
  expect(await steps(dialog).nth(1).innerText()).toContain('Connected');
});

test('the page of the browser snippet is a device as it stands, wherever it comes from', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-5');
  const body = await choose(dialog, 'Browser');
  await using server = await startPageServer((at) => (at === '/device.html' ? { type: 'text/html', body } : undefined));
  await using other = await openPlainBrowser();
  const page = await other.context.newPage();
  await page.goto(`${server.origin}/device.html`);
  await page.getByText('{"type":"stored","readings":1}').waitFor();
  await isGreen(dialog);
});

test('the simulator snippet runs as it stands, and keeps the token to its owner', { timeout: LIMIT_MS }, async () => {
  const { dialog } = await add(opened.page, 'boiler-6');
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-snippet-'));
  try {
    // the folder of Fieldgate, but for what the snippet writes into it
    for (const name of ['package.json', 'node_modules', 'device-sim', 'gateway'])
      await symlink(path.join(ROOT, name), path.join(folder, name));
    await chmod(folder, 0o700);
    const said = await type(await choose(dialog, 'Simulator'), folder, isGreen(dialog));
    expect(said).not.toContain('NOT COMPARED');
    expect((await stat(path.join(folder, 'boiler-6.token'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the sketch for the ESP32 has the address, the token and the authority in it', async () => {
  const { dialog, token } = await add(opened.page, 'boiler-7');
  const code = await choose(dialog, 'ESP32');
  expect(code).toContain(`beginSslWithCA("127.0.0.1", ${gateway.port}, "/v1/device", CA, "fieldgate.v1")`);
  expect(code).toContain(`"Authorization: Bearer ${token}"`);
  expect(code).toContain(gateway.caPem.trim());
  await opened.picture('add-device-sketch');
});

test(
  'where a device is stuck the checklist says why: wrong token, no trust, plain HTTP, a wrong path, a refused frame, no unit',
  async () => {
    const { dialog, token } = await add(opened.page, 'boiler-8');
    const { caPem, port } = gateway;
    const says = (words: RegExp | string) => dialog.locator('.is-stuck').getByText(words).waitFor();
    const knock = (headers: Record<string, string>, at = '/v1/device') =>
      connectSocket({ port, caPem, path: at, headers }).then(
        () => Promise.reject(new Error('it was let in')),
        () => undefined,
      );
    // from another address than the browser, whose own handshakes are left out
    const curl = (url: string) => promisify(execFile)('curl', ['-s', '--interface', '127.0.0.2', url]).catch(() => undefined);

    await knock({ Authorization: `Bearer fgd_${'x'.repeat(43)}` });
    await says(/127\.0\.0\.1 was refused .+ ago\. The token is not known here/);
    await opened.picture('add-device-stuck');
    // the alert that says so can be lost with the connection: then it is one of two causes that are told
    const distrust = dialog.locator('.is-stuck').getByText(/127\.0\.0\.2 was refused .+ does not trust the (gateway’s )?certificate/);
    const isTold = async (): Promise<number> => {
      await curl(`https://127.0.0.1:${port}/v1/info`);
      return distrust.count();
    };
    await expect.poll(isTold, { timeout: 60_000 }).toBe(1);
    await curl(`http://127.0.0.1:${port}/v1/info`);
    await says(/spoke plain HTTP/);
    await knock({ Authorization: `Bearer ${token}` }, '/v1/devices/boiler-8');
    await says(/devices connect to \/v1\/device/);
    await gateway.admin('/v1/devices/boiler-8', { method: 'PATCH', body: { status: 'suspended' } });
    await knock({ Authorization: `Bearer ${token}` });
    await says(/suspended/);
    const attempts = (await gateway.admin('/v1/devices/boiler-8/attempts')).json().items;
    expect(attempts.slice(0, 2)).toMatchObject([
      { code: 'suspended', device: 'boiler-8', address: '127.0.0.1' },
      { code: 'not-found', device: 'boiler-8' },
    ]);
    await gateway.admin('/v1/devices/boiler-8', { method: 'PATCH', body: { status: 'active' } });

    await using device = await connectSocket({ port, caPem, path: '/v1/device', headers: { Authorization: `Bearer ${token}` } });
    await green(dialog).nth(1).waitFor();
    device.send([{ n: 'temperature', v: 'warm' }]);
    await says(/^refused: /);
    device.send([{ n: 'temperature', v: 21 }]);
    await dialog.getByText('none came: add "u"').waitFor();
    device.send([{ n: 'temperature', u: 'Cel', v: 21 }]);
    await isGreen(dialog);
    expect(await opened.accessibilityFaults()).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'pairing: a device asks, its code and address are shown, and once it is approved the checklist turns green',
  async () => {
    const { page } = opened;
    const enrol = (device: string) => gateway.request('/v1/enrol', { method: 'POST', body: { device } });
    expect((await enrol('valve-1')).status).toBe(401);
    await page.goto(gateway.url);
    await page.getByRole('button', { name: 'Pair devices' }).click();
    const dialog = page.getByRole('dialog');
    await dialog
      .getByRole('timer')
      .getByText(/^(5:00|4:5\d)$/)
      .waitFor();
    await dialog.getByText('No device has asked yet.').waitFor();
    const [wanted, other] = [(await enrol('valve-1')).json(), (await enrol('stranger-1')).json()];
    const row = dialog.locator(`[data-request="${wanted.id}"]`);
    await row.getByText('valve-1').waitFor();
    await row.getByText(/^from 127\.0\.0\.1, /).waitFor();
    await opened.picture('pairing');
    expect(await opened.accessibilityFaults()).toEqual([]);
    await dialog.locator(`[data-request="${other.id}"]`).getByRole('button', { name: 'Refuse' }).click();
    await dialog.locator(`[data-request="${other.id}"]`).waitFor({ state: 'detached' });
    expect((await gateway.request(`/v1/enrol/${other.request}`)).status).toBe(410);

    await row.getByRole('button', { name: 'Approve' }).click();
    await dialog.getByText('waiting for the device to take it').waitFor();
    const { token } = (await gateway.request(`/v1/enrol/${wanted.request}`)).json();
    await green(dialog).first().waitFor();
    const { caPem, port } = gateway;
    await using device = await connectSocket({ port, caPem, path: '/v1/device', headers: { Authorization: `Bearer ${token}` } });
    device.send([{ n: 'level', u: 'm', v: 4.2 }]);
    await isGreen(dialog);
    await opened.picture('pairing-green');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.locator('[data-device="valve-1"]').getByText('4.2').waitFor();
    // the window closes with the dialog
    await expect.poll(async () => (await gateway.admin('/v1/pairing')).json().openUntil).toBe(null);
  },
  LIMIT_MS,
);
