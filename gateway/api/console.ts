// The web console: its page at the addresses of its pages, its files by name, all under a policy that lets nothing in from elsewhere.

import type { Api, ApiDeps } from './api-deps.ts';
import { problem } from './problem.ts';
import { createStaticFolder, respondWithFile } from './static-folder.ts';

const RULES = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
];

/** `trustedTypes` names the policies by which a page may make markup of text; the console has none. */
export const pageHeaders = (trustedTypes: string): Readonly<Record<string, string>> => ({
  'content-security-policy': [...RULES, `trusted-types ${trustedTypes}`].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  // Asked again each time, and answered 304 while it is the same: a new release is seen at once.
  'cache-control': 'no-cache',
});
const PAGE_HEADERS = pageHeaders("'none'");
/** The name of an asset has a hash of its content in it. */
const ASSET_HEADERS = { ...PAGE_HEADERS, 'cache-control': 'public, max-age=31536000, immutable' };

export const CONSOLE_PAGES = [
  '/',
  '/fleet',
  '/devices/:id',
  '/serial',
  '/explore',
  '/quarantine',
  '/events',
  '/settings',
  '/setup',
  '/signin',
] as const;

export function registerConsole(api: Api, deps: ApiDeps): void {
  const folder = createStaticFolder(deps.consoleFolder);

  for (const page of CONSOLE_PAGES) {
    api.get(page, async (c) => {
      const file = await folder.file('index.html');
      return file ? respondWithFile(c, file, PAGE_HEADERS) : problem(c, 'not-found', { detail: 'the console is not built: npm run build' });
    });
  }
  api.get('/favicon.svg', async (c) => {
    const file = await folder.file('favicon.svg');
    return file ? respondWithFile(c, file, PAGE_HEADERS) : problem(c, 'not-found');
  });
  api.get('/assets/:file', async (c) => {
    const file = await folder.file(c.req.path.slice(1));
    return file ? respondWithFile(c, file, ASSET_HEADERS) : problem(c, 'not-found');
  });
}
