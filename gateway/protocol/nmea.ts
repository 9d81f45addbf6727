// NMEA 0183 sentences: text to fields and back. What the fields mean is in nmea-sentences.ts. A sentence is
// `$` address `,` fields `*` checksum: the XOR of everything between `$` and `*`, two hexadecimal digits (NMEA 0183, §5.3).

export interface NmeaSentence {
  /** The whole address, `GPGGA` or `PUBX`: what a sentence that is not read is counted under. */
  readonly name: string;
  /** The last three letters of a standard address, `GGA`; empty for a maker's own sentence. */
  readonly type: string;
  /** Who speaks, `GP`; `P` for a maker's own sentence. */
  readonly talker: string;
  readonly fields: readonly string[];
}
export interface NmeaFault {
  readonly fault: 'bad-checksum' | 'no-match' | 'too-many-fields';
  readonly message: string;
}

const ADDRESS = /^(?:P[A-Z0-9]{2,9}|[A-Z]{2}[A-Z0-9]{3})$/;
/** The digits and the star. */
const CHECKSUM_LENGTH = 3;

export interface SentenceOptions {
  readonly maxFields: number;
  /** Whoever cut the sentences out has verified the checksum, and may have taken it off. */
  readonly isVerified: boolean;
}

/** One sentence without its line end. */
export function readSentence(text: string, { maxFields, isVerified }: SentenceOptions): NmeaSentence | NmeaFault {
  const start = afterTagBlock(text);
  if (text[start] !== '$' && text[start] !== '!') return { fault: 'no-match', message: 'A sentence begins with $ or !.' };
  const star = text.length - CHECKSUM_LENGTH;
  const given = star > start && text[star] === '*' ? text.slice(star + 1).toUpperCase() : '';
  const body = text.slice(start + 1, given === '' ? undefined : star);
  if (given === '') {
    if (!isVerified)
      return {
        fault: 'bad-checksum',
        message: 'No * and two digits at the end: the sentence was cut short, or is sent without a checksum.',
      };
  } else {
    const computed = sentenceChecksum(body);
    if (given !== computed)
      return { fault: 'bad-checksum', message: `The characters make ${computed}, the sentence says another checksum.` };
  }

  const [name = '', ...fields] = body.split(',', maxFields + 2);
  if (fields.length > maxFields) return { fault: 'too-many-fields', message: `More than ${maxFields} fields.` };
  if (!ADDRESS.test(name)) return { fault: 'no-match', message: 'A sentence begins with the address of its talker, such as GPGGA.' };
  return name.startsWith('P') ? { name, type: '', talker: 'P', fields } : { name, type: name.slice(2), talker: name.slice(0, 2), fields };
}

/** `GPGGA` and its fields as a sentence with its checksum, without line end. */
export function buildSentence(name: string, fields: readonly string[]): string {
  const body = [name, ...fields].join(',');
  return `$${body}*${sentenceChecksum(body)}`;
}

/** XOR of the characters between `$` and `*`, as two upper-case digits. */
export function sentenceChecksum(body: string): string {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i);
  return (sum & 0xff).toString(16).toUpperCase().padStart(2, '0');
}

/** A multiplexer may put a block of tags between two back-slashes before the sentence (NMEA 0183, version 4, §7). */
function afterTagBlock(text: string): number {
  if (text[0] !== '\\') return 0;
  const end = text.indexOf('\\', 1);
  return end < 0 ? 0 : end + 1;
}
