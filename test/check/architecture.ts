// Who may import whom, as a table; also names, lengths and the rule of one importing file for each npm package.

import { posix } from 'node:path';
import { outcome, type Check, type Finding, type Outcome } from './check.ts';
import { headerOf, importsOf, isTypeScript, readTree, type SourceFile, type Tree } from './source-tree.ts';

interface Seat {
  readonly name: string;
  /** Which files sit here; the first seat that matches has them. */
  readonly files: RegExp;
  /** A higher level may import a lower one. Outside the gateway there are no levels, only `mayImport`. */
  readonly level?: number;
  /** Names of the seats that its files may import beside their own, where the level does not already say so. */
  readonly mayImport?: readonly string[];
  /** Seats that it may not import although they are lower. */
  readonly mayNotImport?: readonly string[];
  /** May it import `node:` modules, and npm packages? */
  readonly node: boolean;
  readonly npm: boolean;
}

// The table of the house. Level 1 and its peers name types only; the seats of level 3 never know one another: gateway.ts joins them.
const SEATS: readonly Seat[] = [
  { name: 'protocol', files: /^gateway\/protocol\/[^/]+\.ts$/, level: 0, node: false, npm: false },
  {
    name: 'interfaces',
    files: /^gateway\/(observe|transports\/transport|storage\/store|storage\/registry|relay\/bus)\.ts$/,
    level: 1,
    node: false,
    npm: false,
  },
  { name: 'client on Node', files: /^gateway\/client\/[^/]+\.ts$/, level: 2, mayNotImport: ['interfaces'], node: true, npm: true },
  { name: 'ingest', files: /^gateway\/ingest\/[^/]+\.ts$/, level: 2, node: true, npm: false },
  { name: 'identity', files: /^gateway\/identity\/[^/]+\.ts$/, level: 2, node: true, npm: true },
  { name: 'relay', files: /^gateway\/relay\/(?!.+-bus\.ts$)[^/]+\.ts$/, level: 2, node: true, npm: false },
  { name: 'other buses', files: /^gateway\/relay\/.+-bus\.ts$/, level: 3, mayNotImport: ['ingest'], node: true, npm: true },
  { name: 'serial framing and rules', files: /^gateway\/transports\/serial\/(framing|rules)[^/]*\.ts$/, level: 2, node: false, npm: true },
  {
    name: 'transports',
    files: /^gateway\/transports\/([^/]+|serial\/[^/]+)\.ts$/,
    level: 3,
    mayNotImport: ['ingest'],
    node: true,
    npm: true,
  },
  { name: 'storage', files: /^gateway\/storage\/[^/]+\.ts$/, level: 3, mayNotImport: ['ingest'], node: true, npm: true },
  { name: 'api', files: /^gateway\/api\/[^/]+\.ts$/, level: 3, node: true, npm: true },
  { name: 'commands', files: /^gateway\/commands\/[^/]+\.ts$/, level: 4, node: true, npm: true },
  { name: 'edge', files: /^gateway\/[^/]+\.ts$/, level: 4, node: true, npm: true },
  {
    name: 'device-sim',
    files: /^device-sim\/[^/]+\.ts$/,
    mayImport: ['protocol', 'client on Node', 'serial framing and rules'],
    node: true,
    npm: true,
  },
  { name: 'web tooling', files: /^web\/[^/]+\.ts$/, node: true, npm: true },
  { name: 'web', files: /^web\/src\/.+\.tsx?$/, mayImport: ['protocol'], node: false, npm: true },
  { name: 'test', files: /^test\/(check|support|unit|contract|gateway|fault|browser|bench|screenshots)\/.+\.ts$/, node: true, npm: true },
  { name: 'test', files: /^test\/[^/]+\.ts$/, node: true, npm: true },
  { name: 'tool settings', files: /^vitest\.config\.ts$/, node: true, npm: true },
];

// Contracts that stand beside their implementation, and the shape of the configuration: whoever is above the interfaces may name their types.
const CONTRACTS = /^gateway\/(config|identity\/identity|ingest\/catalogue|ingest\/presence)\.ts$/;

const TOP_FOLDERS = new Set(['gateway', 'device-sim', 'web', 'migrations', 'test', 'docs', '.ci']);

// Frameworks whose names are everywhere by nature; everything else is imported in one place, so that it can be replaced in one place.
const FRAMEWORKS = /^(ws|hono|@hono\/[^/]+|preact|@preact\/signals|preact-iso)$/;
const DATABASE = { package: 'better-sqlite3', files: /^gateway\/(storage\/[^/]+|data-directory|([^/]+-)?lock)\.ts$/ };

const LONG_LINES = 400;
const WARN_LINES = 250;
const ROOT_LINES = 100;
const KEBAB = /^[a-z0-9]+([-.][a-z0-9]+)*\.tsx?$/;

export const architectureCheck: Check = { name: 'architecture', run: async (root) => checkArchitecture(readTree(root)) };

export function checkArchitecture(tree: Tree): Outcome {
  const findings: Finding[] = [];
  const warnings: string[] = [];
  const importers = new Map<string, Set<string>>();
  for (const file of tree) {
    const top = file.path.includes('/') ? file.path.slice(0, file.path.indexOf('/')) : '';
    if (top !== '' && !TOP_FOLDERS.has(top))
      findings.push(`${file.path}: the folder ${top}/ is not in the table of test/check/architecture.ts`);
    else if (isTypeScript(file)) {
      checkLength(file, findings, warnings);
      const seat = seatOf(file.path);
      if (seat) checkImports(file, seat, findings, importers);
      else findings.push(`${file.path}: its folder is not in the table of test/check/architecture.ts; give it a seat and a level`);
      if (!KEBAB.test(posix.basename(file.path))) findings.push(`${file.path}: file names are kebab-case nouns`);
    }
  }
  for (const [use, files] of importers) {
    if (files.size > 1) findings.push(`${use} is imported by ${[...files].join(' and ')}: one package, one importing file`);
  }
  return outcome(findings, warnings);
}

function seatOf(path: string): Seat | undefined {
  return SEATS.find((seat) => seat.files.test(path));
}

function checkLength(file: SourceFile, findings: Finding[], warnings: string[]): void {
  const lines = file.text.split('\n').length - 1;
  if (file.path === 'gateway/gateway.ts' && lines > ROOT_LINES)
    findings.push(`${file.path}: ${lines} lines; the composition root has at most ${ROOT_LINES}`);
  const isExplained = /lines,? because/i.test(headerOf(file).replaceAll(/\s*\n\s*\/\/\s*/g, ' '));
  if (lines > LONG_LINES && !isExplained)
    findings.push(`${file.path}: ${lines} lines; split it, or say in its header "over ${LONG_LINES} lines because …"`);
  else if (lines > WARN_LINES) warnings.push(`${file.path}: ${lines} lines`);
}

function checkImports(file: SourceFile, seat: Seat, findings: Finding[], importers: Map<string, Set<string>>): void {
  // Three programs that share nothing but the protocol: each has its own importing file.
  const program = /^(gateway|device-sim|web\/src)\//.exec(file.path)?.[1];
  for (const one of importsOf(file)) {
    const at = `${file.path}:${one.line}`;
    if (one.from.startsWith('.')) {
      const target = posix.normalize(posix.join(posix.dirname(file.path), one.from.replace(/\?.*$/, '')));
      if (!/\.tsx?$/.test(target)) continue;
      const other = seatOf(target);
      if (!other) findings.push(`${at}: imports ${target}, which has no seat in the table`);
      else if (!isAllowed(seat, other, one.isTypeOnly) && !(one.isTypeOnly && mayName(seat, other, target)))
        findings.push(`${at}: ${seat.name} may not import ${target} (${other.name})`);
    } else if (one.from.startsWith('node:')) {
      if (!seat.node) findings.push(`${at}: ${seat.name} may not import ${one.from}`);
    } else {
      const name = one.from
        .split('/')
        .slice(0, one.from.startsWith('@') ? 2 : 1)
        .join('/');
      if (!seat.npm) findings.push(`${at}: ${seat.name} may not import the package ${name}`);
      if (program && name === DATABASE.package) {
        if (!DATABASE.files.test(file.path)) findings.push(`${at}: only gateway/storage/ and the data directory's lock open databases`);
      } else if (program && !FRAMEWORKS.test(name)) {
        const use = `${name} (in ${program})`;
        importers.set(use, (importers.get(use) ?? new Set()).add(file.path));
      }
    }
  }
}

function isAllowed(from: Seat, to: Seat, isTypeOnly: boolean): boolean {
  if (from.name === to.name || from.name === 'test' || from.mayImport?.includes(to.name)) return true;
  if (from.level === undefined || to.level === undefined || from.mayNotImport?.includes(to.name)) return false;
  if (from.level === 1) return to.level === 0 && isTypeOnly;
  return from.level === 4 || to.level < from.level;
}

function mayName(from: Seat, to: Seat, target: string): boolean {
  return (from.level ?? 0) >= 2 && CONTRACTS.test(target) && !from.mayNotImport?.includes(to.name);
}
