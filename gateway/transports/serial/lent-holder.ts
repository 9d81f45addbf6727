// Ports that one thread reads and another one holds: the reading side asks, and the holding side answers and lets go of what is left when
// the reader has ended.

import { type PortHolder, type PortLine, type PortTrouble, portTrouble } from './port-line.ts';

export type HoldAsk =
  | { readonly what: 'hold'; readonly ask: number; readonly line: PortLine }
  | { readonly what: 'let-go'; readonly ask: number; readonly fd: number };
export type HoldAnswer = {
  readonly what: 'held';
  readonly ask: number;
  /** Of a port that was to be held. */
  readonly fd: number | null;
  readonly fault: { readonly trouble: PortTrouble['trouble']; readonly message: string } | null;
};

export interface BorrowingHolder extends PortHolder {
  answered(answer: HoldAnswer): void;
}

/** The side of the thread that reads. */
export function createBorrowingHolder(say: (ask: HoldAsk) => void): BorrowingHolder {
  const waiting = new Map<number, PromiseWithResolvers<number | null>>();
  let asked = 0;
  const ask = (message: (ask: number) => HoldAsk): Promise<number | null> => {
    const answer = Promise.withResolvers<number | null>();
    waiting.set(++asked, answer);
    say(message(asked));
    return answer.promise;
  };
  return {
    async hold({ path, baudRate, dataBits, stopBits, parity, flowControl }) {
      const line = { path, baudRate, dataBits, stopBits, parity, flowControl };
      return (await ask((id) => ({ what: 'hold', ask: id, line }))) as number;
    },
    async letGo(fd) {
      await ask((id) => ({ what: 'let-go', ask: id, fd }));
    },
    answered({ ask: id, fd, fault }) {
      const answer = waiting.get(id);
      waiting.delete(id);
      if (fault === null) answer?.resolve(fd);
      else answer?.reject(portTrouble(fault.trouble, fault.message));
    },
  };
}

export interface LendingHolder {
  asked(ask: HoldAsk): void;
  /** The reader has ended: what it held is let go. Idempotent. */
  close(): void;
}

/** The side that holds. */
export function createLendingHolder(holder: PortHolder, answer: (answer: HoldAnswer) => void): LendingHolder {
  const held = new Set<number>();
  let isOver = false;
  const letGo = (fd: number): Promise<void> => {
    held.delete(fd);
    return holder.letGo(fd);
  };
  async function act(message: HoldAsk): Promise<number | null> {
    if (message.what === 'let-go') {
      await letGo(message.fd);
      return null;
    }
    const fd = await holder.hold(message.line);
    held.add(fd);
    if (isOver) await letGo(fd);
    return fd;
  }
  return {
    asked(message) {
      const { ask } = message;
      act(message).then(
        (fd) => answer({ what: 'held', ask, fd, fault: null }),
        (error: Partial<PortTrouble>) =>
          answer({ what: 'held', ask, fd: null, fault: { trouble: error.trouble ?? 'failed', message: error.message ?? '' } }),
      );
    },
    close() {
      isOver = true;
      for (const fd of held) letGo(fd).catch(() => undefined);
    },
  };
}
