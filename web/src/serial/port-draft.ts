// A port while it is added or edited, and what it is as a request.
import type { SerialPart, SerialPortBody, SerialSettings } from '../../../gateway/protocol/rest.ts';
import { draftOf, numberOf, settingsOf } from './setting-draft.ts';
import type { PartDraft } from './setting-draft.ts';
import { placesOf } from './setting-faults.ts';
import { ALL_FRAMINGS, MODBUS, RULES } from './setting-specs.ts';

export interface PortDraft {
  readonly path: string;
  readonly device: string;
  readonly baudRate: string;
  readonly dataBits: string;
  readonly stopBits: string;
  readonly parity: string;
  readonly flowControl: string;
  readonly expectEverySeconds: string;
  readonly framing: PartDraft;
  readonly rule: PartDraft;
}

const BLANK_RULE: SerialPart = { kind: 'csv' };

/** What a port is that nobody has said anything of. */
export const BLANK: SerialSettings = {
  path: '',
  device: '',
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  framing: { kind: 'line' },
  rule: BLANK_RULE,
  expectEverySeconds: null,
};

export function portDraftOf(settings: SerialSettings): PortDraft {
  return {
    path: settings.path,
    device: settings.device,
    baudRate: String(settings.baudRate),
    dataBits: String(settings.dataBits),
    stopBits: String(settings.stopBits),
    parity: settings.parity,
    flowControl: settings.flowControl,
    expectEverySeconds: settings.expectEverySeconds === null ? '' : String(settings.expectEverySeconds),
    framing: draftOf(settings.framing, ALL_FRAMINGS),
    rule: draftOf(settings.rule ?? BLANK_RULE, RULES),
  };
}

/** The gateway judges what it is: numbers that are none go as they were written. */
export function portBodyOf(draft: PortDraft): SerialPortBody {
  return {
    path: draft.path.trim(),
    device: draft.device.trim(),
    baudRate: numberOf(draft.baudRate),
    dataBits: Number(draft.dataBits),
    stopBits: Number(draft.stopBits),
    parity: draft.parity,
    flowControl: draft.flowControl,
    expectEverySeconds: draft.expectEverySeconds.trim() === '' ? null : numberOf(draft.expectEverySeconds),
    ...partsOf(draft),
  } as SerialPortBody;
}

export function partsOf({ framing, rule }: Pick<PortDraft, 'framing' | 'rule'>): { framing: SerialPart; rule: SerialPart | null } {
  return { framing: settingsOf(framing, ALL_FRAMINGS), rule: framing.kind === MODBUS ? null : settingsOf(rule, RULES) };
}

/** Where the form can show a fault. */
export function portPlaces(draft: Pick<PortDraft, 'framing' | 'rule'>): ReadonlySet<string> {
  const { framing, rule, ...rest } = draft;
  return new Set([
    ...Object.keys(rest),
    ...placesOf('framing', framing, ALL_FRAMINGS),
    ...(framing.kind === MODBUS ? [] : placesOf('rule', rule, RULES)),
  ]);
}
