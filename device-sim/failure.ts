// An end of the simulator that a person can do something about: the sentence, and the exit code that goes with it.

import { ClientFault, unreadableFile } from '../gateway/client/client-fault.ts';

export const EXIT = { done: 0, failed: 1, usage: 2, io: 74, noPermission: 77, configuration: 78 } as const;

// what goes wrong with a socket, a certificate or a file is said by the parts that every client has
export { ClientFault as Failure, unreadableFile };
