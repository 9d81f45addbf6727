// The oracle's core: finds nothing wrong with a store that kept its promises, whatever the network did, and every single thing that it did not.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isClean, noCounts, VERDICTS, type Verdict } from '../../device-sim/findings.ts';
import { createSentDevice } from '../../device-sim/sent-device.ts';
import type { StoredDevice } from '../../device-sim/stored-device.ts';
import { verifyDevice } from '../../device-sim/verify-device.ts';
import { createOracleWorld, DEVICE, type OracleWorld, type Step } from '../support/oracle-world.ts';

const small = fc.integer({ min: 0, max: 3 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      frames: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 }),
      swallowed: small,
      deaf: small,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refused' as const), readings: fc.integer({ min: 1, max: 3 }), bad: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gap' as const), frames: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'renumber' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'forget' as const }) },
);
const anySteps = fc.array(anyStep, { minLength: 1, maxLength: 12 });

function lived(steps: readonly Step[], repeat = 0): OracleWorld {
  const model = createOracleWorld(repeat);
  for (const step of steps) model.step(step);
  return model;
}

test.each([
  ['every reading is its own', 0],
  ['readings repeat in series, time and value', 5],
])('a store that kept its promises is found clean at any moment, and at the end: %s', (_, repeat) => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const model = createOracleWorld(repeat);
      for (const step of steps) {
        model.step(step);
        expect(verifyDevice(model.sent, model.stored()).examples).toStrictEqual([]);
      }
      model.settle();
      const stored = model.stored();
      const { counts, examples } = verifyDevice(model.sent, stored);
      expect(examples).toStrictEqual([]);
      expect(counts).toStrictEqual({ ...noCounts(), ok: stored.readings.length + stored.quarantine.length });
    }),
    { numRuns: 400 },
  );
});

/** A settled life with at least four readings, of which one is singled out. */
const anyLife = fc.record({ steps: anySteps, pick: fc.nat(), other: fc.nat() });
const solid: Step = { do: 'send', frames: [2, 2, 1], swallowed: 0, deaf: 0 };

function spoiled(spoil: (stored: ReturnType<OracleWorld['stored']>, pick: number, other: number) => void) {
  return (check: (counts: Readonly<Record<Verdict, number>>) => void) =>
    fc.assert(
      fc.property(anyLife, ({ steps, pick, other }) => {
        const model = lived([...steps, solid]);
        model.settle();
        const stored = model.stored();
        // what no ack came for may be there or not: only readings of the last stream, all of them acknowledged, are picked
        const acked = stored.readings.length - 5;
        spoil(stored, acked + (pick % 5), acked + (other % 5));
        check(verifyDevice(model.sent, stored).counts);
      }),
      { numRuns: 200 },
    );
}

test('a reading taken away is lost', () => {
  spoiled(({ readings }, pick) => readings.splice(pick, 1))((counts) =>
    expect(counts).toMatchObject({ lost: 1, doubled: 0, altered: 0, phantom: 0 }),
  );
});

test('a reading that is there twice is doubled', () => {
  spoiled(({ readings }, pick) => readings.push({ ...readings[pick]!, position: readings.length + 1 }))((counts) =>
    expect(counts).toMatchObject({ lost: 0, doubled: 1, altered: 0, phantom: 0, misordered: 0 }),
  );
});

test.each([
  ['value', { value: -1 }],
  ['kind', { value: 'true' }],
  ['unit', { unit: 'K' }],
  ['time', { timeUs: 1_650_000_000_000_001 }],
])('a reading with another %s is altered', (_, change) => {
  spoiled(({ readings }, pick) => readings.splice(pick, 1, { ...readings[pick]!, ...change }))((counts) =>
    expect(counts).toMatchObject({ lost: 0, doubled: 0, altered: 1, phantom: 0, misordered: 0 }),
  );
});

test('a reading that nobody sent is a phantom', () => {
  const foreign = { metric: 'odd', unit: 'Cel', timeUs: 1_600_000_000_000_000, value: 77.5 };
  spoiled(({ readings }) => readings.push({ ...foreign, position: readings.length + 1 }))((counts) =>
    expect(counts).toMatchObject({ lost: 0, doubled: 0, altered: 0, phantom: 1 }),
  );
});

test('two readings that changed places are misordered', () => {
  spoiled(({ readings }, pick, other) => {
    const at = other === pick ? (pick === readings.length - 1 ? pick - 1 : pick + 1) : other;
    const [a, b] = [readings[pick]!, readings[at]!];
    readings[pick] = { ...b, position: a.position };
    readings[at] = { ...a, position: b.position };
  })((counts) => {
    expect(counts).toMatchObject({ lost: 0, doubled: 0, altered: 0, phantom: 0, unexplained: 0 });
    expect(counts.misordered).toBeGreaterThan(0);
  });
});

test.each(['acked', 'settled', 'stored', 'quarantined', 'gaps', 'unexplained', 'readings', 'refused'] as const)(
  'books whose %s are off by one are unexplained, the running totals as much as the count from rows',
  (what) => {
    for (const source of ['books', 'recount'] as const) {
      const model = lived([solid]);
      const stored = model.stored();
      const [book] = stored[source];
      for (const by of [1, -1]) {
        const { counts } = verifyDevice(model.sent, { ...stored, [source]: [{ ...book, [what]: book![what] + by }] });
        expect(counts.unexplained).toBeGreaterThan(0);
        expect(counts).toMatchObject({ doubled: 0, altered: 0, phantom: 0, misordered: 0 });
      }
    }
  },
);

test('books of a stream that was never used are unexplained, and missing books, too', () => {
  const model = lived([solid]);
  const stored = model.stored();
  const books = [...stored.books, { ...stored.books[0]!, stream: 'another-one' }];
  expect(verifyDevice(model.sent, { ...stored, books }).counts.unexplained).toBe(3);
  expect(verifyDevice(model.sent, { ...stored, books: [] }).counts.unexplained).toBeGreaterThan(0);
});

test('a settled frame that is registered as a gap is unexplained', () => {
  const model = lived([solid]);
  const { counts } = verifyDevice(model.sent, { ...model.stored(), gaps: [{ stream: 'stream-00001', from: 2, to: 3 }] });
  expect(counts).toStrictEqual({ ...noCounts(), ok: 5, unexplained: 2 });
});

test('a refused record that is not in quarantine is lost, twice there doubled, and one of a frame never sent a phantom', () => {
  const model = lived([{ do: 'refused', readings: 3, bad: 1 }]);
  const stored = model.stored();
  const [refusal] = stored.quarantine;
  expect(verifyDevice(model.sent, stored).counts).toStrictEqual({ ...noCounts(), ok: 3 });
  expect(verifyDevice(model.sent, { ...stored, quarantine: [] }).counts).toStrictEqual({ ...noCounts(), ok: 2, lost: 1 });
  expect(verifyDevice(model.sent, { ...stored, quarantine: [refusal!, refusal!] }).counts).toMatchObject({ doubled: 1 });
  const foreign = { ...refusal!, seq: 9 };
  expect(verifyDevice(model.sent, { ...stored, quarantine: [refusal!, foreign] }).counts).toMatchObject({ phantom: 1 });
  // a frame that could not be read settled nothing
  expect(verifyDevice(model.sent, { ...stored, quarantine: [refusal!, { ...refusal!, seq: 0 }] }).counts).toMatchObject({ phantom: 0 });
});

test('a record in quarantine of which an answered device was told nothing is unexplained', () => {
  const model = lived([solid]);
  const quarantine = [{ stream: 'stream-00001', seq: 3, index: 0 }];
  expect(verifyDevice(model.sent, { ...model.stored(), quarantine }).counts.unexplained).toBeGreaterThan(0);
});

const EMPTY: StoredDevice = { device: DEVICE, readings: [], quarantine: [], books: [], recount: [] };
const oneReading = { metric: 'm', unit: '', timeUs: 1_700_000_000_000_000, value: 1, position: 1 };
const book = { stream: 'stream-00001', acked: 1, settled: 1, stored: 1, quarantined: 0, gaps: 0, unexplained: 0, readings: 1, refused: 0 };

test('a reading that no ack came for may be there or not, but not twice, and not outside the books', () => {
  const sent = createSentDevice(DEVICE);
  sent.take('stream-00001', { type: 'frame', seq: 1, body: '[{"n":"m","t":1700000000,"v":1}]' });
  expect(isClean(verifyDevice(sent, EMPTY).counts)).toBe(true);
  const there = { ...EMPTY, readings: [oneReading], books: [book], recount: [book] };
  expect(verifyDevice(sent, there).counts).toStrictEqual({ ...noCounts(), ok: 1 });
  const twice = { ...there, readings: [oneReading, { ...oneReading, position: 2 }] };
  expect(verifyDevice(sent, twice).counts).toMatchObject({ doubled: 1 });
  // settled by the books, which no ack told of, and not there
  expect(verifyDevice(sent, { ...there, readings: [] }).counts).toMatchObject({ unexplained: 1 });
});

test('readings of one series at one time are told apart by their commit order', () => {
  const sent = createSentDevice(DEVICE);
  sent.take('stream-00001', { type: 'frame', seq: 1, body: '[{"n":"m","t":1700000000,"v":1},{"n":"m","t":1700000000,"v":2}]' });
  sent.take('stream-00001', { type: 'ack', seq: 1 });
  const books = [{ ...book, readings: 2 }];
  const at = (value: number, position: number) => ({ ...oneReading, value, position });
  const clean = { ...EMPTY, readings: [at(1, 1), at(2, 2)], books, recount: books };
  expect(verifyDevice(sent, clean).counts).toStrictEqual({ ...noCounts(), ok: 2 });
  expect(verifyDevice(sent, { ...clean, readings: [at(2, 1), at(1, 2)] }).counts).toStrictEqual({ ...noCounts(), ok: 1, misordered: 1 });
});

test('a reading without a time, or with one relative to receipt, is told by its value', () => {
  const sent = createSentDevice(DEVICE);
  sent.take('stream-00001', { type: 'frame', seq: 1, body: '[{"n":"m","v":1},{"n":"m","t":-5,"v":2}]' });
  sent.take('stream-00001', { type: 'ack', seq: 1 });
  const books = [{ ...book, readings: 2 }];
  const at = (value: number, position: number) => ({ ...oneReading, timeUs: 1_750_000_000_000_000 + position, value, position });
  const clean = { ...EMPTY, readings: [at(1, 1), at(2, 2)], books, recount: books };
  expect(verifyDevice(sent, clean).counts).toStrictEqual({ ...noCounts(), ok: 2 });
  expect(verifyDevice(sent, { ...clean, readings: [at(1, 1)] }).counts).toMatchObject({ lost: 1 });
  expect(verifyDevice(sent, { ...clean, readings: [at(1, 1), at(3, 2)] }).counts).toMatchObject({ lost: 1, phantom: 1 });
});

test('bare packs are told apart by their answers: answered once, unanswered once or not at all', () => {
  const sent = createSentDevice(DEVICE);
  const pack = (v: number) => `[{"n":"m","t":${1_700_000_000 + v},"v":${v}}]`;
  sent.take('~ws', { type: 'pack', order: 1, body: pack(1) });
  sent.take('~ws', { type: 'stored', order: 1, errors: [] });
  sent.take('~ws', { type: 'pack', order: 2, body: pack(2) });
  const at = (v: number) => ({ ...oneReading, timeUs: (1_700_000_000 + v) * 1e6, value: v, position: v });
  const of = (readings: number) => [{ ...book, stream: '~ws', acked: readings, settled: readings, stored: readings, readings }];
  const one = { ...EMPTY, readings: [at(1)], books: of(1), recount: of(1) };
  expect(verifyDevice(sent, one).counts).toStrictEqual({ ...noCounts(), ok: 1 });
  const both = { ...EMPTY, readings: [at(1), at(2)], books: of(2), recount: of(2) };
  expect(verifyDevice(sent, both).counts).toStrictEqual({ ...noCounts(), ok: 2 });
  expect(verifyDevice(sent, { ...both, readings: [at(2)] }).counts).toMatchObject({ lost: 1 });
  expect(verifyDevice(sent, { ...both, books: of(3) }).counts).toMatchObject({ unexplained: 1 });
  expect(verifyDevice(sent, { ...both, recount: of(0) }).counts).toMatchObject({ unexplained: 1 });
});

test('after a gateway was restored from a backup, what was acknowledged before and is held no more may be missing, and only that', () => {
  const sent = createSentDevice(DEVICE);
  const body = (v: number) => `[{"n":"m","t":${1_700_000_000 + v},"v":${v}}]`;
  sent.take('stream-00001', { type: 'hello', oldest: 1, next: 1, acked: 0 });
  sent.take('stream-00001', { type: 'welcome', acked: 0, store: 'a' });
  for (let seq = 1; seq <= 4; seq++) sent.take('stream-00001', { type: 'frame', seq, body: body(seq) });
  sent.take('stream-00001', { type: 'ack', seq: 4 });
  sent.take('stream-00001', { type: 'hello', oldest: 4, next: 5, acked: 4 });
  sent.take('stream-00001', { type: 'welcome', acked: 3, store: 'b' });
  sent.take('stream-00001', { type: 'frame', seq: 4, body: body(4) });
  sent.take('stream-00001', { type: 'ack', seq: 4 });
  const at = (v: number, position: number) => ({ ...oneReading, timeUs: (1_700_000_000 + v) * 1e6, value: v, position });
  const books = [{ ...book, acked: 4, settled: 4, stored: 2, gaps: 2, readings: 2 }];
  const clean = { ...EMPTY, readings: [at(1, 1), at(4, 2)], books, recount: books };
  expect(verifyDevice(sent, clean).counts).toStrictEqual({ ...noCounts(), ok: 2 });
  expect(verifyDevice(sent, { ...clean, readings: [at(1, 1)] }).counts.lost).toBe(1);
});

test('ten examples of a verdict are kept, and all are counted', () => {
  const model = lived([{ do: 'send', frames: Array(8).fill(3), swallowed: 0, deaf: 0 }]);
  const { counts, examples } = verifyDevice(model.sent, { ...model.stored(), readings: [] });
  expect(counts.lost).toBe(24);
  expect(examples.filter((example) => example.verdict === 'lost')).toHaveLength(10);
  expect(examples[0]).toMatchObject({ device: DEVICE, stream: 'stream-00001', seq: 1, index: 0, timeUs: 1_700_000_001_000_000 });
  expect(VERDICTS).toHaveLength(7);
});
