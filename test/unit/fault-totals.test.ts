// The totals of the long fault runs: they add up over calls, and a failure stays on record with its seed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noCounts } from '../../device-sim/findings.ts';
import { addSlice, readTotals, totalsText, writeTotals } from '../fault/totals.ts';

test('slices add up across calls, and a failed one is kept with its seed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-totals-'));
  try {
    const file = join(folder, 'below', 'totals.json');
    for (const [seed, faults] of [
      ['one', []],
      ['two', ['lost']],
    ] as const) {
      const totals = readTotals(file);
      addSlice(totals, 'kill', seed, { done: { kills: 25 }, counts: { ...noCounts(), ok: 7, lost: faults.length }, faults }, 1_800_000);
      writeTotals(file, totals);
    }
    const { kill } = readTotals(file);
    expect(kill).toMatchObject({ slices: 2, hours: 1, done: { kills: 50 }, counts: { ok: 14, lost: 1 } });
    expect(kill!.failures).toMatchObject([{ seed: 'two', faults: ['lost'] }]);
    expect(totalsText(readTotals(file))).toContain('2 slices, 1.00 h, 1 failed · kills 50 · ok 14');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
