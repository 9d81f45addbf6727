// Secrets of every kind go through a whole run; afterwards none of them is found in clear in files, logs or what the system tells about
// processes. In clear: as they are, or in an encoding that anybody undoes.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { startCli } from '../support/cli-process.ts';
import { connectSocket } from '../support/socket.ts';

interface Place {
  readonly name: string;
  readonly content: Buffer;
}
interface Answer {
  readonly status: number;
  readonly cookie: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it asked for
  readonly json: any;
}

function ask(gateway: ChildGateway, method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const outgoing = httpsRequest(
      { host: 'localhost', port: gateway.port, ca: gateway.caPem, method, path, headers: { ...json, ...headers }, agent: false },
      (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const cookie = (incoming.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
          resolve({ status: incoming.statusCode ?? 0, cookie, json: text.startsWith('{') ? JSON.parse(text) : null });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const bearer = (secret: string): Record<string, string> => ({ Authorization: `Bearer ${secret}` });
const asProtocol = (secret: string): string => `bearer.${Buffer.from(secret).toString('base64url')}`;

function filesOf(folder: string): Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((name) => ({ name, content: readFileSync(name) }));
}
/** Command lines of everybody; the environment of this process and its children, which inherit it. */
function processesOf(pid: number): Place[] {
  const places: Place[] = [];
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      places.push({ name: `command line of ${id}`, content: readFileSync(`/proc/${id}/cmdline`) });
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
      if (Number(id) !== pid && Number(parent) !== pid) continue;
      places.push({ name: `environment of ${id}`, content: readFileSync(`/proc/${id}/environ`) });
      for (const fd of readdirSync(`/proc/${id}/fd`)) {
        places.push({ name: `descriptor of ${id}`, content: Buffer.from(readlinkSync(`/proc/${id}/fd/${fd}`)) });
      }
    } catch {
      // it has ended meanwhile
    }
  }
  return places;
}
function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  // base64 inside something longer begins at one of three places
  for (const pad of [1, 2])
    forms.push(
      Buffer.concat([Buffer.alloc(pad, 58), bytes])
        .toString('base64')
        .slice(4, -4),
    );
  return [...new Set(forms)].map((form) => Buffer.from(form));
}
function search(places: readonly Place[], secrets: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const [what, secret] of Object.entries(secrets)) {
    const forms = formsOf(secret);
    for (const { name, content } of places) if (forms.some((form) => content.includes(form))) found.push(`${what} in ${name}`);
  }
  return found;
}

test('no secret is found in clear in files, logs or the process list after a whole run', { timeout: 60_000 }, async () => {
  await using gateway = await startChildGateway([], { FIELDGATE_LOG__LEVEL: 'debug' });
  const origin = { Origin: `https://localhost:${gateway.port}` };
  const secrets: Record<string, string> = {};
  const password = 'Canary-Password-5b1e';
  const typo = 'Canary-Mistyped-77aa';
  const cliPassword = 'Canary-From-Stdin-c0de';

  // people: the set-up code, passwords right and wrong, cookies
  const { code } = await gateway.local('POST', '/v1/setup');
  const signIn = (body: unknown): Promise<Answer> => ask(gateway, 'POST', '/v1/session', origin, body);
  const admin = await signIn({ setupCode: code, user: 'root', password });
  expect(admin.status).toBe(200);
  expect((await signIn({ user: 'root', password: typo })).status).toBe(401);
  const again = await signIn({ user: 'root', password });
  expect(again.status).toBe(200);
  Object.assign(secrets, { code, password, typo, cookie: admin.cookie.split('=')[1], 'second cookie': again.cookie.split('=')[1] });
  await using cli = startCli(['user', 'add', 'second', '--role', 'viewer', '--data', gateway.data], { input: cliPassword });
  secrets['password from stdin'] = cliPassword;
  const whileAdding = processesOf(gateway.pid);
  expect((await cli.ended).code).toBe(0);

  // programs: keys, on every way that takes one
  const { key } = await gateway.local('POST', '/v1/keys', { name: 'Wall display', role: 'viewer' });
  secrets['key'] = key;
  expect((await ask(gateway, 'GET', '/v1/devices', bearer(key))).status).toBe(200);
  expect((await ask(gateway, 'GET', `/v1/devices?key=${key}`, {})).status).toBeGreaterThanOrEqual(400);
  const place = { port: gateway.port, caPem: gateway.caPem };
  await using live = await connectSocket({ ...place, path: '/v1/live', headers: bearer(key) });
  live.send({ type: 'subscribe', id: 'a' });
  await live.until((message) => message.type === 'snapshot');

  // devices: tokens of every origin, on every way, also where they do not belong
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'canary-1' });
  const { token: rotated } = await gateway.local('POST', '/v1/devices/canary-1/tokens', { overlapSeconds: 600 });
  const { key: enrolment } = await gateway.local('POST', '/v1/enrolments', {});
  const { token: enrolled } = (await ask(gateway, 'POST', '/v1/enrol', bearer(enrolment), { device: 'canary-2' })).json;
  const wrong = `fgd_${'w'.repeat(43)}`;
  Object.assign(secrets, { token, rotated, enrolment, enrolled, wrong });
  for (const given of [token, rotated, enrolled]) expect(typeof given).toBe('string');
  const device = { ...place, path: '/v1/device' };
  await using byHeader = await connectSocket({ ...device, headers: bearer(token) });
  byHeader.send([{ n: 'm', v: 1 }]);
  await byHeader.until((message) => message.type === 'stored');
  const basic = `Basic ${Buffer.from(`canary-1:${rotated}`).toString('base64')}`;
  await using byBasic = await connectSocket({ ...device, headers: { Authorization: basic } });
  await using byProtocol = await connectSocket({ ...device, subprotocols: ['fieldgate.v1', asProtocol(enrolled)] });
  expect(byProtocol.ws.protocol).toBe('fieldgate.v1');
  await expect(connectSocket({ ...device, path: `/v1/device?token=${token}` })).rejects.toThrow(/400/);
  await expect(connectSocket({ ...device, headers: bearer(wrong) })).rejects.toThrow(/401/);
  expect((await ask(gateway, 'POST', '/v1/readings', bearer(enrolled), [{ n: 'm', v: 2 }])).status).toBe(200);
  // a frame that is refused is kept, but not what came with its connection
  byBasic.send([{ n: 'm' }]);
  await byBasic.until((message) => message.type === 'stored');

  const others = { 'a device': 'canary-1' };
  const running = [...filesOf(gateway.data), { name: 'the log', content: Buffer.from(gateway.log) }, ...processesOf(gateway.pid)];
  expect(search(running, others).length, 'the search finds what is there').toBeGreaterThan(0);
  expect(search([...whileAdding, ...running], secrets)).toStrictEqual([]);

  await gateway.local('DELETE', '/v1/devices/canary-1/tokens');
  await gateway.kill('SIGTERM');
  await gateway.start();
  await gateway.kill('SIGTERM');
  const stopped = [...filesOf(gateway.data), { name: 'the log', content: Buffer.from(gateway.log) }];
  expect(search(stopped, others).length).toBeGreaterThan(0);
  expect(search(stopped, secrets)).toStrictEqual([]);
});
