// An end of the simulator that a person can do something about: the sentence, and the exit code that goes with it.

export const EXIT = { done: 0, failed: 1, usage: 2, io: 74, noPermission: 77, configuration: 78 } as const;

export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A file that was named on the command line could not be read. */
export function unreadableFile(path: string, error: unknown): Failure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') return new Failure(`${path} may not be read by this user`, EXIT.noPermission);
  if (code === 'ENOENT') return new Failure(`there is no file ${path}`, EXIT.io);
  if (code === 'EISDIR') return new Failure(`${path} is a folder, not a file`, EXIT.io);
  return new Failure(`${path} could not be read: ${(error as Error).message}`, EXIT.io);
}
