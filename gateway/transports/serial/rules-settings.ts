// How frames become readings, as a configuration says it: plain values that go through JSON and from thread to thread. `ruleProblem`
// says what is wrong with one, which types alone can't.

export type RuleSettings = CsvSettings | KeyValueSettings | JsonSettings | NmeaSettings | BinarySettings | RegexSettings;

/** What a piece of text is read as. Default: number. A boolean is `true`, `false`, `1` or `0`. */
export type ValueKind = 'number' | 'text' | 'boolean';

/** One metric; the unit is a SenML code such as `Cel`, at most 32 bytes. */
export interface MetricSettings {
  readonly metric: string;
  readonly unit?: string;
  readonly as?: ValueKind;
}

/** One line, as many fields as there are columns. An empty field is no reading; a line of the columns' names is a header. */
export interface CsvSettings {
  readonly kind: 'csv';
  /** 1 to 64; null: a field that is not stored. */
  readonly columns: readonly (MetricSettings | null)[];
  /** One character; `,` when not given. */
  readonly separator?: string;
  /** `1,5` is one and a half, and `1.5` is no number. */
  readonly decimalComma?: boolean;
  /** `xor`: the line ends with `*` and two hexadecimal digits, the XOR of what stands before, without a leading `$`. */
  readonly checksum?: 'none' | 'xor';
}

/** Pairs such as `temperature=21.5;humidity:40`. A key is its metric, except for those in `keys`. */
export interface KeyValueSettings {
  readonly kind: 'key-value';
  /** Each of these characters ends a pair, 1 to 8; comma, semicolon, space and tab when not given. */
  readonly separators?: string;
  /** The first of these characters ends a key, 1 to 4; `=` and `:` when not given. */
  readonly assign?: string;
  readonly decimalComma?: boolean;
  /** By key, at most 64; null: it is not stored. */
  readonly keys?: Readonly<Record<string, MetricSettings | null>>;
}

/** SenML (a pack or one record), or an object whose numbers, booleans and strings are readings; its nulls and lists are left out. */
export interface JsonSettings {
  readonly kind: 'json';
  /** Members of inner objects are the metrics `outer.inner`; otherwise they are left out. */
  readonly nested?: boolean;
  /** Units of an object's metrics, by name, at most 64. SenML has its own. */
  readonly units?: Readonly<Record<string, string>>;
}

export interface NmeaSettings {
  readonly kind: 'nmea';
  /** `sentence`: the time that RMC and ZDA tell; until one did, nothing is stored. Default: arrival. */
  readonly time?: 'arrival' | 'sentence';
}

/** A frame of a fixed layout. */
export interface BinarySettings {
  readonly kind: 'binary';
  /** The frame has exactly so many bytes, 1 to 4096; not given: enough for its fields. */
  readonly lengthBytes?: number;
  /** Of every field that doesn't say its own. Default: big. */
  readonly byteOrder?: ByteOrder;
  /** Bytes that are always the same, as hexadecimal digits, at most 64 entries. */
  readonly match?: readonly { readonly atByte: number; readonly hex: string }[];
  /** 1 to 64. */
  readonly fields: readonly BinaryField[];
}
export type ByteOrder = 'big' | 'little';
export const BINARY_TYPES = ['u8', 'i8', 'u16', 'i16', 'u24', 'i24', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'] as const;
export type BinaryType = (typeof BINARY_TYPES)[number];
/** The reading is raw × `scale` + `offset` (1 and 0 when not given), or the raw number's bit as a boolean. */
export interface BinaryField {
  readonly metric: string;
  readonly unit?: string;
  /** From the frame's first byte, 0 to 4095. */
  readonly atByte: number;
  readonly type: BinaryType;
  readonly byteOrder?: ByteOrder;
  readonly scale?: number;
  readonly offset?: number;
  /** 0 is the lowest, up to 31; of whole numbers up to 32 bits. */
  readonly bit?: number;
  /** The raw number that says that there is nothing to say. */
  readonly absent?: number;
}

/** Named groups of a regular expression in RE2's syntax, found anywhere in the line. A group that took no part is no reading. */
export interface RegexSettings {
  readonly kind: 'regex';
  /** At most 1,024 characters; `^` and `$` bind it to the whole line. */
  readonly pattern: string;
  /** By group; one that is not here is a number with the group's name. */
  readonly groups?: Readonly<Record<string, MetricSettings>>;
}
