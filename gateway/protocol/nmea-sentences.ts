// What the sentences that are read mean, as SenML records. Units are those of RFC 8428's registry: knots, feet, bars and so on are
// converted here. A position stands apart, because two sentences tell the same one.

import type { SenmlRecord } from './messages.ts';
import { addReading, createNmeaFields, type NmeaFields } from './nmea-fields.ts';
import { readTransducers } from './nmea-transducers.ts';
import type { NmeaSentence } from './nmea.ts';

/** What one sentence says. With neither records nor a position, `reason` says why, or the sentence holds nothing that is a reading. */
export interface NmeaContent {
  readonly records: readonly SenmlRecord[];
  readonly position?: readonly [latitude: number, longitude: number];
  readonly reason?: NmeaReason;
}
/** The receiver doesn't know where it is; the instrument says that its own reading is not valid. */
export type NmeaReason = 'no-fix' | 'not-valid';
export type NmeaContentFault = 'bad-number' | 'no-match';

/** Adds to `records`, or says why it has nothing to add. */
type Reader = (fields: NmeaFields, records: SenmlRecord[], talker: string) => Partial<NmeaContent> | NmeaContentFault | undefined;

const KNOT = 1852 / 3600;
const KMH = 1 / 3.6;
const MPH = 0.44704;
const FOOT = 0.3048;
const FATHOM = 1.8288;
const SPEEDS: ReadonlyMap<string, number> = new Map([
  ['N', KNOT],
  ['M', 1],
  ['K', KMH],
  ['S', MPH],
]);
const SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['GP', 'gps'],
  ['GL', 'glonass'],
  ['GA', 'galileo'],
  ['GB', 'beidou'],
  ['BD', 'beidou'],
  ['GQ', 'qzss'],
  ['QZ', 'qzss'],
  ['GI', 'navic'],
]);
/** The signal that every receiver of a system has (NMEA 0183, version 4.11, table 19); 0 and none: not told. */
const MAIN_SIGNAL: ReadonlyMap<string, string> = new Map([['galileo', '7']]);

const NO_FIX: Partial<NmeaContent> = { reason: 'no-fix' };
const NOT_VALID: Partial<NmeaContent> = { reason: 'not-valid' };

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['GGA', readGga],
  ['RMC', readRmc],
  ['VTG', readVtg],
  ['GSA', readGsa],
  ['GSV', readGsv],
  ['MWV', readMwv],
  ['DPT', readDpt],
  ['DBT', readDbt],
  ['MTW', readMtw],
  ['HDT', readHdt],
  ['VHW', readVhw],
  ['XDR', readTransducers],
]);

/** Null: not one of the sentences that are read. */
export function readContent(sentence: NmeaSentence): NmeaContent | NmeaContentFault | null {
  const reader = READERS.get(sentence.type);
  if (reader === undefined) return null;
  const fields = createNmeaFields(sentence.fields);
  const records: SenmlRecord[] = [];
  const content = reader(fields, records, sentence.talker);
  if (typeof content === 'string') return content;
  return fields.isFaulty ? 'bad-number' : { records, ...content };
}

function readPosition(fields: NmeaFields, index: number): Partial<NmeaContent> {
  const latitude = fields.degrees(index, 'N', 'S');
  const longitude = fields.degrees(index + 2, 'E', 'W');
  return latitude === undefined || longitude === undefined ? {} : { position: [latitude, longitude] };
}

function readGga(fields: NmeaFields, records: SenmlRecord[]): Partial<NmeaContent> {
  const quality = fields.text(5);
  if (quality === '' || quality === '0') return NO_FIX;
  addReading(records, 'satellites', 'count', fields.number(6));
  addReading(records, 'hdop', '/', fields.number(7));
  addReading(records, 'altitude', 'm', fields.number(8));
  return readPosition(fields, 1);
}

function readRmc(fields: NmeaFields, records: SenmlRecord[]): Partial<NmeaContent> {
  if (fields.text(1) !== 'A' || fields.text(11) === 'N') return NO_FIX;
  addReading(records, 'speed', 'm/s', times(fields.number(6), KNOT));
  addReading(records, 'course', 'deg', fields.number(7));
  return readPosition(fields, 2);
}

function readVtg(fields: NmeaFields, records: SenmlRecord[]): Partial<NmeaContent> | NmeaContentFault | undefined {
  if (fields.text(8) === 'N') return NO_FIX;
  // before version 2.3 there were no letters between the numbers: those can't be told apart
  if (fields.text(1) !== 'T' && fields.text(1) !== '') return 'no-match';
  addReading(records, 'course', 'deg', fields.number(0));
  addReading(records, 'speed', 'm/s', times(fields.number(4), KNOT) ?? times(fields.number(6), KMH));
  return undefined;
}

function readGsa(fields: NmeaFields, records: SenmlRecord[]): Partial<NmeaContent> | undefined {
  if (fields.text(1) === '' || fields.text(1) === '1') return NO_FIX;
  addReading(records, 'pdop', '/', fields.number(14));
  addReading(records, 'hdop', '/', fields.number(15));
  addReading(records, 'vdop', '/', fields.number(16));
  return undefined;
}

/** Every sentence of a group repeats how many satellites there are: the first one tells it. */
function readGsv(fields: NmeaFields, records: SenmlRecord[], talker: string): undefined {
  const system = SYSTEMS.get(talker);
  if (system === undefined || fields.number(1) !== 1) return;
  // three fields, four for each satellite, and since version 4.11 the signal
  const signal = (fields.count - 3) % 4 === 1 ? fields.text(fields.count - 1) : '';
  const isMain = signal === '' || signal === '0' || signal === (MAIN_SIGNAL.get(system) ?? '1');
  if (!isMain && !/^[0-9A-F]$/.test(signal)) return;
  addReading(records, `satellites-in-view.${system}${isMain ? '' : `.signal-${signal}`}`, 'count', fields.number(2));
}

function readMwv(fields: NmeaFields, records: SenmlRecord[]): Partial<NmeaContent> | NmeaContentFault | undefined {
  if (fields.text(4) !== 'A') return NOT_VALID;
  const kind = fields.text(1) === 'R' ? 'apparent' : fields.text(1) === 'T' ? 'true' : null;
  const speed = fields.number(2);
  const factor = SPEEDS.get(fields.text(3));
  if (kind === null || (speed !== undefined && factor === undefined)) return 'no-match';
  addReading(records, `wind-angle-${kind}`, 'deg', fields.number(0));
  addReading(records, `wind-speed-${kind}`, 'm/s', times(speed, factor ?? 1));
  return undefined;
}

/** Depth below the transducer; its offset is to the surface when positive, to the keel when negative. */
function readDpt(fields: NmeaFields, records: SenmlRecord[]): undefined {
  const depth = fields.number(0);
  const offset = fields.number(1) ?? 0;
  addReading(records, 'depth', 'm', depth);
  if (depth !== undefined && offset !== 0)
    addReading(records, offset > 0 ? 'depth-below-surface' : 'depth-below-keel', 'm', depth + offset);
}

function readDbt(fields: NmeaFields, records: SenmlRecord[]): undefined {
  const depth = fields.number(2) ?? times(fields.number(0), FOOT) ?? times(fields.number(4), FATHOM);
  addReading(records, 'depth', 'm', depth);
}

function readMtw(fields: NmeaFields, records: SenmlRecord[]): NmeaContentFault | undefined {
  const temperature = fields.number(0);
  if (temperature !== undefined && fields.text(1) !== 'C') return 'no-match';
  addReading(records, 'water-temperature', 'Cel', temperature);
  return undefined;
}

function readHdt(fields: NmeaFields, records: SenmlRecord[]): undefined {
  addReading(records, 'heading', 'deg', fields.number(0));
}

function readVhw(fields: NmeaFields, records: SenmlRecord[]): undefined {
  addReading(records, 'heading', 'deg', fields.number(0));
  addReading(records, 'heading-magnetic', 'deg', fields.number(2));
  addReading(records, 'water-speed', 'm/s', times(fields.number(4), KNOT) ?? times(fields.number(6), KMH));
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
