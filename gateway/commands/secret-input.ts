// A password from stdin, or one that is made up here and printed. Passwords never stand on a command line.

import { randomInt } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { usage, type Cli } from './cli.ts';

const LONGEST_BYTES = 1024;
/** A parent that hands a socket as stdin and neither writes nor ends it has nothing to say. */
const SOCKET_SILENCE_MS = 3000;
/** No letters that are mistaken for others; 16 of 54 are 92 bits. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 16;

export interface Password {
  readonly text: string;
  /** Made here: nobody knows it yet. */
  readonly isMade: boolean;
}

export async function readPassword(cli: Cli): Promise<Password> {
  const given = await readStdin(cli);
  const text = given.replace(/\r?\n$/, '');
  if (text.includes('\n')) throw usage('the password on stdin has more than one line');
  return text === '' ? { text: makePassword(), isMade: true } : { text, isMade: false };
}

function makePassword(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

async function readStdin(cli: Cli): Promise<string> {
  if (cli.stdin.isTTY === true || !isOpen()) return '';
  const stat = fstatSync(0);
  if (stat.isFIFO()) cli.say('reading the password from stdin (an empty one makes one up)');
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const silence = stat.isSocket() ? setTimeout(() => finish(), SOCKET_SILENCE_MS) : undefined;
    const finish = (): void => {
      clearTimeout(silence);
      cli.stdin.removeAllListeners();
      // lets the process end although the other side keeps its end open
      cli.stdin.destroy();
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    cli.stdin.on('data', (chunk: Buffer) => {
      clearTimeout(silence);
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > LONGEST_BYTES) {
        cli.stdin.removeAllListeners();
        cli.stdin.destroy();
        reject(usage(`a password has at most ${LONGEST_BYTES} bytes`));
      }
    });
    cli.stdin.on('end', finish);
    cli.stdin.on('error', finish);
  });
}

function isOpen(): boolean {
  try {
    fstatSync(0);
    return true;
  } catch {
    return false;
  }
}
