// Makes values fit for a log: control characters, bidirectional overrides and the like become visible escapes, so that no device can
// repaint an operator's terminal or forge a line. Errors become plain objects.

/** C0 and C1 controls, DEL, zero-width and bidirectional marks, line and paragraph separators, lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/u;
const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE.source, 'gu');
const DEPTH = 4;
const ITEMS = 100;
const LONGEST = 8192;
const STACK_LINES = 12;

export function printableText(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
  return UNPRINTABLE.test(short) ? short.replace(ALL_UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : short;
}

export function printable(fields: object): object {
  return fields instanceof Error ? { error: fromError(fields, 0) } : (fromValue(fields, 0) as object);
}

function fromValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return printableText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return fromError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, ITEMS).map((item) => fromValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS)
      .map(([name, item]) => [printableText(name), fromValue(item, depth + 1)]),
  );
}

function fromError(error: Error, depth: number): object {
  const { code } = error as NodeJS.ErrnoException;
  return {
    type: error.name,
    message: printableText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.cause === undefined || depth >= DEPTH ? {} : { cause: fromValue(error.cause, depth + 1) }),
    // the message is in the stack again, with its own line breaks: only the places count
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, STACK_LINES)
      .map((line) => printableText(line.trim())),
  };
}
