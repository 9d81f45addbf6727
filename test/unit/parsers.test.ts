// The small parsers on the hot path, against simple models of themselves.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFaultAt } from '../../gateway/ingest/json-fault.ts';
import { scanJson } from '../../gateway/protocol/json-scan.ts';
import { readJson } from '../../gateway/ingest/json-frame.ts';
import { compilePattern, compilePatterns } from '../../gateway/protocol/pattern.ts';
import { bucketStartsUs, createBucketer } from '../../gateway/storage/bucketer.ts';
import { packCounts, unpackCounts } from '../../gateway/storage/frame-run.ts';
import { JSON_FRAMES, mutated } from '../support/mutations.ts';
import { createRandom } from '../support/seeded-random.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Math.max(own, ...Object.values(value).map(keysOf));
}

test('the scan refuses exactly what is deeper or has more keys than allowed', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), (value, depth, keys) => {
      const fault = scanJson(bytes(JSON.stringify(value)), depth, keys);
      if (depthOf(value) <= depth && keysOf(value) <= keys) expect(['clean', 'suspect']).toContain(fault);
      else expect(['too-deep', 'too-many-keys']).toContain(fault);
    }),
    { numRuns: 2000 },
  );
});

test('quotes, escapes and brackets inside strings do not count', () => {
  expect(scanJson(bytes(JSON.stringify({ a: '[[[[{{{{::::"\\"\\\\' })), 1, 1)).toBe('clean');
});

test('no bytes make the reader throw, and what it reads is what JSON.parse reads', () => {
  const limits = { depth: 8, keysPerObject: 64 };
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.uint8Array().map((array) => Buffer.from(array).toString('latin1')),
      ),
      (text) => {
        const frame = readJson(bytes(text), limits);
        if ('pack' in frame) expect(frame.pack).toStrictEqual(JSON.parse(text));
        else if ('message' in frame) expect(frame.message).toStrictEqual(JSON.parse(text));
        else expect(frame.unreadable).toMatch(/^[a-z-]+$/);
      },
    ),
    { numRuns: 2000 },
  );
});

test('the position of a JSON fault is told, the input is not echoed', () => {
  const frame = readJson(bytes('[{"n":"secret",}]'), { depth: 8, keysPerObject: 64 });
  expect(frame).toStrictEqual({ unreadable: 'bad-json', detail: 'Look at character 15.' });
});

test('J1 the place of a fault that V8 does not tell is the token that it names', () => {
  const random = createRandom('json-faults');
  let named = 0;
  for (let i = 0; i < 5000; i++) {
    const text = mutated(random, JSON_FRAMES).toString();
    if ('unreadable' in readJson(bytes(text), { depth: 63, keysPerObject: 10_000 })) {
      const token = /^Unexpected token '(.)'/su.exec(messageOf(text))?.[1];
      if (token === undefined) continue;
      named++;
      const rest = text.slice(jsonFaultAt(text));
      // of an escape that is none, the back-slash
      expect(rest.startsWith(token) || rest.startsWith(`\\${token}`), rest).toBe(true);
    } else expect(jsonFaultAt(text)).toBe(text.length);
  }
  expect(named).toBeGreaterThan(100);
  expect(readJson(bytes('[{"v":NaN}]'), { depth: 8, keysPerObject: 64 })).toMatchObject({ detail: 'Look at character 6.' });
});
function messageOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('D3 a pattern is literal but for *, like the expression it would be', () => {
  const alphabet = fc.constantFrom('a', 'b', '*', '.', '+', '(', '[', '\\', '$');
  const text = fc.array(alphabet, { maxLength: 10 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const escaped = pattern.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      expect(compilePattern(pattern)(subject)).toBe(new RegExp(`^${escaped.join('[^]*')}$`).test(subject));
      expect(compilePatterns([pattern, 'zz'])(subject)).toBe(compilePattern(pattern)(subject));
    }),
    { numRuns: 3000 },
  );
});

test('the counts of a run come back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 20 })), (counts) => {
      expect(unpackCounts(packCounts(Int32Array.from(counts), 0, counts.length), counts.length, 0)).toStrictEqual(counts);
    }),
  );
  expect(unpackCounts(null, 3, 6)).toStrictEqual([2, 2, 2]);
});

test('buckets equal a plain count over the readings, for any range and number of buckets', () => {
  const point = fc.record({
    at: fc.integer({ min: 0, max: 999 }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  });
  fc.assert(
    fc.property(
      fc.array(point, { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
      (points, n, from) => {
        const bucketer = createBucketer(from, from + 1000, n);
        for (const { at, value } of points) bucketer.add(1, from + at, value);
        const starts = bucketStartsUs(from, from + 1000, n);
        const [{ rows }] = bucketer.finish();
        expect(rows.reduce((sum, row) => sum + row[1], 0)).toBe(points.length);
        for (const [i, count, min, max, avg, first, last] of rows) {
          const end = i + 1 < n ? starts[i + 1] : from + 1000;
          const inside = points.filter(({ at }) => from + at >= starts[i] && from + at < end);
          const sorted = [...inside].sort((a, b) => a.at - b.at);
          expect(count).toBe(inside.length);
          expect(min).toBe(Math.min(...inside.map(({ value }) => value)));
          expect(max).toBe(Math.max(...inside.map(({ value }) => value)));
          expect(avg).toBeCloseTo(inside.reduce((sum, { value }) => sum + value, 0) / inside.length, 6);
          expect(first).toBe(sorted[0].value);
          expect(last).toBe(sorted[sorted.length - 1].value);
        }
      },
    ),
    { numRuns: 500 },
  );
});
