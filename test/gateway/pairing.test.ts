// Pairing through the wire: a device without a key asks while somebody holds the window open, and a person says yes or no.

import { request as httpsRequest } from 'node:https';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PairingAsked, PairingRequestView, PairingView } from '../../gateway/protocol/rest.ts';
import { type ApiHouse, type Asked, openApiHouse } from '../support/api-house.ts';
import { startTestGateway } from '../support/gateway.ts';
import { runCli } from '../support/cli-process.ts';
import { startChildGateway } from '../support/child-gateway.ts';

const WINDOW_MS = 300_000;
let house: ApiHouse;
beforeEach(async () => {
  house = await openApiHouse({
    config: { http: { host: '127.0.0.1', port: 0, publicUrl: '', origins: [], trustedProxies: ['127.0.0.1'] } },
  });
});
afterEach(() => house[Symbol.asyncDispose]());

/** A device at this address; the house trusts the proxy that says so. */
const from = (address: string) => ({ 'x-forwarded-for': address });
const ask = (device: string, address = '192.0.2.1', at = house): Promise<Asked> =>
  at.ask('POST', '/v1/enrol', { as: 'nobody', json: { device }, headers: from(address) });
const poll = (request: string, address = '192.0.2.1'): Promise<Asked> =>
  house.ask('GET', `/v1/enrol/${request}`, { as: 'nobody', headers: from(address) });
const open = (): Promise<Asked> => house.ask('POST', '/v1/pairing', { as: 'operator' });
const view = async (): Promise<PairingView> => (await house.ask('GET', '/v1/pairing', { as: 'operator' })).json;
const approve = (id: string): Promise<Asked> => house.ask('POST', `/v1/pairing/${id}/approve`, { as: 'operator' });
const asked = async (device: string, address?: string): Promise<PairingAsked> => {
  const answer = await ask(device, address);
  expect(answer.status, answer.text).toBe(202);
  return answer.json;
};
const codeOf = ({ status, json }: Asked): string => (status < 400 ? String(status) : `${status} ${json.code}`);
const tokenOf = async (request: string): Promise<string> => {
  const answer = await poll(request);
  expect(answer.status, answer.text).toBe(200);
  return answer.json.token;
};
const stored = (token: string): Promise<Asked> =>
  house.ask('POST', '/v1/readings', { json: [{ n: 'a', v: 1 }], headers: { authorization: `Bearer ${token}` } });

test('without an open window a device that has no key gets the 401 that everybody gets, byte for byte', async () => {
  const never = await ask('pump-7');
  const wrong = await house.ask('POST', '/v1/enrol', {
    as: 'nobody',
    json: { device: 'pump-7' },
    headers: { authorization: 'Bearer fge_x' },
  });
  expect([never.status, never.text, never.headers.get('www-authenticate')]).toEqual([401, wrong.text, 'Bearer']);
  await open();
  await house.ask('DELETE', '/v1/pairing', { as: 'operator' });
  const after = await ask('pump-7');
  expect([after.status, after.text]).toEqual([401, never.text]);
  expect(await view()).toEqual({ openUntil: null, items: [] });
});

test('a device asks, a person compares what both show and approves, and the device gets its token once', async () => {
  const opened = (await open()).json as PairingView;
  expect(Date.parse(opened.openUntil ?? '') - Date.now()).toBeGreaterThan(WINDOW_MS - 20_000);
  const { request, pollSeconds, id } = await asked('pump-7');
  expect([pollSeconds, id]).toEqual([2, expect.stringMatching(/^[2-9A-Z]{4}$/)]);
  expect(request).toMatch(/^fgp_[A-Za-z0-9_-]{43}$/);
  const waits = await poll(request);
  expect([waits.status, waits.json, waits.headers.get('retry-after')]).toEqual([202, { pollSeconds: 2 }, '2']);
  const [seen] = (await view()).items;
  expect(seen).toEqual({ id, device: 'pump-7', address: '192.0.2.1', askedAt: expect.any(String), state: 'pending' });
  expect(JSON.stringify(seen)).not.toContain(request);
  expect(house.deps.identity.devices.get('pump-7')).toBeUndefined();

  expect((await approve(id)).json).toMatchObject({ id, state: 'approved' });
  expect((await house.ask('GET', '/v1/devices/pump-7')).status).toBe(200);
  const token = await tokenOf(request);
  expect(codeOf(await poll(request))).toBe('410 gone');
  expect((await stored(token)).json).toMatchObject({ stored: 1 });
  expect((await view()).items).toMatchObject([{ id, state: 'fetched' }]);
});

test('approving twice makes one device with one token', async () => {
  await open();
  const { request, id } = await asked('pump-7');
  const answers = await Promise.all([approve(id), approve(id), approve(id)]);
  expect(answers.map(codeOf)).toEqual(['200', '200', '200']);
  expect(house.deps.identity.devices.tokens('pump-7')).toHaveLength(1);
  await tokenOf(request);
  expect((await approve(id)).json).toMatchObject({ state: 'fetched' });
  expect(codeOf(await poll(request))).toBe('410 gone');
});

test('the window ends by itself: who waits is told so, and nobody may ask any more', async () => {
  await open();
  const { request, id } = await asked('pump-7');
  house.test.clock.aheadMs += WINDOW_MS - 1000;
  expect((await poll(request)).status).toBe(202);
  await open(); // held open: the time begins anew
  house.test.clock.aheadMs += WINDOW_MS - 1000;
  expect((await poll(request)).status).toBe(202);
  house.test.clock.aheadMs += 1001;
  expect(codeOf(await poll(request))).toBe('410 gone');
  expect(await view()).toEqual({ openUntil: null, items: [] });
  expect(codeOf(await approve(id))).toBe('404 not-found');
  expect((await ask('pump-8')).status).toBe(401);
});

test('the 21st that waits is told to come back, and has a place when one is free', async () => {
  await open();
  const first = await asked('d-0', '192.0.2.100');
  for (let i = 1; i < 20; i++) await asked(`d-${i}`, `192.0.2.${100 + i}`);
  const full = await ask('d-20', '192.0.2.120');
  expect(codeOf(full)).toBe('503 busy');
  expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await house.ask('DELETE', `/v1/pairing/${first.id}`, { as: 'operator' })).status).toBe(204);
  await asked('d-20', '192.0.2.120');
  expect((await view()).items).toHaveLength(20);
});

test('one address that asks and asks is slowed down, and the others are not', async () => {
  await open();
  for (let i = 0; i < 20; i++) expect((await ask('pump-7', '192.0.2.9')).status).toBe(202);
  const slowed = await ask('pump-7', '192.0.2.9');
  expect([slowed.status, slowed.json.code]).toEqual([429, 'too-many-asks']);
  expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0);
  await asked('pump-8', '192.0.2.10');
  // it asked for one thing, and has one place
  expect((await view()).items.map(({ device }) => device)).toEqual(['pump-7', 'pump-8']);
});

test('a request that was overheard is worth nothing at another address, and stays good at its own', async () => {
  await open();
  const { request, id } = await asked('pump-7');
  expect(codeOf(await poll(request, '192.0.2.66'))).toBe('410 gone');
  await approve(id);
  expect(codeOf(await poll(request, '192.0.2.66'))).toBe('410 gone');
  expect(codeOf(await poll(id))).toBe('410 gone');
  expect((await stored(await tokenOf(request))).status).toBe(200);
});

test('who guesses requests is throttled like any stranger, and a device that waits is not', async () => {
  await open();
  const { request } = await asked('pump-7');
  for (let i = 0; i < 20; i++) expect(codeOf(await poll(`fgp_${'A'.repeat(43)}`))).toBe('410 gone');
  expect(codeOf(await poll(`fgp_${'A'.repeat(43)}`))).toBe('429 too-many-failures');
  expect((await poll(request)).status).toBe(202);
});

test('who is refused is told so, and there is nothing left to approve', async () => {
  await open();
  const { request, id } = await asked('pump-7');
  expect((await house.ask('DELETE', `/v1/pairing/${id}`, { as: 'operator' })).status).toBe(204);
  expect(codeOf(await poll(request))).toBe('410 gone');
  expect(codeOf(await approve(id))).toBe('404 not-found');
  expect(codeOf(await house.ask('DELETE', `/v1/pairing/${id}`, { as: 'operator' }))).toBe('404 not-found');
  expect(house.deps.identity.devices.get('pump-7')).toBeUndefined();
});

test('an id that exists is refused, when it is asked for and when it was made meanwhile', async () => {
  await open();
  expect(codeOf(await ask(house.device))).toBe('409 exists');
  expect(codeOf(await ask('no id'))).toBe('422 invalid');
  const { request, id } = await asked('pump-7');
  await house.ask('POST', '/v1/devices', { json: { id: 'pump-7' } });
  expect(codeOf(await approve(id))).toBe('409 exists');
  expect(codeOf(await poll(request))).toBe('410 gone');
});

test('a device that was switched off and on asks anew; its older request is over', async () => {
  await open();
  const before = await asked('pump-7');
  const after = await asked('pump-7');
  expect(codeOf(await poll(before.request))).toBe('410 gone');
  expect((await view()).items.map(({ id }) => id)).toEqual([after.id]);
});

test('two that claim one id are both shown, and the one that is not approved is refused', async () => {
  await open();
  const honest = await asked('pump-7', '192.0.2.1');
  const other = await asked('pump-7', '192.0.2.66');
  expect((await view()).items.map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.66']);
  await approve(honest.id);
  expect(codeOf(await poll(other.request, '192.0.2.66'))).toBe('410 gone');
  expect((await poll(honest.request)).status).toBe(200);
});

test('a token that nobody fetches is revoked, and one whose device was removed is not given out', async () => {
  await open();
  const slow = await asked('slow');
  await approve(slow.id);
  house.test.clock.aheadMs += WINDOW_MS + 1;
  expect(codeOf(await poll(slow.request))).toBe('410 gone');
  await expect.poll(() => house.deps.identity.devices.tokens('slow'), { timeout: 10_000 }).toEqual([]);
  expect(house.deps.identity.devices.get('slow')).toBeDefined();
  await open();
  const removed = await asked('removed');
  await approve(removed.id);
  await house.ask('DELETE', '/v1/devices/removed');
  expect(codeOf(await poll(removed.request))).toBe('410 gone');
});

test('while the window is open a key goes on counting as a key, and a wrong one as a wrong one', async () => {
  await open();
  const { key } = (await house.ask('POST', '/v1/enrolments', { json: { max: 1 } })).json;
  const withKey = (secret: string) =>
    house.ask('POST', '/v1/enrol', { as: 'nobody', json: { device: 'keyed' }, headers: { authorization: `Bearer ${secret}` } });
  expect((await withKey('fge_wrong')).status).toBe(401);
  expect((await withKey(key)).status).toBe(201);
});

test('every step is in the audit with who and from where, and what follows reaches open consoles and the events', async () => {
  await using gateway = await startTestGateway();
  const operator = { Authorization: `Bearer ${await gateway.key('operator')}` };
  const act = (method: string, target: string) => gateway.request(target, { method, headers: operator });
  await using console = await gateway.live({ headers: operator });
  await using wall = await gateway.live();
  await act('POST', '/v1/pairing');
  expect(await console.next()).toEqual({ type: 'pairing', openUntilMs: expect.any(Number), pending: 0 });
  const { request, id } = (await gateway.request('/v1/enrol', { method: 'POST', body: { device: 'pump-7' } })).json();
  expect(await console.next()).toMatchObject({ type: 'pairing', pending: 1 });
  await act('POST', `/v1/pairing/${id}/approve`);
  expect(await console.next()).toMatchObject({ type: 'pairing', pending: 0 });
  const { token } = (await gateway.request(`/v1/enrol/${request}`)).json();
  expect(await console.next()).toMatchObject({ type: 'pairing', pending: 0 });
  const { id: refused } = (await gateway.request('/v1/enrol', { method: 'POST', body: { device: 'pump-8' } })).json();
  await act('DELETE', `/v1/pairing/${refused}`);
  await gateway.request('/v1/enrol', { method: 'POST', body: { device: 'pump-9' } });
  await act('DELETE', '/v1/pairing');
  await console.until((message) => message.type === 'pairing' && message.openUntilMs === null && message.pending === 0);
  // a viewer may not see who asks, over HTTP or live
  wall.send({ type: 'subscribe', id: 'a', metrics: ['none'] });
  expect(await wall.next()).toMatchObject({ type: 'snapshot' });
  expect((await gateway.request('/v1/pairing', { headers: { Authorization: `Bearer ${await gateway.key('viewer')}` } })).status).toBe(403);

  const rows = (await gateway.admin('/v1/audit?limit=100')).json().items.filter((row: { act: string }) => row.act.startsWith('pairing.'));
  const shown = rows.map((row: { act: string; actor: string; target: string; address: string }) => [
    row.act,
    row.actor,
    row.target,
    row.address,
  ]);
  expect(shown.reverse()).toEqual([
    ['pairing.open', 'key test operator', '', '127.0.0.1'],
    ['pairing.ask', 'device pump-7', 'pump-7', '127.0.0.1'],
    ['pairing.approve', 'key test operator', 'pump-7', '127.0.0.1'],
    ['pairing.fetch', 'device pump-7', 'pump-7', '127.0.0.1'],
    ['pairing.ask', 'device pump-8', 'pump-8', '127.0.0.1'],
    ['pairing.refuse', 'key test operator', 'pump-8', '127.0.0.1'],
    ['pairing.ask', 'device pump-9', 'pump-9', '127.0.0.1'],
    ['pairing.close', 'key test operator', '', '127.0.0.1'],
    ['pairing.expire', 'gateway', 'pump-9', ''],
  ]);
  expect(JSON.stringify(rows)).not.toContain(request);
  expect(JSON.stringify(rows)).not.toContain(token);
  const events = async (): Promise<string[]> =>
    (await gateway.admin('/v1/events?limit=100'))
      .json()
      .items.flatMap(({ type, reason, device }: { type: string; reason: string; device: string | null }) =>
        type === 'pairing' ? [`${reason} ${device ?? ''}`.trim()] : [],
      );
  await expect
    .poll(async () => (await events()).reverse(), { timeout: 10_000 })
    .toEqual([
      'opened',
      'asked pump-7',
      'approved pump-7',
      'fetched pump-7',
      'asked pump-8',
      'refused pump-8',
      'asked pump-9',
      'closed',
      'expired pump-9',
    ]);
});

test('a restart closes the window and forgets who asked', async () => {
  await using gateway = await startTestGateway();
  await gateway.admin('/v1/pairing', { method: 'POST' });
  const { request } = (await gateway.request('/v1/enrol', { method: 'POST', body: { device: 'pump-7' } })).json();
  await gateway.restart();
  expect((await gateway.request(`/v1/enrol/${request}`)).status).toBe(410);
  expect((await gateway.admin('/v1/pairing')).json()).toEqual({ openUntil: null, items: [] });
});

test('the command line opens the window, shows who asks, approves, refuses and closes', async () => {
  await using child = await startChildGateway();
  const enrol = (device: string) =>
    new Promise<PairingAsked>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: child.port, path: '/v1/enrol', method: 'POST', ca: child.caPem, servername: 'localhost' };
      const request = httpsRequest({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
        response.toArray().then((parts) => resolve(JSON.parse(parts.join(''))), reject);
      });
      request.on('error', reject);
      request.end(JSON.stringify({ device }));
    });
  const run = async (...args: string[]) => {
    const ran = await runCli(['enrol', ...args, '--data', child.data]);
    expect(ran.code, ran.stderr).toBe(0);
    return ran;
  };
  expect((await run('open')).stderr).toMatch(/devices may ask for a token until/);
  const { id } = await enrol('pump-7');
  const other = await enrol('pump-8');
  expect((await run('pending')).stdout).toMatch(new RegExp(`${id} +pump-7 +127\\.0\\.0\\.1 +pending`));
  await run('approve', id);
  await run('refuse', other.id);
  const items = JSON.parse((await run('pending', '--json')).stdout) as PairingRequestView[];
  expect(items).toMatchObject([{ id, device: 'pump-7', state: 'approved' }]);
  await run('close');
  const gone = await runCli(['enrol', 'approve', other.id, '--data', child.data]);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('Nobody waits for an answer')]);
}, 120_000);
