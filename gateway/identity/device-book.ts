// Devices and their tokens in memory, as they are in the registry. A token is found by its hash with one look into a map.

import type { DeviceRow, TokenRow } from '../storage/registry.ts';
import type { Deadlines } from './deadlines.ts';
import type { Issued } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, newId, newSecret } from './secrets.ts';

export interface DeviceBook {
  readonly devices: ReadonlyMap<string, DeviceRow>;
  /** Null when unknown or over. */
  tokenOf(hash: string): TokenRow | null;
  tokens(device: string): readonly TokenRow[];
  /** Not in the book yet: it is put there when it is on disk. */
  draft(device: string, enrolment: string): Issued<TokenRow>;
  /** Rows that have just become durable; a token that is replaced or gone, and devices that are gone. */
  apply(change: BookChange): void;
}

export interface BookChange {
  readonly device?: DeviceRow;
  readonly tokens?: readonly TokenRow[];
  readonly endedTokens?: readonly TokenRow[];
  readonly removedDevice?: string;
}

export interface DeviceBookOptions {
  readonly devices: readonly DeviceRow[];
  readonly tokens: readonly TokenRow[];
  readonly ledger: Ledger;
  readonly deadlines: Deadlines;
}

export function createDeviceBook({ devices: deviceRows, tokens: tokenRows, ledger, deadlines }: DeviceBookOptions): DeviceBook {
  const devices = new Map(deviceRows.map((row) => [row.id, row]));
  const byHash = new Map<string, TokenRow>();
  const byDevice = new Map<string, Map<string, TokenRow>>();

  function hold(row: TokenRow): void {
    byHash.set(row.hash, row);
    let own = byDevice.get(row.device);
    if (own === undefined) byDevice.set(row.device, (own = new Map()));
    own.set(row.id, row);
    if (row.expiresAtMs !== null) deadlines.set(`token ${row.id}`, row.expiresAtMs, () => expire(row));
    else deadlines.clear(`token ${row.id}`);
  }
  function drop(row: TokenRow): void {
    byHash.delete(row.hash);
    byDevice.get(row.device)?.delete(row.id);
    deadlines.clear(`token ${row.id}`);
  }
  function expire(row: TokenRow): void {
    drop(row);
    ledger.commitLater({ delete: 'tokens', id: row.id }, ledger.act('gateway', 'token.expire', row.device, row.id));
    ledger.ended({ what: 'token', device: row.device, tokenId: row.id, reason: 'expired' });
  }

  for (const row of tokenRows) hold(row);
  return {
    devices,
    tokenOf(hash) {
      const row = byHash.get(hash);
      return row === undefined || (row.expiresAtMs !== null && row.expiresAtMs <= ledger.nowMs()) ? null : row;
    },
    tokens: (device) => [...(byDevice.get(device)?.values() ?? [])],
    draft(device, enrolment) {
      const secret = newSecret('device');
      return { secret, row: { id: newId(), device, hash: hashOf(secret), createdAtMs: ledger.nowMs(), expiresAtMs: null, enrolment } };
    },
    apply({ device, tokens = [], endedTokens = [], removedDevice }) {
      if (device !== undefined) devices.set(device.id, device);
      for (const row of tokens) hold(row);
      for (const row of endedTokens) drop(row);
      if (removedDevice === undefined) return;
      devices.delete(removedDevice);
      byDevice.delete(removedDevice);
    },
  };
}

export function newDevice(
  id: string,
  createdAtMs: number,
  { label = '', tags = [] }: { label?: string; tags?: readonly string[] } = {},
): DeviceRow {
  return {
    id,
    label,
    status: 'active',
    createdAtMs,
    tags,
    location: '',
    notes: '',
    expectEverySeconds: null,
    clock: 'device',
    pingSeconds: null,
    maySleep: false,
  };
}
