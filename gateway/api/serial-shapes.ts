// What goes in and out at /v1/serial, as the OpenAPI document describes it. Bodies are checked by the code that checks the configuration's
// own ports, so here they are described and let through.

import { z } from '@hono/zod-openapi';
import type {
  AttachedPortView,
  SerialFrameView,
  SerialPart,
  SerialPortView,
  SerialSettings,
  SerialSlaveView,
  SerialTried,
  SerialTriedFrame,
} from '../protocol/rest.ts';
import type { SenmlRecord } from '../protocol/messages.ts';
import { bodyOf, type Shape } from './route-parts.ts';

const count = z.number().int();
const frame = {
  number: count.openapi({ description: 'Counts the frames and faults of the port, from 1' }),
  atMs: z.number(),
  raw: z.string().openapi({ description: 'Its first bytes' }),
  encoding: z.enum(['utf8', 'base64']).openapi({ description: 'base64: `raw` is no text' }),
  bytes: count,
  outcome: z.string().openapi({ description: '`readings`, or the reason why there are none' }),
  readings: count,
  says: z.string().openapi({ description: 'The readings, or what is wrong, in words' }),
};
const frameShape: Shape<SerialFrameView> = z.object(frame).openapi('SerialFrame');

const partShape = z.looseObject({ kind: z.string() }).openapi('SerialPart') as unknown as Shape<SerialPart>;
const settingsShape: Shape<SerialSettings> = z
  .object({
    path: z.string(),
    baudRate: count,
    // of a list of literals the document would have the first alone
    dataBits: count.openapi({ enum: [5, 6, 7, 8] }),
    stopBits: count.openapi({ enum: [1, 2] }),
    parity: z.enum(['none', 'even', 'odd']),
    flowControl: z.enum(['none', 'rts-cts', 'xon-xoff']),
    device: z.string(),
    framing: partShape,
    rule: z.union([partShape, z.null()]).openapi({ description: 'null where the framing is modbus-rtu' }),
    expectEverySeconds: z.number().nullable(),
  })
  .openapi('SerialSettings') as unknown as Shape<SerialSettings>;

const slaveShape: Shape<SerialSlaveView> = z
  .object({
    slave: count,
    state: z.enum(['new', 'answers', 'failing', 'silent']).openapi({ description: 'silent: it is asked now and then alone' }),
    sinceAt: z.string(),
    requests: count,
    answers: count,
    timeouts: count,
    crcErrors: count,
    exceptions: count,
    faults: z.record(z.string(), count).openapi({ description: 'All that went wrong, by code' }),
    lastError: z.string(),
    lastErrorAt: z.string().nullable(),
    lastAnswerAt: z.string().nullable(),
    roundTripMs: z.number().nullable(),
    nextAskAt: z.string().nullable().openapi({ description: 'When a silent one is asked again' }),
  })
  .openapi('SerialSlave');

export const portShape: Shape<SerialPortView> = z
  .object({
    id: z.string(),
    origin: z.enum(['file', 'console', 'bridge', 'replay']).openapi({ description: 'file: read-only here' }),
    bridge: z.string().nullable(),
    settings: settingsShape.nullable(),
    path: z.string(),
    device: z.string(),
    state: z.enum(['opening', 'open', 'absent', 'silent', 'garbage', 'stuck', 'failed', 'closed']),
    reason: z.string(),
    mend: z.string().openapi({ description: 'What to do about it' }),
    sinceAt: z.string(),
    baudRate: count,
    framing: z.string(),
    rule: z.string(),
    expectEverySeconds: z.number().nullable(),
    linesPerSecond: z.number(),
    bytes: count.openapi({ description: 'Read since it was opened first, or last changed, as the numbers that follow' }),
    lines: count,
    readings: count,
    errors: count,
    faults: z.record(z.string(), count).openapi({ description: 'The errors, by code' }),
    skipped: z.record(z.string(), count).openapi({ description: 'Lines without readings in which nothing was wrong, by reason' }),
    lastFrames: z.array(frameShape).openapi({ description: 'Oldest first' }),
    slaves: z.array(slaveShape).openapi({ description: 'Whom a Modbus bus asks; empty for every other framing' }),
  })
  .openapi('SerialPort') as unknown as Shape<SerialPortView>;

export const attachedShape: Shape<AttachedPortView> = z
  .object({
    path: z.string(),
    name: z.string(),
    manufacturer: z.string(),
    product: z.string(),
    serialNumber: z.string(),
    device: z.string().nullable(),
  })
  .openapi('AttachedPort');

const recordShape: Shape<SenmlRecord> = z
  .object({
    bn: z.string().optional(),
    bt: z.number().optional(),
    bu: z.string().optional(),
    bv: z.number().optional(),
    bver: z.number().optional(),
    n: z.string().optional(),
    u: z.string().optional(),
    v: z.number().optional(),
    vs: z.string().optional(),
    vb: z.boolean().optional(),
    t: z.number().optional(),
    ut: z.number().optional(),
  })
  .openapi('SenmlRecord');
const triedFrameShape = z
  .object({ ...frame, records: z.array(recordShape) })
  .openapi('SerialTriedFrame') as unknown as Shape<SerialTriedFrame>;
export const triedShape = z
  .object({ frames: z.array(triedFrameShape), more: z.boolean().openapi({ description: 'Only the first 200 are here' }) })
  .openapi('SerialTried') as unknown as Shape<SerialTried>;

const part = { oneOf: [{ type: 'string' as const }, { type: 'object' as const }], description: 'A kind, or {kind: …} with its settings' };
export const portBody = bodyOf(
  z.unknown().openapi('SerialPortBody', {
    type: 'object',
    description: 'As an item of serial.ports in the configuration file',
    required: ['path', 'baudRate', 'device'],
    properties: {
      path: { type: 'string', description: 'Best one in /dev/serial/by-id' },
      baudRate: { type: 'integer' },
      dataBits: { type: 'integer', default: 8 },
      stopBits: { type: 'integer', default: 1 },
      parity: { type: 'string', default: 'none' },
      flowControl: { type: 'string', default: 'none' },
      device: { type: 'string', description: 'It is made when there is none' },
      framing: part,
      rule: { ...part, description: `${part.description}; none where the framing is modbus-rtu` },
      expectEverySeconds: { type: ['integer', 'null'], default: null },
    },
  }),
);
export const tryBody = bodyOf(
  z.unknown().openapi('SerialTry', {
    type: 'object',
    required: ['rule', 'raw'],
    properties: {
      framing: part,
      rule: part,
      raw: { type: 'string', description: 'At most 64 KiB of bytes' },
      encoding: { type: 'string', enum: ['utf8', 'base64'], default: 'utf8' },
    },
  }),
);
