// Pages of another origin: a device, a dashboard, and the device client of this project, each in a real browser.

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { bearerSubprotocol } from '../../gateway/protocol/browser-socket.ts';
import { openPlainBrowser } from '../support/browser.ts';
import { EXAMPLES, liveThrough, type RunningExample } from '../support/example-run.ts';
import { startFrameRelay } from '../support/frame-relay.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startPageServer } from '../support/page-server.ts';

const PROTOCOL = path.join(import.meta.dirname, '../../gateway/protocol');
const example = (name: string) => ({ type: 'text/html', body: readFileSync(path.join(EXAMPLES, name), 'utf8') });

/** Shows what a page prints as the lines of an example that runs, until it has said goodbye. */
function follow(page: Page): RunningExample {
  const lines: string[] = [];
  let isStopped = false;
  const over = (async () => {
    while (!isStopped && lines.at(-1) !== 'closed 1000') {
      const text = await page.locator('pre').textContent();
      lines.splice(0, lines.length, ...(text ?? '').split('\n').slice(0, -1));
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    return { code: isStopped ? null : 0, said: '' };
  })();
  return { lines, over, stop: () => void (isStopped = true) };
}

async function openPage(context: BrowserContext, url: string, fields: Readonly<Record<string, string>>): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value);
  await page.locator('button').click();
  return page;
}

test('a page of any origin is a device that loses nothing and doubles nothing', async () => {
  await using browser = await openPlainBrowser();
  await using server = await startPageServer(() => example('browser-device.html'));
  await liveThrough(async ({ url, token }) => follow(await openPage(browser.context, `${server.origin}/`, { url, token })));
});

test('a page of a listed origin shows live readings, and goes on where it was after its connection broke', async () => {
  await using browser = await openPlainBrowser();
  await using server = await startPageServer(() => example('browser-dashboard.html'));
  await using gateway = await startTestGateway({ config: { http: { origins: [server.origin] } as never } });
  await using relay = await startFrameRelay(gateway);
  await using device = await gateway.device('pump-1');
  const measure = async (value: number): Promise<void> => {
    device.send([{ n: 'pressure', u: 'bar', v: value }]);
    expect(await device.next()).toEqual({ type: 'stored', readings: 1 });
  };
  await measure(4.2);
  const page = await openPage(browser.context, `${server.origin}/`, {
    url: `wss://localhost:${relay.port}`,
    key: await gateway.key('viewer'),
  });
  const row = (text: string) => page.locator('tr', { hasText: text }).waitFor();
  await row('pump-1 pressure 4.2 at 20');
  await measure(4.3);
  await row('pump-1 pressure 4.3');
  relay.cut();
  await page.locator('#state', { hasText: 'closed 1006' }).waitFor();
  await measure(4.4);
  await row('pump-1 pressure 4.4');
  await page.locator('#state', { hasText: 'live' }).waitFor();
});

test('a page of an origin that is not listed sees nothing, whatever key it has', async () => {
  await using browser = await openPlainBrowser();
  await using server = await startPageServer(() => example('browser-dashboard.html'));
  await using gateway = await startTestGateway({ config: { http: { origins: ['https://elsewhere.example'] } as never } });
  const page = await openPage(browser.context, `${server.origin}/`, {
    url: `wss://localhost:${gateway.port}`,
    key: await gateway.key('viewer'),
  });
  await page.locator('#state', { hasText: 'closed 1006' }).waitFor();
  expect(await page.locator('tr').count()).toBe(0);
});

test('a token becomes a subprotocol that has no padding and no character of its own', () => {
  for (const secret of ['fgd_a', 'fgd_ab', 'fgd_abc', 'ÿþ?~>>'.normalize()]) {
    const offered = bearerSubprotocol(secret);
    expect(offered).toMatch(/^bearer\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(offered.slice(7), 'base64url').toString('latin1')).toBe(secret);
  }
});

/** Uses the client as it stands in the repository, without a build step. */
const CLIENT_PAGE = `<!doctype html><form><input name="url"><input name="token"><button>Go</button></form><pre></pre>
<script type="module">
import { createDeviceClient } from './protocol/device-client.ts';
import { createMemoryBuffer, makeStreamId } from './protocol/send-buffer.ts';
import { openBrowserSocket } from './protocol/browser-socket.ts';
const print = (line) => document.querySelector('pre').append(line + '\\n');
const clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) { const timer = setTimeout(run, delayMs); return { cancel: () => clearTimeout(timer) }; },
};
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  const { url, token } = event.target;
  const client = createDeviceClient({
    connect: (events) => openBrowserSocket({ url: url.value, token: token.value }, events),
    buffer: createMemoryBuffer({ stream: makeStreamId(Math.random) }),
    clock, random: () => Math.random() / 5, software: 'page 1',
    onState: ({ state }) => print(state),
    onSettled: ({ to }) => print('settled ' + to),
  });
  client.start();
  let made = 0;
  setInterval(() => made < 20 && client.send([{ n: 'count', v: ++made }]), 50);
};
</script>`;

test('the device client runs in a page, over a connection that breaks', async () => {
  await using browser = await openPlainBrowser();
  await using server = await startPageServer((name) => {
    if (name === '/') return { type: 'text/html', body: CLIENT_PAGE };
    const file = /^\/protocol\/([a-z-]+\.ts)$/.exec(name)?.[1];
    return file === undefined
      ? undefined
      : { type: 'text/javascript', body: stripTypeScriptTypes(readFileSync(path.join(PROTOCOL, file), 'utf8')) };
  });
  await using gateway = await startTestGateway();
  await using relay = await startFrameRelay(gateway);
  const token = await gateway.addDevice('page-1');
  const page = await openPage(browser.context, `${server.origin}/`, { url: `wss://localhost:${relay.port}`, token });
  const printed = async (): Promise<string[]> => ((await page.locator('pre').textContent()) ?? '').split('\n');
  await expect.poll(printed, { timeout: 20_000 }).toContain('settled 3');
  relay.cut();
  await expect.poll(printed, { timeout: 20_000 }).toContain('settled 20');
  expect((await printed()).filter((line) => line === 'online').length).toBeGreaterThanOrEqual(2);
  const { readings } = (await gateway.admin('/v1/readings?device=page-1&metric=count&from=0&to=now&limit=1000')).json();
  expect(readings.map(([, value]: [number, number]) => value)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});
