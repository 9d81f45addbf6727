// What a Modbus RTU master asks on its bus, as a configuration says it: plain values with every default filled in, which go through JSON
// and from thread to thread.

export interface ModbusSettings {
  readonly kind: 'modbus-rtu';
  /** An answer has to begin so soon after the request went out. */
  readonly timeoutMs: number;
  /** So long after a request that has no answer one may still come: its slave is asked nothing meanwhile, the others are; null: LATE. */
  readonly lateMs: number | null;
  /** A request that failed is sent so often again before its turn is over. */
  readonly retries: number;
  /** Silence between what was on the bus and the next request; null: 3.5 characters. */
  readonly gapMs: number | null;
  /** After so many failures in a row a slave is silent: it is asked after a pause alone, which doubles up to `maxPauseSeconds`. */
  readonly silentAfter: number;
  readonly pauseSeconds: number;
  readonly maxPauseSeconds: number;
  /** 1 to MODBUS_LIMITS.groups. */
  readonly groups: readonly ModbusGroup[];
}

/** Points of one slave that one function reads, which are read together as far as they are neighbours. */
export interface ModbusGroup {
  /** Unit id, 1 to 247. */
  readonly slave: number;
  readonly function: ModbusFunction;
  /** Where the points' addresses count from; on the wire, so that the first register is 0. */
  readonly address: number;
  readonly everyMs: number;
  /** So many addresses that no point needs may be read along to join two requests. */
  readonly joinGap: number;
  /** Of points that don't say their own. */
  readonly wordOrder: ModbusOrder;
  readonly byteOrder: ModbusOrder;
  readonly points: readonly ModbusPoint[];
}

/** The reading is raw × `scale` + `offset` (1 and 0 when not given), or a boolean. */
export interface ModbusPoint {
  readonly metric: string;
  readonly unit?: string;
  /** Counts from the group's. */
  readonly address: number;
  /** `bool` where the function reads bits. */
  readonly type: ModbusType;
  /** Of a bool in a register: 0 is the lowest, up to 15. */
  readonly bit?: number;
  /** `big`: the first register has the highest digits. */
  readonly wordOrder?: ModbusOrder;
  /** Inside each register. The protocol's own is `big`. */
  readonly byteOrder?: ModbusOrder;
  readonly scale?: number;
  readonly offset?: number;
  /** The raw number that says that there is nothing to say. */
  readonly absent?: number;
}

export type ModbusOrder = 'big' | 'little';
export type ModbusFunction = 'coils' | 'discrete-inputs' | 'holding-registers' | 'input-registers';
export type ModbusType = 'bool' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'f32' | 'f64';

/** Its code, and how many addresses one request may ask for. */
export const MODBUS_FUNCTIONS: Readonly<
  Record<ModbusFunction, { readonly code: number; readonly isBits: boolean; readonly most: number }>
> = {
  coils: { code: 1, isBits: true, most: 2000 },
  'discrete-inputs': { code: 2, isBits: true, most: 2000 },
  'holding-registers': { code: 3, isBits: false, most: 125 },
  'input-registers': { code: 4, isBits: false, most: 125 },
};

/** How many registers a value takes. */
export const MODBUS_WORDS: Readonly<Record<ModbusType, number>> = {
  bool: 1,
  u16: 1,
  i16: 1,
  u32: 2,
  i32: 2,
  u64: 4,
  i64: 4,
  f32: 2,
  f64: 4,
};

/** On one port. */
export const MODBUS_LIMITS = { groups: 64, points: 512 };

export const MODBUS_DEFAULTS = {
  timeoutMs: 500,
  lateMs: null,
  retries: 1,
  gapMs: null,
  silentAfter: 3,
  pauseSeconds: 5,
  maxPauseSeconds: 60,
} as const;

/** Whoever answers at all has done so by then. */
export const LATE = { timeouts: 4, leastMs: 2000 };
