// What every Registry must do. Run over each implementation by its own test file.

import { expect, test } from 'vitest';
import type { Registry, RegistryChange, RegistryTables } from '../../gateway/storage/registry.ts';

export interface RegistryUnderTest {
  readonly registry: Registry;
  /** Closes and opens the same data again. */
  reopen(): Promise<Registry>;
  [Symbol.asyncDispose](): Promise<void>;
}

const AT_MS = 1_700_000_000_123.5;
const ROWS: { readonly [T in keyof RegistryTables]: RegistryTables[T] } = {
  devices: {
    id: 'pump-1',
    label: 'Pümpe „1“',
    status: 'active',
    createdAtMs: AT_MS,
    tags: ['north', "o'clock"],
    location: 'hall 2',
    notes: 'two\nlines',
    expectEverySeconds: 1.5,
    clock: 'gateway',
    pingSeconds: null,
    maySleep: true,
  },
  tokens: { id: 't1', device: 'pump-1', hash: 'aa', createdAtMs: AT_MS, expiresAtMs: null, enrolment: '' },
  users: { name: 'ada', role: 'admin', passwordHash: '$argon2id$…', createdAtMs: AT_MS },
  keys: { id: 'k1', name: 'wall', role: 'viewer', hash: 'bb', createdAtMs: AT_MS },
  enrolments: { id: 'e1', hash: 'cc', max: 1000, used: 3, reenrol: true, createdAtMs: AT_MS, expiresAtMs: AT_MS + 1 },
  sessions: { id: 's1', kind: 'user', subject: 'ada', createdAtMs: AT_MS, lastUsedAtMs: AT_MS },
  settings: { id: 'retention', value: '{"days":30}' },
  serialPorts: { id: 'p1', settings: '{"path":"/dev/ttyUSB0"}', createdAtMs: AT_MS },
};
const TABLES = Object.keys(ROWS) as (keyof RegistryTables)[];
const put = (table: keyof RegistryTables): RegistryChange => ({ put: table, row: ROWS[table] }) as RegistryChange;
const idOf = (table: keyof RegistryTables): string => (table === 'users' ? ROWS.users.name : ROWS[table].id);
const device = (id: string, label = ''): RegistryChange => ({ put: 'devices', row: { ...ROWS.devices, id, label } });
const audit = (act: string, atMs = AT_MS): RegistryChange => ({
  audit: { atMs, actor: 'ada', act, target: 'pump-1', detail: '', address: '192.0.2.7' },
});

export function registryContract(make: () => Promise<RegistryUnderTest>): void {
  test('a new registry is empty', async () => {
    await using under = await make();
    const rows = await under.registry.load();
    for (const table of TABLES) expect(rows[table]).toEqual([]);
    expect(await under.registry.audit({ limit: 10 })).toEqual({ items: [], more: false, end: null });
  });

  test.each(TABLES)('a row of %s comes back as it went in, after a reopening too', async (table) => {
    await using under = await make();
    await under.registry.commit([put(table)]);
    expect((await under.registry.load())[table]).toEqual([ROWS[table]]);
    const again = await under.reopen();
    expect((await again.load())[table]).toEqual([ROWS[table]]);
  });

  test.each(TABLES)('a put of %s replaces the row of the same id, a delete takes it away, a second delete does nothing', async (table) => {
    await using under = await make();
    await under.registry.commit([put(table), put(table)]);
    expect((await under.registry.load())[table]).toHaveLength(1);
    await under.registry.commit([{ delete: table, id: idOf(table) }]);
    await under.registry.commit([{ delete: table, id: idOf(table) }]);
    expect((await under.registry.load())[table]).toEqual([]);
  });

  test('a commit with one change that cannot be made makes none of them, and those around it stand', async () => {
    await using under = await make();
    const { registry } = under;
    const bad = { put: 'devices', row: { ...ROWS.devices, id: 'bad', status: 'lost' } } as unknown as RegistryChange;
    const outcomes = await Promise.allSettled([
      registry.commit([device('before')]),
      registry.commit([device('with-bad'), audit('device.create'), bad]),
      registry.commit([device('after')]),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await registry.load()).devices.map((row) => row.id).sort()).toEqual(['after', 'before']);
    expect((await registry.audit({ limit: 10 })).items).toEqual([]);
  });

  test('commits that nobody waited for between are applied in the order of the calls', async () => {
    await using under = await make();
    await Promise.all(Array.from({ length: 200 }, (_, i) => under.registry.commit([device('one', `label ${i}`), audit(`act ${i}`)])));
    expect((await under.registry.load()).devices.map((row) => row.label)).toEqual(['label 199']);
    const { items } = await under.registry.audit({ limit: 3 });
    expect(items.map((item) => item.act)).toEqual(['act 199', 'act 198', 'act 197']);
  });

  test('the audit is read newest first, in pages without overlap', async () => {
    await using under = await make();
    for (let i = 0; i < 5; i++) await under.registry.commit([audit(`act ${i}`)]);
    const first = await under.registry.audit({ limit: 2 });
    expect(first.items.map((item) => item.act)).toEqual(['act 4', 'act 3']);
    expect(first.items[0]).toMatchObject({ actor: 'ada', target: 'pump-1', atMs: AT_MS });
    expect(first.more).toBe(true);
    const second = await under.registry.audit({ limit: 3, before: first.items[1]?.id ?? 0 });
    expect(second.items.map((item) => item.act)).toEqual(['act 2', 'act 1', 'act 0']);
    expect(second.more).toBe(false);
  });

  test('the audit is read by what its rows are about, in any case of letters', async () => {
    await using under = await make();
    for (let i = 0; i < 5; i++) await under.registry.commit([audit(i % 2 === 0 ? 'key.create' : 'user.create')]);
    const all = (await under.registry.audit({ limit: 10 })).items;
    const first = await under.registry.audit({ limit: 2, about: 'KEY' });
    expect(first).toMatchObject({ more: true, end: all[2]?.id });
    expect(first.items.map(({ act }) => act)).toEqual(['key.create', 'key.create']);
    const second = await under.registry.audit({ limit: 2, about: 'KEY', before: first.end ?? 0 });
    expect(second).toEqual({ items: [all[4]], more: false, end: all[4]?.id });
    expect((await under.registry.audit({ limit: 2, about: '192.0.2.7' })).items).toHaveLength(2);
    expect(await under.registry.audit({ limit: 2, about: '%' })).toEqual({ items: [], more: false, end: all[4]?.id });
  });

  test('audit rows older than 90 days go when newer ones come', async () => {
    await using under = await make();
    const dayMs = 86_400_000;
    await under.registry.commit([audit('old', AT_MS - 91 * dayMs), audit('kept', AT_MS - 89 * dayMs)]);
    const again = await under.reopen();
    await again.commit([audit('new')]);
    expect((await again.audit({ limit: 10 })).items.map((item) => item.act)).toEqual(['new', 'kept']);
  });

  test('close finishes what was begun, may be called twice, and makes later calls reject', async () => {
    await using under = await make();
    const committed = under.registry.commit([device('last')]);
    await Promise.all([under.registry.close(), under.registry.close(), committed]);
    await expect(under.registry.load()).rejects.toThrow(/closed/);
    await expect(under.registry.commit([device('late')])).rejects.toThrow(/closed/);
    await expect(under.registry.audit({ limit: 1 })).rejects.toThrow(/closed/);
    expect((await (await under.reopen()).load()).devices.map((row) => row.id)).toEqual(['last']);
  });
}
