// A capture of a serial port as SenML records, by the framing and rule that the port had, with the times at which its bytes came.

import { createReadStream } from 'node:fs';
import { CaptureProblem, openCapture } from '../gateway/protocol/capture-format.ts';
import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import { createFramer } from '../gateway/transports/serial/framing-factory.ts';
import { FRAMING_FIELDS, type FramingSettings } from '../gateway/transports/serial/framing-settings.ts';
import type { Rule } from '../gateway/transports/serial/rules.ts';
import { createRule } from '../gateway/transports/serial/rules-factory.ts';
import type { RuleSettings } from '../gateway/transports/serial/rules-settings.ts';
import { Failure, unreadableFile } from './failure.ts';
import type { ReplayRow } from './replay-source.ts';

const NAMES = /\.capture$/i;
const ROWS_AT_ONCE = 1000;
/** As a gateway has them when nobody says otherwise. */
const LIMITS = { maxBytes: 4096, staleUs: 2_000_000 };

export function isCapture(file: string): boolean {
  return NAMES.test(file);
}

/** `skipped` counts frames without readings by the reason, and faults by their code. Records whose rule knows no time have none. */
export async function* readCaptureRows(file: string, skipped: Map<string, number>): AsyncGenerator<ReplayRow[]> {
  try {
    const capture = await openCapture(createReadStream(file));
    const { framing, rule } = settingsOf(file, capture.header.port);
    const framer = createFramer(framing, LIMITS);
    let rows: ReplayRow[] = [];
    const count = (reason: string): void => void skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    const sink = {
      frame(bytes: Uint8Array, atUs: number): void {
        const result = rule.read(bytes, atUs);
        if (result.outcome !== 'readings') return count(result.outcome === 'skipped' ? result.reason : result.code);
        for (const record of result.records) rows.push(rowOf(file, record, atUs));
      },
      fault: ({ code }: { readonly code: string }): void => count(code),
    };
    let lastUs = 0;
    for await (const one of capture.records()) {
      if (one.kind === 'bytes') {
        lastUs = one.atUs;
        framer.push(one.bytes, one.atUs, sink);
      } else {
        const { idleAfterUs } = framer;
        if (idleAfterUs !== null && one.atUs - lastUs >= idleAfterUs) framer.idle(one.atUs, sink);
        framer.end(one.atUs, sink);
      }
      if (rows.length < ROWS_AT_ONCE) continue;
      yield rows;
      rows = [];
    }
    if (capture.end.outcome === 'damaged') throw new Failure(`${file} is damaged after ${capture.end.readTo} bytes`);
    framer.end(lastUs, sink);
    yield rows;
  } catch (error) {
    if (error instanceof CaptureProblem) throw new Failure(`${file}: ${error.message}`);
    throw (error as NodeJS.ErrnoException).code ? unreadableFile(file, error) : error;
  }
}

function settingsOf(file: string, port: Readonly<Record<string, unknown>>): { framing: FramingSettings; rule: Rule } {
  const framing = (port['framing'] ?? { kind: 'line' }) as FramingSettings;
  if (!Object.hasOwn(FRAMING_FIELDS, framing.kind)) throw new Failure(`${file}: what came with this framing cannot be replayed`);
  try {
    return { framing, rule: createRule(port['rule'] as RuleSettings, { isVerified: framing.kind === 'nmea' }) };
  } catch {
    throw new Failure(`${file} names no rule that can be used here: fieldgate serial replay takes another one with --rule`);
  }
}

function rowOf(file: string, record: SenmlRecord, atUs: number): ReplayRow {
  const { bn, bt, bu, bv, t } = record;
  if (bn !== undefined || bt !== undefined || bu !== undefined || bv !== undefined)
    throw new Failure(`${file} holds SenML with base fields: fieldgate serial replay reads it`);
  return { timeUs: Math.round(t === undefined ? atUs : t * 1e6), record };
}
