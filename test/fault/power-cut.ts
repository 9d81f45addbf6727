// Power cuts without a power switch: a gateway under load writes a journal of its file calls, and from it are made the disks that a cut
// could have left behind. Each is opened as at a start and compared with what devices had been told by then.

import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counts, type Example, noCounts, VERDICTS } from '../../device-sim/findings.ts';
import { openMigrated } from '../../gateway/storage/migrate.ts';
import { type CanaryName, canaryProcess, eagerSealing } from '../support/canaries.ts';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { openFaultFleet, type Witness } from '../support/fault-fleet.ts';
import { damageOf } from '../support/integrity.ts';
import { type Journal, parseJournal } from '../support/power-cut.ts';
import { createPreload, type Fault, type Preload } from '../support/preload.ts';
import { createRandom, type SeededRandom } from '../support/seeded-random.ts';
import { createTimedWitness, judgeStore, type StoreVerdict, type TimedWitness } from '../support/timed-witness.ts';
import { until } from '../support/until.ts';

export interface PowerCutRun {
  readonly seed: string;
  readonly images: number;
  readonly canary?: CanaryName;
  /** Strikes before the kill in the middle, and is over after it. */
  readonly fault?: Fault;
  /** Sealing is always under way. */
  readonly isSealing?: boolean;
}
export interface PowerCutResult {
  /** Over all images. */
  readonly counts: Counts;
  readonly examples: readonly Example[];
  readonly images: number;
  /** Images that could not be opened, or that had forgotten a device or the authority of which somebody knew. */
  readonly broken: readonly string[];
  readonly frames: number;
  readonly journalBytes: number;
  /** Calls that failed on purpose. */
  readonly faults: number;
}

interface Load {
  readonly faults: number;
  readonly journal: Journal;
  readonly journalBytes: number;
  readonly witness: TimedWitness;
  /** Devices by when they were made; the authority's certificate by when it was in use. */
  readonly known: { readonly at: number; readonly device: string }[];
  readonly authority: { readonly at: number; readonly pem: string };
  readonly frames: number;
}

const DEVICES = 6;
const FRAMES_PER_SECOND = 25;
const READINGS = 5;
/** Frames of each device in a half of the load; between them the gateway is killed, so that logs are recovered, too. */
const HALF = 60;
/** Images from one load: more would mostly repeat each other. */
const IMAGES_A_LOAD = 100;
/** One image in so many becomes a whole gateway. */
const START_EVERY = 20;
const EXAMPLES = 10;
/** The log is written into the database many times in a load, or never. */
const SMALL_LOG_BYTES = 256 * 1024;
const LARGE_LOG_BYTES = 64 * 1024 * 1024;

export async function runPowerCut({ seed, images, canary, fault, isSealing = false }: PowerCutRun): Promise<PowerCutResult> {
  const random = createRandom(seed);
  const counts = noCounts();
  const examples: Example[] = [];
  const broken: string[] = [];
  let frames = 0;
  let faults = 0;
  let journalBytes = 0;
  for (let done = 0; done < images; ) {
    const load = await record(random.fork(`load ${done}`), { canary, fault, isSealing });
    frames += load.frames;
    faults += load.faults;
    journalBytes += load.journalBytes;
    for (const end = Math.min(images, done + IMAGES_A_LOAD); done < end; done++) {
      const own = random.fork(`image ${done}`);
      const cut = chooseCut(load, own);
      try {
        const found = await judgeImage(load, cut, own, (done + 1) % START_EVERY === 0);
        for (const verdict of VERDICTS) counts[verdict] += found.counts[verdict];
        examples.push(...found.examples);
      } catch (error) {
        broken.push(`image ${done}, cut at ${cut}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return { counts, examples: examples.slice(0, EXAMPLES), images, broken, frames, journalBytes, faults };
}

/** A gateway under load from its first start on, killed once in the middle. */
async function record(
  random: SeededRandom,
  { canary, fault, isSealing }: Pick<PowerCutRun, 'canary' | 'fault' | 'isSealing'>,
): Promise<Load> {
  using folder = openFolder('load');
  using preload = createPreload(folder.path);
  const weak = canary === undefined ? undefined : canaryProcess(canary);
  // after a failed sync it is the log that is in question, so long as it is not written into the database
  const log = { FIELDGATE_LIMITS__WAL_CHECKPOINT_BYTES: String(fault === undefined ? SMALL_LOG_BYTES : LARGE_LOG_BYTES) };
  await using gateway = await startChildGateway(
    [],
    { ...log, ...(isSealing && eagerSealing()), ...weak?.env, ...preload.env },
    weak?.nodeArgs,
    folder.path,
  );
  const authority = { at: preload.journalEnd(), pem: gateway.caPem };
  const witness = createTimedWitness(preload.journalEnd);
  const known: Load['known'] = [];
  const tokens = new Map<string, string>();
  for (let i = 0; i <= DEVICES; i++) {
    const id = `device-${i}`;
    tokens.set(id, (await gateway.local('POST', '/v1/devices', { id })).token);
    known.push({ at: preload.journalEnd(), device: id });
  }
  const careless = tokens.get('device-0') as string;
  tokens.delete('device-0');
  using fleet = openFaultFleet({
    url: `wss://localhost:${gateway.port}`,
    caFile: join(gateway.data, 'tls', 'ca.crt'),
    tokens,
    random: random.fork('fleet'),
    witness,
    load: { framesPerSecond: FRAMES_PER_SECOND },
    readingsPerFrame: READINGS,
  });
  let carelessSeq = 0;
  let faults = 0;
  for (let half = 1; half <= 2; half++) {
    carelessSeq = await sendCarelessly(gateway, careless, witness, carelessSeq);
    await until(
      () => fleet.leastSettled >= half * HALF,
      () => `${fleet.leastSettled} of ${half * HALF} frames settled, ends ${JSON.stringify(fleet.ends)}`,
    );
    if (half === 2) break;
    if (fault !== undefined) await strike(preload, fault);
    await gateway.kill('SIGKILL');
    faults = preload.failed;
    preload.heal();
    await gateway.start();
  }
  await gateway.kill('SIGKILL');
  const bytes = preload.readJournal();
  return { journal: parseJournal(bytes), journalBytes: bytes.length, witness, known, authority, faults, frames: fleet.settled };
}

async function strike(preload: Preload, fault: Fault): Promise<void> {
  preload.fail(fault);
  await until(
    () => preload.failed > 0,
    () => 'the call that shall fail was never made',
  );
}

/** Some frames with a bad record, some gaps: what makes rows in the other tables. */
async function sendCarelessly(gateway: ChildGateway, token: string, witness: Witness, sent: number): Promise<number> {
  const device = 'device-0';
  const stream = 'careless-0001';
  await using socket = await gateway.device(token);
  const place = { oldest: sent + 1, next: sent + 1, acked: sent };
  witness.note(device, stream, { type: 'hello', ...place });
  const { acked, store } = await socket.hello(stream, place);
  witness.note(device, stream, { type: 'welcome', acked, store });
  let seq = acked + 1;
  for (const end = seq + 30; seq < end; seq++) {
    if (seq % 7 === 0) {
      witness.note(device, stream, { type: 'gap', from: seq, to: seq, reason: 'buffer-full' });
      socket.send({ type: 'gap', from: seq, to: seq, reason: 'buffer-full' });
    } else {
      const t = 1_700_000_000 + seq;
      const readings = [{ n: 'm', v: seq, t }, seq % 3 === 0 ? { n: 'm', t } : { n: 'x', v: seq + 0.5, t }];
      witness.note(device, stream, { type: 'frame', seq, body: JSON.stringify(readings) });
      socket.send({ type: 'readings', seq, readings });
    }
    for (let isSettled = false; !isSettled; ) {
      const message = await socket.next();
      if (message.type !== 'reject' && message.type !== 'ack') throw new Error(`unexpected ${JSON.stringify(message)}`);
      witness.note(device, stream, message);
      isSettled = message.type === 'ack';
    }
  }
  return seq - 1;
}

/** Half of the cuts come right after an answer, when most can be lost; the others after a sync, in the first start, or anywhere. */
function chooseCut({ journal, witness, authority }: Load, random: SeededRandom): number {
  const where = random.next();
  if (where < 0.5) return random.pick(witness.moments);
  if (where < 0.7) return random.pick(journal.syncs);
  return random.pick(where < 0.8 ? journal.ends.filter((end) => end < authority.at) : journal.ends);
}

async function judgeImage(load: Load, cut: number, random: SeededRandom, isWhole: boolean): Promise<StoreVerdict> {
  using folder = openFolder('image');
  load.journal.writeImage(folder.path, cut, random);
  const known = load.known.filter((one) => one.at <= cut).map((one) => one.device);
  if (load.authority.at <= cut && readFileSync(join(folder.path, 'tls', 'ca.crt'), 'utf8') !== load.authority.pem)
    throw new Error('the authority that devices trust is another one');
  if (isWhole) {
    await using gateway = await startChildGateway([], {}, [], folder.path);
    if (load.authority.at <= cut && gateway.caPem !== load.authority.pem) throw new Error('the gateway made itself another authority');
    await gateway.local('GET', '/readyz');
    await gateway.kill('SIGTERM');
  }
  // as the gateway opens them: what is in a log is recovered, what is missing is made
  const registry = openMigrated({ file: join(folder.path, 'registry.db'), migrationsDir: join(MIGRATIONS, 'registry') });
  const devices = new Set(registry.prepare('SELECT device FROM tokens JOIN devices ON devices.id = tokens.device').pluck().all());
  registry.close();
  const forgotten = known.find((device) => !devices.has(device));
  if (forgotten !== undefined) throw new Error(`${forgotten} is forgotten`);
  openMigrated({ file: join(folder.path, 'fieldgate.db'), migrationsDir: join(MIGRATIONS, 'readings') }).close();
  const [damage] = damageOf(folder.path);
  if (damage !== undefined) throw new Error(damage);
  return judgeStore(folder.path, load.witness.devicesAt(cut));
}

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

interface Folder extends Disposable {
  readonly path: string;
}
function openFolder(name: string): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `fieldgate-${name}-`)));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
