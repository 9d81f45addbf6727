// Tokens and keys come from files (or `-`, standard input), never from the command line, where `ps` shows them to everybody.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { EXIT, Failure, unreadableFile } from './failure.ts';

export function readSecretFile(path: string, warn: (text: string) => void): string {
  const secret = (path === '-' ? readFileSync(0, 'utf8') : readFile(path, warn)).trim();
  if (secret === '') throw new Failure(`${path === '-' ? 'standard input' : path} holds no token`, EXIT.usage);
  // A credential goes into a header: anything else would be refused there with a worse sentence.
  if (!/^[\x21-\x7e]{1,1024}$/.test(secret)) throw new Failure(`${path} holds more than one token, or something that is none`, EXIT.usage);
  return secret;
}

function readFile(path: string, warn: (text: string) => void): string {
  try {
    const file = openSync(path, 'r');
    try {
      const { mode } = fstatSync(file);
      if ((mode & 0o044) !== 0) warn(`${path} can be read by other users of this machine; mend it with: chmod 600 ${path}`);
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadableFile(path, error);
  }
}
