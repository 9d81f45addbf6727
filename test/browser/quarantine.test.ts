// The Quarantine page with a real gateway: what was refused and why, amended under the gateway's eye and stored, a serial rule fixed and
// its line replayed, many rows at once, and what is discarded named before it goes.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { SUBPROTOCOL } from '../../gateway/protocol/messages.ts';
import type { QuarantineView } from '../../gateway/protocol/rest.ts';
import { openTestBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';

const LONG = { timeout: 120_000 };
const T = 1_700_000_000;

let browser: TestBrowser;
let gateway: TestGateway;

beforeAll(async () => {
  browser = await openTestBrowser();
  gateway = await startTestGateway();
}, LONG.timeout);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const rowsOf = async (device: string): Promise<QuarantineView[]> => (await gateway.local(`/v1/quarantine?device=${device}`)).json().items;
const readingsOf = async (device: string, metric: string): Promise<[number, unknown][]> =>
  (await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=0`)).json().readings;
async function send(device: string, records: unknown): Promise<void> {
  await using socket = await gateway.device(device);
  socket.send(records as never);
  await socket.next();
}

test('empty, it says what would be here; a viewer is told whom to ask', LONG, async () => {
  await using opened = await browser.openSignedIn(gateway, '/quarantine', { role: 'operator' });
  await opened.page.getByRole('heading', { name: 'Nothing is in quarantine' }).waitFor();
  await opened.picture('quarantine-empty');
  await using viewer = await browser.openSignedIn(gateway, '/quarantine', { role: 'viewer' });
  await viewer.page.getByRole('heading', { name: 'Only operators and admins see this page' }).waitFor();
  expect([...(await opened.faults()), ...(await viewer.faults())]).toEqual([]);
});

test('a refused record is shown with its reason and raw text, amended while the gateway judges, and stored once', LONG, async () => {
  await send('pump-1', [{ bn: 'tank/', bt: T, bu: 'Cel' }, { n: 'ok', v: 1 }, { n: 'level', v: '7', t: 5 }, { n: 'empty' }]);
  await using opened = await browser.openSignedIn(gateway, '/quarantine', { role: 'operator' });
  const { page } = opened;
  const row = page.locator('[data-code="wrong-type"]');
  await row.getByText('Wrong type', { exact: true }).waitFor();
  await row.getByText('bare packs · frame 1 · record 3').waitFor();
  await row.getByRole('button', { name: /^Wrong type/ }).click();
  await expect.poll(() => page.url()).toMatch(/row=\d+/);
  await row.getByText('{"bn": "tank/", "bt": 1700000000, "bu": "Cel"}').waitFor();
  expect(await row.locator('.raw-line.is-faulty').allInnerTexts()).toEqual(['{"n": "level", "v": "7", "t": 5}\n']);
  await row.getByText('By today’s rules nothing of it would be stored:').waitFor();
  expect(await opened.accessibilityFaults()).toEqual([]);
  await opened.picture('quarantine-open');
  // as it is it is refused again, and says so
  await row.getByRole('button', { name: 'Replay', exact: true }).click();
  await row.getByText('Refused again: A field has the wrong type').waitFor();

  await row.getByRole('button', { name: 'Amend…' }).click();
  const dialog = page.getByRole('dialog');
  const editor = dialog.getByRole('textbox', { name: 'Record or pack, JSON' });
  await editor.fill('{"n":"level","v":7,"t":');
  await dialog.getByText('The message is not JSON.').waitFor();
  expect(await dialog.getByRole('button', { name: 'Store' }).isDisabled()).toBe(true);
  await editor.fill('{"n":"level","v":7,"t":5}');
  await dialog.getByText('By today’s rules 1 reading would be stored:').waitFor();
  await dialog.getByText('tank/level').waitFor();
  await opened.picture('quarantine-amend');
  expect(await opened.accessibilityFaults()).toEqual([]);
  expect(await readingsOf('pump-1', 'tank/level')).toEqual([]);
  await dialog.getByRole('button', { name: 'Store' }).click();
  await row.getByText('Stored: 1 reading.').waitFor();
  expect(await readingsOf('pump-1', 'tank/level')).toEqual([[(T + 5) * 1000, 7]]);
  await row.getByText('stored since').first().waitFor();
  expect(await row.getByRole('button', { name: 'Replay', exact: true }).count()).toBe(0);
  // somebody else, on a page that does not know of it yet
  const { id } = (await rowsOf('pump-1')).find(({ code }) => code === 'wrong-type') as QuarantineView;
  expect((await gateway.local(`/v1/quarantine/${id}/replay`, { method: 'POST', body: { raw: '{"n":"x","v":1}' } })).json().duplicate).toBe(
    true,
  );
  expect((await opened.faults()).filter((fault) => !fault.includes('422'))).toEqual([]);
});

test('filters stand in the address; what fits is discarded after it was named, and nothing else', LONG, async () => {
  await send('filter-1', [{ n: 'a' }, { n: 'needle', v: 'x' }]);
  await send('filter-2', [{ n: 'b' }, { n: 'c' }]);
  await using opened = await browser.openSignedIn(gateway, '/quarantine?device=filter-1', { role: 'operator' });
  const { page } = opened;
  await page.locator('.refused').nth(1).waitFor();
  expect(await page.locator('.refused').count()).toBe(2);
  await page.getByLabel('Device', { exact: true }).selectOption('');
  await page.getByLabel('Reason', { exact: true }).selectOption('no-value');
  await expect.poll(() => page.url()).toMatch(/quarantine\?code=no-value$/);
  await expect.poll(() => page.locator('.refused').count()).toBe(4);
  await page.getByLabel('Reason', { exact: true }).selectOption('');
  await page.getByRole('searchbox', { name: 'Find in what was sent' }).fill('NEEDLE');
  await expect.poll(() => page.url()).toMatch(/q=NEEDLE$/);
  await expect.poll(() => page.locator('.refused').count()).toBe(1);
  await page.reload();
  await page.locator('[data-link="live"]').waitFor();
  await expect.poll(() => page.locator('.refused').count()).toBe(1);
  await page.getByRole('button', { name: 'Discard all that fit…' }).click();
  await page.getByRole('dialog').getByText('All rows, with “NEEDLE”, up to the newest shown.').waitFor();
  await opened.picture('quarantine-discard');
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('status').filter({ hasText: '1 row discarded.' }).waitFor();
  await page.getByRole('heading', { name: 'Nothing fits' }).waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.locator('.refused').nth(3).waitFor();
  expect((await rowsOf('filter-1')).map(({ code }) => code)).toEqual(['no-value']);
  expect(await opened.faults()).toEqual([]);
});

test('several are selected, replayed in the order they came and discarded together', LONG, async () => {
  await using series = await gateway.device('many-1');
  series.send('[{"n":"a","v":1,"x_":1}]');
  await series.next();
  await send('many-1', [{ n: 'a' }, { n: 'b' }]).catch(() => undefined);
  await using opened = await browser.openSignedIn(gateway, '/quarantine?device=many-1', { role: 'operator' });
  const { page } = opened;
  await page.locator('.refused').nth(2).waitFor();
  await page.getByRole('checkbox', { name: 'Select all shown' }).check();
  await page.getByText('3 selected').waitFor();
  await page.locator('.selection').getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('status').filter({ hasText: '0 stored, 3 refused again, 0 stored before.' }).waitFor();
  await page
    .getByRole('checkbox', { name: /^Select No value, many-1/ })
    .first()
    .check();
  await page
    .getByRole('checkbox', { name: /^Select No value, many-1/ })
    .nth(1)
    .check();
  await page.locator('.selection').getByRole('button', { name: 'Discard' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('heading', { name: 'Discard 2 rows?' }).waitFor();
  await dialog.getByText('From: many-1.').waitFor();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('status').filter({ hasText: '2 rows discarded.' }).waitFor();
  await expect.poll(() => page.locator('.refused').count()).toBe(1);
  expect((await rowsOf('many-1')).map(({ code }) => code)).toEqual(['must-understand']);
  expect((await opened.faults()).filter((fault) => !fault.includes('422'))).toEqual([]);
});

test('CBOR is shown as bytes and decoded, and hostile text is text', LONG, async () => {
  await using device = await gateway.device('cbor-1', { subprotocols: [SUBPROTOCOL.cbor] });
  device.send([
    { n: 'a', v: 1 },
    { n: 'b', t: -3 },
  ]);
  await device.next();
  await send('hostile-1', '{"type":"x","n":"<img src=x onerror=alert(1)>\u202e"');
  await using opened = await browser.openSignedIn(gateway, '/quarantine?device=cbor-1', { role: 'operator' });
  const { page } = opened;
  const row = page.locator('.refused').first();
  await row.getByRole('button', { name: /^No value/ }).click();
  await row.getByText('a2 61 6e 61 62 61 74 22').waitFor();
  await row.getByText('{"n": "b", "t": -3}').waitFor();
  await row.getByRole('button', { name: 'Amend…' }).click();
  expect(await page.getByRole('dialog').getByRole('textbox').inputValue()).toBe('{"n":"b","t":-3}');
  await page.keyboard.press('Escape');
  await page.getByLabel('Device', { exact: true }).selectOption('hostile-1');
  const hostile = page.locator('.refused').first();
  await hostile.getByRole('button', { name: /^Not JSON/ }).click();
  await hostile.locator('.raw-text').getByText('\\u202e').waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  expect(await opened.faults()).toEqual([]);
});

test(
  'a refused line of a serial port leads to the workbench, its rule is fixed there, and by today’s rule it is stored',
  LONG,
  async () => {
    await using plug = await plugSerial();
    const columns = [{ metric: 'temperature', unit: 'Cel' }];
    const port = { path: plug.path, device: 'mast-1', baudRate: 115_200, framing: 'line', rule: { kind: 'csv', columns } };
    const made = (await gateway.local('/v1/serial', { method: 'POST', body: port })).json();
    await expect.poll(async () => (await gateway.local('/v1/serial')).json().items[0].state, { timeout: 60_000 }).toBe('open');
    await plug.sayAll('21.5,48\r\n');
    await expect.poll(() => rowsOf('mast-1').then((rows) => rows.length), { timeout: 20_000 }).toBe(1);

    await using opened = await browser.openSignedIn(gateway, '/quarantine?device=mast-1');
    const { page } = opened;
    const row = page.locator('.refused').first();
    await row.getByText('The line has 2 fields, the rule 1 column.').waitFor();
    await row.getByRole('button', { name: /^Not the rule’s shape/ }).click();
    await row.getByRole('link', { name: 'Fix the rule' }).click();
    await page.getByText('This line is in quarantine.').waitFor();
    expect(await page.getByRole('textbox', { name: 'Bytes' }).inputValue()).toBe('21.5,48');
    await page.locator('.frame[data-outcome="no-match"]').waitFor();
    await page.getByRole('button', { name: 'Add a column' }).click();
    await page
      .getByRole('combobox', { name: 'Metric' })
      .nth(1)
      .or(page.getByRole('textbox', { name: 'Metric' }).nth(1))
      .fill('humidity');
    await page.locator('.frame[data-outcome="readings"]').waitFor();
    await opened.picture('quarantine-bench');
    await page.getByRole('button', { name: 'Use this for mast-1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Back to it in Quarantine' }).click();
    await page.getByText('By today’s rules 2 readings would be stored:').waitFor();
    await page.locator('.refused').first().getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('Stored: 2 readings.').waitFor();
    expect((await readingsOf('mast-1', 'humidity')).map(([, value]) => value)).toEqual([48]);
    // a rule that is half written is tried too, and answered with what it lacks
    expect((await opened.faults()).filter((fault) => !fault.includes('400'))).toEqual([]);
    await gateway.local(`/v1/serial/${made.id}`, { method: 'DELETE' });
  },
);

test.each([
  [1440, 'dark'],
  [360, 'light'],
] as const)('at %i px, %s, it fits, can be pressed and passes axe', LONG, async (width, scheme) => {
  await using opened = await browser.openSignedIn(gateway, '/quarantine', {
    width,
    height: width === 360 ? 780 : 900,
    scheme,
    role: 'operator',
  });
  const { page } = opened;
  await page.locator('[data-code="no-value"] .refused-toggle').first().click();
  await page.locator('.trial.is-bad, .trial.is-good').first().waitFor();
  await opened.picture('quarantine');
  expect(await opened.overhang()).toBeLessThanOrEqual(0);
  await expect.poll(() => opened.accessibilityFaults(), { timeout: 20_000 }).toEqual([]);
  if (width === 360) {
    const small = await page
      .locator('main :is(button:not(.refused-toggle), select, input[type="search"], a.btn, label:has(input))')
      .filter({ visible: true })
      .evaluateAll((elements) =>
        elements
          .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect().height] as const)
          .filter(([, height]) => height < 44),
      );
    expect(small).toEqual([]);
  }
  expect(await opened.faults()).toEqual([]);
});
