// A boat that sails in circles and says so in NMEA 0183: what a GPS receiver and the instruments of a small yacht put on their line.

import { buildSentence } from '../gateway/protocol/nmea.ts';
import { drift } from './noise.ts';

export interface Boat {
  /** The n-th sentence; they take turns. `kind` is its name, such as GPGGA. */
  say(n: number, timeMs: number): { readonly kind: string; readonly sentence: string };
}

const HOME = { latitude: 52.3702, longitude: 4.9453 };
const RADIUS_M = 900;
const KNOTS = 4.2;
const M_PER_S_PER_KNOT = 1852 / 3600;
const M_PER_DEGREE = 111_320;
const MINUTE = 60_000;
const TURN = 2 * Math.PI;
const TURN_MS = ((TURN * RADIUS_M) / (KNOTS * M_PER_S_PER_KNOT)) * 1000;

type Say = (moment: Moment) => string;

interface Moment {
  readonly seed: number;
  readonly timeMs: number;
  readonly latitude: number;
  readonly longitude: number;
  /** Degrees, over ground and true. */
  readonly course: number;
  readonly knots: number;
}

/** A sentence's body without the `$` and the checksum. */
const SENTENCES: readonly Say[] = [
  (m) => `GPRMC,${time(m)},A,${place(m)},${m.knots.toFixed(2)},${m.course.toFixed(1)},${date(m)},,,A`,
  (m) => `GPGGA,${time(m)},${place(m)},1,09,0.9,${(3 + drift(m.seed ^ 1, m.timeMs / MINUTE)).toFixed(1)},M,47.0,M,,`,
  (m) => `GPVTG,${m.course.toFixed(1)},T,,M,${m.knots.toFixed(2)},N,${(m.knots * 1.852).toFixed(2)},K,A`,
  () => 'GPGSA,A,3,02,05,07,09,13,15,20,28,30,,,,1.7,0.9,1.4',
  () => 'GPGSV,1,1,04,02,67,112,44,05,41,268,40,13,22,055,37,30,11,301,31',
  (m) =>
    `WIMWV,${angle(40 + 25 * drift(m.seed ^ 2, m.timeMs / MINUTE))},R,${(14 + 5 * drift(m.seed ^ 3, m.timeMs / 20_000)).toFixed(1)},N,A`,
  (m) => `SDDPT,${depth(m).toFixed(1)},0.5`,
  (m) => `SDDBT,${(depth(m) / 0.3048).toFixed(1)},f,${depth(m).toFixed(1)},M,${(depth(m) / 1.8288).toFixed(1)},F`,
  (m) => `YXMTW,${(15 + 2 * drift(m.seed ^ 5, m.timeMs / (60 * MINUTE))).toFixed(1)},C`,
  (m) => `HEHDT,${heading(m)},T`,
  (m) => `VWVHW,${heading(m)},T,,M,${(m.knots * 0.97).toFixed(2)},N,${(m.knots * 0.97 * 1.852).toFixed(2)},K`,
  (m) => `YXXDR,C,${(21 + 3 * drift(m.seed ^ 6, m.timeMs / (30 * MINUTE))).toFixed(1)},C,CABIN`,
  (m) =>
    `GPZDA,${time(m)},${twoDigits(new Date(m.timeMs).getUTCDate())},${twoDigits(new Date(m.timeMs).getUTCMonth() + 1)},${new Date(m.timeMs).getUTCFullYear()},00,00`,
];

export function createBoat(seed: number): Boat {
  return {
    say(n, timeMs) {
      const turn = TURN * ((timeMs / TURN_MS) % 1);
      const north = RADIUS_M * Math.cos(turn);
      const east = RADIUS_M * Math.sin(turn);
      const body = SENTENCES[n % SENTENCES.length]!({
        seed,
        timeMs,
        latitude: HOME.latitude + north / M_PER_DEGREE,
        longitude: HOME.longitude + east / (M_PER_DEGREE * Math.cos((HOME.latitude * Math.PI) / 180)),
        // clockwise around home: at the northernmost point it goes east
        course: (90 + (turn * 360) / TURN) % 360,
        knots: KNOTS + 0.3 * drift(seed, timeMs / MINUTE),
      });
      const [kind = '', ...fields] = body.split(',');
      return { kind, sentence: buildSentence(kind, fields) };
    },
  };
}

function heading(m: Moment): string {
  return angle(m.course + 3 * drift(m.seed ^ 4, m.timeMs / 15_000));
}

function angle(degrees: number): string {
  return ((degrees + 360) % 360).toFixed(1);
}

function depth(m: Moment): number {
  return 6 + 2 * drift(m.seed ^ 7, m.timeMs / (5 * MINUTE));
}

function place({ latitude, longitude }: Moment): string {
  return `${degreesMinutes(latitude, 2)},${latitude < 0 ? 'S' : 'N'},${degreesMinutes(longitude, 3)},${longitude < 0 ? 'W' : 'E'}`;
}

/** dddmm.mmmm */
function degreesMinutes(degrees: number, digits: number): string {
  const tenThousandths = Math.round(Math.abs(degrees) * 60 * 10_000);
  const whole = Math.floor(tenThousandths / 600_000);
  const minutes = (tenThousandths - whole * 600_000) / 10_000;
  return `${String(whole).padStart(digits, '0')}${minutes.toFixed(4).padStart(7, '0')}`;
}

/** hhmmss.ss */
function time({ timeMs }: Moment): string {
  return new Date(timeMs).toISOString().slice(11, 22).replaceAll(':', '');
}

/** ddmmyy */
function date({ timeMs }: Moment): string {
  const [year, month, day] = new Date(timeMs).toISOString().slice(2, 10).split('-');
  return `${day}${month}${year}`;
}

function twoDigits(n: number): string {
  return String(n).padStart(2, '0');
}
