// npm run screenshots [-- NAME…]: every page in every state, wide and on a phone, light and dark, from a real gateway with simulated
// devices, into artefacts/screenshots/. With names (`fleet`, `fleet-full`) only those. With --readme the four pictures of the README, too.

import { mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { openTestBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import type { TestGateway } from '../support/gateway.ts';
import { emptyShots, fullShots, loadingShots, readmeShots, refusedShots, type Shot, staleShots } from './shots.ts';
import { openWorld, type World } from './world.ts';

const FOLDER = path.join(import.meta.dirname, '../../artefacts/screenshots');
const LOOKS = [
  { width: 1440, height: 900, colorScheme: 'light' },
  { width: 1440, height: 900, colorScheme: 'dark' },
  { width: 360, height: 780, colorScheme: 'dark' },
  { width: 360, height: 780, colorScheme: 'light' },
] as const;
const WALLS = [
  { width: 3840, height: 2160, colorScheme: 'dark' },
  { width: 1920, height: 1080, colorScheme: 'light' },
] as const;
const IMAGES = path.join(import.meta.dirname, '../../docs/images');
const IMAGE_BYTES = 120_000;
const READY_MS = 30_000;

const isReadme = process.argv.includes('--readme');
const names = process.argv.slice(2).filter((name) => name !== '--readme');
const wanted = (shot: Shot): boolean =>
  names.length === 0 || names.some((name) => name === shot.name || name === shot.state || name === `${shot.name}-${shot.state}`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
let missed = 0;
let taken = 0;

function miss(shot: Shot, why: string): void {
  missed++;
  say(`${shot.name}-${shot.state}: ${why}`);
}

async function open(browser: TestBrowser, gateway: TestGateway, shot: Shot): Promise<TestPage> {
  const opened = await browser.open(gateway, { width: 1440, height: 900, scheme: 'light' });
  const { page } = opened;
  page.setDefaultTimeout(READY_MS);
  const { hold, refuse, role = 'admin' } = shot;
  if (hold !== undefined) {
    await page.route(hold, () => undefined);
    if (hold.test('/v1/live')) await page.routeWebSocket(/\/v1\/live/, () => undefined);
  }
  if (refuse !== undefined) {
    const { status, code, detail } = refuse;
    const body = JSON.stringify({ type: 'about:blank', title: code, status, code, detail });
    await page.route(refuse.path, (route) => route.fulfill({ status, contentType: 'application/problem+json', body }));
  }
  const fragment = role === null ? '' : `#key=${await gateway.key(role)}`;
  try {
    await page.goto(`${gateway.url}${shot.target}${fragment}`, { waitUntil: 'commit' });
    await page
      .locator(role === null ? 'form' : '[data-link], .kiosk')
      .first()
      .waitFor();
    await shot.act?.(page);
    await page.locator(shot.ready).first().waitFor();
    await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => undefined);
    if (shot.state === 'full' && role !== null) await page.locator('[data-link="live"], .kiosk').first().waitFor();
  } catch (error) {
    for (const fault of await opened.faults()) say(`  ${fault}`);
    miss(shot, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  return opened;
}

async function photograph(page: Page, shot: Shot): Promise<void> {
  for (const { width, height, colorScheme } of shot.isWall ? [...LOOKS, ...WALLS] : LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    // two frames: what follows the size and the theme is drawn again
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))');
    await page.screenshot({ path: path.join(FOLDER, `${shot.name}-${shot.state}-${width}-${colorScheme}.png`) });
    taken++;
  }
}

async function run(browser: TestBrowser, gateway: TestGateway, shots: readonly Shot[]): Promise<void> {
  for (const shot of shots.filter(wanted)) {
    await using opened = await open(browser, gateway, shot);
    await photograph(opened.page, shot);
  }
}

/** The four pictures of the README, which are kept in the repository and must stay small. */
async function illustrate(browser: TestBrowser, world: World): Promise<void> {
  for (const shot of readmeShots(world)) {
    await using opened = await open(browser, world.full, shot);
    await opened.turn(shot);
    await opened.page.evaluate('new Promise((done) => setTimeout(done, 500))');
    const file = path.join(IMAGES, `${shot.name}.png`);
    await opened.page.screenshot({ path: file });
    const { size } = statSync(file);
    if (size > IMAGE_BYTES) miss(shot, `its picture for the README has ${size} bytes, ${IMAGE_BYTES} are allowed`);
  }
}

/** From asking for the address to the first device on the screen, for somebody who is signed in and has been here before. */
async function measure(browser: TestBrowser, gateway: TestGateway): Promise<void> {
  await using opened = await browser.openSignedIn(gateway, '/');
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const startedMs = performance.now();
    await opened.page.goto(gateway.url, { waitUntil: 'commit' });
    await opened.page.locator('[data-device]').first().waitFor();
    times.push(performance.now() - startedMs);
  }
  say(`usable after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms (five loads of the Fleet page)`);
}

if (names.length === 0) rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
await using world = await openWorld(say);
await using browser = await openTestBrowser();
await measure(browser, world.full);
if (isReadme) await illustrate(browser, world);
await run(browser, world.full, fullShots(world));
await run(browser, world.full, loadingShots(world));
await run(browser, world.full, refusedShots());
const stale: { readonly shot: Shot; readonly opened: TestPage }[] = [];
for (const shot of staleShots(world).filter(wanted)) stale.push({ shot, opened: await open(browser, world.full, shot) });
await run(browser, world.empty, emptyShots());
await world.stop();
for (const { shot, opened } of stale) {
  await opened.page
    .locator('.connection-bar')
    .waitFor()
    .catch(() => miss(shot, 'does not say that it is stale'));
  await photograph(opened.page, shot);
  await opened[Symbol.asyncDispose]();
}
say(`${taken} pictures in artefacts/screenshots/${missed === 0 ? '' : `; ${missed} pages did not show what they should`}`);
process.exitCode = missed === 0 ? 0 : 1;
