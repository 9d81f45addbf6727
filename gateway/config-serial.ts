// `serial.ports`: what a serial port may be, with the defaults filled in, whoever sets it: the configuration file, the console, the command
// line. Every problem at once, each with its place.

import { realpathSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import { completeModbus, MODBUS_FRAMING, modbusFaults } from './config-modbus.ts';
import { oneOf, text, whole, z } from './config-schema.ts';
import { nearest } from './nearest.ts';
import { DEVICE_ID } from './protocol/messages.ts';
import { FRAMING_FIELDS, type FramingField, type FramingSettings, HEX_PATTERN } from './transports/serial/framing-settings.ts';
import { type HeardSettings, heardSettings, type SerialPortSettings } from './transports/serial/port-settings.ts';
import { ruleProblem } from './transports/serial/rules-factory.ts';
import { BINARY_TYPES, type RuleSettings } from './transports/serial/rules-settings.ts';

/** What is wrong with a port, and where: `['framing', 'lengthBytes']`. */
export interface SerialFault {
  readonly path: readonly PropertyKey[];
  readonly says: string;
}
/** What was read, or every fault. */
export type SerialRead<T> = { readonly read: T } | { readonly faults: readonly SerialFault[] };

/** A fault of the list in the file, with its place as text: `[0].baudRate`. */
export interface SerialListFault {
  readonly at: string;
  readonly says: string;
}
export interface SerialAnswer {
  /** To be used when there is no fault. */
  readonly ports: readonly SerialPortSettings[];
  readonly faults: readonly SerialListFault[];
}
/** Bytes to be tried against a framing and a rule. */
export interface SerialTrial extends HeardSettings {
  readonly bytes: Uint8Array;
}

export const MAX_PORTS = 32;
const DAY_SECONDS = 86_400;
const TRIAL_BYTES = 64 * 1024;
/** As much as a gateway takes from a bridge. */
const PATH_CHARS = 512;
const CONTROL = /\p{Cc}/u;

export function readSerialPorts(raw: readonly unknown[]): SerialAnswer {
  if (raw.length > MAX_PORTS) return { ports: [], faults: [{ at: '', says: `at most ${MAX_PORTS} ports, not ${raw.length}` }] };
  const ports: SerialPortSettings[] = [];
  const faults: SerialListFault[] = [];
  for (const [index, one] of raw.entries()) {
    const answer = readSerialPort(one);
    if ('read' in answer) ports.push(answer.read);
    else for (const { path, says } of answer.faults) faults.push({ at: placeOf([index, ...path]), says });
  }
  if (faults.length > 0) return { ports, faults };
  for (const [index, { path }] of ports.entries()) {
    const first = samePort(path, ports.slice(0, index));
    if (first !== null) faults.push({ at: `[${index}].path`, says: `${first.says}ports[${first.index}]; keep one of them` });
  }
  return { ports, faults };
}

export function readSerialPort(raw: unknown): SerialRead<SerialPortSettings> {
  const parsed = PORT.safeParse(raw);
  const ruleFault = neededRuleFault(raw);
  if (!parsed.success) return { faults: [...parsed.error.issues.map((issue) => faultOf(raw, issue)), ...ruleFault] };
  const port = parsed.data as SerialPortSettings;
  const { framing } = port;
  if (framing.kind === 'modbus-rtu') {
    const complete = completeModbus(framing);
    const faults = [...modbusFaults(complete).map(({ path, says }) => ({ path: ['framing', ...path], says })), ...ruleFault];
    return faults.length > 0 ? { faults } : { read: { ...port, framing: complete } };
  }
  const heard = heardSettings(port);
  const faults = [...(heard === null ? [] : partFaults(heard)), ...ruleFault];
  return faults.length > 0 ? { faults } : { read: port };
}

/** Every port needs a rule, but for a Modbus bus, which has points. */
function neededRuleFault(raw: unknown): SerialFault[] {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return [];
  const { framing: given, rule: ruleGiven } = raw as { framing?: unknown; rule?: unknown };
  const isModbus = given === MODBUS || (given as Members)?.['kind'] === MODBUS;
  const hasRule = ruleGiven !== undefined && ruleGiven !== null;
  if (isModbus === !hasRule) return [];
  const says = isModbus ? 'must be left out: the points of a modbus-rtu framing are the readings' : `must be ${RULE}, not nothing`;
  return [{ path: ['rule'], says }];
}

export function readSerialTrial(raw: unknown): SerialRead<SerialTrial> {
  const parsed = TRIAL.safeParse(raw);
  if (!parsed.success) return { faults: parsed.error.issues.map((issue) => faultOf(raw, issue)) };
  const { framing, rule, raw: said, encoding } = parsed.data as Omit<SerialTrial, 'bytes'> & { raw: string; encoding: BufferEncoding };
  const faults = partFaults({ framing, rule });
  const bytes = Buffer.from(said, encoding);
  if (bytes.length > TRIAL_BYTES) faults.push({ path: ['raw'], says: `must be at most ${TRIAL_BYTES} bytes, not ${bytes.length}` });
  return faults.length > 0 ? { faults } : { read: { framing, rule, bytes } };
}

/** What a framing's or a rule's settings can't be together, though each by itself is fine. */
function partFaults({ framing, rule }: HeardSettings): SerialFault[] {
  const faults: SerialFault[] = [];
  if (framing.kind === 'fixed' && framing.lengthBytes < framing.syncHex.length / 2)
    faults.push({
      path: ['framing', 'lengthBytes'],
      says: `must be at least ${framing.syncHex.length / 2}, the bytes of syncHex, which are part of the frame, not ${framing.lengthBytes}`,
    });
  const problem = ruleProblem(rule);
  if (problem !== null) faults.push({ path: ['rule'], says: problem });
  return faults;
}

/** Two readers of one port would share its bytes between them; a link does not make two of it. `says` ends where the other's name goes. */
export function samePort(path: string, others: readonly { readonly path: string }[]): { index: number; says: string } | null {
  const real = realOf(path);
  const index = others.findIndex((other) => realOf(other.path) === real);
  if (index < 0) return null;
  const links = real === normalize(path) ? '' : `, which is ${real},`;
  return { index, says: `${path}${links} is the same port as ` };
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return normalize(path);
  }
}

/** `[0].rule.columns[2].unit`; what a rule says of itself has a colon behind it. */
function placeOf(path: readonly PropertyKey[]): string {
  const at = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return path.length === 2 && path[1] === 'rule' ? `${at}:` : at;
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
const MODBUS = MODBUS_FRAMING.shape.kind.value;
const HEARD_KINDS = Object.keys(FRAMING_FIELDS);
const FRAMING_KINDS = [...HEARD_KINDS, MODBUS];

const framingOf = (kinds: readonly string[], options: readonly unknown[]): z.ZodType =>
  z
    .preprocess(named, z.discriminatedUnion('kind', options as never, kindsOf('framing', kinds)))
    .default({ kind: 'line' } satisfies FramingSettings as never);
const RULE = kindsOf('rule', RULE_KINDS);
const rule = z.preprocess(named, z.discriminatedUnion('kind', rules, RULE));

const PORT = z.strictObject(
  {
    path: text(
      'the absolute path of a port, best one in /dev/serial/by-id',
      (path) => isAbsolute(path) && path.length <= PATH_CHARS && !CONTROL.test(path),
    ),
    baudRate: whole(50, 4_000_000),
    dataBits: z.literal([5, 6, 7, 8], '5, 6, 7 or 8').default(8),
    stopBits: z.literal([1, 2], '1 or 2').default(1),
    parity: oneOf(['none', 'even', 'odd']).default('none'),
    flowControl: oneOf(['none', 'rts-cts', 'xon-xoff']).default('none'),
    device: text('a device id: 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit', (id) => DEVICE_ID.test(id)),
    framing: framingOf(FRAMING_KINDS, [...framings, MODBUS_FRAMING]),
    // whether it must be there: neededRuleFault
    rule: rule.nullable().default(null),
    expectEverySeconds: whole(1, 31 * DAY_SECONDS)
      .nullable()
      .default(null),
  },
  'a port: {path: /dev/serial/by-id/…, baudRate: 9600, device: ID, framing: line, rule: {kind: csv, …}}; ports are set in the configuration file',
);
const TRIAL = z
  .strictObject(
    {
      framing: framingOf(HEARD_KINDS, framings),
      rule,
      raw: z.string('text, or base64'),
      encoding: oneOf(['utf8', 'base64']).default('utf8'),
    },
    'an object: {framing: line, rule: {kind: csv, …}, raw: TEXT}',
  )
  .refine(({ raw, encoding }) => encoding === 'utf8' || BASE64.test(raw), { path: ['raw'], message: 'base64, as encoding says' });
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const KEYS: readonly string[] = [...new Set([...Object.keys(PORT.shape), ...Object.keys(TRIAL.shape)])];
const KINDS: Readonly<Record<string, readonly string[]>> = { framing: FRAMING_KINDS, rule: RULE_KINDS };

function faultOf(whole: unknown, { path, message, ...issue }: z.core.$ZodIssue): SerialFault {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const meant = path.length === 0 ? nearest(key, KEYS) : null;
    return { path, says: `unknown key ${JSON.stringify(key.slice(0, 64))}${didYouMean(meant)}` };
  }
  let value = whole;
  // a word stands for its kind
  for (const part of path) value = typeof value === 'string' && part === 'kind' ? value : (value as Members)?.[part];
  const [part = '', last] = path;
  const meant = path.length === 2 && last === 'kind' && typeof value === 'string' ? nearest(value, KINDS[String(part)] ?? []) : null;
  return {
    path,
    says: `must be ${message}, not ${value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 64)}${didYouMean(meant)}`,
  };
}
type Members = Record<PropertyKey, unknown> | null | undefined;

function didYouMean(meant: string | null): string {
  return meant === null ? '' : `; did you mean ${meant}?`;
}
