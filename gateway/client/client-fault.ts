// An end of a client that a person can do something about: the sentence, and the exit code that goes with it.

const CODE = { failed: 1, io: 74, noPermission: 77 } as const;

export class ClientFault extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = CODE.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A file that was named on the command line could not be read. */
export function unreadableFile(path: string, error: unknown): ClientFault {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') return new ClientFault(`${path} may not be read by this user`, CODE.noPermission);
  if (code === 'ENOENT') return new ClientFault(`there is no file ${path}`, CODE.io);
  if (code === 'EISDIR') return new ClientFault(`${path} is a folder, not a file`, CODE.io);
  return new ClientFault(`${path} could not be read: ${(error as Error).message}`, CODE.io);
}
