// What is photographed: every page in every state that it can be in, and what is done on it before.

import type { Page } from 'playwright-core';
import type { World } from './world.ts';

export interface Shot {
  readonly name: string;
  readonly state: 'full' | 'empty' | 'loading' | 'stale' | 'refused';
  /** Default: signed in as admin. null: a stranger. */
  readonly role?: 'viewer' | 'operator' | 'admin' | null;
  readonly target: string;
  /** Waited for. */
  readonly ready: string;
  /** Seen on a wall too. */
  readonly isWall?: true;
  readonly act?: (page: Page) => Promise<unknown>;
  /** Requests that are never answered, or answered with a refusal. */
  readonly hold?: RegExp;
  readonly refuse?: { readonly path: RegExp; readonly status: number; readonly code: string; readonly detail: string };
}

const click =
  (name: string | RegExp) =>
  async (page: Page): Promise<void> =>
    page.getByRole('button', { name }).first().click();

const explored = (device: string): string => `/explore?s=${device}/temperature&s=sim-0006/temperature&s=sim-0012/temperature&range=1h`;

/** The state in which one finds a page at work. */
export function fullShots({ device }: World): Shot[] {
  const at = (name: string, target: string, ready: string, more: Partial<Shot> = {}): Shot => ({
    name,
    state: 'full',
    target,
    ready,
    ...more,
  });
  return [
    at('fleet', '/', '[data-device] svg.spark path[d^="M"]'),
    at('fleet-filtered', '/?q=pump&sort=state', '[data-device]'),
    at('add-device', '/', 'dialog input', { act: click('Add device') }),
    at('device', `/devices/${device}?range=15m`, '.chart-panel canvas'),
    at('device-tokens', `/devices/${device}`, 'dialog[open]', { act: click('Tokens') }),
    at('explore', `/explore?s=${device}/temperature&range=15m`, '.legend .newest b'),
    at('serial', '/serial', '.frame', { act: click(/greenhouse-east/) }),
    at('workbench', '/serial?view=workbench', '.frame.is-refused', {
      act: async (page) => {
        await page.getByLabel('Settings of').selectOption({ index: 1 });
        await page.getByRole('textbox', { name: 'Bytes' }).fill('21.5,48\nhello there\n');
      },
    }),
    at('quarantine', '/quarantine', 'main h1'),
    at('events', '/events', 'main h1'),
    at('settings', '/settings', 'main h1'),
    at('palette', '/', '[role="option"]', { act: async (page) => page.keyboard.press('Control+k') }),
    at('keys', '/', 'dialog[open]', { act: async (page) => page.keyboard.press('?') }),
    at('kiosk', '/?kiosk', '.tile-wall dd', { role: 'viewer', isWall: true }),
    at('sign-in', '/', 'form', { role: null }),
  ];
}

export function emptyShots(): Shot[] {
  const at = (name: string, target: string, ready = '.empty'): Shot => ({ name, state: 'empty', target, ready });
  return [
    at('fleet', '/'),
    at('device', '/devices/never-seen'),
    at('explore', '/explore'),
    at('serial', '/serial'),
    at('quarantine', '/quarantine', 'main h1'),
    at('events', '/events', 'main h1'),
    at('settings', '/settings', 'main h1'),
    { name: 'setup', state: 'empty', role: null, target: '/setup', ready: 'form' },
  ];
}

export function loadingShots({ device }: World): Shot[] {
  const at = (name: string, target: string, hold: RegExp): Shot => ({ name, state: 'loading', target, hold, ready: 'main#content > *' });
  return [
    at('fleet', '/', /\/v1\/(devices|live)/),
    at('device', `/devices/${device}`, /\/v1\/(devices|readings|live)/),
    at('explore', `/explore?s=${device}/temperature`, /\/v1\/(series|readings|live)/),
    at('serial', '/serial', /\/v1\/serial/),
    at('quarantine', '/quarantine', /\/v1\/quarantine/),
    at('events', '/events', /\/v1\/events/),
    at('settings', '/settings', /\/v1\/(users|keys|settings|audit|backups|enrolments)/),
  ];
}

export function refusedShots(): Shot[] {
  const no = (name: string, target: string, path: RegExp): Shot => ({
    name,
    state: 'refused',
    target,
    ready: 'main#content > *',
    refuse: { path, status: 503, code: 'busy', detail: 'The gateway has too much to do at the moment. Try again in some seconds.' },
  });
  return [
    no('fleet', '/', /\/v1\/devices/),
    { name: 'device', state: 'refused', target: '/devices/no-such-device', ready: '.empty' },
    no('serial', '/serial', /\/v1\/serial/),
    no('quarantine', '/quarantine', /\/v1\/quarantine/),
    no('events', '/events', /\/v1\/events/),
    { name: 'settings', state: 'refused', role: 'viewer', target: '/settings', ready: 'main#content > *' },
    { name: 'quarantine-viewer', state: 'refused', role: 'viewer', target: '/quarantine', ready: 'main#content > *' },
    {
      name: 'sign-in',
      state: 'refused',
      role: null,
      target: '/',
      ready: '.alert',
      act: async (page) => {
        await page.getByLabel('Name').fill('maria');
        await page.getByRole('textbox', { name: 'Password' }).fill('something else');
        await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      },
    },
  ];
}

/** Opened while the gateway runs, photographed when it does not. */
export function staleShots({ device }: World): Shot[] {
  const at = (name: string, target: string, ready: string): Shot => ({ name, state: 'stale', target, ready });
  return [
    at('fleet', '/', '[data-device] svg.spark path[d^="M"]'),
    at('device', `/devices/${device}?range=15m`, '.chart-panel canvas'),
    { ...at('kiosk', '/?kiosk', '.tile-wall dd'), role: 'viewer', isWall: true },
    at('explore', explored(device), 'main canvas'),
    at('serial', '/serial', '.port, [data-port]'),
    at('quarantine', '/quarantine', 'main h1'),
    at('events', '/events', 'main h1'),
    at('settings', '/settings', 'main h1'),
  ];
}

export interface ReadmeShot extends Shot {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

/** The four of the README: small, and each a page of its own. */
export function readmeShots({ device }: World): ReadmeShot[] {
  const desk = { state: 'full', width: 1120, height: 760 } as const;
  return [
    { ...desk, name: 'fleet', target: '/', ready: '[data-device] svg.spark path[d^="M"]', scheme: 'light' },
    { ...desk, name: 'device', target: `/devices/${device}?range=1h`, ready: 'main canvas', scheme: 'dark' },
    { ...desk, name: 'explore', target: explored(device), ready: 'main canvas', scheme: 'light' },
    { ...desk, name: 'wall', target: '/?kiosk', role: 'viewer', ready: '.tile-wall dd', width: 960, height: 650, scheme: 'dark' },
  ];
}
