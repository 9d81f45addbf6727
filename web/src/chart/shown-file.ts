// What is drawn, as CSV: the columns of the gateway's own export, and of buckets what they hold. And the addresses of the gateway's export
// of every reading of the same series in the same time.
import type { SeriesName } from './chart-series.ts';
import { seriesKey } from './chart-series.ts';
import type { ReadingRows } from './reading-rows.ts';

/** A spreadsheet runs what begins with one of these. */
const FORMULA = /^[=+\-@\t\r]/;

/** Rows of a table are newest first; files are oldest first. */
export function shownCsv(rows: ReadingRows): string {
  const lines = [`time,time_ms,device,metric,unit,value${rows.hasBuckets ? ',count,min,max' : ''}`];
  for (let row = rows.count - 1; row >= 0; row--) {
    const { series, timeMs, value, count, min, max } = rows.at(row);
    const cells = [isoTime(timeMs), String(timeMs), series.device, series.metric, cell(series.unitCode), cell(value)];
    if (rows.hasBuckets) cells.push(String(count), series.isState ? '' : String(min), series.isState ? '' : String(max));
    lines.push(cells.join(','));
  }
  return `${lines.join('\n')}\n`;
}

function cell(value: number | boolean | string): string {
  if (typeof value !== 'string') return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** With the microseconds that a Date has no room for. */
function isoTime(timeMs: number): string {
  const whole = Math.floor(timeMs);
  const us = Math.round((timeMs - whole) * 1000);
  const iso = new Date(whole).toISOString();
  return us === 0 ? iso : `${iso.slice(0, -1)}${String(us).padStart(3, '0')}Z`;
}

export function exportPath(series: readonly SeriesName[], fromMs: number, toMs: number, format: 'csv' | 'ndjson'): string {
  const query = new URLSearchParams();
  for (const one of series) query.append('series', seriesKey(one));
  query.set('from', String(Math.floor(fromMs)));
  query.set('to', String(Math.ceil(toMs)));
  query.set('format', format);
  return `/v1/readings?${query}`;
}

export function curlCommand(origin: string, path: string, file: string): string {
  const isTls = origin.startsWith('https:');
  const fetchCa = isTls ? `curl -sko fieldgate-ca.crt ${origin}/ca.crt\n` : '';
  return `${fetchCa}curl ${isTls ? '--cacert fieldgate-ca.crt ' : ''}-H "Authorization: Bearer $FIELDGATE_KEY" \\
  -o ${file} '${origin}${path}'`;
}
