// People's passwords: argon2id in Node's thread pool, one at a time behind a bounded queue, so that a flood of sign-ins costs one thread
// and the rest are told to come back.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Refusal } from './identity.ts';

export interface Passwords {
  /** The hash with its parameters, in the PHC string format. */
  hash(password: string): Promise<string | Refusal>;
  /** With null for a user that does not exist: takes as long, and says no. */
  matches(password: string, stored: string | null): Promise<boolean | Refusal>;
}

const MAX_BYTES = 1024;
/** OWASP's minimum for argon2id: 19 MiB, two passes; about 30 ms on a small box. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** What no password matches: hashed against when there is no such user, and kept for one whose password has ended. */
export const UNUSABLE_PASSWORD = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

const derive = promisify(argon2);

export function createPasswords({ queue }: { readonly queue: number }): Passwords {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function inTurn<T>(work: () => Promise<T>): Promise<T | Refusal> {
    if (waiting >= queue) return { refused: 'busy', retryAfterSeconds: 2 + Math.floor(Math.random() * 4) };
    waiting += 1;
    const mine = last.then(work, work);
    last = mine;
    try {
      return await mine;
    } finally {
      waiting -= 1;
    }
  }
  return {
    async hash(password) {
      const message = Buffer.from(password.normalize('NFC'));
      if (message.length > MAX_BYTES) return TOO_LONG;
      const nonce = randomBytes(SALT_BYTES);
      return inTurn(async () => {
        const tag = await derive('argon2id', { message, nonce, ...COST });
        return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
      });
    },
    async matches(password, stored) {
      const message = Buffer.from(password.normalize('NFC'));
      if (message.length > MAX_BYTES) return TOO_LONG;
      const [, memory, passes, parallelism, salt = '', expected = ''] = PHC.exec(stored ?? UNUSABLE_PASSWORD) ?? [];
      const tag = Buffer.from(expected, 'base64');
      return inTurn(async () => {
        const given = await derive('argon2id', {
          message,
          nonce: Buffer.from(salt, 'base64'),
          memory: Number(memory),
          passes: Number(passes),
          parallelism: Number(parallelism),
          tagLength: tag.length,
        });
        return timingSafeEqual(given, tag) && stored !== null && stored !== UNUSABLE_PASSWORD;
      });
    },
  };
}

const TOO_LONG: Refusal = { refused: 'bad-request', detail: `a password has at most ${MAX_BYTES} bytes` };

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
