// The programs that the tests need beyond npm: looked for always, installed on a CI machine only.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Program {
  /** Debian's package. */
  readonly package: string;
  /** Any of these on the PATH will do. */
  readonly commands?: readonly string[];
  /** For a library, which brings no command: one of its files or folders. */
  readonly path?: string;
}

const PROGRAMS: readonly Program[] = [
  { package: 'chromium', commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] },
  { package: 'firefox-esr', commands: ['firefox-esr', 'firefox'] },
  { package: 'iproute2', commands: ['ip'] },
  // for the preloaded library in test/support/preload
  { package: 'gcc', commands: ['gcc'] },
  { package: 'libc6-dev', path: '/usr/include/stdio.h' },
  // pseudo-terminals back to back, which are the serial ports of the tests
  { package: 'socat', commands: ['socat'] },
  // what the clients in docs/examples are run with
  { package: 'golang-go', commands: ['go'] },
  { package: 'golang-github-gorilla-websocket-dev', path: '/usr/share/gocode/src/github.com/gorilla/websocket' },
  { package: 'python3-websockets', path: '/usr/lib/python3/dist-packages/websockets' },
  { package: 'python3-zstandard', path: '/usr/lib/python3/dist-packages/zstandard' },
  { package: 'openjdk-17-jdk-headless', commands: ['javac'] },
  { package: 'curl', commands: ['curl'] },
];

const TRIES = 3;

/** Packages whose programs are not on `path`, or whose files are not where Debian puts them. */
export function missingPackages(path: string): string[] {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const isThere = (program: Program): boolean =>
    (program.path !== undefined && existsSync(program.path)) ||
    (program.commands ?? []).some((command) => folders.some((folder) => isExecutable(join(folder, command))));
  return PROGRAMS.filter((program) => !isThere(program)).map((program) => program.package);
}

/** Says what to do, or does it when `isCi`. False when something is still missing. */
export function prepareMachine(isCi: boolean, say: (line: string) => void): boolean {
  const missing = missingPackages(process.env['PATH'] ?? '');
  if (missing.length === 0) return true;
  const install = `apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
  if (!isCi) {
    say(`The tests need ${missing.join(' and ')}. Install with: sudo apt-get install ${missing.join(' ')}`);
    return false;
  }
  say(`installing ${missing.join(', ')}`);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    if (
      apt(['update', '--quiet']) &&
      apt([...install.split(' ').slice(1), '--quiet']) &&
      missingPackages(process.env['PATH'] ?? '').length === 0
    )
      return true;
    say(`attempt ${attempt} of ${TRIES} failed: ${install}`);
  }
  return false;
}

function apt(args: readonly string[]): boolean {
  const [command, ...before] =
    process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '--non-interactive', '--preserve-env=DEBIAN_FRONTEND', 'apt-get'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-o', 'Acquire::Retries=3', '-o', 'Dpkg::Use-Pty=0'];
  return spawnSync(command ?? 'apt-get', [...before, ...options, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
