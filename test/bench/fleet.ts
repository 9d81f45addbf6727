// A simulated fleet against the gateway for minutes: nothing lost, and ack times beside the disk's own; with a browser on the Fleet page,
// or on one core, when asked.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { rounded } from './child.ts';
import { measureSync } from './disk.ts';
import { fleetPageBench } from './fleet-page.ts';
import { option } from './ingest.ts';
import { BENCH_FOLDER, type Server, startGatewayProcess } from './servers.ts';

const SIM = fileURLToPath(new URL('../../device-sim/main.ts', import.meta.url));

export interface Fleet {
  /** Exit code and the last line on stdout, JSON. */
  readonly ended: Promise<{ readonly code: number | null; readonly report: Record<string, unknown> }>;
}

export async function startFleet(
  gateway: Server,
  { devices, seconds, rate = 1, core }: { devices: number; seconds: number; rate?: number; core?: number },
): Promise<Fleet> {
  const post = async (target: string, body: object): Promise<string> => {
    const answer = await askSocket(socketPath(gateway.folder), { method: 'POST', target, body: JSON.stringify(body) });
    if (answer === null || answer.status >= 300) throw new Error(`${target}: ${answer?.body}`);
    return JSON.parse(answer.body).key;
  };
  const enrolFile = path.join(gateway.folder, 'enrol-key');
  const keyFile = path.join(gateway.folder, 'api-key');
  writeFileSync(enrolFile, await post('/v1/enrolments', { max: devices }), { mode: 0o600 });
  writeFileSync(keyFile, await post('/v1/keys', { name: 'fleet bench', role: 'viewer' }), { mode: 0o600 });
  const args = [
    SIM,
    'run',
    '--url',
    `wss://localhost:${gateway.port}`,
    '--ca',
    gateway.caFile,
    '--enrol-key-file',
    enrolFile,
    '--key-file',
    keyFile,
  ];
  args.push('--devices', String(devices), '--rate', String(rate), '--duration', `${seconds}s`, '--seed', '1', '--json');
  const [command, all] = core === undefined ? [process.execPath, args] : ['taskset', ['-c', String(core), process.execPath, ...args]];
  const child = spawn(command, all, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString();
  });
  const ended = new Promise<{ code: number | null; report: Record<string, unknown> }>((resolve) => {
    child.on('close', (code) => resolve({ code, report: JSON.parse(out.trim().split('\n').pop() || '{}') }));
  });
  return { ended };
}

export async function fleetBench(args: readonly string[]): Promise<boolean> {
  if (args.includes('--page')) return fleetPageBench(args);
  const isOneCore = args.includes('--one-core');
  const devices = Number(option(args, '--devices') ?? (isOneCore ? 200 : 2000));
  const seconds = Number(option(args, '--duration') ?? 300);
  const sync = measureSync(BENCH_FOLDER);
  const gateway = await startGatewayProcess({ devices: 0, ...(isOneCore && { core: 0 }) });
  const browser = args.includes('--browser') ? await openFleetPage(gateway) : null;
  const cpuBefore = gateway.child.cpuSeconds();
  const fleet = await startFleet(gateway, { devices, seconds, ...(isOneCore && { core: 0 }) });
  const { code, report } = await fleet.ended;
  const cpuSeconds = gateway.child.cpuSeconds() - cpuBefore;
  const seen = await browser?.close();
  const line = {
    scenario: `${devices} devices at 1 reading/s for ${seconds} s${isOneCore ? ' on one core' : ''}${browser === null ? '' : ' with Chromium on the Fleet page'}`,
    exit: code,
    ...sync,
    cpuShare: rounded(cpuSeconds / seconds),
    rssMiB: rounded(gateway.child.rssBytes() / 2 ** 20, 0),
    ...(seen && { browser: seen }),
    report,
  };
  await gateway.stop();
  console.log(JSON.stringify(line));
  return code === 0;
}

/** Chromium signed in and on the Fleet page, taking live readings. */
async function openFleetPage(gateway: Server & { readonly key: string }) {
  const { chromium } = await import('playwright-core');
  const profile = await mkdtemp(path.join(tmpdir(), 'fieldgate-browser-'));
  const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
    ignoreHTTPSErrors: true,
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await page.goto(`https://localhost:${gateway.port}/#key=${gateway.key}`);
  await page.waitForSelector('h1');
  return {
    async close() {
      const title = await page.locator('h1').first().textContent();
      const text = await page.locator('main').innerText();
      await context.close();
      await rm(profile, { recursive: true, force: true });
      return { title, first: text.split('\n').slice(0, 12).join(' · ') };
    },
  };
}
