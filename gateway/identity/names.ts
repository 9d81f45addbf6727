// What people may call things: user names, labels, tags. Each check answers with a sentence, or null when all is well.

/** As names are compared and kept: without the differences that people do not see. */
export function canonicalName(name: string): string {
  return name.trim().normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/** Anything that shows: no controls, no line breaks, nothing that turns the direction of the text around it. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]*$/u;
const PRINTABLE_LINES = /^(?:[^\p{Cc}\p{Cs}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]|[\n\t])*$/u;
const USER_NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@+-]{0,63}$/u;
const MAX_TAGS = 32;
const MAX_NOTES = 4096;

export function userNameFault(name: string): string | null {
  return USER_NAME.test(name.normalize('NFC'))
    ? null
    : 'a user name is 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit';
}

export function textFault(what: string, text: string, max = 64): string | null {
  return isAtMost(text, max) && PRINTABLE.test(text) ? null : `${what} is at most ${max} printable characters`;
}

export function notesFault(text: string): string | null {
  return isAtMost(text, MAX_NOTES) && PRINTABLE_LINES.test(text) ? null : `notes are at most ${MAX_NOTES} printable characters`;
}

export function tagsFault(tags: readonly string[]): string | null {
  if (tags.length > MAX_TAGS || new Set(tags).size !== tags.length) return `tags are at most ${MAX_TAGS}, each once`;
  return tags.every((tag) => tag.trim() === tag && tag !== '' && textFault('', tag) === null)
    ? null
    : 'a tag is 1 to 64 printable characters';
}

/** In code points, and without splitting a megabyte to find that it is too long. */
function isAtMost(text: string, max: number): boolean {
  return text.length <= 2 * max && [...text].length <= max;
}
