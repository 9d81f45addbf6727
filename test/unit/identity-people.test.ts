import { expect, test } from 'vitest';
import type { CredentialEnd } from '../../gateway/identity/identity.ts';
import { granted, openTestIdentity, secretOf } from '../support/test-identity.ts';

const HOME = '192.0.2.1';

test('a password signs in, the session survives a restart, and signing out ends it', async () => {
  await using under = await openTestIdentity();
  granted(await under.identity.users.create('ada', 'operator', 'lovelace', 'local'));
  const { row, secret } = granted(await under.identity.sessions.signIn({ user: ' ADA ', password: 'lovelace' }, HOME));
  expect(row).toMatchObject({ kind: 'user', name: 'ada', role: 'operator' });
  await under.restart();
  expect(under.identity.credentials.session(secret)).toEqual(row);
  const heard: CredentialEnd[] = [];
  under.identity.onEnd((end) => heard.push(end));
  await under.identity.sessions.signOut('sessionId' in row ? (row.sessionId ?? '') : '');
  expect(under.identity.credentials.session(secret)).toBeNull();
  expect(heard).toMatchObject([{ what: 'session', reason: 'signed-out' }]);
  expect(JSON.stringify(await under.registry.load())).not.toContain('lovelace');
});

test('A14 a password over 1 KiB is 400, an empty or wrong one 401, and two spellings of one letter are the same', async () => {
  await using under = await openTestIdentity();
  granted(await under.identity.users.create('ada', 'viewer', 'caf\u00e9\u0000', 'local'));
  const signIn = (password: string) => under.identity.sessions.signIn({ user: 'ada', password }, HOME);
  expect(await signIn('x'.repeat(1_000_000))).toMatchObject({ refused: 'bad-request' });
  expect(await signIn('')).toEqual({ refused: 'unauthorized' });
  expect(await signIn('caf\u00e9')).toEqual({ refused: 'unauthorized' });
  expect(await signIn('cafe\u0301\u0000')).toMatchObject({ row: { name: 'ada' } });
  expect(await under.identity.users.create('eve', 'viewer', 'x'.repeat(1025), 'local')).toMatchObject({ refused: 'bad-request' });
  expect(await under.identity.users.create('eve', 'viewer', '', 'local')).toMatchObject({ refused: 'invalid' });
});

test('A15 names that only look different from a user’s sign in as that user, and make no second one', async () => {
  await using under = await openTestIdentity();
  const { users, sessions } = under.identity;
  granted(await users.create('admin', 'admin', 'secret', 'local'));
  for (const name of ['admin ', 'ADMIN', '#', '__proto__', 'constructor ', 'a b']) {
    expect(await users.create(name, 'admin', 'other', 'local'), name).toMatchObject({ refused: 'invalid' });
  }
  expect(await users.create('admin', 'viewer', 'other', 'local')).toEqual({ refused: 'exists' });
  expect(await sessions.signIn({ user: 'ADMIN ', password: 'secret' }, HOME)).toMatchObject({ row: { name: 'admin' } });
  for (const user of ['#', '__proto__', 'constructor', '']) {
    expect(await sessions.signIn({ user, password: 'secret' }, HOME)).toEqual({ refused: 'unauthorized' });
  }
  expect(users.all()).toHaveLength(1);
});

test('A13 of 10,000 sign-ins at once 32 are hashed and the rest are told to come back', async () => {
  await using under = await openTestIdentity();
  granted(await under.identity.users.create('ada', 'viewer', 'secret', 'local'));
  const answers = await Promise.all(
    Array.from({ length: 10_000 }, (_, i) =>
      under.identity.sessions.signIn({ user: 'ada', password: 'secret' }, `198.51.${i >> 8}.${i & 255}`),
    ),
  );
  const busy = answers.filter((answer) => 'refused' in answer);
  expect(busy).toHaveLength(10_000 - 32);
  expect(busy[0]).toMatchObject({ refused: 'busy', retryAfterSeconds: expect.any(Number) });
});

test('A12 guesses are counted by network and by user, and beyond the limit refused before hashing', async () => {
  await using under = await openTestIdentity({ failedAuthBurst: 3, failedAuthPerMinute: 3 });
  const { users, sessions, credentials } = under.identity;
  granted(await users.create('ada', 'viewer', 'secret', 'local'));
  granted(await users.create('bob', 'viewer', 'secret', 'local'));
  const guess = (user: string, address: string, password = 'wrong') => sessions.signIn({ user, password }, address);
  for (let i = 0; i < 3; i++) expect(await guess('ada', `203.0.113.${i}`)).toEqual({ refused: 'unauthorized' });
  expect(await guess('ada', '203.0.113.9', 'secret')).toMatchObject({
    refused: 'too-many-failures',
    retryAfterSeconds: expect.any(Number),
  });
  for (let i = 0; i < 3; i++) credentials.failed('::ffff:192.0.2.7', 'wrong');
  await Promise.resolve();
  expect(await guess('bob', '192.0.2.7', 'secret')).toMatchObject({ refused: 'too-many-failures' });
  expect(await guess('bob', '192.0.2.8', 'secret')).toMatchObject({ row: { name: 'bob' } });
});

test('requests without any credential do not slow the sign-in that follows them', async () => {
  await using under = await openTestIdentity({ failedAuthBurst: 2, failedAuthPerMinute: 2 });
  granted(await under.identity.users.create('ada', 'viewer', 'secret', 'local'));
  const waits = Array.from({ length: 2 }, () => under.identity.credentials.failed(HOME, 'missing'));
  await Promise.resolve();
  expect([...waits, under.identity.credentials.failed(HOME, 'missing') > 0]).toEqual([0, 0, true]);
  expect(await under.identity.sessions.signIn({ user: 'ada', password: 'secret' }, HOME)).toMatchObject({ row: { name: 'ada' } });
});

test('H34 an IPv6 peer is counted by its /64, and an IPv4 one the same in both of its forms', async () => {
  await using under = await openTestIdentity({ failedAuthBurst: 2, failedAuthPerMinute: 2 });
  const failed = async (address: string): Promise<number> => {
    const wait = under.identity.credentials.failed(address, 'wrong');
    await Promise.resolve();
    return wait;
  };
  expect([await failed('2001:db8::1'), await failed('2001:db8::ffff:1'), (await failed('2001:db8:0:0:9::')) > 0]).toEqual([0, 0, true]);
  expect(await failed('2001:db8:0:1::1')).toBe(0);
  expect([await failed('::ffff:192.0.2.1'), await failed('192.0.2.1'), (await failed('::ffff:c000:201')) > 0]).toEqual([0, 0, true]);
  expect(await failed('192.0.2.2')).toBe(0);
});

test('a session ends after its idle time, use puts that off, and nothing puts off the longest time', async () => {
  await using under = await openTestIdentity({ sessionIdleMinutes: 30, sessionHours: 12 });
  granted(await under.identity.users.create('ada', 'viewer', 'secret', 'local'));
  const signedIn = granted(await under.identity.sessions.signIn({ user: 'ada', password: 'secret' }, HOME));
  const id = 'sessionId' in signedIn.row ? (signedIn.row.sessionId ?? '') : '';
  const start = under.clock.nowMs;
  expect(under.identity.sessions.endsAtMs(id)).toBe(start + 30 * 60_000);
  for (let minutes = 29; minutes < 12 * 60; minutes += 29) {
    under.clock.nowMs = start + minutes * 60_000;
    if (minutes % 2 === 0) under.identity.sessions.touch(id);
    else expect(under.identity.credentials.session(signedIn.secret)).not.toBeNull();
  }
  expect(under.identity.sessions.endsAtMs(id)).toBe(start + 12 * 3_600_000);
  under.clock.nowMs = start + 12 * 3_600_000;
  expect(under.identity.credentials.session(signedIn.secret)).toBeNull();
});

test('a session that ends by itself is told to its sockets, on time', async () => {
  await using under = await openTestIdentity({ sessionIdleMinutes: 0.3 / 60 }, 'real');
  granted(await under.identity.users.create('ada', 'viewer', 'secret', 'local'));
  const heard: CredentialEnd[] = [];
  under.identity.onEnd((end) => heard.push(end));
  granted(await under.identity.sessions.signIn({ user: 'ada', password: 'secret' }, HOME));
  await expect.poll(() => heard, { timeout: 10_000 }).toMatchObject([{ what: 'session', reason: 'expired' }]);
  await expect.poll(async () => (await under.registry.load()).sessions, { timeout: 10_000 }).toEqual([]);
});

test('a new password, a new role and a removal reach open sessions', async () => {
  await using under = await openTestIdentity();
  const { users, sessions, credentials } = under.identity;
  granted(await users.create('ada', 'admin', 'secret', 'local'));
  const signIn = async (password: string) => secretOf(await sessions.signIn({ user: 'ada', password }, HOME));
  const heard: CredentialEnd[] = [];
  under.identity.onEnd((end) => heard.push(end));
  const first = await signIn('secret');
  granted(await users.setPassword('ada', 'better', 'local'));
  expect(credentials.session(first)).toBeNull();
  const second = await signIn('better');
  granted(await users.setRole('ada', 'viewer', 'local'));
  expect(credentials.session(second)).toMatchObject({ role: 'viewer' });
  granted(await users.remove('ada', 'local'));
  expect(credentials.session(second)).toBeNull();
  expect(heard).toMatchObject([
    { what: 'session', reason: 'revoked' },
    { what: 'role', user: 'ada' },
    { what: 'session', reason: 'revoked' },
  ]);
  for (const answer of [users.remove('ada', 'x'), users.setPassword('ada', 'x', 'x'), users.setRole('ada', 'admin', 'x')]) {
    expect(await answer).toEqual({ refused: 'not-found' });
  }
});

test('a kiosk’s session lives as long as its key, and a script that signs in again and again keeps only its newest', async () => {
  await using under = await openTestIdentity();
  const key = granted(await under.identity.keys.create('wall', 'viewer', 'local'));
  expect(key.secret).toMatch(/^fgk_/);
  const sessions: string[] = [];
  for (let i = 0; i < 101; i++) {
    under.clock.nowMs += 1;
    sessions.push(secretOf(await under.identity.sessions.signIn({ key: key.secret }, HOME)));
  }
  under.clock.nowMs += 100 * 86_400_000;
  expect(under.identity.credentials.session(sessions[0] ?? '')).toBeNull();
  const last = under.identity.credentials.session(sessions[100] ?? '');
  expect(last).toMatchObject({ kind: 'key', name: 'wall', role: 'viewer' });
  const heard: CredentialEnd[] = [];
  under.identity.onEnd((end) => heard.push(end));
  granted(await under.identity.keys.revoke(key.row.id, 'local'));
  expect(heard[0]).toEqual({ what: 'key', keyId: key.row.id, reason: 'revoked' });
  expect(heard).toHaveLength(101);
  expect(under.identity.credentials.session(sessions[100] ?? '')).toBeNull();
  expect(await under.identity.sessions.signIn({ key: key.secret }, HOME)).toEqual({ refused: 'unauthorized' });
});

test('a first start shows a code that makes the first admin, once', async () => {
  await using under = await openTestIdentity();
  const [code = ''] = under.setupCodes;
  expect(code).toMatch(/^([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}$/);
  expect(under.identity.setup.isOpen()).toBe(true);
  const typed = code.toLowerCase().replaceAll('-', ' ');
  const ask = { code: typed, user: 'ada', password: 'secret' };
  expect(await under.identity.setup.complete({ ...ask, user: '#' }, HOME)).toMatchObject({ refused: 'invalid' });
  const both = await Promise.all([under.identity.setup.complete(ask, HOME), under.identity.setup.complete({ ...ask, user: 'eve' }, HOME)]);
  expect(both).toMatchObject([{ row: { name: 'ada', role: 'admin' } }, { refused: 'not-found' }]);
  expect(under.identity.setup.isOpen()).toBe(false);
  await under.restart();
  expect(under.setupCodes).toHaveLength(1);
});

test('A17 set-up is gone after it was used, after 30 minutes, and at the sixth try', async () => {
  await using under = await openTestIdentity();
  const wrong = { code: 'AAAA-AAAA-AAAA-AAAA', user: 'ada', password: 'secret' };
  for (let i = 0; i < 5; i++) expect(await under.identity.setup.complete(wrong, HOME)).toEqual({ refused: 'unauthorized' });
  const right = { ...wrong, code: under.setupCodes[0] ?? '' };
  expect(await under.identity.setup.complete(right, HOME)).toEqual({ refused: 'not-found' });

  const late = await under.identity.setup.newCode('test');
  under.clock.nowMs += 30 * 60_000;
  expect(await under.identity.setup.complete({ ...right, code: late }, HOME)).toEqual({ refused: 'not-found' });

  const code = await under.identity.setup.newCode('test');
  granted(await under.identity.setup.complete({ ...right, code }, HOME));
  expect(await under.identity.setup.complete({ ...right, code, user: 'eve' }, HOME)).toEqual({ refused: 'not-found' });
});

test('the code of a first start ends with the first key or user; one that was asked for does not', async () => {
  await using under = await openTestIdentity();
  granted(await under.identity.keys.create('wall', 'viewer', 'local'));
  expect(under.identity.setup.isOpen()).toBe(false);
  const code = await under.identity.setup.newCode('test');
  expect(under.identity.setup.isOpen()).toBe(true);
  granted(await under.identity.setup.complete({ code, user: 'ada', password: 'secret' }, HOME));
});
