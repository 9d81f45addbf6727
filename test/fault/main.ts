// npm run test:faults -- [--minutes N] [--suite NAME] [--seed S]: the fault suites at their long size, slice by slice, for as long as is
// asked; the next call goes on where this one stopped. Exit 1 when a slice has failed.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freshSeed } from '../support/seeded-random.ts';
import { FAULT_SUITES, type Slice } from './suites.ts';
import { addSlice, readTotals, type Totals, totalsText, writeTotals } from './totals.ts';

const FILE = join(import.meta.dirname, '../../artefacts/fault-totals.json');
const MINUTES = 10;

const usage = `usage: npm run test:faults -- [--minutes N] [--suite NAME] [--seed S]
  --minutes N   begins slices for so long; ${MINUTES} when not said
  --suite NAME  this one alone; the one furthest from its goal when not said
  --seed S      one slice with that seed, and nothing is added up: a replay; needs --suite
${Object.entries(FAULT_SUITES)
  .map(([name, { says, goal }]) => `  ${name.padEnd(12)}${says}; ${goal[1].toLocaleString('en')} ${goal[0]} wanted`)
  .join('\n')}`;

/** How much of its goal a suite has reached. */
function progressOf(name: string, totals: Totals): number {
  const [what, count] = FAULT_SUITES[name]!.goal;
  return (totals[name]?.done[what] ?? 0) / count;
}

/** A suite that throws has failed, with its reason. */
async function runSlice(name: string, seed: string): Promise<Slice & { readonly tookMs: number }> {
  const startedAtMs = performance.now();
  let slice: Slice;
  try {
    slice = await FAULT_SUITES[name]!.slice(seed);
  } catch (error) {
    slice = { done: {}, faults: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
  const tookMs = performance.now() - startedAtMs;
  const numbers = Object.entries({ ...slice.done, ...slice.counts }).map(([what, count]) => `${what} ${count}`);
  console.log(
    `${name} --seed ${seed}: ${slice.faults.length === 0 ? 'good' : 'FAILED'} in ${(tookMs / 1000).toFixed(0)} s · ${numbers.join(' · ')}`,
  );
  for (const fault of slice.faults) console.log(fault);
  return { ...slice, tookMs };
}

async function run({ minutes, suite, seed }: { minutes: number; suite: string | undefined; seed: string | undefined }): Promise<boolean> {
  if (seed !== undefined) return (await runSlice(suite!, seed)).faults.length === 0;
  const endMs = performance.now() + minutes * 60_000;
  let isGood = true;
  do {
    const totals = readTotals(FILE);
    const names = Object.keys(FAULT_SUITES).sort((a, b) => progressOf(a, totals) - progressOf(b, totals));
    const name = suite ?? names[0]!;
    const fresh = freshSeed();
    const slice = await runSlice(name, fresh);
    addSlice(totals, name, fresh, slice, slice.tookMs);
    writeTotals(FILE, totals);
    isGood &&= slice.faults.length === 0;
  } while (performance.now() < endMs);
  console.log(`\nso far, in all (${FILE}):\n${totalsText(readTotals(FILE))}`);
  return isGood;
}

function readArguments(): Parameters<typeof run>[0] | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { minutes: text, suite: text, seed: text } });
    const minutes = Number(values.minutes ?? MINUTES);
    const isKnown = values.suite === undefined || Object.hasOwn(FAULT_SUITES, values.suite);
    if (!(minutes >= 0) || !isKnown || (values.seed !== undefined && values.suite === undefined)) return null;
    return { minutes, suite: values.suite, seed: values.seed };
  } catch {
    return null;
  }
}

const asked = readArguments();
if (asked === null) {
  console.error(usage);
  process.exitCode = 2;
} else process.exitCode = (await run(asked)) ? 0 : 1;
