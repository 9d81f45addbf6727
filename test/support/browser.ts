// The system's Chromium for tests: pages that note every console error, every breach of the content security policy and every request
// that leaves the gateway, so that a test can end with "and nothing was wrong".

import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { buildConsole } from '../../gateway/console-build.ts';
import type { TestGateway } from './gateway.ts';
import { misfits } from './page-fit.ts';

export interface PageLook {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  /** The browser's time zone; UTC when left out. */
  readonly zone?: string;
}
export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong since the page was opened, or since it was forgiven. */
  faults(): Promise<readonly string[]>;
  /** Forgets what was noted: after a gateway was stopped on purpose. */
  forgive(): Promise<void>;
  /** Kept in artefacts/ to look at. */
  picture(name: string): Promise<void>;
  /** Pixels by which the page is wider than its window. */
  overhang(): Promise<number>;
  /** What is cut, too small to press, lies over something else or would jump; one line each. */
  misfits(): Promise<readonly string[]>;
  /** The same page in another window and scheme. */
  turn(look: { readonly width: number; readonly height: number; readonly scheme: 'light' | 'dark' }): Promise<void>;
  /** What axe finds, one line a rule. */
  accessibilityFaults(): Promise<readonly string[]>;
}
/** What of a gateway a page needs. */
export type PageGateway = Pick<TestGateway, 'url' | 'key'>;
export interface TestBrowser extends AsyncDisposable {
  /** `hasTouch`: with a finger instead of a mouse. */
  open(gateway: PageGateway, look?: PageLook & { readonly hasTouch?: boolean }): Promise<TestPage>;
  /** A page that is signed in by a key in the link, as the demo and kiosks are. */
  openSignedIn(
    gateway: PageGateway,
    target: string,
    look?: PageLook & { readonly role?: 'viewer' | 'operator' | 'admin' },
  ): Promise<TestPage>;
}

const ROOT = path.join(import.meta.dirname, '../..');
const ARTEFACTS = path.join(ROOT, 'artefacts');
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SWITCHES = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findProgram(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = PROGRAMS.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`no Chromium on the PATH (${PROGRAMS.join(', ')}): apt-get install chromium`);
  return found;
}

export async function openTestBrowser(): Promise<TestBrowser> {
  const built = await buildConsole(() => {});
  if (built === 'failed' || built === 'no-vite') throw new Error(`the console could not be built: ${built}`);
  const browser = await chromium.launch({ executablePath: findProgram(), args: SWITCHES });
  const open: TestBrowser['open'] = (gateway, look = {}): Promise<TestPage> => openPage(browser, gateway, look);
  return {
    open,
    async openSignedIn(gateway, target, { role = 'admin', ...look } = {}) {
      const opened = await open(gateway, look);
      await opened.page.goto(`${gateway.url}${target}#key=${await gateway.key(role)}`);
      await opened.page.locator('[data-link="live"]').waitFor();
      return opened;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** A browser without the console, for pages of somebody else. */
export async function openPlainBrowser(): Promise<{ readonly context: BrowserContext } & AsyncDisposable> {
  const browser = await chromium.launch({ executablePath: findProgram(), args: SWITCHES });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  return { context, [Symbol.asyncDispose]: () => browser.close() };
}

async function openPage(
  browser: Browser,
  gateway: PageGateway,
  { width = 1440, height = 900, scheme = 'light', zone = 'UTC', hasTouch = false }: PageLook & { readonly hasTouch?: boolean },
): Promise<TestPage> {
  // the certificate is the gateway's own, and nobody told this browser of its authority
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    hasTouch,
    ignoreHTTPSErrors: true,
    timezoneId: zone,
    locale: 'en-GB',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  let noted: string[] = [];
  // what runs in the page is text: its types are the browser's, and no test is written for one
  await page.addInitScript({
    content: `globalThis.breaches = [];
      addEventListener('securitypolicyviolation', (event) => breaches.push(event.violatedDirective + ' ' + event.blockedURI));`,
  });
  page.on('console', (message) => {
    // asking who is signed in is answered 401 when nobody is, and Chromium notes each 401
    const isAskingWho = message.location().url.endsWith('/v1/session') && message.text().includes('401');
    if ((message.type() === 'error' || message.type() === 'warning') && !isAskingWho) noted.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => noted.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(gateway.url).host) noted.push(`left the gateway: ${request.url()}`);
  });
  let now = { width, height, scheme };
  const breaches = (): Promise<string[]> => page.evaluate('globalThis.breaches ?? []');

  return {
    page,
    context,
    async faults() {
      return [...noted, ...(await breaches()).map((breach) => `policy: ${breach}`)];
    },
    async forgive() {
      noted = [];
    },
    async picture(name) {
      mkdirSync(ARTEFACTS, { recursive: true });
      await page.screenshot({ path: path.join(ARTEFACTS, `${name}-${now.width}-${now.scheme}.png`) });
    },
    overhang: () => page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
    misfits: () => misfits(page),
    async turn(look) {
      now = look;
      await page.setViewportSize({ width: look.width, height: look.height });
      await page.emulateMedia({ colorScheme: look.scheme });
      // two frames: what follows the size and the scheme draws itself again
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    },
    async accessibilityFaults() {
      // evaluated by the debugger, which the page's policy does not bind
      await page.evaluate(axe.source);
      // what lies behind a dialog cannot be reached
      const where = `document.querySelector('dialog[open]') ?? document`;
      const result: AxeResults = await page.evaluate(
        `axe.run(${where}, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })`,
      );
      return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
