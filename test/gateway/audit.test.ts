// The audit: every route that changes something leaves a row with who, from where, what and when; and what is written stays as it is.

import { afterAll, beforeAll, expect, test } from 'vitest';
import Database from 'better-sqlite3';
import path from 'node:path';
import { ROUTES } from '../../gateway/identity/access.ts';
import type { AuditView } from '../../gateway/protocol/rest.ts';
import { runCli } from '../support/cli-process.ts';
import { captureOf } from '../support/captures.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { startTestGateway, type TestAnswer, type TestGateway, type TestRequest } from '../support/gateway.ts';
import { openTestIdentity } from '../support/test-identity.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const own = (): Record<string, string> => ({ Host: `localhost:${gateway.port}`, Origin: `https://localhost:${gateway.port}` });
const signIn = (): Promise<TestAnswer> =>
  gateway.request('/v1/session', { method: 'POST', headers: own(), body: { user: 'ada', password: 'secret' } });
const cookieOf = (answer: TestAnswer): string => String(answer.headers['set-cookie']).split(';')[0] ?? '';
/** Two records that cannot be stored, and the numbers that they have in quarantine. */
async function quarantined(device: string): Promise<number[]> {
  await using socket = await gateway.device(device);
  socket.send([{ n: 'a' }, { n: 'b' }]);
  await socket.next();
  const { items } = (await gateway.admin(`/v1/quarantine?device=${device}`)).json();
  return items.map(({ id }: { id: number }) => id);
}
const pairingId = async (device: string): Promise<string> => {
  await gateway.local('/v1/pairing', { method: 'POST' });
  return (await gateway.request('/v1/enrol', { method: 'POST', body: { device } })).json().id;
};

/** What was made on the way, by name. */
const made: Record<string, string> = {};
type Step = readonly [route: string, act: string, ask: (send: typeof admin) => Promise<TestAnswer>];
const admin = (target: string, method: string, body?: TestRequest['body'], headers?: Record<string, string>): Promise<TestAnswer> =>
  gateway.admin(target, { method, ...(body !== undefined && { body }), ...(headers && { headers }) });
const keep = async (name: string, field: string, answer: Promise<TestAnswer>): Promise<TestAnswer> => {
  made[name] = (await answer).json()[field];
  return answer;
};
const serial = { path: '/dev/fieldgate-none', baudRate: 9600, device: 'scale', rule: { kind: 'csv', columns: [{ metric: 'weight' }] } };

const STEPS: readonly Step[] = [
  ['POST /v1/users', 'user.create', (send) => send('/v1/users', 'POST', { name: 'ada', role: 'viewer', password: 'secret' })],
  ['PATCH /v1/users/:name', 'user.role', (send) => send('/v1/users/ada', 'PATCH', { role: 'operator' })],
  ['PATCH /v1/users/:name', 'user.password', (send) => send('/v1/users/ada', 'PATCH', { password: 'secret' })],
  ['POST /v1/session', 'session.open', signIn],
  [
    'DELETE /v1/session',
    'session.close',
    async () => gateway.request('/v1/session', { method: 'DELETE', headers: { ...own(), Cookie: cookieOf(await signIn()) } }),
  ],
  ['DELETE /v1/users/:name', 'user.remove', (send) => send('/v1/users/ada', 'DELETE')],
  ['POST /v1/setup', 'setup.code', (send) => send('/v1/setup', 'POST')],
  ['POST /v1/keys', 'key.create', (send) => keep('key', 'id', send('/v1/keys', 'POST', { name: 'wall', role: 'viewer' }))],
  ['DELETE /v1/keys/:id', 'key.revoke', (send) => send(`/v1/keys/${made['key']}`, 'DELETE')],
  ['POST /v1/devices', 'device.create', (send) => send('/v1/devices', 'POST', { id: 'pump-1' })],
  ['PATCH /v1/devices/:id', 'device.update', (send) => send('/v1/devices/pump-1', 'PATCH', { label: 'Pump' })],
  ['PATCH /v1/devices/:id', 'device.suspend', (send) => send('/v1/devices/pump-1', 'PATCH', { status: 'suspended' })],
  ['PATCH /v1/devices/:id', 'device.resume', (send) => send('/v1/devices/pump-1', 'PATCH', { status: 'active' })],
  ['POST /v1/devices/:id/tokens', 'token.rotate', (send) => keep('token', 'id', send('/v1/devices/pump-1/tokens', 'POST', {}))],
  ['DELETE /v1/devices/:id/tokens/:tokenId', 'token.revoke', (send) => send(`/v1/devices/pump-1/tokens/${made['token']}`, 'DELETE')],
  ['DELETE /v1/devices/:id/tokens', 'token.revoke', (send) => send('/v1/devices/pump-1/tokens', 'DELETE')],
  [
    'POST /v1/import',
    'readings.import',
    (send) => send('/v1/import?device=pump-1', 'POST', 'time,metric,value\n2024-01-01T00:00:00Z,a,1\n', { 'Content-Type': 'text/csv' }),
  ],
  ['DELETE /v1/devices/:id', 'device.remove', (send) => send('/v1/devices/pump-1', 'DELETE')],
  ['POST /v1/enrolments', 'enrolment.create', (send) => keep('enrolment', 'id', send('/v1/enrolments', 'POST', { max: 2 }))],
  [
    'POST /v1/enrol',
    'device.enrol',
    async (send) => {
      const { key } = (await send('/v1/enrolments', 'POST', { max: 1 })).json();
      return gateway.request('/v1/enrol', { method: 'POST', headers: { Authorization: `Bearer ${key}` }, body: { device: 'enrolled' } });
    },
  ],
  ['DELETE /v1/enrolments/:id', 'enrolment.revoke', (send) => send(`/v1/enrolments/${made['enrolment']}`, 'DELETE')],
  ['POST /v1/pairing', 'pairing.open', (send) => send('/v1/pairing', 'POST')],
  ['POST /v1/pairing', 'pairing.extend', (send) => send('/v1/pairing', 'POST')],
  ['POST /v1/pairing/:id/approve', 'pairing.approve', async (send) => send(`/v1/pairing/${await pairingId('paired')}/approve`, 'POST')],
  ['DELETE /v1/pairing/:id', 'pairing.refuse', async (send) => send(`/v1/pairing/${await pairingId('refused')}`, 'DELETE')],
  ['DELETE /v1/pairing', 'pairing.close', (send) => send('/v1/pairing', 'DELETE')],
  [
    'POST /v1/quarantine/:id/replay',
    'quarantine.replay',
    async (send) => send(`/v1/quarantine/${(await quarantined('bad-1'))[0]}/replay`, 'POST', { raw: '{"n":"a","v":1}' }),
  ],
  ['DELETE /v1/quarantine/:id', 'quarantine.discard', async (send) => send(`/v1/quarantine/${(await quarantined('bad-2'))[0]}`, 'DELETE')],
  [
    'DELETE /v1/quarantine',
    'quarantine.discard',
    async (send) => {
      await quarantined('bad-3');
      return send('/v1/quarantine?device=bad-3', 'DELETE');
    },
  ],
  ['POST /v1/serial', 'serial.add', (send) => keep('port', 'id', send('/v1/serial', 'POST', serial))],
  ['PUT /v1/serial/:id', 'serial.change', (send) => send(`/v1/serial/${made['port']}`, 'PUT', { ...serial, baudRate: 4800 })],
  ['GET /v1/serial/:id/capture', 'serial.capture', (send) => send(`/v1/serial/${made['port']}/capture?seconds=1`, 'GET')],
  ['DELETE /v1/serial/:id/capture', 'serial.capture-end', (send) => send(`/v1/serial/${made['port']}/capture`, 'DELETE')],
  [
    'POST /v1/serial/replay',
    'serial.replay',
    (send) =>
      send('/v1/serial/replay?device=scale&speed=max', 'POST', captureOf([[0, '1\n']]), { 'Content-Type': 'application/octet-stream' }),
  ],
  ['DELETE /v1/serial/:id', 'serial.remove', (send) => send(`/v1/serial/${made['port']}`, 'DELETE')],
  ['PATCH /v1/settings', 'settings.change', (send) => send('/v1/settings', 'PATCH', { backup: { keep: 3 } })],
  ['POST /v1/compact', 'store.compact', (send) => send('/v1/compact', 'POST')],
  ['POST /v1/verify', 'store.verify', (send) => send('/v1/verify', 'POST')],
  ['POST /v1/backups', 'store.backup', (send) => send('/v1/backups', 'POST')],
  ['POST /v1/demo', 'demo.start', (send) => send('/v1/demo', 'POST')],
  ['DELETE /v1/demo', 'demo.remove', (send) => send('/v1/demo', 'DELETE')],
];
/** Ask by POST, and change nothing. */
const HARMLESS = ['POST /v1/serial/try', 'POST /v1/settings/try', 'POST /v1/quarantine/:id/try'];

test('every route that changes something is among the steps below', () => {
  const writes = ROUTES.filter(({ method, role }) => !['GET', 'UPGRADE', 'EVENTS'].includes(method) && role !== 'device');
  const known = new Set([...STEPS.map(([route]) => route), ...HARMLESS]);
  expect(writes.map(({ method, path: at }) => `${method} ${at}`).filter((route) => !known.has(route))).toEqual([]);
});

const rowsSince = async (id: number): Promise<AuditView[]> =>
  ((await gateway.local('/v1/audit?limit=50')).json().items as AuditView[]).filter((row) => row.id > id);
const newest = async (): Promise<number> => (await gateway.local('/v1/audit?limit=1')).json().items[0]?.id ?? 0;

test.each(STEPS)(
  '%s leaves %s in the audit, with who and from where',
  async (_, act, ask) => {
    await gateway.key('admin');
    const before = await newest();
    const startedMs = Date.now();
    const answer = await ask(admin);
    // 404, 409: there is nothing to capture; that it was asked for is on record all the same
    expect([200, 201, 202, 204, 404, 409], answer.text).toContain(answer.status);
    const row = (await rowsSince(before)).find((one) => one.act === act);
    expect(row, JSON.stringify(await rowsSince(before))).toBeDefined();
    expect(row?.address).toBe('127.0.0.1');
    expect(row?.actor).toMatch(/^(key test admin|ada|enrolment [0-9a-f]+)$/);
    expect(row?.atMs).toBeGreaterThanOrEqual(startedMs - 1);
  },
  60_000,
);

test('a sign-in and a set-up that are refused are in the audit, at most one of each a second, with the name as it was tried', async () => {
  await using under = await openTestIdentity();
  const tried = (user: string) => under.identity.sessions.signIn({ user, password: 'wrong' }, '192.0.2.7');
  await tried('eve\u202e\n');
  await tried('mallory');
  await under.identity.setup.complete({ code: 'AAAA', user: 'eve', password: 'x' }, '192.0.2.8');
  await expect
    .poll(async () =>
      (await under.registry.audit({ limit: 10 })).items.map(({ act, actor, target, address }) => [act, actor, target, address]),
    )
    .toEqual([
      ['setup.refuse', 'nobody', '', '192.0.2.8'],
      ['session.refuse', 'nobody', 'eve?', '192.0.2.7'],
    ]);
});

test('what the command line does is in the audit as done locally, with a gateway and without one', async () => {
  await using child = await startChildGateway();
  const run = async (...args: string[]): Promise<void> => {
    const ran = await runCli([...args, '--data', child.data]);
    expect(ran.code, ran.stderr).toBe(0);
  };
  await run('device', 'add', 'pump-1');
  await run('key', 'add', 'wall', '--role', 'viewer');
  await child.kill('SIGTERM');
  await run('device', 'remove', 'pump-1');
  await child.start();
  const { items } = (await child.local('GET', '/v1/audit')) as { items: AuditView[] };
  expect(items.map(({ act, actor, address }) => [act, actor, address])).toEqual([
    ['device.remove', 'local', 'local'],
    ['key.create', 'local', 'local'],
    ['device.create', 'local', 'local'],
  ]);
}, 120_000);

test('rows are never changed, replaced or deleted before their time, whoever has the file open', async () => {
  await using own = await startTestGateway();
  await own.addDevice('pump-1');
  const file = new Database(path.join(own.data, 'registry.db'));
  try {
    for (const sql of [
      "UPDATE audit SET actor = 'nobody'",
      'UPDATE audit SET address = NULL WHERE id = 1',
      'DELETE FROM audit',
      'DELETE FROM audit WHERE id = 1',
      "INSERT OR REPLACE INTO audit (id, at_ms, actor, act, target, detail) VALUES (1, 0, '', '', '', '')",
      "REPLACE INTO audit (id, at_ms, actor, act, target, detail) SELECT id, at_ms, '', act, target, detail FROM audit",
    ])
      expect(() => file.exec(sql), sql).toThrow(/audit rows/);
    const row = file.prepare('SELECT at_ms AS atMs FROM audit ORDER BY id DESC').get() as { atMs: number };
    // the bounds are in the table: what is older than 90 days, and what is beyond a million rows, may go
    const old = file.prepare('INSERT INTO audit (id, at_ms, actor, act, target, detail) VALUES (?, ?, ?, ?, ?, ?)');
    old.run(2_000_000, row.atMs - 91 * 86_400_000, 'ada', 'old', '', '');
    old.run(2_000_001, row.atMs, 'ada', 'new', '', '');
    expect(file.prepare('DELETE FROM audit WHERE id <= 2000000').run().changes).toBe(2);
    expect(file.prepare('SELECT act FROM audit').all()).toEqual([{ act: 'new' }]);
  } finally {
    file.close();
  }
});
