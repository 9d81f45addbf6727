// From where the work at hand was asked for. Set once, where a request comes in, for as long as it takes, and read where its acts are
// written into the audit: so no act can forget it, and no function in between has to carry it along.

import { AsyncLocalStorage } from 'node:async_hooks';

const address = new AsyncLocalStorage<string>();

/** For the command line and everything else on the control socket. */
export const FROM_LOCAL = 'local';

/** `work`, and all that it starts, is asked for by this peer. */
export function whileAskedFrom<T>(peer: string, work: () => T): T {
  return address.run(peer, work);
}

/** '' when nobody asked: what the gateway does by itself. */
export function askedFrom(): string {
  return address.getStore() ?? '';
}

/** What a timer does, nobody asks for, whoever set it. */
export function whileNobodyAsks<T>(work: () => T): T {
  return address.exit(work);
}
