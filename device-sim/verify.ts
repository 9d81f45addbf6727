// `device-sim verify`: a manifest against the store of a gateway, reading by reading. Nothing may be sent to it meanwhile.

import type { Info } from '../gateway/protocol/rest.ts';
import { createApiClient, problemText } from './api-client.ts';
import { fetchAccounting } from './compare.ts';
import { EXIT, Failure } from './failure.ts';
import { fetchStored } from './fetch-stored.ts';
import { type BadVerdict, type Counts, EXAMPLES, type Example, isClean, noCounts, VERDICTS } from './findings.ts';
import type { Io } from './io.ts';
import { readManifest } from './manifest-reader.ts';
import { createProgress, grouped } from './progress.ts';
import type { Target } from '../gateway/client/target.ts';
import { verifyDevice } from './verify-device.ts';

export interface VerifyOptions {
  readonly target: Target;
  readonly manifest: string;
  readonly key: string;
  readonly isJson: boolean;
  /** None: all of the manifest. */
  readonly devices: readonly string[];
}

interface Outcome {
  readonly devices: number;
  readonly sessions: number;
  readonly verdicts: Counts;
  readonly examples: readonly Example[];
  /** Devices that the gateway has books of, and the manifest does not know. */
  readonly strangers: number;
  readonly unordered: number;
}

export async function verifyManifest(options: VerifyOptions, io: Io): Promise<number> {
  const { target, key, isJson } = options;
  const progress = createProgress(io.stderr);
  const api = createApiClient(target, 1);
  const manifest = readManifest(options.manifest);
  try {
    if (manifest.tornBytes > 0) progress.say(`the last line of ${options.manifest} is torn (${manifest.tornBytes} bytes) and left out`);
    const foreign = options.devices.find((id) => !manifest.devices.includes(id));
    if (foreign !== undefined) throw new Failure(`the manifest knows no device ${foreign}`, EXIT.usage);
    const ids = options.devices.length > 0 ? options.devices : manifest.devices;

    const info = await api.call('GET', '/v1/info');
    if (info.status !== 200) throw new Failure(`the gateway does not say which store it has: ${problemText(info)}`);
    const { store } = info.body as Info;
    const [books, recount] = [await fetchAccounting(api, key, { verify: false }), await fetchAccounting(api, key, { verify: true })];
    const ask = { api, key, store, books, recount };

    const verdicts = noCounts();
    const examples: Example[] = [];
    let unordered = 0;
    for (const [i, id] of ids.entries()) {
      progress.show(`verifying ${grouped(i + 1)} of ${grouped(ids.length)} devices`);
      const fetched = await fetchStored(ask, id);
      const verdict = verifyDevice(manifest.device(id), fetched.stored);
      for (const name of VERDICTS) verdicts[name] += verdict.counts[name];
      const found = [...verdict.examples];
      if (fetched.disagreements > 0) {
        const what = `${fetched.disagreements} readings differ between history and commit order`;
        verdicts.unexplained += fetched.disagreements;
        found.push({ verdict: 'unexplained', device: id, stream: '', seq: null, index: null, timeUs: null, what });
      }
      keepFirst(examples, found);
      unordered += fetched.unordered;
    }
    progress.done();
    const known = new Set(manifest.devices);
    const strangers = new Set(books.map((row) => row.device).filter((id) => !known.has(id))).size;
    const outcome = { devices: ids.length, sessions: manifest.sessions.length, verdicts, examples, strangers, unordered };
    const isGood = isClean(verdicts);
    io.stdout.write(isJson ? `${JSON.stringify({ command: 'verify', ...outcome, ok: isGood })}\n` : textOf(outcome, isGood));
    return isGood ? EXIT.done : EXIT.failed;
  } finally {
    progress.done();
    manifest.close();
    api.close();
  }
}

function keepFirst(examples: Example[], found: readonly Example[]): void {
  for (const example of found) if (examples.filter((one) => one.verdict === example.verdict).length < EXAMPLES) examples.push(example);
}

const MEANING: Readonly<Record<BadVerdict, string>> = {
  lost: 'acknowledged, and not there',
  doubled: 'there more than once',
  altered: 'another time, value or unit than was sent',
  phantom: 'there, and never sent',
  misordered: 'committed in another order than sent',
  unexplained: 'books that do not balance',
};

function textOf({ devices, sessions, verdicts, examples, strangers, unordered }: Outcome, isGood: boolean): string {
  const width = Math.max(...VERDICTS.map((name) => grouped(verdicts[name]).length));
  const lines = VERDICTS.map((name) => {
    const meaning = name === 'ok' ? 'as it was sent' : MEANING[name];
    return `${name.padEnd(11)} ${grouped(verdicts[name]).padStart(width)}  ${meaning}`;
  });
  for (const name of VERDICTS) {
    const some = examples.filter((example) => example.verdict === name);
    if (some.length === 0) continue;
    lines.push('', `${name}, the first ${some.length}:`, ...some.map(exampleLine));
  }
  lines.push('');
  if (unordered > 0) lines.push(`${grouped(unordered)} readings are not kept in commit order any more: their order was not looked at`);
  if (strangers > 0) lines.push(`${grouped(strangers)} devices of the gateway are not in the manifest: they were not looked at`);
  const of = `${grouped(devices)} ${devices === 1 ? 'device' : 'devices'} in ${grouped(sessions)} ${sessions === 1 ? 'session' : 'sessions'}`;
  lines.push(isGood ? `everything adds up: ${of}` : `IT DOES NOT ADD UP: ${of}`);
  return `${lines.join('\n')}\n`;
}

function exampleLine({ device, stream, seq, index, timeUs, what }: Example): string {
  const place = [device, stream, seq === null ? '' : `seq ${seq}`, index === null ? '' : `index ${index}`].filter((part) => part !== '');
  const time = timeUs === null ? '' : ` ${timeText(timeUs)}`;
  return `  ${place.join(' ')}${time}: ${what}`;
}

/** RFC 3339 with the microseconds that a store has; far from now, plain microseconds. */
function timeText(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  if (Math.abs(ms) > 8.64e15) return `${timeUs} µs`;
  return new Date(ms).toISOString().replace('Z', `${String(timeUs - ms * 1000).padStart(3, '0')}Z`);
}
