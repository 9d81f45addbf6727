// The Settings page, section by section, each doing its work for real: people, keys, enrolment, retention, backups, and what is only shown.
// Over 400 lines, because all sections share one gateway and one browser, which cost more to start than most of these tests take.

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import type { SettingView } from '../../gateway/protocol/rest.ts';
import { openTestBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const TIMEOUT_MS = 120_000;
const LONG = { timeout: TIMEOUT_MS };
const OLD_SECONDS = 1_600_000_000;

let browser: TestBrowser;
let gateway: TestGateway;
beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  const records = Array.from({ length: 500 }, (_, i) => ({ n: 'flow', u: 'Cel', t: OLD_SECONDS + i, v: 20 + (i % 7) / 10 }));
  await gateway.request('/v1/readings', { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: records });
}, TIMEOUT_MS);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const open = (section: string, look: Parameters<TestBrowser['openSignedIn']>[2] = {}): Promise<TestPage> =>
  browser.openSignedIn(gateway, section === '' ? '/settings' : `/settings?section=${section}`, look);
const dialogOf = (page: Page): Locator => page.locator('dialog[open]');
const secretOf = (page: Page): Promise<string> => dialogOf(page).locator('[data-secret]').first().innerText();
const settingOf = async (key: string): Promise<SettingView> =>
  (await gateway.local('/v1/settings')).json().settings.find((setting: SettingView) => setting.key === key);
async function signIn(page: Page, user: string, password: string): Promise<void> {
  await page.goto(`${gateway.url}/settings?section=users`);
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a user is added with a password that is made and shown once, signs in with it, gets another role, and is removed', LONG, async () => {
  await using opened = await open('users');
  const { page } = opened;
  await page.getByRole('heading', { name: 'No users yet' }).waitFor();
  await page.getByRole('button', { name: 'Add user' }).click();
  const dialog = dialogOf(page);
  await dialog.getByRole('button', { name: 'Add user' }).click();
  await dialog.getByRole('alert').waitFor();
  await opened.forgive();
  await dialog.getByLabel('Name').fill('Ana');
  await dialog.getByLabel('admin').check();
  await dialog.getByRole('button', { name: 'Add user' }).click();
  await page.getByRole('heading', { name: 'The password of ana' }).waitFor();
  const password = await secretOf(page);
  expect(password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
  await opened.picture('settings-password');
  await dialogOf(page).getByRole('button', { name: 'Done' }).click();
  const ana = page.locator('[data-user="ana"]');
  await ana.locator('[data-role="admin"]').waitFor();

  await using hers = await browser.open(gateway);
  await signIn(hers.page, 'ana', password);
  await hers.page.locator('[data-user="ana"]').getByText('you', { exact: true }).waitFor();
  // the only administrator neither goes nor steps down
  await ana.getByRole('button', { name: 'Remove' }).click();
  await dialogOf(page).getByText('ana is the only administrator. Make another one first.').waitFor();
  expect(await dialogOf(page).getByRole('button', { name: 'Remove' }).count()).toBe(0);
  await dialogOf(page).getByRole('button', { name: 'Close', exact: true }).last().click();
  await ana.getByRole('button', { name: 'Change role' }).click();
  await dialogOf(page).getByText('ana is the only administrator. Make another one first.').waitFor();
  await page.keyboard.press('Escape');

  // another one, with a password of somebody's choice
  await page.getByRole('button', { name: 'Add user' }).click();
  await dialogOf(page).getByLabel('Name').fill('berta');
  await dialogOf(page).getByLabel('admin').check();
  await dialogOf(page).getByRole('button', { name: 'Choose' }).click();
  await dialogOf(page).getByLabel('Password', { exact: true }).fill('a few words in a row');
  await dialogOf(page).getByRole('button', { name: 'Add user' }).click();
  const berta = page.locator('[data-user="berta"]');
  await berta.waitFor();
  expect(await dialogOf(page).count()).toBe(0);

  await berta.getByRole('button', { name: 'Change role' }).click();
  await dialogOf(page).getByLabel('operator').check();
  await dialogOf(page).getByRole('button', { name: 'Save' }).click();
  await berta.locator('[data-role="operator"]').waitFor();
  await berta.getByRole('button', { name: 'New password' }).click();
  await dialogOf(page).getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'The password of berta' }).waitFor();
  const next = await secretOf(page);
  await dialogOf(page).getByRole('button', { name: 'Done' }).click();
  await using his = await browser.open(gateway);
  await signIn(his.page, 'berta', next);
  // an operator is told whom these pages are for
  await his.page.locator('main').getByText(/admin/i).first().waitFor();
  expect(await his.page.locator('.set-nav').count()).toBe(0);

  await berta.getByRole('button', { name: 'Remove' }).click();
  await dialogOf(page).getByText('Its sessions end').or(dialogOf(page).getByText('sessions end within a second')).waitFor();
  await dialogOf(page).getByRole('button', { name: 'Remove' }).click();
  await berta.waitFor({ state: 'detached' });
  await his.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('a viewer key comes with a link that opens a wall display, which ends when the key is revoked', LONG, async () => {
  await using opened = await open('keys');
  const { page } = opened;
  await page.getByRole('button', { name: 'Add key' }).click();
  await dialogOf(page).getByLabel('Name').fill('hall display');
  await dialogOf(page).getByRole('button', { name: 'Add key' }).click();
  await page.getByRole('heading', { name: 'The key hall display' }).waitFor();
  const [key = '', link = ''] = await dialogOf(page).locator('[data-secret]').allInnerTexts();
  expect(key).toMatch(/^fgk_/);
  expect(link).toBe(`${new URL(page.url()).origin}/?kiosk#key=${key}`);
  await opened.picture('settings-key');
  await dialogOf(page).getByRole('button', { name: 'Done' }).click();
  const row = page.locator('[data-key="hall display"]');
  await row.locator('[data-role="viewer"]').waitFor();

  await using wall = await browser.open(gateway);
  await wall.page.goto(link.replace(new URL(page.url()).origin, gateway.url));
  await wall.page.getByText('pump-1').first().waitFor();
  expect(wall.page.url()).not.toContain(key);
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('heading', { name: 'Revoke hall display?' }).waitFor();
  await dialogOf(page).getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  await wall.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('an enrolment key lets in as many devices as it says, shows how many came, and is revoked', LONG, async () => {
  await using opened = await open('enrolment');
  const { page } = opened;
  await page.getByRole('heading', { name: 'No enrolment keys' }).waitFor();
  await page.getByRole('button', { name: 'Add key' }).click();
  await dialogOf(page).getByLabel('Devices at most').fill('none');
  await dialogOf(page).getByRole('button', { name: 'Add key' }).click();
  await dialogOf(page).getByText('A whole number from 1 to 1,000,000.').waitFor();
  await dialogOf(page).getByLabel('Devices at most').fill('2');
  await dialogOf(page).getByLabel('Ends in').selectOption('7 days');
  await dialogOf(page).getByRole('button', { name: 'Add key' }).click();
  const key = await secretOf(page);
  await dialogOf(page).getByRole('button', { name: 'Done' }).click();
  const row = page.locator('[data-enrolment]');
  await row.getByText('0 of 2 used').waitFor();
  await row.getByText('ends in 7 d').waitFor();
  const enrolled = await gateway.request('/v1/enrol', {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
    body: { device: 'field-1' },
  });
  expect([enrolled.status, enrolled.text]).toEqual([201, expect.stringContaining('fgd_')]);
  await page.reload();
  await row.getByText('1 of 2 used').waitFor();
  await opened.picture('settings-enrolment');
  await row.getByRole('button', { name: 'Revoke' }).click();
  await dialogOf(page).getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('heading', { name: 'No enrolment keys' }).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test(
  'a rule of retention is made by the keyboard alone, says in words what it means, and names what it lets go before it does',
  LONG,
  async () => {
    await using opened = await open('retention');
    const { page } = opened;
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const type = (written: string): Promise<void> => page.keyboard.type(written);
    await page.getByRole('heading', { name: 'Everything stays' }).waitFor();
    const first = page.locator('.set-nav a').first();
    await first.focus();
    // through the sections, then to the button
    for (let i = 0; i < 9; i++) await press('Tab');
    await press('Enter');
    const rule = page.getByRole('group', { name: 'Rule 1' });
    await rule.waitFor();
    await page.getByText('All readings of all devices stay 90 days; their sums stay for charts.').waitFor();
    await rule.getByLabel('Devices').focus();
    await press('Control+a');
    await type('pump-*');
    await press('Tab', 'Tab', 'Control+a');
    await type('0');
    await press('Tab', 'Tab');
    await type('2');
    await press('Enter');
    // at its field, in the gateway's words
    await rule.getByText(/must be a whole number from 1 to 36500/).waitFor();
    await opened.forgive();
    await rule.getByLabel('Days', { exact: true }).focus();
    await press('Control+a');
    await type('30');
    await press('Tab', 'Tab', 'Control+a', 'Delete', 'Enter');
    await page.getByText('All readings of pump-* stay 30 days; their sums stay for charts.').first().waitFor();
    await page.getByRole('heading', { name: 'What these rules let go' }).waitFor();
    await dialogOf(page)
      .getByText(/^up to 500 readings of pump-1, from before /)
      .waitFor();
    await opened.picture('settings-goes');
    await press('Escape');
    expect((await settingOf('retention')).from).toBe('default');
    await press('Enter');
    await page.getByRole('heading', { name: 'What these rules let go' }).waitFor();
    // the close button, Cancel, then what does it
    await press('Tab', 'Tab', 'Enter');
    await dialogOf(page).waitFor({ state: 'detached' });
    await expect
      .poll(() => settingOf('retention'))
      .toMatchObject({
        from: 'console',
        value: [{ device: 'pump-*', metric: '*', days: 30, maxBytes: null, summariesDays: null }],
      });

    // a second rule, above the first
    await page.getByRole('button', { name: 'Add rule' }).click();
    const second = page.getByRole('group', { name: 'Rule 2' });
    await second.getByLabel('Metrics').fill('noise');
    await second.getByLabel('Days', { exact: true }).fill('7');
    await second.getByLabel('Sums, days').fill('0');
    await second.getByRole('button', { name: 'Move up' }).click();
    await page.getByRole('group', { name: 'Rule 1' }).getByRole('button', { name: 'Move down' }).waitFor();
    await page.getByText('noise readings of all devices stay 7 days; nothing of them stays.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await dialogOf(page).getByText('nothing is that old').waitFor();
    await dialogOf(page).getByRole('button', { name: 'Save and let go' }).click();
    await dialogOf(page).waitFor({ state: 'detached' });
    expect(((await settingOf('retention')).value as { metric: string }[]).map(({ metric }) => metric)).toEqual(['noise', '*']);
    await opened.picture('settings-retention');
    // all of them away again
    for (let i = 0; i < 2; i++) await page.getByRole('group', { name: 'Rule 1' }).getByRole('button', { name: 'Remove rule' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(async () => (await settingOf('retention')).value).toEqual([]);
    expect(await opened.faults()).toEqual([]);
  },
);

test('a backup is made now and by schedule, and the database is verified and compacted, each with its report', LONG, async () => {
  await using opened = await open('backup');
  const { page } = opened;
  await page.getByText('None in this folder yet.').waitFor();
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page
    .locator('[data-upkeep="backups"][data-end="backed-up"]')
    .getByText(/^Made and looked through: /)
    .waitFor();
  await page.locator('[data-backup]').first().waitFor();
  expect(await page.locator('[data-backup]').count()).toBe(1);

  await page.getByLabel('Folder').fill('/no/such/folder');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/is not there: make the folder/).waitFor();
  // a refusal is noted by the browser
  await opened.forgive();
  await page.getByLabel('Folder').fill('');
  await page.getByLabel('Every').selectOption('24h');
  await page.getByLabel('Keep').fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect.poll(async () => (await settingOf('backup.keep')).value).toBe(1);
  expect(await settingOf('backup.every')).toMatchObject({ value: '24h', from: 'console' });

  await page.getByRole('button', { name: 'Verify' }).click();
  await page
    .locator('[data-upkeep="verify"]')
    .getByText(/^Sound: \d+ readings in \d+ chunks\.$/)
    .waitFor();
  await page.getByRole('button', { name: 'Compact' }).click();
  await page
    .locator('[data-upkeep="compact"]')
    .getByText(/^Done: .* bytes a reading\.$/)
    .waitFor();
  await opened.picture('settings-backup');
  // another section, and back: what was found is still there
  await page.getByRole('link', { name: 'Certificate' }).click();
  await page.getByRole('heading', { name: 'Certificate', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Backup' }).click();
  await page.getByText(/^Sound: /).waitFor();
  expect(await opened.faults()).toEqual([]);
});

test('certificate, storage, configuration and audit show what the gateway says', LONG, async () => {
  await using opened = await open('certificate');
  const { page } = opened;
  await page.locator('dd').getByText('localhost', { exact: true }).waitFor();
  const shown = (await page.locator('[data-authority] code').innerText()).replace(/\s/g, '');
  expect(shown).toBe(new X509Certificate(gateway.caPem).fingerprint256.replaceAll(':', ''));
  expect(await page.getByRole('link', { name: 'Download ca.crt' }).getAttribute('href')).toBe('/ca.crt');
  await opened.picture('settings-certificate');

  await page.getByRole('link', { name: /^Storage/ }).click();
  await page.locator('[data-figure="readings"]').getByText('500', { exact: true }).waitFor();
  await page
    .locator('[data-figure="free"]')
    .getByText(/ [kMGT]?B$/)
    .waitFor();
  await page.getByText('Nothing yet.').waitFor();

  await page.getByRole('link', { name: 'Configuration' }).click();
  await page.getByPlaceholder('Filter').fill('liveness');
  await expect.poll(() => page.locator('.config-list li').allInnerTexts()).toHaveLength(2);
  expect(page.url()).toMatch(/section=configuration&q=liveness$/);
  await page.locator('[data-key="liveness.pingSeconds"]').getByText('25', { exact: true }).waitFor();
  await page.getByPlaceholder('Filter').fill('http.host');
  await page.locator('[data-key="http.host"] [data-from="program"]').waitFor();

  await page.getByRole('link', { name: 'Audit' }).click();
  await page.locator('.audit-list li').first().waitFor();
  // asked of the gateway: the whole audit, not what is shown
  await page.getByPlaceholder('Filter').fill('SETTINGS.change');
  await page.locator('.audit-list').getByText('backup.keep').waitFor();
  await expect
    .poll(() => page.locator('.audit-list .act b').allInnerTexts())
    .toSatisfy((acts: string[]) => acts.every((act) => act === 'settings.change'));
  await page.reload();
  expect(await page.getByPlaceholder('Filter').inputValue()).toBe('SETTINGS.change');
  await page.locator('.audit-list li').first().getByText('test admin').waitFor();
  await opened.picture('settings-audit');
  expect(await opened.faults()).toEqual([]);
});

test('the audit goes on where a page of it ends', LONG, async () => {
  for (let i = 0; i < 120; i++) await gateway.local('/v1/devices/pump-1', { method: 'PATCH', body: { label: `Pump ${i}` } });
  await using opened = await open('audit');
  const { page } = opened;
  await page.getByText('the newest 100').waitFor();
  await page.getByRole('button', { name: 'Show older' }).click();
  await expect.poll(() => page.locator('.audit-list li').count()).toBeGreaterThan(120);
  await page.getByPlaceholder('Filter').fill('nothing is called so');
  await page.getByText('No act matches.').waitFor();
});

test('what the file sets is shown with where it is set, and cannot be changed here', LONG, async () => {
  await using fixed = await startTestGateway({
    config: {
      retention: [{ device: '*', metric: '*', days: 90, maxBytes: null, summariesDays: null }],
      backup: { every: '24h', keep: 7, dir: '' },
    },
  });
  await using opened = await browser.openSignedIn(fixed, '/settings?section=retention');
  const { page } = opened;
  await page.getByText('Set by the program that started it; change it there and restart.').waitFor();
  await page.getByText('All readings of all devices stay 90 days; their sums stay for charts.').waitFor();
  expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Backup' }).click();
  await page.getByText(/Set by the program that started it \(backup\.every\)/).waitFor();
  expect(await page.getByLabel('Every').count()).toBe(0);
  await page.getByLabel('Keep').waitFor();
});

test('viewers are told whom the settings are for, and none of them is asked for', LONG, async () => {
  await using opened = await open('users', { role: 'viewer' });
  await opened.page.locator('main').getByText(/admin/i).first().waitFor();
  expect(await opened.page.locator('.set-nav').count()).toBe(0);
  expect(await opened.faults()).toEqual([]);
});

test('on a phone the sections are a list, each opens on its own, and a link leads back', LONG, async () => {
  await using opened = await open('', { width: 360, height: 780 });
  const { page } = opened;
  await page.getByRole('link', { name: /^Storage/ }).waitFor();
  expect(await page.locator('.set-body').isVisible()).toBe(false);
  await opened.picture('settings');
  await page.getByRole('link', { name: /^Storage/ }).click();
  await page.getByRole('heading', { name: 'Storage', exact: true }).waitFor();
  expect(await page.locator('.set-nav').isVisible()).toBe(false);
  await page.getByRole('link', { name: 'All settings' }).click();
  await page.getByRole('link', { name: /^Storage/ }).waitFor();
  expect(page.url()).toMatch(/\/settings$/);
});

const SECTIONS = {
  users: '[data-user]',
  keys: '[data-key]',
  enrolment: '[data-enrolment]',
  retention: '.rules li:nth-child(3)',
  backup: '[data-backup]',
  certificate: '.fingerprint',
  storage: '[data-figure="readings"]',
  configuration: '.config-list li:nth-child(9)',
  audit: '.audit-list li:nth-child(9)',
};
const LOOKS = [
  { width: 1440, height: 900, scheme: 'light' },
  { width: 1440, height: 900, scheme: 'dark' },
  { width: 360, height: 780, scheme: 'dark' },
  { width: 360, height: 780, scheme: 'light' },
] as const;
test('every section fits at 1440 and 360 px, is pressed with a thumb, and passes axe in light and dark', LONG, async () => {
  await fill();
  await using opened = await open('users');
  const { page } = opened;
  for (const [index, [section, ready]] of Object.entries(SECTIONS).entries()) {
    await page.evaluate(`history.pushState(null, '', '/settings?section=${section}'); dispatchEvent(new PopStateEvent('popstate'))`);
    await page.locator(ready).first().waitFor();
    for (const [turn, look] of LOOKS.entries()) {
      await opened.turn(look);
      await opened.picture(`settings-${section}`);
      // the other window of the same width differs in its colours alone
      if (turn % 2 === 1) continue;
      expect([section, look, await opened.misfits()]).toEqual([section, look, []]);
      expect(await opened.overhang()).toBeLessThanOrEqual(0);
      // all that the sections are made of comes in both: they take turns
      if (turn === (index % 2) * 2) expect([section, look, await opened.accessibilityFaults()]).toEqual([section, look, []]);
    }
  }
  expect(await opened.faults()).toEqual([]);
});

let filled: Promise<void> | null = null;
/** Something of everything, with names that are long. */
function fill(): Promise<void> {
  filled ??= (async () => {
    const post = (target: string, body: object) => gateway.local(target, { method: 'POST', body });
    await post('/v1/users', { name: 'maintenance-team-of-the-northern-sites', role: 'operator', password: 'a few words in a row' });
    await post('/v1/users', { name: '王伟', role: 'admin', password: 'a few words in a row' });
    await post('/v1/keys', { name: 'wall display in the control room', role: 'viewer' });
    await post('/v1/keys', { name: 'nightly export', role: 'operator' });
    await post('/v1/enrolments', { max: 5000, expiresSeconds: 86_400 * 30, reenrol: true });
    await post('/v1/enrolments', { max: 10, expiresSeconds: 3600 });
    await gateway.local('/v1/backups', { method: 'POST' });
    await gateway.local('/v1/settings', {
      method: 'PATCH',
      body: {
        retention: [
          { device: 'weather-*', metric: 'wind-gust', days: 3650, maxBytes: 2_000_000_000 },
          { device: 'a-device-with-a-rather-long-name-*', metric: '*', days: 30, summariesDays: 3650 },
          { device: '*', metric: '*', days: 365 },
        ],
      },
    });
  })();
  return filled;
}
