// Pairing: while an operator holds a window open, a device that has no key may ask for a token, and a person says yes or no. All of it is
// in memory: a restart closes the window and forgets who asked; a token that nobody fetched is in nobody's hands, and ends.

import { randomInt } from 'node:crypto';
import { DEVICE_ID } from '../protocol/messages.ts';
import { whileNobodyAsks } from './asked-from.ts';
import { type DeviceBook, newDevice } from './device-book.ts';
import { DEVICE_ID_RULE, ending } from './devices.ts';
import type { Refusal } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, newSecret } from './secrets.ts';
import { networkOf, type Throttle } from './throttle.ts';
import type { TokenRow } from '../storage/registry.ts';

export interface PairingRequest {
  /** Short, to be compared by eye; no secret. */
  readonly id: string;
  readonly device: string;
  readonly address: string;
  readonly askedAtMs: number;
  readonly state: 'pending' | 'approved' | 'fetched';
}
export interface PairingState {
  readonly openUntilMs: number | null;
  readonly requests: readonly PairingRequest[];
}
/** What the device is told that asks again. */
export type PairingPoll = { readonly outcome: 'pending' } | { readonly outcome: 'token'; readonly token: string } | Refusal;
/** `device` and the rest are null for what is about the window alone. */
export interface PairingNews {
  readonly what: 'opened' | 'closed' | 'asked' | 'approved' | 'refused' | 'expired' | 'fetched';
  readonly request: PairingRequest | null;
}
export interface Pairing {
  isOpen(): boolean;
  state(): PairingState;
  /** From now on for the whole time; one that is open is held open longer. */
  open(actor: string): Promise<void>;
  /** Who waits for an answer waits no more. */
  close(actor: string): Promise<void>;
  /** A device asks. `request` is what it asks again with, and nobody else knows it. */
  ask(device: string, address: string): Promise<{ readonly request: string; readonly id: string } | Refusal>;
  poll(request: string, address: string): Promise<PairingPoll>;
  /** Makes the device and its token; a second time it changes nothing. */
  approve(id: string, actor: string): Promise<PairingRequest | Refusal>;
  refuse(id: string, actor: string): Promise<true | Refusal>;
  onChange(listener: (news: PairingNews) => void): () => void;
}

export interface PairingOptions {
  readonly book: DeviceBook;
  readonly ledger: Ledger;
  /** Never jumps: a clock that is set back must not hold the window open. */
  readonly steadyMs: () => number;
  readonly openMs: number;
  readonly mostPending: number;
  readonly asks: Throttle;
  /** Counts a poll with what was never given out, or is over. */
  readonly failed: (address: string) => number;
  readonly deviceChanged: (id: string) => void;
}

/** As in set-up codes: read aloud and typed without mistakes. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_LENGTH = 4;

interface Held {
  row: PairingRequest;
  /** SHA-256 of what the device asks again with. */
  readonly hash: string;
  /** Only who asked may ask again: a request that was overheard elsewhere is worth nothing. */
  readonly network: string;
  issued: { readonly row: TokenRow; readonly secret: string } | null;
  /** After the approval; until then the window's end counts. */
  untilMs: number;
  isBusy: boolean;
}

export function createPairing(options: PairingOptions): Pairing & { stop(): void } {
  const { book, ledger, steadyMs, openMs, mostPending, asks, failed, deviceChanged } = options;
  const held = new Map<string, Held>();
  const listeners = new Set<(news: PairingNews) => void>();
  let openUntilMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;

  const tell = (what: PairingNews['what'], request: PairingRequest | null): void => {
    for (const listener of [...listeners]) listener({ what, request });
  };
  const pending = (): Held[] => [...held.values()].filter(({ row }) => row.state === 'pending');

  /** Ends what is over by now, and comes back for what is over next. Nobody asked for that, whoever looks in just then. */
  const sweep = (): void => whileNobodyAsks(sweepNow);
  function sweepNow(): void {
    const atMs = steadyMs();
    const isOver = openUntilMs <= atMs;
    const wasOpen = openUntilMs > Number.NEGATIVE_INFINITY;
    if (isOver) openUntilMs = Number.NEGATIVE_INFINITY;
    const ended = [...held.values()].filter((one) => !one.isBusy && (one.row.state === 'pending' ? isOver : one.untilMs <= atMs));
    for (const one of ended) expire(one);
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const ends = [...held.values()].filter(({ row }) => row.state !== 'pending').map(({ untilMs }) => untilMs);
    const nextMs = Math.min(...ends, isOver ? Number.POSITIVE_INFINITY : openUntilMs);
    if (nextMs < Number.POSITIVE_INFINITY) timer = setTimeout(sweep, Math.max(nextMs - steadyMs(), 0) + 1);
    // last: who hears it looks in
    if (isOver && wasOpen) tell('closed', null);
    for (const { row } of ended) if (row.state !== 'fetched') tell('expired', row);
  }
  function expire(one: Held): void {
    const { row, issued } = one;
    held.delete(row.id);
    if (row.state === 'fetched') return;
    if (row.state === 'approved' && issued !== null) {
      // nobody has it, and nobody can get it any more
      void ledger.end({
        lines: [ending(issued.row)],
        changes: [{ delete: 'tokens', id: issued.row.id }, ledger.act('gateway', 'pairing.expire', row.device, row.id)],
        inForce() {
          book.apply({ endedTokens: [issued.row] });
          deviceChanged(row.device);
        },
      });
    } else ledger.commitLater(ledger.act('gateway', 'pairing.expire', row.device, row.id));
  }
  function newRequestId(): string {
    for (;;) {
      const id = Array.from({ length: ID_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
      if (!held.has(id)) return id;
    }
  }

  return {
    isOpen() {
      sweep();
      return openUntilMs > steadyMs();
    },
    state() {
      sweep();
      const leftMs = openUntilMs - steadyMs();
      return { openUntilMs: leftMs > 0 ? ledger.nowMs() + leftMs : null, requests: [...held.values()].map(({ row }) => row) };
    },

    async open(actor) {
      sweep();
      const wasOpen = openUntilMs > steadyMs();
      await ledger.commit(ledger.act(actor, wasOpen ? 'pairing.extend' : 'pairing.open', ''));
      openUntilMs = steadyMs() + openMs;
      sweep();
      tell('opened', null);
    },
    async close(actor) {
      sweep();
      if (openUntilMs <= steadyMs()) return;
      await ledger.commit(ledger.act(actor, 'pairing.close', ''));
      openUntilMs = Math.min(openUntilMs, steadyMs());
      sweep();
    },

    async ask(device, address) {
      sweep();
      const network = networkOf(address);
      const wait = asks.fail(network);
      if (wait > 0) return { refused: 'too-many-asks', retryAfterSeconds: wait };
      if (openUntilMs <= steadyMs()) return { refused: 'unauthorized' };
      if (!DEVICE_ID.test(device)) return { refused: 'invalid', detail: DEVICE_ID_RULE };
      if (book.devices.has(device)) return { refused: 'exists' };
      // one that was switched off and on asks anew, and its older question is nobody's any more
      const older = pending().find((one) => one.row.device === device && one.network === network && !one.isBusy);
      if (older === undefined && pending().length >= mostPending)
        return { refused: 'busy', detail: 'as many devices wait for an answer as can', retryAfterSeconds: 5 };
      if (older !== undefined) held.delete(older.row.id);
      const request = newSecret('pairing');
      const row: PairingRequest = { id: newRequestId(), device, address, askedAtMs: ledger.nowMs(), state: 'pending' };
      held.set(row.id, { row, hash: hashOf(request), network, issued: null, untilMs: Number.POSITIVE_INFINITY, isBusy: false });
      if (older === undefined) ledger.commitLater(ledger.act(`device ${device}`, 'pairing.ask', device, row.id));
      tell('asked', row);
      return { request, id: row.id };
    },
    async poll(request, address) {
      sweep();
      const hash = hashOf(request);
      const one = [...held.values()].find((other) => other.hash === hash);
      const isTheirs = one !== undefined && one.network === networkOf(address);
      if (isTheirs && one.row.state === 'pending') return { outcome: 'pending' };
      const issued = isTheirs && one.row.state === 'approved' ? one.issued : null;
      const isGood = issued !== null && book.tokenOf(issued.row.hash) !== null;
      if (!isTheirs || !isGood) {
        const wait = failed(address);
        return wait > 0 ? { refused: 'too-many-failures', retryAfterSeconds: wait } : { refused: 'gone' };
      }
      one.row = { ...one.row, state: 'fetched' };
      one.issued = null; // given once, and kept nowhere from here on
      ledger.commitLater(ledger.act(`device ${one.row.device}`, 'pairing.fetch', one.row.device, one.row.id));
      tell('fetched', one.row);
      return { outcome: 'token', token: issued.secret };
    },

    async approve(id, actor) {
      sweep();
      const known = held.get(id);
      if (known === undefined) return NOT_FOUND;
      const { device } = known.row;
      return ledger.inTurn(`device ${device}`, async () => {
        const one = held.get(id);
        if (one === undefined) return NOT_FOUND;
        if (one.row.state !== 'pending') return one.row;
        if (book.devices.has(device)) {
          held.delete(id);
          tell('refused', one.row);
          return { refused: 'exists' };
        }
        const made = newDevice(device, ledger.nowMs());
        const issued = book.draft(device, '');
        one.isBusy = true;
        try {
          await ledger.commit(
            { put: 'devices', row: made },
            { put: 'tokens', row: issued.row },
            ledger.act(actor, 'pairing.approve', device, `${id}, asked from ${one.row.address}`),
          );
        } finally {
          one.isBusy = false;
        }
        book.apply({ device: made, tokens: [issued.row] });
        one.row = { ...one.row, state: 'approved' };
        one.issued = issued;
        one.untilMs = steadyMs() + openMs;
        for (const other of pending()) {
          if (other.row.device !== device) continue;
          held.delete(other.row.id);
          tell('refused', other.row);
        }
        deviceChanged(device);
        sweep();
        tell('approved', one.row);
        return one.row;
      });
    },
    async refuse(id, actor) {
      sweep();
      const one = held.get(id);
      if (one === undefined || one.row.state !== 'pending' || one.isBusy) return NOT_FOUND;
      held.delete(id); // at once: nobody may approve it while this is written
      tell('refused', one.row);
      await ledger.commit(ledger.act(actor, 'pairing.refuse', one.row.device, `${id}, asked from ${one.row.address}`));
      return true;
    },

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      held.clear();
      listeners.clear();
    },
  };
}

const NOT_FOUND: Refusal = { refused: 'not-found', detail: 'Nobody waits for an answer under this id (any more).' };
