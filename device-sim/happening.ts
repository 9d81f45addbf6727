// One line of a manifest: something that went on the wire, or came from it. A line is a letter, the number of the stream (the line `s`
// gave it) and the facts; what is JSON stands last and as it was. Lines: s stream · h hello · f frame · g gap · p pack · w welcome ·
// a ack · r reject · k the answer to a pack.

import type { RecordFault } from '../gateway/protocol/messages.ts';

/** About to be sent. Packs have no seq of their own: `order` counts them in their stream (`~ws`, `~http`). */
export type Sent =
  | { readonly type: 'hello'; readonly oldest: number; readonly next: number; readonly acked: number }
  | { readonly type: 'frame'; readonly seq: number; readonly body: string }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly reason: string }
  | { readonly type: 'pack'; readonly order: number; readonly body: string };
/** Seen. */
export type Heard =
  | { readonly type: 'welcome'; readonly acked: number; readonly store: string }
  | { readonly type: 'ack'; readonly seq: number }
  | { readonly type: 'reject'; readonly seq: number; readonly errors: readonly RecordFault[] }
  | { readonly type: 'stored'; readonly order: number; readonly errors: readonly RecordFault[] };
export type Happening = Sent | Heard;

export const LETTER = { stream: 's', ack: 'a', welcome: 'w' } as const;

export function lineOf(number: number, happening: Happening): string {
  switch (happening.type) {
    case 'hello':
      return `h ${number} ${happening.oldest} ${happening.next} ${happening.acked}\n`;
    case 'frame':
      return `f ${number} ${happening.seq} ${oneLine(happening.body)}\n`;
    case 'gap':
      return `g ${number} ${happening.from} ${happening.to} ${happening.reason}\n`;
    case 'pack':
      return `p ${number} ${happening.order} ${oneLine(happening.body)}\n`;
    case 'welcome':
      return `w ${number} ${happening.acked} ${happening.store}\n`;
    case 'ack':
      return `a ${number} ${happening.seq}\n`;
    case 'reject':
      return `r ${number} ${happening.seq} ${JSON.stringify(happening.errors)}\n`;
    case 'stored':
      return `k ${number} ${happening.order} ${JSON.stringify(happening.errors)}\n`;
    default:
      return happening satisfies never;
  }
}

/** Null when the line is none of the above. */
export function readLine(line: string): Happening | null {
  const letter = line[0];
  const afterNumber = line.indexOf(' ', 2);
  if (line[1] !== ' ' || afterNumber < 0) return null;
  const afterFirst = line.indexOf(' ', afterNumber + 1);
  const first = Number(line.slice(afterNumber + 1, afterFirst < 0 ? undefined : afterFirst));
  const rest = afterFirst < 0 ? '' : line.slice(afterFirst + 1);
  const [second = '', third = ''] = rest.length < 100 ? rest.split(' ') : [];
  if (!Number.isSafeInteger(first)) return null;
  switch (letter) {
    case 'h':
      return { type: 'hello', oldest: first, next: Number(second), acked: Number(third) };
    case 'f':
      return { type: 'frame', seq: first, body: rest };
    case 'g':
      return { type: 'gap', from: first, to: Number(second), reason: third };
    case 'p':
      return { type: 'pack', order: first, body: rest };
    case 'w':
      return { type: 'welcome', acked: first, store: second };
    case 'a':
      return { type: 'ack', seq: first };
    case 'r':
      return { type: 'reject', seq: first, errors: JSON.parse(rest) as RecordFault[] };
    case 'k':
      return { type: 'stored', order: first, errors: JSON.parse(rest) as RecordFault[] };
    default:
      return null;
  }
}

/** A tab is to JSON what a line break is: white space between, forbidden inside a string. So the text stays as good or bad as it was. */
function oneLine(body: string): string {
  return /[\n\r]/.test(body) ? body.replace(/[\n\r]/g, '\t') : body;
}
