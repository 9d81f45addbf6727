// What a stream of NMEA sentences knows beyond one of them: the time they were said at, and whose position counts.
// Times in epoch µs.

import { midnight, secondsOfDay } from './nmea-fields.ts';
import type { NmeaSentence } from './nmea.ts';

export interface SentenceClock {
  /** Takes the time of a sentence that has one. */
  note(sentence: NmeaSentence, arrivedUs: number): void;
  /** When a sentence that has just arrived was said; null until a date was heard. */
  timeUs(arrivedUs: number): number | null;
}

const SECOND_US = 1_000_000;
const DAY_SECONDS = 86_400;
/** A receiver tells the time once a second or so: after so long without, time goes on as it does here. */
const SILENT_US = 5 * SECOND_US;

/** RMC and ZDA tell date and time; GGA the time, of a day that must be known already; all others are said when the last of those was. */
export function createSentenceClock(): SentenceClock {
  let saidSeconds: number | null = null;
  let heardUs = 0;
  return {
    note(sentence, arrivedUs) {
      const said =
        fullTime(sentence) ?? (sentence.type === 'GGA' && saidSeconds !== null ? nearest(sentence.fields[0], saidSeconds) : null);
      if (said === null) return;
      saidSeconds = said;
      heardUs = arrivedUs;
    },
    timeUs(arrivedUs) {
      if (saidSeconds === null) return null;
      const silentUs = arrivedUs - heardUs;
      return Math.round(saidSeconds * SECOND_US) + (silentUs > SILENT_US ? silentUs : 0);
    },
  };
}

function fullTime({ type, fields }: NmeaSentence): number | null {
  const time = secondsOfDay(fields[0] ?? '');
  if (time === null) return null;
  let day: number | null = null;
  if (type === 'ZDA') {
    const [, date = '', month = '', year = ''] = fields;
    if (/^\d{1,2}$/.test(date) && /^\d{1,2}$/.test(month) && /^\d{4}$/.test(year))
      day = midnight(Number(year), Number(month), Number(date));
  } else if (type === 'RMC' && fields[1] === 'A') {
    const date = /^(\d{2})(\d{2})(\d{2})$/.exec(fields[8] ?? '');
    // two digits of the year: the first GPS receivers are of the eighties
    if (date !== null) day = midnight(Number(date[3]) + (Number(date[3]) >= 80 ? 1900 : 2000), Number(date[2]), Number(date[1]));
  }
  return day === null ? null : day + time;
}

/** The moment with this time of the day that is nearest to another moment: midnight may lie between them. */
function nearest(field: string | undefined, seconds: number): number | null {
  const time = secondsOfDay(field ?? '');
  if (time === null) return null;
  return time + Math.round((seconds - time) / DAY_SECONDS) * DAY_SECONDS;
}

export interface PositionSource {
  /** May the position of this sentence be stored? */
  accepts(sentence: NmeaSentence, arrivedUs: number): boolean;
}

const NO_GGA_US = 5 * SECOND_US;
/** One or two RMC may come before the GGA of their second. */
const NO_GGA_SENTENCES = 3;

/** GGA and RMC tell the same position: GGA's counts. RMC's does when several came, over some seconds, without a GGA. Seconds are
 * those of the sentences as well as those of their arrival, so that a log that is replayed at any speed gives the same readings. */
export function createPositionSource(): PositionSource {
  let sinceUs: number | null = null;
  let sinceSeconds: number | null = null;
  let alone = 0;
  return {
    accepts(sentence, arrivedUs) {
      const seconds = secondsOfDay(sentence.fields[0] ?? '');
      const isGga = sentence.type === 'GGA';
      if (isGga || sinceUs === null) {
        sinceUs = arrivedUs;
        sinceSeconds = seconds;
        alone = 0;
      }
      if (isGga) return true;
      alone++;
      const saidUs = seconds === null || sinceSeconds === null ? 0 : elapsed(sinceSeconds, seconds) * SECOND_US;
      return alone >= NO_GGA_SENTENCES && Math.max(saidUs, arrivedUs - sinceUs) >= NO_GGA_US;
    },
  };
}

/** From one time of the day to another, over midnight if need be; back in time is no time. */
function elapsed(from: number, to: number): number {
  const seconds = (to - from + DAY_SECONDS) % DAY_SECONDS;
  return seconds > DAY_SECONDS / 2 ? 0 : seconds;
}
