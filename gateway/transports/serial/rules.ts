// Frames to readings: what every rule does, whichever it is. Declarative, pure and linear in its input; no code comes from a
// configuration. What comes out are SenML records, which then pass the same validation as everybody's.

import type { SenmlRecord } from '../../protocol/messages.ts';

export type RuleResult =
  /** At least one record. Without `t` a record gets the arrival of the frame. */
  | { readonly outcome: 'readings'; readonly records: readonly SenmlRecord[] }
  /** Nothing to store, and nothing wrong: counted under `reason` (`empty`, `comment`, a sentence's name such as `GPGSV`, `no-fix` …). */
  | { readonly outcome: 'skipped'; readonly reason: string }
  /** It should have been readings and is not: counted under `code`, and goes to quarantine with its bytes. */
  | { readonly outcome: 'refused'; readonly code: RuleFaultCode; readonly message: string };

export type RuleFaultCode =
  /** A checksum is wrong or missing. */
  | 'bad-checksum'
  /** Bytes that are no text, where text is spoken: a wrong baud rate looks like that. */
  | 'undecodable'
  /** Text of another shape than the rule's. */
  | 'no-match'
  /** A field that should be a number and is none, or is not finite. */
  | 'bad-number'
  /** More than 64 fields. */
  | 'too-many-fields';

export interface Rule {
  /** `frame` is valid during the call; `atUs` the arrival of its last byte, epoch µs. May keep state from frame to frame of one port. */
  read(frame: Uint8Array, atUs: number): RuleResult;
}

/** Fields of one frame, at most. */
export const MAX_FIELDS = 64;
