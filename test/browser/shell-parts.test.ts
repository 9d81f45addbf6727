// What the palette and the wall work out without a browser.

import { expect, test } from 'vitest';
import { formatFull, formatMoment } from '../../web/src/format.ts';
import { tileGrid } from '../../web/src/kiosk/tile-grid.ts';
import { fuzzyScore } from '../../web/src/palette/fuzzy.ts';
import { changeZone, isUtc, zoneName } from '../../web/src/zone.ts';

const best = (typed: string, names: readonly string[]): string | undefined =>
  names
    .flatMap((name) => {
      const score = fuzzyScore(typed, name);
      return score === null ? [] : [{ name, score }];
    })
    .sort((a, b) => b.score - a.score)[0]?.name;

test('a few letters find a name by the beginnings of its words, by what stands side by side, without case and accents', () => {
  const names = [
    'Fleet',
    'Explore',
    'Serial',
    'Quarantine',
    'Events',
    'Settings',
    'Add device',
    'Copy link to this page',
    'Chambre froide, légumes',
  ];
  expect(best('', names)).toBe('Fleet');
  expect(best('ad', names)).toBe('Add device');
  expect(best('adev', names)).toBe('Add device');
  expect(best('cl', names)).toBe('Copy link to this page');
  expect(best('SET', names)).toBe('Settings');
  expect(best('legum', names)).toBe('Chambre froide, légumes');
  expect(best('eve', names)).toBe('Events');
  expect(best('xyz', names)).toBe(undefined);
  expect(fuzzyScore('aa', 'a')).toBe(null);
});

test('tiles are as large as the wall allows and never wider than their shape; where there are too many, as many as can be read', () => {
  const hd = { width: 1880, height: 940 };
  expect(tileGrid(1, hd, 16)).toEqual({ columns: 1, rows: 1 });
  expect(tileGrid(4, hd, 16)).toEqual({ columns: 2, rows: 2 });
  expect(tileGrid(28, hd, 16)).toEqual({ columns: 6, rows: 5 });
  // the same picture at twice the pixels and twice the type
  expect(tileGrid(28, { width: 3760, height: 1880 }, 32)).toEqual({ columns: 6, rows: 5 });
  expect(tileGrid(10_000, hd, 16)).toEqual({ columns: 7, rows: 7 });
  expect(tileGrid(3, { width: 320, height: 500 }, 16)).toEqual({ columns: 1, rows: 3 });
  expect(tileGrid(5, { width: 100, height: 50 }, 16)).toEqual({ columns: 1, rows: 1 });
});

test('times are written in the zone that was chosen', () => {
  const before = isUtc.value;
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  try {
    const atMs = Date.UTC(2026, 10, 20, 20, 15, 30);
    if (isUtc.value) changeZone();
    expect(zoneName()).toBe('UTC+5:30');
    changeZone();
    expect([zoneName(), formatFull(atMs), formatMoment(atMs, atMs + 60_000)]).toEqual(['UTC', 'Fri 20 Nov, 20:15:30', '20:15']);
    expect(formatMoment(atMs, atMs + 5 * 3_600_000)).toBe('Fri 20 Nov');
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    if (isUtc.value !== before) changeZone();
  }
});
