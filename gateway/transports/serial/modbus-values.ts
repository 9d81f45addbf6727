// What an answer's data says: registers and bits to readings.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { PlannedPoint, PlannedRequest } from './modbus-plan.ts';
import { MODBUS_FUNCTIONS, MODBUS_WORDS, type ModbusType } from './modbus-settings.ts';

export interface ModbusValues {
  readonly records: readonly SenmlRecord[];
  /** Points whose raw number says that there is nothing to say, and those that hold no finite number. */
  readonly absent: number;
  readonly notNumbers: number;
}

const READERS: Readonly<Record<Exclude<ModbusType, 'bool'>, (view: DataView) => number>> = {
  u16: (view) => view.getUint16(0),
  i16: (view) => view.getInt16(0),
  u32: (view) => view.getUint32(0),
  i32: (view) => view.getInt32(0),
  // beyond 2^53 the nearest double
  u64: (view) => Number(view.getBigUint64(0)),
  i64: (view) => Number(view.getBigInt64(0)),
  f32: (view) => view.getFloat32(0),
  f64: (view) => view.getFloat64(0),
};

/** One value in the order of its digits. */
const scratch = new Uint8Array(8);
const view = new DataView(scratch.buffer);

/** `data` is as long as the request says. */
export function readValues(request: PlannedRequest, data: Uint8Array): ModbusValues {
  const { isBits } = MODBUS_FUNCTIONS[request.function];
  const records: SenmlRecord[] = [];
  let absent = 0;
  let notNumbers = 0;
  for (const point of request.points) {
    const { metric, unit, scale = 1, offset = 0 } = point;
    const head = unit === undefined ? { n: metric } : { n: metric, u: unit };
    if (isBits) {
      records.push({ ...head, vb: ((data[point.at >>> 3] >>> (point.at & 7)) & 1) === 1 });
      continue;
    }
    gather(point, data);
    if (point.type === 'bool') {
      records.push({ ...head, vb: ((view.getUint16(0) >>> (point.bit ?? 0)) & 1) === 1 });
      continue;
    }
    const raw = READERS[point.type](view);
    const v = raw * scale + offset;
    if (raw === point.absent) absent++;
    else if (Number.isFinite(v)) records.push({ ...head, v });
    else notNumbers++;
  }
  return { records, absent, notNumbers };
}

function gather({ at, type, wordOrder, byteOrder }: PlannedPoint, data: Uint8Array): void {
  const words = MODBUS_WORDS[type];
  const swap = byteOrder === 'little' ? 1 : 0;
  for (let word = 0; word < words; word++) {
    const from = 2 * (at + (wordOrder === 'big' ? word : words - 1 - word));
    scratch[2 * word] = data[from + swap];
    scratch[2 * word + 1] = data[from + 1 - swap];
  }
}
