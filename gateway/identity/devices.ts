// What operators do with devices: make, change, suspend, remove, and give or take tokens.

import { DEVICE_ID } from '../protocol/messages.ts';
import type { DeviceRow, RegistryChange, TokenRow } from '../storage/registry.ts';
import { type DeviceBook, newDevice } from './device-book.ts';
import type { Devices, Refusal } from './identity.ts';
import type { Ledger, RevocationOf } from './ledger.ts';
import { notesFault, tagsFault, textFault } from './names.ts';

/** A year: long enough for any fleet to change over, short enough not to be for ever. */
const MAX_OVERLAP_MS = 366 * 86_400_000;

export interface DevicesOptions {
  readonly book: DeviceBook;
  readonly ledger: Ledger;
}
/** `changed` is for the enrolment, which makes devices too. */
export type DevicesAndChange = Devices & { changed(id: string): void };

export function createDevices({ book, ledger }: DevicesOptions): DevicesAndChange {
  const listeners = new Set<(id: string) => void>();
  const changed = (id: string): void => {
    for (const listener of [...listeners]) listener(id);
  };
  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T> => ledger.inTurn(`device ${id}`, work);
  const endTokens = (ended: readonly TokenRow[]): void => {
    for (const { device, id } of ended) ledger.ended({ what: 'token', device, tokenId: id, reason: 'revoked' });
  };

  return {
    changed,
    get: (id) => book.devices.get(id),
    all: () => book.devices.values(),
    get count() {
      return book.devices.size;
    },
    tokens: (id) => book.tokens(id),

    create: ({ id, label, tags }, actor) =>
      inTurn(id, async () => {
        const device = newDevice(id, ledger.nowMs(), { label, tags });
        const fault = DEVICE_ID.test(id) ? deviceFault(device) : DEVICE_ID_RULE;
        if (fault !== null) return { refused: 'invalid', detail: fault };
        if (book.devices.has(id)) return { refused: 'exists' };
        const issued = book.draft(id, '');
        await ledger.commit({ put: 'devices', row: device }, { put: 'tokens', row: issued.row }, ledger.act(actor, 'device.create', id));
        book.apply({ device, tokens: [issued.row] });
        changed(id);
        return issued;
      }),

    update: (id, patch, actor) =>
      inTurn(id, async () => {
        const before = book.devices.get(id);
        if (before === undefined) return NOT_FOUND;
        const after: DeviceRow = { ...before, ...defined(patch), id, createdAtMs: before.createdAtMs };
        const fault = deviceFault(after);
        if (fault !== null) return { refused: 'invalid', detail: fault };
        const what = (Object.keys(after) as (keyof DeviceRow)[]).filter((key) => after[key] !== before[key]);
        if (what.length === 0) return before;
        const act = before.status === after.status ? 'device.update' : after.status === 'suspended' ? 'device.suspend' : 'device.resume';
        const changes = [{ put: 'devices', row: after } as const, ledger.act(actor, act, id, what.join(' '))];
        const madeAtMs = after.createdAtMs;
        const inForce = (): void => {
          book.apply({ device: after });
          if (act === 'device.suspend') ledger.ended({ what: 'device', device: id, reason: 'suspended' });
          changed(id);
        };
        if (act === 'device.suspend')
          return (await ledger.end({ lines: [{ what: 'suspended', id, madeAtMs }], changes, inForce })) ?? after;
        await ledger.commit(...changes);
        inForce();
        if (act !== 'device.resume') return after;
        // last: a resumption that is missing in the log is undone by the next start, and nothing else is
        return (await ledger.end({ lines: [{ what: 'resumed', id, madeAtMs }] })) ?? after;
      }),

    remove: (id, actor) =>
      inTurn(id, async () => {
        const device = book.devices.get(id);
        if (device === undefined) return NOT_FOUND;
        const tokens = book.tokens(id);
        const trouble = await ledger.end({
          lines: [{ what: 'device', id, madeAtMs: device.createdAtMs }, ...tokens.map(ending)],
          changes: [{ delete: 'devices', id }, ...tokens.map(deletion), ledger.act(actor, 'device.remove', id)],
          inForce() {
            book.apply({ endedTokens: tokens, removedDevice: id });
            ledger.ended({ what: 'device', device: id, reason: 'removed' });
            changed(id);
          },
        });
        return trouble ?? (true as const);
      }),

    rotate: (id, overlapMs, actor) =>
      inTurn(id, async () => {
        if (!book.devices.has(id)) return NOT_FOUND;
        if (!(overlapMs >= 0 && overlapMs <= MAX_OVERLAP_MS)) return { refused: 'invalid', detail: 'the overlap is from 0 to 366 days' };
        const older = book.tokens(id);
        const endsAtMs = ledger.nowMs() + overlapMs;
        const kept = overlapMs === 0 ? [] : older.map((row) => ({ ...row, expiresAtMs: Math.min(row.expiresAtMs ?? endsAtMs, endsAtMs) }));
        const ended = overlapMs === 0 ? older : [];
        // an enrolment key may still re-enrol what it made
        const issued = book.draft(id, older.find((row) => row.enrolment !== '')?.enrolment ?? '');
        await ledger.commit(
          { put: 'tokens', row: issued.row },
          ...kept.map((row): RegistryChange => ({ put: 'tokens', row })),
          ...ended.map(deletion),
          ledger.act(actor, 'token.rotate', id, `new ${issued.row.id}, overlap ${overlapMs / 1000} s`),
        );
        book.apply({ tokens: [issued.row, ...kept], endedTokens: ended });
        endTokens(ended);
        changed(id);
        const lines = kept.map((row): RevocationOf => ({ what: 'token-until', id: row.id, untilMs: row.expiresAtMs }));
        // not durable: the new secret stays unshown, and the rotation after it ends its token too
        return (await ledger.end({ lines: [...lines, ...ended.map(ending)] })) ?? issued;
      }),

    revoke: (id, tokenId, actor) =>
      inTurn(id, async () => {
        if (!book.devices.has(id)) return NOT_FOUND;
        const ended = book.tokens(id).filter((row) => tokenId === null || row.id === tokenId);
        if (tokenId !== null && ended.length === 0) return NOT_FOUND;
        const act = ledger.act(actor, 'token.revoke', id, ended.map((row) => row.id).join(' '));
        const trouble = await ledger.end({
          lines: ended.map(ending),
          changes: [...ended.map(deletion), act],
          inForce() {
            book.apply({ endedTokens: ended });
            endTokens(ended);
            changed(id);
          },
        });
        return trouble ?? ended.length;
      }),

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const NOT_FOUND: Refusal = { refused: 'not-found' };
export const DEVICE_ID_RULE = 'a device id is 1 to 64 of A-Z a-z 0-9 . _ -, and begins with a letter or digit';

const deletion = ({ id }: TokenRow): RegistryChange => ({ delete: 'tokens', id });
export const ending = ({ id }: TokenRow): RevocationOf => ({ what: 'token', id });

function defined<T extends object>(patch: T): Partial<T> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function deviceFault(device: DeviceRow): string | null {
  const { label, tags, location, notes, status, clock, expectEverySeconds, pingSeconds, maySleep } = device;
  if (status !== 'active' && status !== 'suspended') return 'status is active or suspended';
  if (clock !== 'device' && clock !== 'gateway') return 'clock is device or gateway';
  if (expectEverySeconds !== null && !(expectEverySeconds > 0 && expectEverySeconds <= 366 * 86_400)) {
    return 'expectEverySeconds is more than 0 and at most a year, or null';
  }
  if (pingSeconds !== null && !(pingSeconds >= 1 && pingSeconds <= 300)) return 'pingSeconds is from 1 to 300, or null';
  if (typeof maySleep !== 'boolean') return 'maySleep is true or false';
  return textFault('a label', label) ?? tagsFault(tags) ?? textFault('a location', location, 200) ?? notesFault(notes);
}
