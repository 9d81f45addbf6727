// A bridge's credentials, from a file: one token alone, or a line `DEVICE TOKEN` for each device. Blank lines and # comments are allowed.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { unreadableFile } from './client/client-fault.ts';
import { EXIT, Failure } from './failure.ts';
import { DEVICE_ID } from './protocol/messages.ts';

const LARGEST_BYTES = 64 * 1024;
/** It goes into a header. */
const TOKEN = /^[\x21-\x7e]{1,1024}$/;
const OTHERS_MAY_READ = 0o044;

/** The token of each of these devices; all their ports are named in the configuration. Throws a Failure that says what to do. */
export function readBridgeTokens(file: string, devices: readonly string[], warn: (text: string) => void): ReadonlyMap<string, string> {
  const lines = readText(file, warn)
    .split('\n')
    .map((text, i) => ({ words: text.trim().split(/\s+/), number: i + 1 }))
    .filter(({ words: [first = ''] }) => first !== '' && !first.startsWith('#'));
  const [first, ...more] = lines;
  if (first === undefined) throw configuration(`${file} holds no token`);
  if (first.words.length === 1) return oneToken(file, first.words[0]!, more.length, devices);
  const tokens = new Map<string, string>();
  for (const { words, number } of lines) {
    const [device = '', token = ''] = words;
    const at = `${file}, line ${number}`;
    if (words.length !== 2 || !DEVICE_ID.test(device) || !TOKEN.test(token)) throw configuration(`${at}: a line is DEVICE TOKEN`);
    if (tokens.has(device)) throw configuration(`${at}: ${device} has a token further up already; keep one of them`);
    tokens.set(device, token);
  }
  const missing = devices.filter((device) => !tokens.has(device));
  if (missing.length > 0)
    throw configuration(
      `${file} has no token for ${missing.join(', ')}, which ports of the configuration name: on the gateway, "fieldgate device add ID" or "fieldgate device rotate ID" prints one; add the line ID TOKEN`,
    );
  return new Map(devices.map((device) => [device, tokens.get(device)!]));
}

function oneToken(file: string, token: string, more: number, devices: readonly string[]): ReadonlyMap<string, string> {
  if (more > 0) throw configuration(`${file} begins with a token alone, but has more lines: with several, each is DEVICE TOKEN`);
  if (!TOKEN.test(token)) throw configuration(`${file} holds something that is no token`);
  if (devices.length > 1)
    throw configuration(
      `${file} holds one token, which is one device's, but the ports name ${devices.join(', ')}: write a line DEVICE TOKEN for each, or give all ports one device`,
    );
  return new Map(devices.map((device) => [device, token]));
}

function readText(file: string, warn: (text: string) => void): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const { mode, size } = fstatSync(descriptor);
      if (size > LARGEST_BYTES) throw configuration(`${file} has ${size} bytes: that is no file of tokens`);
      if ((mode & OTHERS_MAY_READ) !== 0) warn(`${file} can be read by other users of this machine; mend it with: chmod 600 ${file}`);
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof Failure ? error : unreadableFile(file, error);
  }
}

function configuration(message: string): Failure {
  return new Failure(EXIT.configuration, message);
}
