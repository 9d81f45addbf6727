// `framing: {kind: modbus-rtu, …}` of a serial port: what a Modbus bus may be asked, with the defaults filled in.

import { oneOf, text, whole, z } from './config-schema.ts';
import {
  MODBUS_DEFAULTS,
  MODBUS_FUNCTIONS,
  MODBUS_LIMITS,
  MODBUS_WORDS,
  type ModbusFunction,
  type ModbusGroup,
  type ModbusPoint,
  type ModbusSettings,
  type ModbusType,
} from './transports/serial/modbus-settings.ts';
import { metricProblem } from './transports/serial/rules-factory.ts';

/** A place in the framing, and what must be there. */
export interface ModbusFault {
  readonly path: readonly PropertyKey[];
  readonly says: string;
}

const DAY_MS = 86_400_000;
const ADDRESSES = 65_536;
const FUNCTIONS = Object.keys(MODBUS_FUNCTIONS) as [ModbusFunction, ...ModbusFunction[]];
const TYPES = Object.keys(MODBUS_WORDS) as [ModbusType, ...ModbusType[]];

const order = oneOf(['big', 'little']);
const number = z.number('a number').optional();
const address = whole(0, ADDRESSES - 1);

const POINT = z.strictObject(
  {
    metric: text('the name of a metric', (name) => name !== ''),
    unit: text('a unit, as SenML names it', () => true).optional(),
    address,
    type: oneOf(TYPES).optional(),
    bit: whole(0, 15).optional(),
    wordOrder: order.optional(),
    byteOrder: order.optional(),
    scale: number,
    offset: number,
    absent: number,
  },
  'a point: {metric: NAME, unit: UNIT, address: 0, type: u16}',
);
const isFunction = `one of ${FUNCTIONS.join(', ')}, or its code (${FUNCTIONS.map((name) => MODBUS_FUNCTIONS[name].code).join(', ')})`;
const GROUP = z.strictObject(
  {
    slave: whole(1, 247),
    function: z.preprocess(
      (value) => FUNCTIONS.find((name) => MODBUS_FUNCTIONS[name].code === value) ?? value,
      z.enum(FUNCTIONS, isFunction),
    ),
    address: address.default(0),
    everyMs: whole(10, DAY_MS).default(1000),
    joinGap: whole(0, 100).default(0),
    wordOrder: order.default('big'),
    byteOrder: order.default('big'),
    points: z
      .array(POINT, 'a list of {metric: NAME, address: 0, type: u16}')
      .min(1, 'a list with at least one {metric: NAME, address: 0, type: u16}'),
  },
  'a group: {slave: 1, function: holding-registers, points: […]}',
);
const groups = `a list of 1 to ${MODBUS_LIMITS.groups} groups: {slave: 1, function: holding-registers, points: […]}`;

/** A point's type is still to be filled in: see `completeModbus`. */
export const MODBUS_FRAMING = z.strictObject({
  kind: z.literal('modbus-rtu'),
  timeoutMs: whole(10, 60_000).default(MODBUS_DEFAULTS.timeoutMs),
  lateMs: whole(10, 600_000).nullable().default(MODBUS_DEFAULTS.lateMs),
  retries: whole(0, 10).default(MODBUS_DEFAULTS.retries),
  gapMs: whole(1, 10_000).nullable().default(MODBUS_DEFAULTS.gapMs),
  silentAfter: whole(1, 100).default(MODBUS_DEFAULTS.silentAfter),
  pauseSeconds: whole(1, 3600).default(MODBUS_DEFAULTS.pauseSeconds),
  maxPauseSeconds: whole(1, 86_400).default(MODBUS_DEFAULTS.maxPauseSeconds),
  groups: z.array(GROUP, groups).min(1, groups).max(MODBUS_LIMITS.groups, groups),
});

/** Types that nobody named, filled in. */
export function completeModbus(settings: ModbusSettings): ModbusSettings {
  const complete = (group: ModbusGroup): ModbusGroup => {
    const usual: ModbusType = MODBUS_FUNCTIONS[group.function].isBits ? 'bool' : 'u16';
    return { ...group, points: group.points.map((point) => ({ ...point, type: point.type ?? usual })) };
  };
  return { ...settings, groups: settings.groups.map(complete) };
}

/** What can't be together, though each by itself is fine. `settings` are complete. */
export function modbusFaults(settings: ModbusSettings): ModbusFault[] {
  const faults: ModbusFault[] = [];
  const say = (path: readonly PropertyKey[], says: string): void => void faults.push({ path, says });
  const { timeoutMs, lateMs, pauseSeconds, maxPauseSeconds } = settings;
  if (lateMs !== null && lateMs < timeoutMs) say(['lateMs'], `must be at least timeoutMs (${timeoutMs}), not ${lateMs}`);
  if (maxPauseSeconds < pauseSeconds) say(['maxPauseSeconds'], `must be at least pauseSeconds (${pauseSeconds}), not ${maxPauseSeconds}`);
  const count = settings.groups.reduce((sum, { points }) => sum + points.length, 0);
  if (count > MODBUS_LIMITS.points) say(['groups'], `must have at most ${MODBUS_LIMITS.points} points in all, not ${count}`);
  const seen = new Map<string, string>();
  for (const [i, group] of settings.groups.entries()) {
    const { isBits } = MODBUS_FUNCTIONS[group.function];
    for (const key of ['wordOrder', 'byteOrder'] as const)
      if (isBits && group[key] !== 'big') say(['groups', i, key], `is nothing that ${group.function} have`);
    for (const [j, point] of group.points.entries()) {
      const at = ['groups', i, 'points', j];
      const problem = metricProblem(point);
      if (problem !== null) say([...at, 'metric'], `must be one (${problem}), not ${JSON.stringify(point.metric).slice(0, 64)}`);
      const first = seen.get(point.metric);
      if (first !== undefined) say([...at, 'metric'], `${point.metric} is that of ${first}, too; every point needs its own`);
      else seen.set(point.metric, `groups[${i}].points[${j}]`);
      for (const [key, says] of pointFaults(point, group)) say([...at, key], says);
    }
  }
  return faults;
}

function pointFaults(point: ModbusPoint, group: ModbusGroup): [key: keyof ModbusPoint, says: string][] {
  const { isBits } = MODBUS_FUNCTIONS[group.function];
  const { type } = point;
  const faults: [keyof ModbusPoint, string][] = [];
  const without = (keys: readonly (keyof ModbusPoint)[], what: string): void => {
    for (const key of keys) if (point[key] !== undefined) faults.push([key, `is nothing that ${what} has`]);
  };
  const words = isBits ? 1 : MODBUS_WORDS[type];
  const end = group.address + point.address + words;
  if (end > ADDRESSES)
    faults.push(['address', `must end within the ${ADDRESSES} addresses there are, with the group's (${group.address})`]);
  if (isBits) {
    if (type !== 'bool') faults.push(['type', `must be bool, as all ${group.function} are, not ${type}`]);
    without(['bit', 'wordOrder', 'byteOrder', 'scale', 'offset', 'absent'], `a point of ${group.function}`);
  } else if (type === 'bool') without(['wordOrder', 'scale', 'offset', 'absent'], 'a bool');
  else without(words === 1 ? ['bit', 'wordOrder'] : ['bit'], `a point of type ${type}`);
  return faults;
}
