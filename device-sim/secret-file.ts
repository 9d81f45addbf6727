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

/** A device a line: its id and its token. */
export function readTokensFile(path: string, warn: (text: string) => void): readonly { readonly id: string; readonly token: string }[] {
  const lines = readFile(path, warn)
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new Failure(`${path} holds no token`, EXIT.usage);
  return lines.map((line, index) => {
    const [, id, token] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}) ([\x21-\x7e]{1,1024})$/.exec(line.trim()) ?? [];
    if (id === undefined || token === undefined)
      throw new Failure(`${path}, line ${index + 1}: a device's id and its token are needed`, EXIT.usage);
    return { id, token };
  });
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
