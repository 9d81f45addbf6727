// The Fleet page with ten thousand devices, 200 of which send 1,000 readings a second, while somebody searches and scrolls: long tasks,
// and script time a frame. Prints one JSON line; false when a figure is outside what it must be.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { rounded } from './child.ts';
import { option } from './ingest.ts';
import { at, longTasks, OBSERVE, traced } from './page-trace.ts';
import { startGatewayProcess } from './servers.ts';

const SIM = fileURLToPath(new URL('../../device-sim/main.ts', import.meta.url));
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const SITES = ['north', 'south', 'east', 'west', 'hall'];
const KINDS = ['pump', 'boiler', 'gate', 'meter'];
const LABELS = ['Well pump', '三号温室', 'مضخة البئر', 'Kessel Süd', '🌡️ Greenhouse'];
const AT_ONCE = 64;
const SCRIPT_P95_MS = 8;

export async function fleetPageBench(args: readonly string[]): Promise<boolean> {
  const devices = Number(option(args, '--devices') ?? 10_000);
  const senders = Math.min(devices, 200);
  const seconds = Number(option(args, '--duration') ?? 20);
  const gateway = await startGatewayProcess({ devices: 0 });
  const tokens = await makeDevices(gateway.folder, devices);
  const tokensFile = path.join(gateway.folder, 'tokens');
  writeFileSync(tokensFile, tokens.slice(0, senders).join('\n'), { mode: 0o600 });
  const url = `wss://localhost:${gateway.port}`;
  const flags = ['run', '--url', url, '--ca', gateway.caFile, '--tokens-file', tokensFile, '--no-compare', '--until-stdin-ends'];
  const fleet = spawn(process.execPath, [SIM, ...flags, '--rate', String(1000 / senders)], { stdio: ['pipe', 'ignore', 'inherit'] });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript({ content: OBSERVE });
    const opening = await traced(browser, page, async () => {
      await page.goto(`https://localhost:${gateway.port}/#key=${gateway.key}`);
      await page.getByText(`${devices.toLocaleString('en-GB')} devices`).waitFor({ timeout: 60_000 });
      await page.waitForTimeout(5000);
    });
    await longTasks(page);
    const using = await traced(browser, page, () => use(page, seconds));
    const { script } = using;
    const line = {
      scenario: `${devices} devices, ${senders} of them at 1,000 readings/s in all, searched and scrolled for ${seconds} s`,
      longTasks: { opening: opening.longTasks.map((ms) => rounded(ms, 0)), using: using.longTasks.map((ms) => rounded(ms, 0)) },
      // by the clock on the wall, as the page sees them: with other programs beside it they say little
      longOnTheWall: (await longTasks(page)).length,
      frames: script.length,
      scriptMs: { p50: rounded(at(script, 0.5)), p95: rounded(at(script, 0.95)), most: rounded(at(script, 1)) },
      live: (await page.locator('[data-link="live"]').innerText()).replaceAll('\n', ' '),
      rows: await page.locator('[data-device]').count(),
    };
    console.log(JSON.stringify(line));
    return opening.longTasks.length === 0 && using.longTasks.length === 0 && at(script, 0.95) <= SCRIPT_P95_MS;
  } finally {
    await browser.close();
    fleet.stdin.end();
    fleet.kill('SIGTERM');
    await gateway.stop();
  }
}

async function makeDevices(folder: string, count: number): Promise<string[]> {
  const lines: string[] = new Array<string>(count);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const id = `unit-${String(i).padStart(5, '0')}`;
      const label = i % 3 === 0 ? '' : `${LABELS[i % LABELS.length]} ${i}`;
      const body = JSON.stringify({ id, label, tags: [`site:${SITES[i % SITES.length]}`, KINDS[i % KINDS.length]] });
      const answer = await askSocket(socketPath(folder), { method: 'POST', target: '/v1/devices', body });
      if (answer?.status !== 201) throw new Error(`${id}: ${answer?.body}`);
      lines[i] = `${id} ${JSON.parse(answer.body).token}`;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return lines;
}

export /** Scrolls down and up again, then searches letter by letter, in turns. */
async function use(page: Page, seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1000;
  const search = page.getByRole('searchbox', { name: 'Find devices by name, id or tag' }).first();
  while (performance.now() < untilMs) {
    await page.mouse.move(700, 600);
    for (const by of [600, 600, 2400, 9600, 9600, -4800, -9600, -9600]) {
      await page.mouse.wheel(0, by);
      await page.waitForTimeout(120);
    }
    await page.keyboard.press('/');
    await page.keyboard.type('unit-00', { delay: 60 });
    await page.getByText(/ of [\d,]+ devices$/).waitFor();
    for (let i = 0; i < 7; i++) await page.keyboard.press('Backspace', { delay: 40 });
    await search.blur();
  }
}
