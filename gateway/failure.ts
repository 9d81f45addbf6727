// What ends a command: a sentence for the person at the terminal and an exit code for the script around it (sysexits where they fit).

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  portInUse: 69,
  cannotCreate: 73,
  io: 74,
  locked: 75,
  permission: 77,
  configuration: 78,
  interrupted: 130,
} as const;

export class Failure extends Error {
  readonly exit: number;

  constructor(exit: number, message: string) {
    super(message);
    this.name = 'Failure';
    this.exit = exit;
  }
}

/** Gives errors of the operating system the exit code they deserve; everything else is 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exit;
  const { code, syscall, exitCode } = (error ?? {}) as NodeJS.ErrnoException & { exitCode?: number };
  if (exitCode !== undefined) return exitCode; // from a worker thread, where classes are lost
  if (code !== undefined && /^SQLITE_(FULL|IOERR|CORRUPT)/.test(code)) return EXIT.io;
  if (code !== undefined && /^SQLITE_(READONLY|CANTOPEN|PERM)/.test(code)) return EXIT.permission;
  switch (code) {
    case 'EADDRINUSE':
      return EXIT.portInUse;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return EXIT.permission;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return EXIT.configuration;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return syscall === 'getaddrinfo' ? EXIT.configuration : EXIT.failed;
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return EXIT.cannotCreate;
    case 'ENOSPC':
    case 'EIO':
    case 'EDQUOT':
      return EXIT.io;
    default:
      return EXIT.failed;
  }
}

/** One sentence that says what to do; the stack is for the log. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  const { code, port, address, path, message } = (error ?? {}) as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE')
    return `port ${port ?? '?'} is in use on ${address ?? 'this host'}: stop what listens there, or choose another with --port`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} needs rights that this process lacks: use a port from 1024 up (--port 8443)`;
  if (code === 'EADDRNOTAVAIL') return `${address ?? 'the address'} is not an address of this machine: see http.host`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host name in http.host cannot be resolved: ${message}`;
  if ((code === 'EACCES' || code === 'EPERM') && path !== undefined) return `no permission for ${path}`;
  if (code === 'ENOSPC' || code === 'SQLITE_FULL')
    return `the disk is full: make room on the volume of the data directory (df -h) (${message})`;
  if (code?.startsWith('SQLITE_IOERR') === true) return `the disk fails to read or write (${code}): dmesg names it`;
  if (code?.startsWith('SQLITE_CORRUPT') === true) return `a database is damaged (${message}): put it back from a backup`;
  if (code?.startsWith('SQLITE_READONLY') === true) return `the data directory cannot be written (${code}): is it mounted read-only?`;
  return error instanceof Error ? error.message : String(error);
}
