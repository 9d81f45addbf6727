// The thread in which the registry's SQL runs: one question at a time, in order, for sqlite-registry.ts.

import { diskFaultOf } from './disk-fault.ts';
import type { Database } from './migrate.ts';
import { openMigrated } from './migrate.ts';
import type { AuditPage, AuditRow, DeviceRow, EnrolmentRow, RegistryChange, RegistryRows, RegistryTable } from './registry.ts';
import type { OpenRegistryOptions, RegistryQuestions } from './sqlite-registry.ts';
import { serveThread } from './thread.ts';

/** Audit rows older than this (against the newest), or beyond this many, go. The triggers of the table let nothing else go. */
const AUDIT_KEPT = { ms: 90 * 86_400_000, rows: 1_000_000, lookEveryRows: 1000 };

/** For one page of rows about something; some ten milliseconds. */
const AUDIT_LOOKED_AT = 20_000;

/** Column of each field, the id first. */
const COLUMNS = {
  devices: {
    id: 'id',
    label: 'label',
    status: 'status',
    createdAtMs: 'created_at_ms',
    tags: 'tags',
    location: 'location',
    notes: 'notes',
    expectEverySeconds: 'expect_every_seconds',
    clock: 'clock',
    pingSeconds: 'ping_seconds',
    maySleep: 'may_sleep',
  },
  tokens: { id: 'id', device: 'device', hash: 'hash', createdAtMs: 'created_at_ms', expiresAtMs: 'expires_at_ms', enrolment: 'enrolment' },
  users: { name: 'name', role: 'role', passwordHash: 'password_hash', createdAtMs: 'created_at_ms' },
  keys: { id: 'id', name: 'name', role: 'role', hash: 'hash', createdAtMs: 'created_at_ms' },
  enrolments: {
    id: 'id',
    hash: 'hash',
    max: 'max',
    used: 'used',
    reenrol: 'reenrol',
    createdAtMs: 'created_at_ms',
    expiresAtMs: 'expires_at_ms',
  },
  sessions: { id: 'id', kind: 'kind', subject: 'subject', createdAtMs: 'created_at_ms', lastUsedAtMs: 'last_used_at_ms' },
  settings: { id: 'id', value: 'value' },
  serialPorts: { id: 'id', settings: 'settings', createdAtMs: 'created_at_ms' },
} as const satisfies Record<RegistryTable, Readonly<Record<string, string>>>;
const TABLES = Object.keys(COLUMNS) as RegistryTable[];

function openTables(database: Database) {
  const put = new Map(TABLES.map((table) => [table, database.prepare(upsert(table))]));
  const remove = new Map(
    TABLES.map((table) => [table, database.prepare(`DELETE FROM ${sqlName(table)} WHERE ${Object.values(COLUMNS[table])[0]} = ?`)]),
  );
  const select = TABLES.map((table) => [table, database.prepare(selectAll(table))] as const);
  const addAudit = database.prepare(
    'INSERT INTO audit (at_ms, actor, act, target, detail, address) VALUES (@atMs, @actor, @act, @target, @detail, @address)',
  );
  const readAudit = database.prepare<[number], AuditRow & { id: number }>(
    'SELECT id, at_ms AS atMs, actor, act, target, detail, address FROM audit WHERE id < ? ORDER BY id DESC',
  );
  const dropAudit = database.prepare('DELETE FROM audit WHERE id <= @id - @rows OR at_ms < @atMs - @ms');
  let auditsSinceLook = AUDIT_KEPT.lookEveryRows;

  function applyOne(change: RegistryChange): void {
    if ('put' in change) put.get(change.put)?.run(toColumns(change.row));
    else if ('delete' in change) remove.get(change.delete)?.run(change.id);
    else {
      const { lastInsertRowid } = addAudit.run(change.audit);
      auditsSinceLook += 1;
      if (auditsSinceLook < AUDIT_KEPT.lookEveryRows) return;
      auditsSinceLook = 0;
      dropAudit.run({ id: lastInsertRowid, rows: AUDIT_KEPT.rows, atMs: change.audit.atMs, ms: AUDIT_KEPT.ms });
    }
  }
  // inside the group's transaction this one is a savepoint
  const applyList = database.transaction((changes: readonly RegistryChange[]) => changes.forEach(applyOne));
  const commit = database.transaction((lists: readonly (readonly RegistryChange[])[]) =>
    lists.map((changes): string | null => {
      try {
        applyList(changes);
        return null;
      } catch (error) {
        // a full disk rolls everything back by itself; one that fails leaves nothing to go on with
        if (!database.inTransaction || diskFaultOf((error as { code?: string }).code ?? '') !== null) throw error;
        return (error as Error).message;
      }
    }),
  );

  return {
    commit: (lists: readonly (readonly RegistryChange[])[]) => commit.immediate(lists),
    load: () =>
      Object.fromEntries(select.map(([table, all]) => [table, all.all().map((row) => fromColumns(table, row))])) as unknown as RegistryRows,
    audit({ limit, before, about }: RegistryQuestions['audit']['ask']): AuditPage {
      const wanted = about.toLowerCase();
      const items: (AuditRow & { id: number })[] = [];
      let end: number | null = null;
      let left = about === '' ? Number.POSITIVE_INFINITY : AUDIT_LOOKED_AT;
      for (const row of readAudit.iterate(before ?? Number.MAX_SAFE_INTEGER)) {
        if (items.length === limit || left-- === 0) return { items, more: true, end };
        end = row.id;
        if (wanted === '' || isAbout(row, wanted)) items.push(row);
      }
      return { items, more: false, end };
    },
  };
}

function isAbout({ actor, act, target, detail, address }: AuditRow, wanted: string): boolean {
  return `${actor}\n${act}\n${target}\n${detail}\n${address}`.toLowerCase().includes(wanted);
}

function upsert(table: RegistryTable): string {
  const entries = Object.entries(COLUMNS[table]);
  const columns = entries.map(([, column]) => column);
  const sets = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  return `INSERT INTO ${sqlName(table)} (${columns.join(', ')}) VALUES (${entries.map(([field]) => `@${field}`).join(', ')})
    ON CONFLICT (${columns[0]}) DO UPDATE SET ${sets.join(', ')}`;
}

function selectAll(table: RegistryTable): string {
  const fields = Object.entries(COLUMNS[table]).map(([field, column]) => `${column} AS ${field}`);
  return `SELECT ${fields.join(', ')} FROM ${sqlName(table)}`;
}

/** `serialPorts` is the table serial_ports. */
function sqlName(table: RegistryTable): string {
  return table.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toColumns(row: object): object {
  if ('maySleep' in row && 'tags' in row) return { ...row, tags: JSON.stringify(row.tags), maySleep: row.maySleep ? 1 : 0 };
  if ('reenrol' in row) return { ...row, reenrol: row.reenrol ? 1 : 0 };
  return row;
}

function fromColumns(table: RegistryTable, row: unknown): unknown {
  if (table === 'devices') {
    const { tags, maySleep } = row as { tags: string; maySleep: number };
    return { ...(row as DeviceRow), tags: JSON.parse(tags), maySleep: maySleep === 1 };
  }
  if (table === 'enrolments') return { ...(row as EnrolmentRow), reenrol: (row as { reenrol: number }).reenrol === 1 };
  return row;
}

serveThread<OpenRegistryOptions>((options) => {
  const database = openMigrated(options);
  const tables = openTables(database);
  const handlers: { [Q in keyof RegistryQuestions]: (ask: RegistryQuestions[Q]['ask']) => RegistryQuestions[Q]['answer'] } = tables;
  return { ...handlers, close: () => void database.close() };
});
