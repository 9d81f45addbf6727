// One tab on the Explore page with a hundred live series at ten thousand readings a second in all: does its heap grow, does it fall behind,
// does it stand still? Prints one JSON line; false when a figure is outside what it must be.

import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type CDPSession, type Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { rounded } from './child.ts';
import { at, longTasks, OBSERVE, traced } from './page-trace.ts';
import { option } from './ingest.ts';
import { type Server, startGatewayProcess } from './servers.ts';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const UNITS = ['Cel', 'bar', '%RH', 'V'];
const DEVICES = 10;
const FRAMES_PER_SECOND = 10;
/** At the end of each minute. */
const TRACE_MS = 6000;
/** After the page was opened and its history read. */
const WARM_UP_MS = 10_000;

const MOST = { heapGrowth: 1.1, behindMs: 1000, longTasks: 0, scriptP95Ms: 8 };

interface Behind {
  readonly behindMs: number;
  readonly readings: number;
  readonly conflated: number;
}

/** Beside the page's own listener: how old the newest reading of each message is when the page gets to it. */
const LISTEN = `globalThis.heard = { behindMs: 0, readings: 0, conflated: 0 };
  globalThis.WebSocket = class extends WebSocket {
    constructor(...all) {
      super(...all);
      this.addEventListener('message', ({ data }) => {
        if (!data.startsWith('{"type":"readings"')) return;
        const cut = data.lastIndexOf('",', data.lastIndexOf(','));
        heard.behindMs = Math.max(heard.behindMs, Date.now() - Number.parseFloat(data.slice(cut + 2)));
        heard.readings += data.split('],[').length;
        heard.conflated += Number(/"conflated":(\\d+)/.exec(data)?.[1] ?? 0);
      });
    }
  };`;
const heardSince = (page: Page): Promise<Behind> =>
  page.evaluate('(() => { const now = heard; heard = { behindMs: 0, readings: 0, conflated: 0 }; return now; })()');

export async function liveTabBench(args: readonly string[]): Promise<boolean> {
  const minutes = Number(option(args, '--minutes') ?? 10);
  const series = Number(option(args, '--series') ?? 100);
  const rate = Number(option(args, '--rate') ?? 10_000);
  const metrics = Math.ceil(series / DEVICES);
  const gateway = await startGatewayProcess({ devices: DEVICES });
  const stopFeeding = await feed(gateway, metrics, rate);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript({ content: OBSERVE });
    await page.addInitScript({ content: LISTEN });
    const query = Array.from({ length: DEVICES * metrics }, (_, i) => `s=bench-${i % DEVICES}/metric-${Math.floor(i / DEVICES)}`).join('&');
    await page.goto(`https://localhost:${gateway.port}/explore?${query}&range=5m#key=${gateway.key}`);
    await page.locator('.chart-panel[data-phase="ready"]').first().waitFor({ timeout: 60_000 });
    await wait(WARM_UP_MS);
    const tab = await context.newCDPSession(page);
    await tab.send('HeapProfiler.enable');
    await longTasks(page);
    await heardSince(page);

    const startMs = performance.now();
    const heaps: number[] = [];
    const behind: number[] = [];
    const script: number[] = [];
    const long: number[] = [];
    let longOnTheWall = 0;
    let readings = 0;
    let conflated = 0;
    let measuredMs = 0;
    for (let minute = 1; minute <= minutes; minute++) {
      const pieceMs = performance.now();
      await wait(Math.max(startMs + minute * 60_000 - TRACE_MS - performance.now(), 0));
      const heard = await heardSince(page);
      measuredMs += performance.now() - pieceMs;
      longOnTheWall += (await longTasks(page)).length;
      behind.push(heard.behindMs);
      readings += heard.readings;
      conflated += heard.conflated;
      const trace = await traced(browser, page, () => wait(TRACE_MS));
      script.push(...trace.script);
      long.push(...trace.longTasks);
      heaps.push(await heapBytes(tab));
      // collecting and tracing are long tasks of our own making
      await longTasks(page);
      await heardSince(page);
    }
    script.sort((x, y) => x - y);
    const drawn = await page.locator('.explore canvas').count();
    const base = heaps[Math.min(2, Math.ceil(minutes / 2)) - 1] as number;
    const growth = (heaps.at(-1) as number) / base;
    const figures = { heapGrowth: growth, behindMs: Math.max(...behind), longTasks: long.length, scriptP95Ms: at(script, 0.95) };
    console.log(
      JSON.stringify({
        scenario: `${DEVICES * metrics} series at ${rate} readings/s in one tab for ${minutes} min`,
        heapMiB: heaps.map((bytes) => rounded(bytes / 2 ** 20, 1)),
        heapGrowth: rounded(growth, 3),
        behindMs: behind.map((ms) => rounded(ms, 0)),
        longTasks: long.map((ms) => rounded(ms, 0)),
        // by the clock on the wall, as the page sees them: with other programs beside it they say little
        longOnTheWall,
        framesPerSecond: rounded((script.length * 1000) / TRACE_MS / minutes, 1),
        scriptMs: { p50: rounded(at(script, 0.5)), p95: rounded(at(script, 0.95)), most: rounded(at(script, 1)) },
        readingsPerSecond: rounded((readings * 1000) / measuredMs, 0),
        conflated,
        plots: drawn,
      }),
    );
    return (Object.keys(MOST) as (keyof typeof MOST)[]).every((name) => figures[name] <= MOST[name]);
  } finally {
    stopFeeding();
    await browser.close();
    await gateway.stop();
  }
}

async function heapBytes(tab: CDPSession): Promise<number> {
  await tab.send('HeapProfiler.collectGarbage');
  const { usedSize } = await tab.send('Runtime.getHeapUsage');
  return usedSize;
}

/** Ten devices, each with all metrics, ten packs a second; values wander. Resolves when the first packs are stored. */
async function feed(gateway: Server, metrics: number, rate: number): Promise<() => void> {
  const ca = readFileSync(gateway.caFile);
  const tokens = readFileSync(gateway.tokensFile, 'utf8').trim().split('\n');
  const perPack = Math.max(1, Math.round(rate / DEVICES / metrics / FRAMES_PER_SECOND));
  const stepMs = 1000 / FRAMES_PER_SECOND / perPack;
  const sockets = await Promise.all(
    tokens.map(async (token) => {
      const socket = new WebSocket(`wss://localhost:${gateway.port}/v1/device`, { ca, headers: { Authorization: `Bearer ${token}` } });
      await new Promise((resolve, reject) => {
        socket.on('open', resolve);
        socket.on('error', reject);
      });
      return socket;
    }),
  );
  const values = sockets.map((_, device) => Array.from({ length: metrics }, (_, metric) => 20 + device + 10 * metric));
  const send = (): void => {
    const nowMs = Date.now();
    for (const [device, socket] of sockets.entries()) {
      const pack: object[] = [];
      const own = values[device] as number[];
      for (let step = perPack - 1; step >= 0; step--) {
        for (let metric = 0; metric < metrics; metric++) {
          own[metric] = Math.round(((own[metric] as number) + Math.random() - 0.5) * 100) / 100;
          pack.push({ n: `metric-${metric}`, u: UNITS[metric % UNITS.length], t: (nowMs - step * stepMs) / 1000, v: own[metric] });
        }
      }
      socket.send(JSON.stringify(pack));
    }
  };
  const stored = new Promise((resolve) => sockets[0]?.once('message', resolve));
  send();
  await stored;
  const timer = setInterval(send, 1000 / FRAMES_PER_SECOND);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.terminate();
  };
}
