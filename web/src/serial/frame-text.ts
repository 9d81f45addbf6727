// A frame's bytes for the eye: text with every character that has no shape of its own made visible, anything else as pairs of hex digits.

export interface TextPiece {
  readonly text: string;
  /** It stands for a character that can't be seen. */
  readonly isMark: boolean;
}

/** Controls, what turns or joins text, what takes no room, and blanks that look like the usual one. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u202f\u3000]/u;
const UNSEEN_RUNS = new RegExp(`(${UNSEEN.source}+)`, 'u');

export function visibleText(raw: string): TextPiece[] {
  return raw
    .split(UNSEEN_RUNS)
    .map((text, index) => ({ text: index % 2 === 0 ? text : [...text].map(markOf).join(''), isMark: index % 2 === 1 }))
    .filter(({ text }) => text !== '');
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** As programs write them: `\r`, `\x02`, `\u202e`. */
function markOf(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return NAMED[character] ?? (hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
}

export function base64Bytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function bytesBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Pairs of hex digits with anything usual between them (`0x`, blanks, commas, colons, dashes); what is wrong otherwise. */
export function readHex(written: string): Uint8Array | { readonly wrong: string } {
  const words = written.split(/[\s,;:-]+/).map((word) => word.replace(/^(0x|\\x)/i, ''));
  const bytes: number[] = [];
  for (const word of words) {
    if (!/^([0-9a-f]{2})*$/i.test(word)) return { wrong: word.slice(0, 12) };
    for (let i = 0; i < word.length; i += 2) bytes.push(Number.parseInt(word.slice(i, i + 2), 16));
  }
  return Uint8Array.from(bytes);
}
