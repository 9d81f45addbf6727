// How a port's bytes become frames, as a configuration says it: plain values that go through JSON and from thread to thread. Whoever
// checks a configuration takes ranges and defaults from FRAMING_FIELDS; `createFramer` trusts what it is given.

export type FramingSettings =
  /** Text that ends with CR, LF or both, in either order; empty lines are none. */
  | { readonly kind: 'line' }
  /** Lines that begin with `$` or `!` and end with a checksum; it is verified and cut off. */
  | { readonly kind: 'nmea' }
  /** What stands between two delimiters; nothing between them is no frame. */
  | { readonly kind: 'delimiter'; readonly delimiterHex: string }
  /** So many bytes, which `syncHex` begins (it is counted and delivered): so a start is found. '': a frame starts where one or silence ended. */
  | { readonly kind: 'fixed'; readonly lengthBytes: number; readonly syncHex: string }
  /** The frame says its own length. It is delivered whole, header and all, so that offsets are those of a data sheet. */
  | LengthPrefixed
  /** RFC 1055. */
  | { readonly kind: 'slip' }
  /** Consistent overhead byte stuffing, frames end with a zero. */
  | { readonly kind: 'cobs' }
  /** Silence ends the frame. Adapters on USB may pause for 16 ms (their latency timer) inside one. */
  | { readonly kind: 'gap'; readonly gapMs: number };

export interface LengthPrefixed {
  readonly kind: 'length-prefixed';
  /** As in `fixed`. */
  readonly syncHex: string;
  /** Where the length stands, from the frame's first byte. */
  readonly offsetBytes: number;
  readonly sizeBytes: 1 | 2 | 4;
  readonly byteOrder: 'big' | 'little';
  /** The whole frame has as many bytes as the field says, plus these: what the field leaves out (headers, checksums). */
  readonly addBytes: number;
}

export type FramingKind = FramingSettings['kind'];

/** Without `default` a field must be given. Bounds include their ends. */
export type FramingField =
  | { readonly type: 'hex'; readonly minBytes: number; readonly maxBytes: number; readonly default?: string }
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly default?: number }
  | { readonly type: 'choice'; readonly of: readonly (string | number)[]; readonly default?: string | number };

/** Bytes as a configuration writes them: pairs of hexadecimal digits. */
export const HEX_PATTERN = /^(?:[0-9a-fA-F]{2})*$/;

const SYNC: FramingField = { type: 'hex', minBytes: 0, maxBytes: 16, default: '' };

export const FRAMING_FIELDS: { readonly [Kind in FramingKind]: Readonly<Record<string, FramingField>> } = {
  line: {},
  nmea: {},
  delimiter: { delimiterHex: { type: 'hex', minBytes: 1, maxBytes: 16 } },
  fixed: { lengthBytes: { type: 'integer', min: 1, max: 4096 }, syncHex: SYNC },
  'length-prefixed': {
    syncHex: SYNC,
    offsetBytes: { type: 'integer', min: 0, max: 64 },
    sizeBytes: { type: 'choice', of: [1, 2, 4], default: 1 },
    byteOrder: { type: 'choice', of: ['big', 'little'], default: 'big' },
    addBytes: { type: 'integer', min: 0, max: 4096, default: 0 },
  },
  slip: {},
  cobs: {},
  gap: { gapMs: { type: 'integer', min: 1, max: 1000, default: 20 } },
};
