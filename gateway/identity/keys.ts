// API keys, for machines and for screens on a wall.

import type { KeyRow } from '../storage/registry.ts';
import type { Keys } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, newId, newSecret } from './secrets.ts';
import type { EndedSessions } from './session-book.ts';

export interface KeysOptions {
  readonly rows: readonly KeyRow[];
  readonly ledger: Ledger;
  readonly endSessions: (kind: 'key', subject: string) => EndedSessions;
}
export type KeysAndFind = Keys & { get(id: string): KeyRow | undefined; ofHash(hash: string): KeyRow | undefined };

export function createKeys({ rows, ledger, endSessions }: KeysOptions): KeysAndFind {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const byHash = new Map(rows.map((row) => [row.hash, row]));
  return {
    get: (id) => byId.get(id),
    ofHash: (hash) => byHash.get(hash),
    all: () => [...byId.values()],

    async create(name, role, actor) {
      const secret = newSecret('key');
      const row: KeyRow = { id: newId(), name, role, hash: hashOf(secret), createdAtMs: ledger.nowMs() };
      await ledger.commit({ put: 'keys', row }, ledger.act(actor, 'key.create', row.id, `${name}, ${role}`));
      byId.set(row.id, row);
      byHash.set(row.hash, row);
      return { row, secret };
    },

    revoke: (id, actor) =>
      ledger.inTurn(`key ${id}`, async () => {
        const row = byId.get(id);
        if (row === undefined) return { refused: 'not-found' };
        const sessions = endSessions('key', id);
        const act = ledger.act(actor, 'key.revoke', id, row.name);
        const trouble = await ledger.end({
          lines: [{ what: 'key', id }, ...sessions.lines],
          changes: [{ delete: 'keys', id }, ...sessions.changes, act],
          inForce() {
            byId.delete(id);
            byHash.delete(row.hash);
            ledger.ended({ what: 'key', keyId: id, reason: 'revoked' });
            sessions.done();
          },
        });
        return trouble ?? (true as const);
      }),
  };
}
