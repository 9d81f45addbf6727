// The simulator's small parts: timer wheel, percentiles, books and their comparison, the progress line, sentences for faults.

import { expect, test } from 'vitest';
import { compareBooks } from '../../device-sim/compare.ts';
import { createHistogram } from '../../device-sim/histogram.ts';
import { bar, createProgress, grouped } from '../../device-sim/progress.ts';
import { createDeviceBooks } from '../../device-sim/stream-books.ts';
import { explainFault, openTarget } from '../../gateway/client/target.ts';
import { createTimerWheel } from '../../device-sim/timer-wheel.ts';
import { verdictText } from '../../device-sim/verdict.ts';
import type { AccountingRow } from '../../gateway/protocol/rest.ts';

test('the timer wheel runs what is due in order, not before its time, and nothing that was cancelled', async () => {
  const wheel = createTimerWheel();
  try {
    const ran: string[] = [];
    const startMs = performance.now();
    let cancelled = 0;
    wheel.after(5, () => cancelled++).cancel();
    await new Promise<void>((resolve) => {
      wheel.after(120, () => {
        ran.push('late');
        // One that is asked for from within another runs too, in a later tick.
        wheel.after(1, resolve);
      });
      wheel.after(0, () => ran.push('first'));
      wheel.after(60, () => ran.push('middle'));
    });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(119);
    expect(ran).toEqual(['first', 'middle', 'late']);
    expect(cancelled).toBe(0);
  } finally {
    wheel.close();
  }
});

test('percentiles are within two percent, whatever the order', () => {
  const histogram = createHistogram();
  expect(histogram.percentile(0.5)).toBeNaN();
  for (let ms = 1000; ms >= 1; ms--) histogram.add(ms);
  for (const [p, ms] of [
    [0.5, 500],
    [0.99, 990],
    [1, 1000],
  ] as const) {
    expect(Math.abs(histogram.percentile(p) / ms - 1)).toBeLessThan(0.021);
  }
  histogram.add(1e12);
  histogram.reset();
  expect(histogram.percentile(0.99)).toBeNaN();
});

const frame = (seq: number, readings: number) => ({ from: seq, to: seq, body: '[]', readings, reason: '' });
const fault = (index?: number) => ({ index, code: 'no-value', message: '' });

function booksOfFour() {
  const books = createDeviceBooks('d', 's1');
  books.settled(frame(1, 10));
  books.rejected({ type: 'reject', seq: 2, errors: [fault(0), fault(3)] });
  books.settled(frame(2, 10));
  books.rejected({ type: 'reject', seq: 3, errors: [fault()] });
  books.settled(frame(3, 10));
  books.settled({ from: 4, to: 6, body: null, readings: 0, reason: 'buffer-full' });
  return books;
}

const ROW: AccountingRow = {
  device: 'd',
  stream: 's1',
  acked: 6,
  settled: 6,
  stored: 2,
  quarantined: 1,
  gaps: 3,
  unexplained: 0,
  readings: 18,
  refused: 3,
  expired: 0,
  evicted: 0,
  discarded: 0,
};

test('books that agree show no difference', () => {
  expect(compareBooks(booksOfFour().streams, [ROW, { ...ROW, device: 'another', acked: 99 }])).toEqual([]);
});

test.each(['acked', 'settled', 'stored', 'quarantined', 'gaps', 'unexplained', 'readings', 'refused'] as const)(
  'one more or less of %s is a difference',
  (what) => {
    for (const by of [1, -1]) {
      const differences = compareBooks(booksOfFour().streams, [{ ...ROW, [what]: ROW[what] + by }]);
      expect(differences).toMatchObject([{ device: 'd', stream: 's1', what }]);
    }
  },
);

test('a stream that the gateway does not know is a difference as soon as something of it was acked', () => {
  expect(compareBooks(booksOfFour().streams, [])).toMatchObject([{ what: 'acked', here: 6, gateway: 0 }]);
  expect(compareBooks(createDeviceBooks('d', 's1').streams, [])).toEqual([]);
});

test('of a stream that was left the gateway may know more, but not less', () => {
  const books = booksOfFour();
  books.begin('s2');
  expect(compareBooks(books.streams, [{ ...ROW, acked: 7, settled: 7, stored: 3, readings: 28 }])).toEqual([]);
  expect(compareBooks(books.streams, [{ ...ROW, readings: 17 }])).toMatchObject([{ what: 'readings' }]);
});

test('a verdict says how many differences there are and shows the first', () => {
  const differences = Array.from({ length: 12 }, (_, i) => ({ device: `d${i}`, stream: 's', what: 'acked', here: 2, gateway: 1 }));
  const text = verdictText({ isEqual: false, streams: 12, differences }, false);
  expect(text).toContain('DIFFER in 12 places');
  expect(text).toContain('d0 s: acked 2 here, 1 at the gateway');
  expect(text).toContain('and 2 more');
});

test('on a terminal the line rewrites itself and never wraps; elsewhere there is one line in ten seconds', () => {
  let written = '';
  let nowMs = 0;
  const terminal = createProgress({ isTTY: true, columns: 10, write: (text) => (written += text) });
  terminal.show('0123456789abc');
  terminal.say('note');
  terminal.done();
  expect(written).toBe('\r\u001b[2K012345678\r\u001b[2Knote\n012345678\n');
  written = '';
  const plain = createProgress({ write: (text) => (written += text) }, () => nowMs);
  for (nowMs = 0; nowMs < 25_000; nowMs += 500) plain.show(String(nowMs));
  plain.done();
  expect(written).toBe('0\n10000\n20000\n');
});

test('bars and grouped numbers', () => {
  expect(bar(0.5, 4)).toBe('[██··]');
  expect(bar(7, 2)).toBe('[██]');
  expect(grouped(1_234_567)).toBe('1,234,567');
  expect(grouped(999)).toBe('999');
});

test.each([
  ['SELF_SIGNED_CERT_IN_CHAIN', '--ca FILE', true],
  ['CERT_HAS_EXPIRED', 'has expired', true],
  ['CERT_NOT_YET_VALID', 'not valid yet', true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'another host', true],
  ['EPROTO', 'does not speak TLS', true],
  ['ECONNREFUSED', 'is the gateway running', false],
  ['ECONNRESET', 'hung up', false],
  ['ENOTFOUND', 'no host of that name', true],
])('%s is explained', (code, sentence, isLasting) => {
  const explained = explainFault(openTarget({ url: 'wss://localhost:8443' }), Object.assign(new Error('x'), { code }));
  expect(explained.sentence).toContain(sentence);
  expect(explained.isLasting).toBe(isLasting);
});
