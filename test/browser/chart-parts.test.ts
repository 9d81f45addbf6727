// The parts of charts that need no browser: how live readings join history, what is a gap, how a view moves, what an address says, which
// point is read, and the file of what is drawn.

import { expect, test } from 'vitest';
import type { ChartSeries } from '../../web/src/chart/chart-series.ts';
import { nearestPoint, steppedMs } from '../../web/src/chart/point-search.ts';
import { rowsOf, type Windows } from '../../web/src/chart/reading-rows.ts';
import { findGaps } from '../../web/src/chart/series-gaps.ts';
import { SHAPES, styleOf } from '../../web/src/chart/series-style.ts';
import { type SeriesWindow, windowOfBuckets, windowOfReadings } from '../../web/src/chart/series-window.ts';
import { exportPath, shownCsv } from '../../web/src/chart/shown-file.ts';
import { stateRuns } from '../../web/src/chart/state-runs.ts';
import { createTimeAxis, type TimeView } from '../../web/src/chart/time-axis.ts';
import { rangeName, readTimeQuery, writeTimeQuery } from '../../web/src/chart/time-query.ts';
import { readExploreQuery, writeExploreQuery } from '../../web/src/explore/explore-query.ts';
import { createScale } from '../../web/src/format.ts';

const pointsOf = ({ times, mins, maxs, averages, countAt }: SeriesWindow) =>
  times.map((timeMs, i) => [timeMs, countAt(i), mins[i], maxs[i], averages[i]]);

test('live readings fold into the buckets of history, late ones where they belong', () => {
  const window = windowOfBuckets([[1000, 2, 1, 3, 2, 1, 3]], 0, 500);
  window.add(1499, 8);
  window.add(1500, 5);
  window.add(600, 7);
  expect(pointsOf(window)).toEqual([
    [500, 1, 7, 7, 7],
    [1000, 3, 1, 8, 4],
    [1500, 1, 5, 5, 5],
  ]);
  window.dropBefore(1400);
  expect(window.times).toEqual([1000, 1500]);
});

test('a window that gets more readings than it draws one by one folds them, and loses none of them', () => {
  const window = windowOfReadings([[0, 5] as const], { most: 100, bucketMs: 1000 });
  for (let i = 1; i < 5000; i++) window.add(i * 10, i % 7);
  expect(window.bucketMs).toBe(1000);
  expect(window.times.length).toBe(50);
  expect(window.times.reduce((sum, _, i) => sum + window.countAt(i), 0)).toBe(5000);
  expect([Math.min(...window.mins), Math.max(...window.maxs)]).toEqual([0, 6]);
});

test('readings with the same time are all kept, and a silence is a gap', () => {
  const window = windowOfReadings(Array.from({ length: 20 }, (_, i) => [i * 1000, i] as const));
  window.add(19_000, 50);
  window.add(40_000, 7);
  expect(window.times.length).toBe(22);
  expect(findGaps(window, window.gapMs(null))).toEqual([[19_000, 40_000]]);
});

test('a silence is a gap between buckets too', () => {
  const row = (startMs: number) => [startMs, 10, 1, 2, 1.5, 1, 2] as const;
  const window = windowOfBuckets(
    [0, 1, 2, 3, 9, 10, 11].map((i) => row(i * 1000)),
    0,
    1000,
  );
  expect(findGaps(window, window.gapMs(100))).toEqual([[3000, 9000]]);
});

test('readings that came once a minute are no gaps because they come every second now', () => {
  const window = windowOfReadings(Array.from({ length: 60 }, (_, i) => [i * 60_000, i] as const).filter(([, i]) => i < 20 || i > 29));
  for (let i = 1; i < 40; i++) window.add(59 * 60_000 + i * 1000, i);
  expect(findGaps(window, window.gapMs(1000))).toEqual([[19 * 60_000, 30 * 60_000]]);
});

test('a state holds until the next, from before what is shown and until now', () => {
  const window = windowOfReadings([
    [0, true],
    [10, true],
    [20, false],
    [30, true],
  ]);
  expect(stateRuns(window, 5, 25, 100)).toEqual([
    { fromMs: 0, toMs: 20, value: true },
    { fromMs: 20, toMs: 30, value: false },
  ]);
  expect(stateRuns(window, 25, 200, 100).at(-1)).toEqual({ fromMs: 30, toMs: 100, value: true });
});

test('keys step over the points of all series, from edge to edge, and stop there', () => {
  const windows = [
    windowOfReadings([
      [10, 1],
      [30, 1],
      [50, 1],
    ]),
    windowOfReadings([
      [20, 2],
      [30, 2],
    ]),
  ];
  const step = (atMs: number | null, by: number) => steppedMs(windows, atMs, by, 0, 45);
  expect(step(null, -1)).toBe(30);
  expect(step(30, -1)).toBe(20);
  expect(step(20, -10)).toBe(10);
  expect(step(10, -1)).toBe(10);
  expect(step(null, 1)).toBe(10);
  expect(step(20, Number.POSITIVE_INFINITY)).toBe(30);
  expect(step(20, Number.NEGATIVE_INFINITY)).toBe(10);
  expect(steppedMs(windows, null, 1, 60, 70)).toBe(null);
});

test('the point that is read is the nearest; of states the one that holds', () => {
  const window = windowOfReadings([
    [10, 1],
    [30, 2],
  ]);
  expect([0, 19, 21, 99].map((atMs) => nearestPoint(window, atMs, false))).toEqual([0, 0, 1, 1]);
  expect([0, 19, 21, 99].map((atMs) => nearestPoint(window, atMs, true))).toEqual([-1, 0, 0, 1]);
  const buckets = windowOfBuckets(
    [
      [0, 3, 1, 1, 1, 1, 1],
      [100, 3, 1, 1, 1, 1, 1],
    ],
    0,
    100,
  );
  expect([10, 99, 101, 170].map((atMs) => nearestPoint(buckets, atMs, false))).toEqual([0, 0, 1, 1]);
});

test('a live view keeps its edge when it is zoomed, becomes fixed around a pointer, and follows again when it reaches the present', () => {
  const axis = createTimeAxis({ kind: 'live', spanMs: 60_000 }, () => ({ kind: 'live', spanMs: 60_000 }));
  axis.zoom(0.5);
  expect(axis.view.value).toEqual({ kind: 'live', spanMs: 30_000 });
  const [fromMs, toMs] = axis.edges();
  axis.zoom(0.1, (fromMs + toMs) / 2);
  const fixed = axis.view.value as Extract<TimeView, { kind: 'fixed' }>;
  expect(fixed.kind).toBe('fixed');
  expect((fixed.fromMs + fixed.toMs) / 2).toBeCloseTo((fromMs + toMs) / 2, -2);
  expect(fixed.toMs - fixed.fromMs).toBeCloseTo(3000, -1);
  axis.pan(-10_000);
  expect(axis.edges()[1]).toBeLessThan(toMs - 10_000);
  axis.pan(60_000);
  expect(axis.view.value.kind).toBe('live');
  expect(axis.isMoved()).toBe(true);
  axis.reset();
  expect(axis.view.value).toEqual({ kind: 'live', spanMs: 60_000 });
  for (let i = 0; i < 40; i++) axis.zoom(0.5);
  expect(axis.view.value).toEqual({ kind: 'live', spanMs: 20 });
  axis.close();
});

test('a view is in the address as it was shown, and nonsense is nothing', () => {
  const views: TimeView[] = [
    { kind: 'live', spanMs: 3_600_000 },
    { kind: 'live', spanMs: 86_400_000 },
    { kind: 'live', spanMs: 90_000 },
    { kind: 'live', spanMs: 1234 },
    { kind: 'fixed', fromMs: 1_700_000_000_000, toMs: 1_700_000_001_000 },
  ];
  for (const view of views) {
    const query = new URLSearchParams('q=kept');
    writeTimeQuery(query, view);
    expect(readTimeQuery(query)).toEqual(view);
    expect(query.get('q')).toBe('kept');
  }
  expect([3_600_000, 86_400_000, 90_000, 1234, 172_800_000].map(rangeName)).toEqual(['1h', '24h', '90s', '1234ms', '2d']);
  for (const wrong of ['range=soon', 'range=0s', 'from=2&to=1', 'from=1', 'from=x&to=9', 'from=1&to=1e99', ''])
    expect(readTimeQuery(new URLSearchParams(wrong))).toBe(null);
});

test('what is explored is in the address, each series once, and names that are none are left out', () => {
  const query = { series: ['pump-1/flow', 'pump-2/a/b'], hidden: ['pump-1/flow'], view: null, isTable: true };
  const address = writeExploreQuery(query);
  expect(address).toBe('/explore?s=pump-1/flow&s=pump-2/a/b&hide=pump-1/flow&view=table');
  expect(readExploreQuery(address)).toEqual(query);
  expect(readExploreQuery('/explore?s=pump-1/flow&s=pump-1/flow&s=/x&s=y/&s=z&hide=other').series).toEqual(['pump-1/flow']);
  expect(readExploreQuery(`/explore?${Array.from({ length: 150 }, (_, i) => `s=d/${i}`).join('&')}`).series.length).toBe(100);
  expect(writeExploreQuery({ series: [], hidden: [], view: null, isTable: false })).toBe('/explore');
});

test('two series that share a chart differ in more than their colour', () => {
  const looks = Array.from({ length: 48 }, (_, slot) => styleOf(slot));
  expect(new Set(looks.map(({ shape, dash }) => `${shape} ${dash}`)).size).toBeGreaterThanOrEqual(SHAPES.length * 4);
  expect(new Set(looks.slice(0, 6).map(({ shape }) => shape)).size).toBe(6);
  expect(new Set(looks.slice(0, 24).map((look) => JSON.stringify(look))).size).toBe(24);
});

const seriesOf = (metric: string, isState: boolean): ChartSeries => ({
  device: 'pump-1',
  metric,
  key: `pump-1/${metric}`,
  label: metric,
  unit: '°C',
  unitCode: isState ? '' : 'Cel',
  isState,
  slot: 0,
  scale: createScale(),
  expectedMs: () => null,
  isStale: () => false,
});
const feedOf = (windows: Record<string, SeriesWindow>): Windows => ({ window: (key) => windows[key] ?? null });

test('the table is newest first and holds what lies from the left edge on and before the right one', () => {
  const feed = feedOf({
    'pump-1/temp': windowOfReadings([
      [10, 1],
      [20, 2],
      [30, 3],
      [40, 4],
    ]),
    'pump-1/state': windowOfReadings([[20, 'on']]),
  });
  const rows = rowsOf(feed, [seriesOf('temp', false), seriesOf('state', true)], 20, 40);
  expect(Array.from({ length: rows.count }, (_, row) => [rows.at(row).timeMs, rows.at(row).value])).toEqual([
    [30, 3],
    [20, 'on'],
    [20, 2],
  ]);
});

test('the file of what is drawn has the columns of an export, keeps formulas from running, and says what a bucket holds', () => {
  const feed = feedOf({
    'pump-1/temp': windowOfBuckets([[1_700_000_000_000, 4, 1, 3, 2.5, 1, 3]], 1_700_000_000_000, 1000),
    'pump-1/state': windowOfReadings([[1_700_000_000_000.25, '=1+1, "x"']]),
  });
  const rows = rowsOf(feed, [seriesOf('temp', false), seriesOf('state', true)], 1_699_999_999_000, 1_700_000_001_000);
  expect(shownCsv(rows)).toBe(
    [
      'time,time_ms,device,metric,unit,value,count,min,max',
      '2023-11-14T22:13:20.000Z,1700000000000,pump-1,temp,Cel,2.5,4,1,3',
      `2023-11-14T22:13:20.000250Z,1700000000000.25,pump-1,state,,"'=1+1, ""x""",1,,`,
      '',
    ].join('\n'),
  );
  expect(exportPath([{ device: 'a', metric: 'b/c' }], 1.5, 2.5, 'ndjson')).toBe('/v1/readings?series=a%2Fb%2Fc&from=1&to=3&format=ndjson');
});
