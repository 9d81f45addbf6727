// fieldgate demo as a person runs it: what it shows, what it tells to try, and what is left when it is over.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { DeviceView, List } from '../../gateway/protocol/rest.ts';
import { type RunningCli, startCli } from '../support/cli-process.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

interface Opened {
  readonly folder: string;
  /** The processes of the fleet. */
  readonly children: readonly number[];
  get<T>(path: string): Promise<T>;
}

async function openDemo(demo: RunningCli): Promise<Opened> {
  const [, url = '', key = ''] = await demo.until('stdout', /^ +(https:\/\/localhost:\d+)\/#key=(fgk_[A-Za-z0-9_-]{43})$/m);
  const [ca = ''] = await demo.until('stdout', /\S+\/tls\/ca\.crt/);
  const pem = readFileSync(ca, 'utf8');
  const pid = demo.process.pid ?? 0;
  return {
    folder: ca.replace(/\/data\/tls\/ca\.crt$/, ''),
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number),
    get: <T>(target: string) =>
      new Promise<T>((resolve, reject) => {
        const ask = request(`${url}${target}`, { ca: pem, headers: { authorization: `Bearer ${key}` } }, (response) => {
          let body = '';
          response.on('data', (part: Buffer) => (body += part.toString()));
          response.on('end', () => resolve(JSON.parse(body) as T));
        });
        ask.on('error', reject);
        ask.end();
      }),
  };
}

test('the demo shows a fleet with names and six hours behind it, and Ctrl-C leaves nothing behind', async () => {
  await using demo = startCli(['demo', '--port', '0', '--devices', '9']);
  const { folder, children, get } = await openDemo(demo);
  let items: readonly DeviceView[] = [];
  // online comes first, the history a moment later, each device in its own time
  const isWhole = async (): Promise<boolean> => {
    ({ items } = await get<List<DeviceView>>('/v1/devices'));
    return items.filter(({ online, latest }) => online && Object.keys(latest).length > 1).length === 9;
  };
  await vi.waitUntil(isWhole, { timeout: 20_000, interval: 100 });
  expect(items).toHaveLength(9);
  for (const { label, tags, latest } of items) {
    expect(label).not.toBe('');
    expect(tags.some((tag) => tag.startsWith('site:'))).toBe(true);
    expect(tags.includes('battery')).toBe('battery' in latest);
  }
  expect(new Set(items.map(({ label }) => label)).size).toBe(9);
  expect(items.filter(({ expectEverySeconds }) => expectEverySeconds !== null).map(({ id }) => id)).toEqual(['weather-mast']);
  const metricsOf = (id: string) => Object.keys(items.find((device) => device.id === id)?.latest ?? {}).sort();
  expect(metricsOf('weather-mast')).toEqual(['battery', 'temperature']);
  expect(metricsOf('tractor-2')).toEqual(['state', 'temperature', 'vibration']);
  const [first = items[0]!] = items.filter(({ id }) => id === 'sim-0001');
  const [metric = ''] = Object.keys(first.latest);
  const history = `/v1/readings?device=sim-0001&metric=${metric}&from=now-7h&to=now&limit=5000`;
  const hasHistory = async (): Promise<boolean> => (await get<{ readings: unknown[] }>(history)).readings.length > 355;
  await vi.waitUntil(hasHistory, { timeout: 20_000, interval: 100 });

  expect(children.length).toBe(3);
  demo.process.kill('SIGINT');
  const { code, stdout, stderr } = await demo.ended;
  expect(stderr).not.toContain('have ended');
  expect(code).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(children.filter(isAlive)).toEqual([]);
  const lines = [...stdout.split('\n'), ...stderr.split('\n')].filter((line) => line.trim() !== '');
  expect(new Set(lines).size).toBe(lines.length);
});

test('each step that the demo prints can be copied into a shell and works', async () => {
  await using demo = startCli(['demo', '--port', '0', '--devices', '2'], { cwd: ROOT });
  const { get } = await openDemo(demo);
  await demo.until('stdout', /Ctrl-C ends it/);
  const { stdout } = demo;
  const steps = stdout.split(/^ {2}\d\. .*\n/m).slice(1, 4);
  expect(steps).toHaveLength(3);
  const shell = (script: string) => run('sh', ['-ec', script], { cwd: ROOT });
  expect((await shell(steps[0]!)).stdout).toContain('{"stored":1,"errors":[]}');
  expect((await get<DeviceView>('/v1/devices/my-first')).latest['temperature']?.[1]).toBe(21.5);
  const [suspend = '', resume = ''] = steps[1]!.trim().split('\n');
  await shell(suspend);
  expect((await get<DeviceView>('/v1/devices/sim-0001')).status).toBe('suspended');
  await shell(resume);
  expect((await get<DeviceView>('/v1/devices/sim-0001')).status).toBe('active');
  expect((await shell(steps[2]!.split('\n')[0]!)).stdout).toContain('sim-0002');
  demo.process.kill('SIGINT');
  expect((await demo.ended).code).toBe(0);
});

test.each(['SIGTERM', 'SIGHUP'] as const)('a demo whose terminal or supervisor says %s leaves nothing behind, either', async (signal) => {
  await using demo = startCli(['demo', '--port', '0', '--devices', '2']);
  const { folder, children } = await openDemo(demo);
  demo.process.kill(signal);
  expect((await demo.ended).code).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(children.filter(isAlive)).toEqual([]);
});

test('Ctrl-C twice ends the demo at once, and leaves nothing behind all the same', async () => {
  await using demo = startCli(['demo', '--port', '0', '--devices', '2']);
  const { folder, children } = await openDemo(demo);
  demo.process.kill('SIGINT');
  demo.process.kill('SIGINT');
  await demo.ended;
  expect(existsSync(folder)).toBe(false);
  await vi.waitUntil(() => !children.some(isAlive), { timeout: 5_000, interval: 20 });
});
