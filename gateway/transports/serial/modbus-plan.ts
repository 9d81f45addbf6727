// From groups of points to the requests that read them: neighbours share one, no value is torn in two.

import type { ReadRequest } from './framing-modbus.ts';
import {
  MODBUS_FUNCTIONS,
  MODBUS_WORDS,
  type ModbusGroup,
  type ModbusOrder,
  type ModbusPoint,
  type ModbusFunction,
} from './modbus-settings.ts';

export interface PlannedRequest extends ReadRequest {
  readonly function: ModbusFunction;
  readonly everyMs: number;
  readonly points: readonly PlannedPoint[];
}

export interface PlannedPoint extends Omit<ModbusPoint, 'address'> {
  /** From the request's first address. */
  readonly at: number;
  readonly wordOrder: ModbusOrder;
  readonly byteOrder: ModbusOrder;
}

export function planRequests(groups: readonly ModbusGroup[]): PlannedRequest[] {
  return groups.flatMap(planGroup);
}

function planGroup(group: ModbusGroup): PlannedRequest[] {
  const { slave, function: name, everyMs, joinGap, wordOrder, byteOrder } = group;
  const { code, isBits, most } = MODBUS_FUNCTIONS[name];
  const words = ({ type }: ModbusPoint): number => (isBits ? 1 : MODBUS_WORDS[type]);
  const sorted = [...group.points].sort((a, b) => a.address - b.address);
  const requests: PlannedRequest[] = [];
  let first = 0;
  let end = 0;
  let members: ModbusPoint[] = [];
  const close = (): void => {
    if (members.length === 0) return;
    const points = members.map(({ address, ...point }) => ({ wordOrder, byteOrder, ...point, at: address - first }));
    requests.push({ slave, function: name, code, address: group.address + first, count: end - first, everyMs, points });
    members = [];
  };
  for (const point of sorted) {
    const pointEnd = point.address + words(point);
    const isNeighbour = point.address <= end + joinGap && Math.max(end, pointEnd) - first <= most;
    if (members.length === 0 || !isNeighbour) {
      close();
      first = point.address;
      end = pointEnd;
    }
    end = Math.max(end, pointEnd);
    members.push(point);
  }
  close();
  return requests;
}
