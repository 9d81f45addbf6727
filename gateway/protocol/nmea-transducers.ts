// XDR, the sentence of any transducer: groups of type, value, unit and name. A metric is called by its type and its name,
// `pressure.Barometer`, because one name (`ENGINE#0`) may have several types.

import type { SenmlRecord } from './messages.ts';
import { addReading, type NmeaFields } from './nmea-fields.ts';

interface Scale {
  readonly unit: string;
  readonly factor?: number;
  readonly shift?: number;
}
interface Transducer {
  readonly metric: string;
  /** By the letter of the unit. One that is not here keeps its number and has no unit. */
  readonly units: Readonly<Record<string, Scale>>;
}

const GROUP = 4;
const TRANSDUCERS: ReadonlyMap<string, Transducer> = new Map<string, Transducer>([
  ['A', { metric: 'angle', units: { D: { unit: 'deg' } } }],
  ['C', { metric: 'temperature', units: { C: { unit: 'Cel' }, F: { unit: 'Cel', factor: 1 / 1.8, shift: -32 / 1.8 }, K: { unit: 'K' } } }],
  ['D', { metric: 'displacement', units: { M: { unit: 'm' } } }],
  ['F', { metric: 'frequency', units: { H: { unit: 'Hz' } } }],
  ['G', { metric: 'generic', units: {} }],
  ['H', { metric: 'humidity', units: { P: { unit: '%RH' } } }],
  ['I', { metric: 'current', units: { A: { unit: 'A' } } }],
  ['L', { metric: 'salinity', units: { S: { unit: '/1000' } } }],
  ['N', { metric: 'force', units: { N: { unit: 'N' } } }],
  ['P', { metric: 'pressure', units: { B: { unit: 'Pa', factor: 100_000 }, P: { unit: 'Pa' } } }],
  ['R', { metric: 'flow', units: { l: { unit: 'l/s' }, L: { unit: 'l/s' } } }],
  ['S', { metric: 'switch', units: {} }],
  ['T', { metric: 'speed-of-rotation', units: { R: { unit: '1/min' } } }],
  ['U', { metric: 'voltage', units: { V: { unit: 'V' } } }],
  ['V', { metric: 'volume', units: { M: { unit: 'm3' } } }],
]);
/** What may stand in a metric's name. */
const NAME = /^[A-Za-z0-9\-:./_]*$/;

export function readTransducers(fields: NmeaFields, records: SenmlRecord[]): 'no-match' | undefined {
  if (fields.count % GROUP !== 0) return 'no-match';
  for (let at = 0; at < fields.count; at += GROUP) {
    const value = fields.number(at + 1);
    if (value === undefined) continue;
    const transducer = TRANSDUCERS.get(fields.text(at));
    // `#` and a space are common in names, and can't be in a metric's
    const name = fields.text(at + 3).replaceAll(/[# ]/g, '-');
    if (transducer === undefined || !NAME.test(name)) return 'no-match';
    const { unit, factor = 1, shift = 0 } = scaleOf(transducer, fields.text(at + 2));
    addReading(records, name === '' ? transducer.metric : `${transducer.metric}.${name}`, unit, value * factor + shift);
  }
  return undefined;
}

function scaleOf({ units }: Transducer, letter: string): Scale {
  return Object.hasOwn(units, letter) ? units[letter] : { unit: '' };
}
