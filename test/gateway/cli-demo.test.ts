import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { expect, test, vi } from 'vitest';
import { startCli } from '../support/cli-process.ts';

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function getJson(url: string, options: { ca: string; key: string }): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ask = request(url, { ca: options.ca, headers: { authorization: `Bearer ${options.key}` } }, (response) => {
      let body = '';
      response.on('data', (part: Buffer) => (body += part.toString()));
      response.on('end', () => resolve(JSON.parse(body) as Record<string, unknown>));
    });
    ask.on('error', reject);
    ask.end();
  });
}

test('the demo shows a living fleet behind a one-time login, and Ctrl-C leaves nothing behind', async () => {
  await using demo = startCli(['demo', '--port', '0', '--devices', '3']);
  const [, url = '', key = ''] = await demo.until('stdout', /^ +(https:\/\/localhost:\d+)\/#key=(fgk_[A-Za-z0-9_-]{43})$/m);
  const [ca = ''] = await demo.until('stdout', /\S+\/tls\/ca\.crt/);
  const folder = ca.replace(/\/data\/tls\/ca\.crt$/, '');
  const pem = readFileSync(ca, 'utf8');
  const pid = demo.process.pid ?? 0;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(children.length).toBeGreaterThan(0);
  const isLively = async (): Promise<boolean> => {
    const { online, readings } = await getJson(`${url}/v1/stats`, { ca: pem, key });
    return online === 3 && Number(readings) > 3;
  };
  await vi.waitUntil(isLively, { timeout: 20_000, interval: 100 });
  demo.process.kill('SIGINT');
  const { code, stderr } = await demo.ended;
  expect(stderr).not.toContain('the simulated fleet has ended');
  expect(code).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(children.filter(isAlive)).toEqual([]);
});
