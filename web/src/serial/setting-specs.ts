// The settings of each framing and rule as the console's forms have them: order, shape and defaults. What a value may be is the
// gateway's to say: its faults are shown at the field.

export type FieldSpec = TextSpec | NumberSpec | FlagSpec | ChoiceSpec | RowsSpec;
interface TextSpec {
  readonly type: 'text';
  readonly name: string;
  readonly isMono?: boolean;
  readonly isWide?: boolean;
  /** Shown while it is empty: what it is then. */
  readonly usual?: string;
  /** Names that are offered while one types. */
  readonly offer?: 'units';
}
interface NumberSpec {
  readonly type: 'number';
  readonly name: string;
  readonly usual?: string;
}
interface FlagSpec {
  readonly type: 'flag';
  readonly name: string;
}
export interface ChoiceSpec {
  readonly type: 'choice';
  readonly name: string;
  readonly of: readonly string[];
  /** The choices are numbers. */
  readonly isNumber?: boolean;
  /** Taken when the settings say nothing; it is then left out of them again. */
  readonly usual: string;
}
/** A list; with `key`, an object whose names are that column. */
export interface RowsSpec {
  readonly type: 'rows';
  readonly name: string;
  /** Where its words are kept under another name than its own. */
  readonly label?: string;
  readonly columns: readonly FieldSpec[];
  readonly key?: string;
  /** The object's values are this column itself, not objects of all columns. */
  readonly value?: string;
  /** The column and its choice by which a whole row is null: it is not stored. */
  readonly isNull?: readonly [column: string, choice: string];
  /** An empty list is left out. */
  readonly isOptional?: boolean;
}

const SKIPPED = ['as', 'skip'] as const;
const METRIC: TextSpec = { type: 'text', name: 'metric', isMono: true };
const UNIT: TextSpec = { type: 'text', name: 'unit', isMono: true, offer: 'units' };
const AS: ChoiceSpec = { type: 'choice', name: 'as', of: ['number', 'text', 'boolean'], usual: 'number' };
const AS_OR_SKIP: ChoiceSpec = { ...AS, of: [...AS.of, 'skip'] };
const DECIMAL_COMMA: FlagSpec = { type: 'flag', name: 'decimalComma' };
const SYNC: TextSpec = { type: 'text', name: 'syncHex', isMono: true };
const BYTE_ORDER: ChoiceSpec = { type: 'choice', name: 'byteOrder', of: ['big', 'little'], usual: 'big' };
const TYPES = ['u8', 'i8', 'u16', 'i16', 'u24', 'i24', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'];

export type Specs = Readonly<Record<string, readonly FieldSpec[]>>;

/** Framings that listen. */
export const FRAMINGS: Specs = {
  line: [],
  nmea: [],
  delimiter: [{ type: 'text', name: 'delimiterHex', isMono: true }],
  fixed: [{ type: 'number', name: 'lengthBytes' }, SYNC],
  'length-prefixed': [
    SYNC,
    { type: 'number', name: 'offsetBytes' },
    { type: 'choice', name: 'sizeBytes', of: ['1', '2', '4'], isNumber: true, usual: '1' },
    BYTE_ORDER,
    { type: 'number', name: 'addBytes', usual: '0' },
  ],
  slip: [],
  cobs: [],
  gap: [{ type: 'number', name: 'gapMs', usual: '20' }],
};

const ORDER: ChoiceSpec = { type: 'choice', name: 'wordOrder', of: ['', 'big', 'little'], usual: '' };
const POINT: readonly FieldSpec[] = [
  METRIC,
  UNIT,
  { type: 'number', name: 'address' },
  { type: 'choice', name: 'type', of: ['', 'bool', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'], usual: '' },
  { type: 'number', name: 'scale', usual: '1' },
  { type: 'number', name: 'offset', usual: '0' },
  { type: 'number', name: 'bit' },
  { type: 'number', name: 'absent' },
  ORDER,
  { ...ORDER, name: 'byteOrder' },
];
/** A bus on which the gateway asks: its points are the readings, and no rule is needed. */
export const MODBUS = 'modbus-rtu';
export const ALL_FRAMINGS: Specs = {
  ...FRAMINGS,
  [MODBUS]: [
    {
      type: 'rows',
      name: 'groups',
      label: 'modbusGroups',
      columns: [
        { type: 'number', name: 'slave' },
        {
          type: 'choice',
          name: 'function',
          of: ['holding-registers', 'input-registers', 'coils', 'discrete-inputs'],
          usual: '',
        },
        { type: 'number', name: 'address', usual: '0' },
        { type: 'number', name: 'everyMs', usual: '1000' },
        { ...BYTE_ORDER, name: 'wordOrder' },
        BYTE_ORDER,
        { type: 'number', name: 'joinGap', usual: '0' },
        { type: 'rows', name: 'points', columns: POINT },
      ],
    },
    { type: 'number', name: 'timeoutMs', usual: '500' },
    { type: 'number', name: 'retries', usual: '1' },
    { type: 'number', name: 'silentAfter', usual: '3' },
    { type: 'number', name: 'pauseSeconds', usual: '5' },
    { type: 'number', name: 'maxPauseSeconds', usual: '60' },
    { type: 'number', name: 'gapMs' },
    { type: 'number', name: 'lateMs' },
  ],
};

export const RULES: Specs = {
  csv: [
    { type: 'rows', name: 'columns', columns: [METRIC, UNIT, AS_OR_SKIP], isNull: SKIPPED },
    { type: 'text', name: 'separator', isMono: true, usual: ',' },
    { type: 'choice', name: 'checksum', of: ['none', 'xor'], usual: 'none' },
    DECIMAL_COMMA,
  ],
  'key-value': [
    {
      type: 'rows',
      name: 'keys',
      key: 'key',
      columns: [{ type: 'text', name: 'key', isMono: true }, METRIC, UNIT, AS_OR_SKIP],
      isNull: SKIPPED,
      isOptional: true,
    },
    { type: 'text', name: 'separators', isMono: true, usual: ', ; space tab' },
    { type: 'text', name: 'assign', isMono: true, usual: '= :' },
    DECIMAL_COMMA,
  ],
  json: [
    {
      type: 'rows',
      name: 'units',
      key: 'metric',
      value: 'unit',
      columns: [METRIC, UNIT],
      isOptional: true,
    },
    { type: 'flag', name: 'nested' },
  ],
  nmea: [{ type: 'choice', name: 'time', of: ['arrival', 'sentence'], usual: 'arrival' }],
  regex: [
    { type: 'text', name: 'pattern', isMono: true, isWide: true },
    {
      type: 'rows',
      name: 'groups',
      key: 'group',
      columns: [{ type: 'text', name: 'group', isMono: true }, METRIC, UNIT, AS],
      isOptional: true,
    },
  ],
  binary: [
    {
      type: 'rows',
      name: 'fields',
      columns: [
        METRIC,
        { type: 'number', name: 'atByte' },
        { type: 'choice', name: 'type', of: TYPES, usual: '' },
        UNIT,
        { type: 'number', name: 'scale', usual: '1' },
        { type: 'number', name: 'offset', usual: '0' },
        { type: 'number', name: 'bit' },
        { type: 'number', name: 'absent' },
        { type: 'choice', name: 'byteOrder', of: ['', 'big', 'little'], usual: '' },
      ],
    },
    {
      type: 'rows',
      name: 'match',
      columns: [
        { type: 'number', name: 'atByte' },
        { type: 'text', name: 'hex', isMono: true },
      ],
      isOptional: true,
    },
    BYTE_ORDER,
    { type: 'number', name: 'lengthBytes' },
  ],
};

/** The framing that goes with a rule as a matter of course; null: several do. */
export const FRAMING_OF_RULE: Readonly<Record<string, string>> = {
  csv: 'line',
  'key-value': 'line',
  json: 'line',
  nmea: 'nmea',
  regex: 'line',
};
