// Enrolment keys: what a fleet is shipped with, to get each device a token of its own.

import { DEVICE_ID } from '../protocol/messages.ts';
import type { EnrolmentRow, RegistryChange } from '../storage/registry.ts';
import type { Deadlines } from './deadlines.ts';
import { type DeviceBook, newDevice } from './device-book.ts';
import { DEVICE_ID_RULE, ending } from './devices.ts';
import type { Enrolments, Refusal } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, newId, newSecret } from './secrets.ts';

export interface EnrolmentsOptions {
  readonly rows: readonly EnrolmentRow[];
  readonly book: DeviceBook;
  readonly ledger: Ledger;
  readonly deadlines: Deadlines;
  readonly deviceChanged: (id: string) => void;
}
export type EnrolmentsAndCheck = Enrolments & { isUsable(hash: string): boolean };

const MAX_DEVICES = 1_000_000;
/** How long an ended key stays in the list, so that people see what became of it. */
const KEPT_MS = 30 * 86_400_000;

export function createEnrolments({ rows, book, ledger, deadlines, deviceChanged }: EnrolmentsOptions): EnrolmentsAndCheck {
  const byId = new Map<string, EnrolmentRow>();
  const idOfHash = new Map<string, string>();

  function hold(row: EnrolmentRow): void {
    byId.set(row.id, row);
    idOfHash.set(row.hash, row.id);
    deadlines.set(`enrolment ${row.id}`, row.expiresAtMs + KEPT_MS, () => {
      drop(row);
      ledger.commitLater({ delete: 'enrolments', id: row.id });
    });
  }
  function drop({ id, hash }: EnrolmentRow): void {
    byId.delete(id);
    idOfHash.delete(hash);
    deadlines.clear(`enrolment ${id}`);
  }
  /** A used-up key that may re-enrol still serves the devices that it made. */
  function usable(hash: string): EnrolmentRow | null {
    const row = byId.get(idOfHash.get(hash) ?? '');
    return row !== undefined && row.expiresAtMs > ledger.nowMs() && (row.used < row.max || row.reenrol) ? row : null;
  }
  const setUsed = (id: string, by: number): EnrolmentRow | null => {
    const row = byId.get(id);
    if (row === undefined) return null;
    const next = { ...row, used: row.used + by };
    byId.set(id, next);
    return next;
  };

  /** Counted before it is durable: others who come meanwhile must not take the same place. */
  async function enrolNew(id: string, device: string): ReturnType<Enrolments['enrol']> {
    const counted = setUsed(id, 1);
    if (counted === null) return UNAUTHORIZED;
    const made = newDevice(device, ledger.nowMs());
    const issued = book.draft(device, id);
    try {
      await ledger.commit(
        { put: 'devices', row: made },
        { put: 'tokens', row: issued.row },
        { put: 'enrolments', row: counted },
        ledger.act(`enrolment ${id}`, 'device.enrol', device),
      );
    } catch (error) {
      setUsed(id, -1);
      throw error;
    }
    book.apply({ device: made, tokens: [issued.row] });
    deviceChanged(device);
    return issued;
  }

  async function enrolAgain(id: string, device: string): ReturnType<Enrolments['enrol']> {
    const older = book.tokens(device);
    const issued = book.draft(device, id);
    await ledger.commit(
      { put: 'tokens', row: issued.row },
      ...older.map((row): RegistryChange => ({ delete: 'tokens', id: row.id })),
      ledger.act(`enrolment ${id}`, 'device.reenrol', device),
    );
    book.apply({ tokens: [issued.row], endedTokens: older });
    for (const row of older) ledger.ended({ what: 'token', device, tokenId: row.id, reason: 'revoked' });
    deviceChanged(device);
    await ledger.end({ lines: older.map(ending) }); // whatever becomes of the log, the device gets its token
    return issued;
  }

  for (const row of rows) hold(row);
  return {
    isUsable: (hash) => usable(hash) !== null,
    all: () => [...byId.values()],

    async create({ max, expiresAtMs, reenrol }, actor) {
      const secret = newSecret('enrolment');
      const limited = Math.min(Math.max(Math.trunc(max), 1), MAX_DEVICES);
      const row = { id: newId(), hash: hashOf(secret), max: limited, used: 0, reenrol, createdAtMs: ledger.nowMs(), expiresAtMs };
      await ledger.commit(
        { put: 'enrolments', row },
        ledger.act(actor, 'enrolment.create', row.id, `max ${limited}${reenrol ? ', reenrol' : ''}`),
      );
      hold(row);
      return { row, secret };
    },

    async revoke(id, actor) {
      const row = byId.get(id);
      if (row === undefined) return { refused: 'not-found' };
      drop(row); // at once: no device may slip in while this is written
      const changes = [{ delete: 'enrolments', id } as const, ledger.act(actor, 'enrolment.revoke', id)];
      const trouble = await ledger.end({ lines: [{ what: 'enrolment', id }], changes });
      return trouble ?? true;
    },

    enrol: (key, device) =>
      ledger.inTurn(`device ${device}`, async () => {
        const row = usable(hashOf(key));
        if (row === null) return UNAUTHORIZED;
        if (!DEVICE_ID.test(device)) return { refused: 'invalid', detail: DEVICE_ID_RULE };
        if (!book.devices.has(device)) return row.used < row.max ? enrolNew(row.id, device) : UNAUTHORIZED;
        const isItsOwn = book.tokens(device).some((token) => token.enrolment === row.id);
        return row.reenrol && isItsOwn ? enrolAgain(row.id, device) : { refused: 'exists' };
      }),
  };
}

const UNAUTHORIZED: Refusal = { refused: 'unauthorized' };
