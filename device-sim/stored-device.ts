// What a store has of one device, whoever read it: over HTTP, or from the file itself.

import type { Value } from '../gateway/protocol/messages.ts';
import type { AccountingRow } from '../gateway/protocol/rest.ts';

export interface StoredReading {
  readonly metric: string;
  readonly unit: string;
  readonly timeUs: number;
  readonly value: Value;
  /** Rises in commit order; null where the store does not tell it any more. */
  readonly position: number | null;
}
export interface StoredRefusal {
  readonly stream: string;
  /** 0: a frame that could not be read, and settled nothing. */
  readonly seq: number;
  /** Null: the whole frame. */
  readonly index: number | null;
}
export interface StoredGap {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
}
export type StoredBook = Pick<
  AccountingRow,
  'stream' | 'acked' | 'settled' | 'stored' | 'quarantined' | 'gaps' | 'unexplained' | 'readings' | 'refused'
> &
  /** Refusals that left quarantine, for room or by an operator. */
  Partial<Pick<AccountingRow, 'evicted' | 'discarded'>>;
export interface StoredDevice {
  readonly device: string;
  /** Readings of equal time stand in commit order. */
  readonly readings: readonly StoredReading[];
  readonly quarantine: readonly StoredRefusal[];
  /** The running totals, and the same counted again from the rows. */
  readonly books: readonly StoredBook[];
  readonly recount: readonly StoredBook[];
  /** Registered gaps, where the reader sees them one by one. */
  readonly gaps?: readonly StoredGap[];
}
