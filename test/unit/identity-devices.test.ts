import { expect, test } from 'vitest';
import type { CredentialEnd, Identity } from '../../gateway/identity/identity.ts';
import { granted, openTestIdentity, secretOf } from '../support/test-identity.ts';

function ends(identity: Identity): CredentialEnd[] {
  const heard: CredentialEnd[] = [];
  identity.onEnd((end) => heard.push(end));
  return heard;
}
const acts = async (under: {
  registry: { audit(ask: { limit: number }): Promise<{ items: readonly { act: string; actor: string }[] }> };
}) => (await under.registry.audit({ limit: 100 })).items.map((item) => `${item.actor} ${item.act}`);

test('a device gets a token of 256 random bits that is found by its hash, also after a restart', async () => {
  await using under = await openTestIdentity();
  const token = secretOf(await under.identity.devices.create({ id: 'pump-1', label: 'Pump', tags: ['north'] }, 'ada'));
  expect(token).toMatch(/^fgd_[A-Za-z0-9_-]{43}$/);
  await under.restart();
  expect(under.identity.credentials.bearer(token)).toMatchObject({ kind: 'device', principal: { device: 'pump-1' }, isSuspended: false });
  expect(under.identity.devices.get('pump-1')).toMatchObject({ label: 'Pump', tags: ['north'], status: 'active', clock: 'device' });
  expect(JSON.stringify(await under.registry.load())).not.toContain(token);
  expect(await acts(under)).toEqual(['ada device.create']);
});

test('two who make the same device at once: one does, the other hears that it exists', async () => {
  await using under = await openTestIdentity();
  const both = await Promise.all([under.identity.devices.create({ id: 'a' }, 'x'), under.identity.devices.create({ id: 'a' }, 'y')]);
  expect(both.filter((answer) => 'refused' in answer)).toEqual([{ refused: 'exists' }]);
  expect(under.identity.devices.tokens('a')).toHaveLength(1);
});

test.each([
  ['an id with a slash', { id: 'a/b' }],
  ['an id that begins with a dot', { id: '.a' }],
  ['an id of 65 letters', { id: 'a'.repeat(65) }],
  ['R11 a label of 65 characters', { id: 'a', label: 'x'.repeat(65) }],
  ['R11 a label that turns the text around it', { id: 'a', label: 'a\u202eb' }],
  ['R11 a label with a line break', { id: 'a', label: 'a\nb' }],
  ['a tag twice', { id: 'a', tags: ['x', 'x'] }],
  ['an empty tag', { id: 'a', tags: [''] }],
])('%s is not taken', async (_, row) => {
  await using under = await openTestIdentity();
  expect(await under.identity.devices.create(row, 'ada')).toMatchObject({ refused: 'invalid', detail: expect.any(String) });
  expect(under.identity.devices.count).toBe(0);
});

test('R11 a label may be HTML, emoji or right-to-left text: it is only ever shown as text', async () => {
  await using under = await openTestIdentity();
  for (const label of ['<img src=x onerror=alert(1)>', '👩‍🚒🔥', 'משאבה', '=cmd|x']) {
    granted(await under.identity.devices.create({ id: `d${under.identity.devices.count}`, label }, 'ada'));
  }
  expect([...under.identity.devices.all()].map((row) => row.label)).toContain('👩‍🚒🔥');
});

test('suspending tells who listens after it is durable, keeps the token, and resuming lets the device in again', async () => {
  await using under = await openTestIdentity();
  const token = secretOf(await under.identity.devices.create({ id: 'pump-1' }, 'ada'));
  const heard = ends(under.identity);
  const changed: string[] = [];
  under.identity.devices.onChange((id) => changed.push(id));
  granted(await under.identity.devices.update('pump-1', { status: 'suspended' }, 'ada'));
  expect(heard).toEqual([{ what: 'device', device: 'pump-1', reason: 'suspended' }]);
  expect(changed).toEqual(['pump-1']);
  await under.restart();
  expect(under.identity.credentials.bearer(token)).toMatchObject({ isSuspended: true });
  granted(await under.identity.devices.update('pump-1', { status: 'active' }, 'ada'));
  expect(under.identity.credentials.bearer(token)).toMatchObject({ isSuspended: false });
  expect(await acts(under)).toEqual(['ada device.resume', 'ada device.suspend', 'ada device.create']);
});

test('an update takes what is named, leaves the rest, and refuses what is out of range', async () => {
  await using under = await openTestIdentity();
  const { devices } = under.identity;
  granted(await devices.create({ id: 'a', label: 'old' }, 'ada'));
  const patch = { location: 'hall', notes: 'a\nb', expectEverySeconds: 60, clock: 'gateway', pingSeconds: 5, label: undefined } as const;
  expect(granted(await devices.update('a', patch, 'ada'))).toMatchObject({ ...patch, label: 'old' });
  for (const bad of [
    { pingSeconds: 0 },
    { pingSeconds: 301 },
    { expectEverySeconds: -1 },
    { notes: 'x\u0000' },
    { location: 'x'.repeat(201) },
  ]) {
    expect(await devices.update('a', bad, 'ada')).toMatchObject({ refused: 'invalid' });
  }
  expect(await devices.update('b', { label: 'x' }, 'ada')).toEqual({ refused: 'not-found' });
});

test('A22 after a rotation with an overlap both tokens work until the deadline; then the old one ends', async () => {
  await using under = await openTestIdentity({}, 'real');
  const { devices, credentials } = under.identity;
  const old = secretOf(await devices.create({ id: 'pump-1' }, 'ada'));
  const heard = ends(under.identity);
  const fresh = secretOf(await devices.rotate('pump-1', 300, 'ada'));
  expect(credentials.bearer(old)).not.toBeNull();
  expect(credentials.bearer(fresh)).not.toBeNull();
  await expect.poll(() => heard, { timeout: 10_000 }).toHaveLength(1);
  expect(heard[0]).toMatchObject({ what: 'token', device: 'pump-1', reason: 'expired' });
  expect(credentials.bearer(old)).toBeNull();
  expect(credentials.bearer(fresh)).not.toBeNull();
  await under.restart();
  expect(under.identity.devices.tokens('pump-1')).toHaveLength(1);
});

test('a rotation without an overlap, a revocation and a removal end tokens at once', async () => {
  await using under = await openTestIdentity();
  const { devices, credentials } = under.identity;
  const heard = ends(under.identity);
  const first = secretOf(await devices.create({ id: 'a' }, 'ada'));
  const second = secretOf(await devices.rotate('a', 0, 'ada'));
  expect(credentials.bearer(first)).toBeNull();
  expect(heard).toMatchObject([{ what: 'token', reason: 'revoked' }]);
  expect(await devices.revoke('a', 'nosuch', 'ada')).toEqual({ refused: 'not-found' });
  expect(await devices.revoke('a', null, 'ada')).toBe(1);
  expect(credentials.bearer(second)).toBeNull();
  const third = secretOf(await devices.rotate('a', 0, 'ada'));
  granted(await devices.remove('a', 'ada'));
  expect(credentials.bearer(third)).toBeNull();
  expect(heard.at(-1)).toEqual({ what: 'device', device: 'a', reason: 'removed' });
  expect(await devices.remove('a', 'ada')).toEqual({ refused: 'not-found' });
});

test('a token whose time passed while the gateway was down does not work after the start', async () => {
  await using under = await openTestIdentity();
  const old = secretOf(await under.identity.devices.create({ id: 'a' }, 'ada'));
  await under.identity.devices.rotate('a', 3_600_000, 'ada');
  under.clock.nowMs += 3_600_001;
  await under.restart();
  expect(under.identity.credentials.bearer(old)).toBeNull();
});

test('an enrolment key gives each new device one token, and no more devices than it may', async () => {
  await using under = await openTestIdentity();
  const { enrolments, credentials, devices } = under.identity;
  const key = secretOf(await enrolments.create({ max: 2, expiresAtMs: under.clock.nowMs + 60_000, reenrol: false }, 'ada'));
  expect(key).toMatch(/^fge_/);
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map((id) => enrolments.enrol(key, id)));
  const tokens = answers.flatMap((answer) => ('secret' in answer ? [answer.secret] : []));
  expect(tokens).toHaveLength(2);
  expect(answers.filter((answer) => 'refused' in answer)).toEqual([{ refused: 'unauthorized' }, { refused: 'unauthorized' }]);
  expect(devices.count).toBe(2);
  expect(credentials.bearer(tokens[0] ?? '')).toMatchObject({ principal: { device: 'a' } });
  await under.restart();
  expect(under.identity.enrolments.all()).toMatchObject([{ used: 2 }]);
  expect(under.identity.credentials.bearer(key)).toBeNull();
});

test('an id that exists is refused, except with a re-enrolling key for a device of its own, whose old token ends', async () => {
  await using under = await openTestIdentity();
  const { enrolments, credentials, devices } = under.identity;
  const ask = { max: 2, expiresAtMs: under.clock.nowMs + 60_000 };
  const once = secretOf(await enrolments.create({ ...ask, reenrol: false }, 'ada'));
  const again = secretOf(await enrolments.create({ ...ask, max: 1, reenrol: true }, 'ada'));
  granted(await devices.create({ id: 'by-hand' }, 'ada'));
  granted(await enrolments.enrol(once, 'one'));
  expect(await enrolments.enrol(once, 'one')).toEqual({ refused: 'exists' });
  const first = secretOf(await enrolments.enrol(again, 'two'));
  expect(await enrolments.enrol(again, 'by-hand')).toEqual({ refused: 'exists' });
  expect(await enrolments.enrol(again, 'one')).toEqual({ refused: 'exists' });
  const heard = ends(under.identity);
  const second = secretOf(await enrolments.enrol(again, 'two'));
  expect(credentials.bearer(first)).toBeNull();
  expect(credentials.bearer(second)).not.toBeNull();
  expect(heard).toMatchObject([{ what: 'token', device: 'two', reason: 'revoked' }]);
  expect(await enrolments.enrol(again, 'three')).toEqual({ refused: 'unauthorized' });
  expect(await enrolments.enrol(once, 'bad id')).toMatchObject({ refused: 'invalid' });
});

test('A10 an enrolment key that is expired or revoked is worth nothing', async () => {
  await using under = await openTestIdentity();
  const { enrolments, credentials } = under.identity;
  const late = granted(await enrolments.create({ max: 5, expiresAtMs: under.clock.nowMs + 1000, reenrol: true }, 'ada'));
  const gone = granted(await enrolments.create({ max: 5, expiresAtMs: under.clock.nowMs + 60_000, reenrol: true }, 'ada'));
  expect(credentials.bearer(late.secret)).toEqual({ kind: 'enrolment' });
  under.clock.nowMs += 1000;
  granted(await enrolments.revoke(gone.row.id, 'ada'));
  for (const { secret } of [late, gone]) {
    expect(credentials.bearer(secret)).toBeNull();
    expect(await enrolments.enrol(secret, 'a')).toEqual({ refused: 'unauthorized' });
  }
  expect(await enrolments.revoke(gone.row.id, 'ada')).toEqual({ refused: 'not-found' });
});
