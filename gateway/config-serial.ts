// `serial.ports`: what a port of the configuration may be, with the defaults filled in. Every problem at once, each with its place.

import { realpathSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import { oneOf, text, whole, z } from './config-schema.ts';
import { nearest } from './nearest.ts';
import { DEVICE_ID } from './protocol/messages.ts';
import { FRAMING_FIELDS, type FramingField, type FramingSettings, HEX_PATTERN } from './transports/serial/framing-settings.ts';
import type { SerialPortSettings } from './transports/serial/port-settings.ts';
import { ruleProblem } from './transports/serial/rules-factory.ts';
import { BINARY_TYPES, type RuleSettings } from './transports/serial/rules-settings.ts';

export interface SerialFault {
  /** `[0].baudRate` */
  readonly at: string;
  readonly says: string;
}
export interface SerialAnswer {
  /** To be used when there is no fault. */
  readonly ports: readonly SerialPortSettings[];
  readonly faults: readonly SerialFault[];
}

const MAX_PORTS = 32;
const DAY_SECONDS = 86_400;

export function readSerialPorts(raw: readonly unknown[]): SerialAnswer {
  if (raw.length > MAX_PORTS) return { ports: [], faults: [{ at: '', says: `at most ${MAX_PORTS} ports, not ${raw.length}` }] };
  const ports: SerialPortSettings[] = [];
  const faults: SerialFault[] = [];
  for (const [index, one] of raw.entries()) {
    const parsed = PORT.safeParse(one);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) faults.push(faultOf(index, one, issue));
      continue;
    }
    const port = parsed.data as SerialPortSettings;
    ports.push(port);
    const problem = ruleProblem(port.rule);
    if (problem !== null) faults.push({ at: `[${index}].rule:`, says: problem });
  }
  return { ports, faults: faults.length > 0 ? faults : samePort(ports) };
}

/** Two readers of one port would share its bytes between them; a link does not make two of it. */
function samePort(ports: readonly SerialPortSettings[]): SerialFault[] {
  const faults: SerialFault[] = [];
  const seen = new Map<string, number>();
  for (const [index, { path }] of ports.entries()) {
    const real = realOf(path);
    const first = seen.get(real);
    if (first === undefined) seen.set(real, index);
    else {
      const links = real === normalize(path) ? '' : `, which is ${real}`;
      faults.push({ at: `[${index}].path`, says: `${path}${links}, is the same port as ports[${first}]; keep one of them` });
    }
  }
  return faults;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return normalize(path);
  }
}

const HEX = 'pairs of hexadecimal digits';
const isTrue = 'true or false';
const word = (what: string, most = 256): z.ZodType<string> => text(what, (value) => value.length <= most);

const framings = Object.entries(FRAMING_FIELDS).map(([kind, fields]) =>
  z.strictObject({
    kind: z.literal(kind),
    ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, framingField(field)])),
  }),
);
function framingField(field: FramingField): z.ZodType {
  const schema: z.ZodType =
    field.type === 'integer'
      ? whole(field.min, field.max)
      : field.type === 'choice'
        ? z.literal([...field.of], `one of ${field.of.join(', ')}`)
        : text(
            `${field.minBytes} to ${field.maxBytes} bytes as ${HEX}`,
            (hex) => HEX_PATTERN.test(hex) && hex.length >= field.minBytes * 2 && hex.length <= field.maxBytes * 2,
          );
  return field.default === undefined ? schema : schema.default(field.default);
}

const metricFields = {
  metric: word('the name of a metric'),
  unit: word('a unit, as SenML names it').optional(),
  as: oneOf(['number', 'text', 'boolean']).optional(),
};
const METRIC = z.strictObject(metricFields, '{metric: NAME, unit: UNIT}');
const METRICS = 'names with {metric: NAME, unit: UNIT} each';
const decimalComma = z.boolean(isTrue).optional();
const byteOrder = oneOf(['big', 'little']).optional();
const number = z.number('a number').optional();
const rules = [
  z.strictObject({
    kind: z.literal('csv'),
    columns: z.array(METRIC.nullable(), 'a list of {metric: NAME, unit: UNIT}, and null for what is not stored'),
    separator: word('one character').optional(),
    decimalComma,
    checksum: oneOf(['none', 'xor']).optional(),
  }),
  z.strictObject({
    kind: z.literal('key-value'),
    separators: word('1 to 8 characters').optional(),
    assign: word('1 to 4 characters').optional(),
    decimalComma,
    keys: z.record(z.string(), METRIC.nullable(), METRICS).optional(),
  }),
  z.strictObject({
    kind: z.literal('json'),
    nested: z.boolean(isTrue).optional(),
    units: z.record(z.string(), z.string(), 'names with their units').optional(),
  }),
  z.strictObject({ kind: z.literal('nmea'), time: oneOf(['arrival', 'sentence']).optional() }),
  z.strictObject({
    kind: z.literal('binary'),
    lengthBytes: whole(1, 4096).optional(),
    byteOrder,
    match: z.array(z.strictObject({ atByte: whole(0, 4095), hex: word(HEX) }), 'a list of {atByte: 0, hex: aa55}').optional(),
    fields: z.array(
      z.strictObject({
        metric: metricFields.metric,
        unit: metricFields.unit,
        atByte: whole(0, 4095),
        type: oneOf(BINARY_TYPES),
        byteOrder,
        scale: number,
        offset: number,
        bit: whole(0, 31).optional(),
        absent: number,
      }),
      'a list of {metric: NAME, atByte: 0, type: u16}',
    ),
  }),
  z.strictObject({
    kind: z.literal('regex'),
    pattern: word('a regular expression with named groups', 1024),
    groups: z.record(z.string(), METRIC, METRICS).optional(),
  }),
] as const;

const RULE_KINDS: readonly RuleSettings['kind'][] = rules.map((rule) => rule.shape.kind.value);

/** `framing: line` is short for `framing: {kind: line}`. */
const named = (value: unknown): unknown => (typeof value === 'string' ? { kind: value } : value);
const kindsOf = (what: string, kinds: readonly string[]): string => `a ${what}: ${kinds.join(', ')}, or {kind: …} with its settings`;

const PORT = z.strictObject(
  {
    path: text('the absolute path of a port, best one in /dev/serial/by-id', (path) => isAbsolute(path) && !path.includes('\0')),
    baudRate: whole(50, 4_000_000),
    dataBits: z.literal([5, 6, 7, 8], '5, 6, 7 or 8').default(8),
    stopBits: z.literal([1, 2], '1 or 2').default(1),
    parity: oneOf(['none', 'even', 'odd']).default('none'),
    flowControl: oneOf(['none', 'rts-cts', 'xon-xoff']).default('none'),
    device: text('a device id: 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit', (id) => DEVICE_ID.test(id)),
    framing: z
      .preprocess(named, z.discriminatedUnion('kind', framings as never, kindsOf('framing', Object.keys(FRAMING_FIELDS))))
      .default({ kind: 'line' } satisfies FramingSettings as never),
    rule: z.preprocess(named, z.discriminatedUnion('kind', rules, kindsOf('rule', RULE_KINDS))),
    expectEverySeconds: whole(1, 31 * DAY_SECONDS)
      .nullable()
      .default(null),
  },
  'a port: {path: /dev/serial/by-id/…, baudRate: 9600, device: ID, framing: line, rule: {kind: csv, …}}; ports are set in the configuration file',
);
const PORT_KEYS = Object.keys(PORT.shape);

function faultOf(index: number, port: unknown, issue: z.core.$ZodIssue): SerialFault {
  const at = `[${index}]${issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}`;
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const meant = issue.path.length === 0 ? nearest(key, PORT_KEYS) : null;
    return { at, says: `unknown key ${JSON.stringify(key.slice(0, 64))}${meant === null ? '' : `; did you mean ${meant}?`}` };
  }
  let value: unknown = port;
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return { at, says: `must be ${issue.message}, not ${value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 64)}` };
}
