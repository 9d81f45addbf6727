// What docs/protocol.md shows for curl, as it stands there: the live feed as server-sent events, and a device that gets its first token.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/** The blocks of shell under a heading, with this gateway in the place of the one they name. */
async function blocksUnder(heading: string, { port }: TestGateway): Promise<string[]> {
  const text = await readFile(path.join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
  const from = text.indexOf(`### ${heading}\n`);
  const chapter = text.slice(from, text.indexOf('\n## ', from));
  expect(from).toBeGreaterThan(0);
  return [...chapter.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block.replace('GATEWAY:8443', `localhost:${port}`));
}

async function inFolder(gateway: TestGateway, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-example-'));
  try {
    await writeFile(path.join(folder, 'ca.crt'), gateway.caPem);
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
function start(script: string, cwd: string, env: Record<string, string> = {}) {
  const child = spawn('sh', ['-ec', `exec ${script}`], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  const over = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(out));
  });
  return { read: () => out, over, stop: () => child.kill('SIGKILL') };
}

test('the example for server-sent events shows what is stored from then on, and where it can go on', { timeout: 60_000 }, async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  const [script = ''] = await blocksUnder('The same as server-sent events', gateway);
  await inFolder(gateway, async (folder) => {
    const curl = start(script, folder, { KEY: await gateway.key('viewer') });
    try {
      await expect.poll(curl.read, { timeout: 20_000 }).toContain('"snapshot"');
      device.send([
        { n: 'temperature', u: 'Cel', v: 21.5 },
        { n: 'pressure', u: 'bar', v: 3 },
      ]);
      await expect.poll(curl.read, { timeout: 20_000 }).toContain('"readings"');
    } finally {
      curl.stop();
    }
    const blocks = (await curl.over).trim().split('\n\n');
    expect(blocks[0]).toBe('retry: 2000');
    const [, id, data = ''] = /^id: (\S+)\ndata: (.*)$/.exec(blocks[2] ?? '') ?? [];
    const message = JSON.parse(data);
    expect(message).toEqual({
      type: 'readings',
      id: 'live',
      cursor: id,
      readings: [['pump-1', 'temperature', expect.any(Number), 21.5]],
      conflated: 0,
    });
  });
});

test('a device that has nothing but curl asks for a token, waits, and stores a reading with it', { timeout: 60_000 }, async () => {
  await using gateway = await startTestGateway();
  const [ask = '', poll = ''] = await blocksUnder('A token for a device that has none', gateway);
  await inFolder(gateway, async (folder) => {
    expect(JSON.parse(await start(ask, folder).over)).toMatchObject({ code: 'unauthorized' });
    await gateway.admin('/v1/pairing', { method: 'POST' });
    const asked = JSON.parse(await start(ask, folder).over);
    expect(asked).toEqual({ request: expect.stringMatching(/^fgp_/), pollSeconds: 2, id: expect.stringMatching(/^[2-9A-Z]{4}$/) });
    const again = async () => JSON.parse(await start(poll, folder, { REQUEST: asked.request }).over);
    expect(await again()).toEqual({ pollSeconds: 2 });
    await gateway.admin(`/v1/pairing/${asked.id}/approve`, { method: 'POST' });
    const { token } = await again();
    expect(await again()).toMatchObject({ code: 'gone' });
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const stored = await gateway.request('/v1/readings', { method: 'POST', headers, body: '[{"n":"level","v":1}]' });
    expect(stored.json()).toEqual({ stored: 1, errors: [] });
  });
});
