// The first admin: a one-time code that the log shows (or the command line asks for) opens the set-up page for a while.

import { randomInt } from 'node:crypto';
import type { Issued, Principal, Refusal, Setup } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { hashOf, isEqualHash } from './secrets.ts';
import type { SessionBook } from './session-book.ts';
import type { UsersAndFind } from './users.ts';

export interface SetupOptions {
  readonly ledger: Ledger;
  readonly users: UsersAndFind;
  readonly book: SessionBook;
  readonly openMs: number;
  /** Neither users nor keys exist. */
  readonly isUntouched: () => boolean;
  readonly failed: (address: string) => number;
  /** The code of a first start, for the log. */
  readonly onCode: (code: string, endsAtMs: number) => void;
}

/** No 0 O 1 I L U: read aloud and typed without mistakes. 30 letters, 16 of them: 78 bits. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUPS = 4;
const GROUP_LENGTH = 4;
const TRIES = 5;

interface Open {
  readonly hash: string;
  readonly endsAtMs: number;
  /** Made by a start without users or keys: it ends when there is one. */
  readonly isFirst: boolean;
  triesLeft: number;
}

export function createSetup({ ledger, users, book, openMs, isUntouched, failed, onCode }: SetupOptions): Setup {
  let open: Open | null = null;

  function current(): Open | null {
    if (open === null || open.triesLeft <= 0 || open.endsAtMs <= ledger.nowMs() || (open.isFirst && !isUntouched())) open = null;
    return open;
  }
  function start(isFirst: boolean): string {
    const code = newCode();
    open = { hash: hashOf(canonicalCode(code)), endsAtMs: ledger.nowMs() + openMs, isFirst, triesLeft: TRIES };
    return code;
  }

  if (isUntouched()) {
    const code = start(true);
    onCode(code, ledger.nowMs() + openMs);
  }
  return {
    isOpen: () => current() !== null,

    async newCode(actor) {
      await ledger.commit(ledger.act(actor, 'setup.code', ''));
      return start(false);
    },

    async complete({ code, user, password }, address): Promise<Issued<Principal> | Refusal> {
      const tried = current();
      if (tried === null) return { refused: 'not-found' };
      if (!isEqualHash(hashOf(canonicalCode(code)), tried.hash)) {
        tried.triesLeft -= 1;
        failed(address);
        ledger.attempted({ actor: 'nobody', act: 'setup.refuse', target: '', address });
        return { refused: 'unauthorized' };
      }
      open = null; // one admin a code, also when two come at once
      try {
        const made = await users.create(user, 'admin', password, 'set-up');
        if ('refused' in made) {
          open ??= tried;
          return made;
        }
        const session = await book.open('user', made.name, made.name);
        return { row: { kind: 'user', name: made.name, role: made.role, sessionId: session.row.id }, secret: session.secret };
      } catch (error) {
        if (users.find(user) === undefined) open ??= tried;
        throw error;
      }
    },
  };
}

function newCode(): string {
  const group = (): string => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** As typed by people: any case, with or without the dashes. */
function canonicalCode(code: string): string {
  return code
    .slice(0, 64)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '');
}
