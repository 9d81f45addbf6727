// Debian's Firefox for the one path that every browser must go. Spoken to by WebDriver BiDi, the standard that Firefox itself serves.

import { existsSync } from 'node:fs';
import path from 'node:path';
import puppeteer, { type Page } from 'puppeteer-core';
import { buildConsole } from '../../gateway/console-build.ts';

export interface Firefox extends AsyncDisposable {
  readonly page: Page;
  /** Errors that the page threw or noted. */
  readonly faults: readonly string[];
}

const PROGRAMS = ['firefox-esr', 'firefox'];

function findProgram(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = PROGRAMS.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`no Firefox on the PATH (${PROGRAMS.join(', ')}): apt-get install firefox-esr`);
  return found;
}

export async function openFirefox(): Promise<Firefox> {
  const built = await buildConsole(() => {});
  if (built === 'failed' || built === 'no-vite') throw new Error(`the console could not be built: ${built}`);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: findProgram(),
    headless: true,
    // the certificate is the gateway's own, and nobody told this browser of its authority
    acceptInsecureCerts: true,
    timeout: 90_000,
    protocolTimeout: 90_000,
  });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => {
    // what a socket meets while the gateway is away
    if (!String(error).includes('establish a connection')) faults.push(String(error));
  });
  return { page, faults, [Symbol.asyncDispose]: () => browser.close() };
}
