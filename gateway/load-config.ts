// The effective configuration: flags over environment over file over defaults, each value with its source, every problem at once.

import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, DEFAULTS } from './config.ts';
import { type ConfigProblem, findConfigFile, readConfigFile, type Setting, unknownKey } from './config-file.ts';
import { brokenRules } from './config-rules.ts';
import { readRetention } from './config-retention.ts';
import { readSerialPorts } from './config-serial.ts';
import { CONFIG_SCHEMA, type KeyTree, keyPaths, keyTree } from './config-schema.ts';
import { nearest } from './nearest.ts';

/** What the command line may set. */
export interface ConfigFlags {
  readonly config?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: number;
  /** auto, off or CERT,KEY. */
  readonly tls?: string;
}
export interface LoadedConfig {
  readonly config: Config;
  /** Where each key's value is from, in the order of the literal. */
  readonly sources: ReadonlyMap<string, string>;
  /** Keys whose value came out of a secret file, and is not shown. */
  readonly secrets: ReadonlySet<string>;
  /** When there is any, `config` must not be used. */
  readonly problems: readonly ConfigProblem[];
  /** The file that was read, or null. */
  readonly file: string | null;
}

const TREE: KeyTree = keyTree(DEFAULTS);
const PATHS = keyPaths(TREE);
const DEFAULT_SOURCE = 'default';
const PREFIX = 'FIELDGATE_';

export function loadConfig(ask: { flags: ConfigFlags; env: NodeJS.ProcessEnv; cwd: string }): LoadedConfig {
  const { flags, env, cwd } = ask;
  const problems: ConfigProblem[] = [];
  const found = findConfigFile({ ...(flags.config === undefined ? {} : { flag: flags.config }), env, cwd });
  const fromFile = found === null ? { settings: [], problems: [] } : readConfigFile({ file: found.file, env, tree: TREE });
  problems.push(...fromFile.problems);

  const draft = structuredClone(DEFAULTS) as unknown as Draft;
  const sources = new Map<string, string>(PATHS.map((path) => [path, DEFAULT_SOURCE]));
  const secrets = new Set<string>();
  const apply = (setting: Setting, base: string): void => {
    const value = setting.isText ? readText(setting.path, String(setting.value)) : setting.value;
    put(draft, setting.path, atBase(setting.path, value, base));
    sources.set(setting.path, setting.source);
    if (setting.isSecret) secrets.add(setting.path);
    else secrets.delete(setting.path);
  };
  for (const setting of fromFile.settings) apply(setting, found === null ? cwd : dirname(found.file));
  for (const setting of fromEnvironment(env, cwd, problems)) apply(setting, cwd);
  for (const [path, value] of Object.entries({ data: flags.data, 'http.host': flags.host, 'http.port': flags.port, tls: flags.tls })) {
    if (value === undefined) continue;
    const name = path.split('.').at(-1) ?? path;
    apply({ path, value, source: `flag --${name}`, isText: typeof value === 'string', isSecret: false }, cwd);
  }
  draft.data = typeof draft.data === 'string' ? resolve(cwd, draft.data) : draft.data;
  // without TLS nobody outside may listen in: the default moves to loopback, and only a host that somebody chose is an error
  if (draft.tls === 'off' && draft.insecure !== true && sources.get('http.host') === DEFAULT_SOURCE) {
    put(draft, 'http.host', '127.0.0.1');
    sources.set('http.host', `${DEFAULT_SOURCE}, loopback because tls is off`);
  }

  const parsed = CONFIG_SCHEMA.safeParse(draft);
  for (const issue of parsed.error?.issues ?? []) {
    const path = leafOf(issue.path.join('.'));
    const source = sources.get(path) ?? DEFAULT_SOURCE;
    const shown = secrets.has(path) ? 'the value in its file' : show(valueAt(draft, issue.path));
    problems.push({ path, message: `${source}: ${path} must be ${issue.message}, not ${shown}`, exit: 78 });
  }
  if (parsed.success) {
    const serial = readSerialPorts(valueAt(draft, ['serial', 'ports']) as unknown[]);
    const source = sources.get('serial.ports') ?? DEFAULT_SOURCE;
    for (const { at, says } of serial.faults)
      problems.push({ path: 'serial.ports', message: `${source}: serial.ports${at} ${says}`, exit: 78 });
    put(draft, 'serial.ports', serial.ports);
    const retention = readRetention(valueAt(draft, ['retention']) as unknown[]);
    for (const { at, says } of retention.faults)
      problems.push({ path: 'retention', message: `${sources.get('retention') ?? DEFAULT_SOURCE}: retention${at} ${says}`, exit: 78 });
    put(draft, 'retention', retention.rules);
  }
  const config = draft as unknown as Config;
  if (parsed.success) problems.push(...brokenRules(config), ...openSecrets(config));
  return { config, sources, secrets, problems, file: found?.file ?? null };
}

type Draft = { [key: string]: unknown };

/** `FIELDGATE_HTTP__PORT`, and `FIELDGATE_HTTP__PORT_FILE` for a value that is kept in a file of its own. */
function fromEnvironment(env: NodeJS.ProcessEnv, cwd: string, problems: ConfigProblem[]): Setting[] {
  const byName = new Map(PATHS.map((path) => [path.split('.').map(folded).join('.'), path]));
  const settings: Setting[] = [];
  const from = new Map<string, string>();
  const add = (setting: Setting, name: string): void => {
    const before = from.get(setting.path);
    if (before !== undefined)
      problems.push({ path: setting.path, message: `${before} and ${name} both set ${setting.path}; keep one`, exit: 78 });
    from.set(setting.path, name);
    settings.push(setting);
  };
  // systemd's own name is the weakest: a person's FIELDGATE_DATA comes after it
  if (env.STATE_DIRECTORY !== undefined && env.STATE_DIRECTORY !== '' && env.FIELDGATE_DATA === undefined)
    settings.push({
      path: 'data',
      value: env.STATE_DIRECTORY.split(':')[0] ?? '',
      source: 'environment STATE_DIRECTORY',
      isText: true,
      isSecret: false,
    });
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(PREFIX) || name === 'FIELDGATE_CONFIG' || value === undefined || isServiceLink(name, value)) continue;
    const key = name.slice(PREFIX.length).split('__').map(folded).join('.');
    const path = byName.get(key);
    const filePath = key.endsWith('file') ? byName.get(key.slice(0, -'file'.length)) : undefined;
    if (path !== undefined) add({ path, value, source: `environment ${name}`, isText: true, isSecret: false }, name);
    else if (filePath !== undefined && name.endsWith('_FILE')) {
      const secret = readSecret(resolve(cwd, value), filePath, problems);
      if (secret !== null) add({ path: filePath, value: secret, source: `environment ${name}`, isText: true, isSecret: true }, name);
    } else {
      const meant = nearest(name, PATHS.map(environmentName));
      const detail = meant === null ? unknownKey(key, '', TREE) : `did you mean ${meant}?`;
      problems.push({ path: '', message: `environment variable ${name.slice(0, 64)} sets no key: ${detail}`, exit: 78 });
    }
  }
  return settings;
}

/** Kubernetes sets these in every container beside a service that is called fieldgate. */
function isServiceLink(name: string, value: string): boolean {
  return (
    /^FIELDGATE_SERVICE_(HOST|PORT)(_|$)/.test(name) ||
    /^FIELDGATE_PORT_\d+_/.test(name) ||
    (name === 'FIELDGATE_PORT' && /^(tcp|udp):/.test(value))
  );
}

/** Case and single underscores do not count: PUBLIC_URL is publicUrl. */
function folded(part: string): string {
  return part.toLowerCase().replaceAll('_', '');
}

export function environmentName(path: string): string {
  return (
    PREFIX +
    path
      .split('.')
      .map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
      .join('__')
  );
}

function readSecret(file: string, path: string, problems: ConfigProblem[]): string | null {
  const open = readableByOthers(file, path);
  if (open !== null) {
    problems.push(open);
    return null;
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push({
      path,
      message: `the file for ${path} cannot be read: ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      exit: 78,
    });
    return null;
  }
}

function openSecrets(config: Config): ConfigProblem[] {
  if (typeof config.tls === 'string') return [];
  const open = readableByOthers(config.tls.key, 'tls.key');
  return open === null ? [] : [open];
}

/** Null when only the owner may read it, or when there is no such file (which the one who opens it reports). */
export function readableByOthers(file: string, path: string): ConfigProblem | null {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return null;
  return { path, message: `${file} may be read or changed by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`, exit: 77 };
}

/** A text of the environment, a flag or ${NAME}, as the kind of value that its key takes. What does not fit stays a text: the schema says so. */
function readText(path: string, text: string): unknown {
  const kind = kindOf(path);
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (kind === 'list') return text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
  if (kind === 'tls') return readTls(text);
  return text;
}

function readTls(text: string): unknown {
  const [cert = '', key = '', ...rest] = text.split(',').map((part) => part.trim());
  return rest.length === 0 && cert !== '' && key !== '' ? { cert, key } : text;
}

/** Paths are relative to what names them: the file's own folder, or the working directory. */
function atBase(path: string, value: unknown, base: string): unknown {
  if (path === 'data' && typeof value === 'string' && value !== '') return resolve(base, value);
  if (path !== 'tls') return value;
  const tls = typeof value === 'string' ? readTls(value) : value;
  if (tls === null || typeof tls !== 'object' || Array.isArray(tls)) return tls;
  return Object.fromEntries(
    Object.entries(tls).map(([name, file]) => [name, typeof file === 'string' && file !== '' ? resolve(base, file) : file]),
  );
}

function kindOf(path: string): string {
  let node: KeyTree[string] | undefined = TREE;
  for (const name of path.split('.')) node = typeof node === 'object' ? node[name] : undefined;
  return typeof node === 'string' ? node : 'text';
}

function put(draft: Draft, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? path;
  let node = draft;
  for (const name of names) node = node[name] as Draft;
  node[last] = value;
}

function valueAt(draft: Draft, path: readonly PropertyKey[]): unknown {
  let node: unknown = draft;
  for (const name of path) node = (node as Record<PropertyKey, unknown> | null | undefined)?.[name];
  return node;
}

/** `http.origins.0` is told as `http.origins`. */
function leafOf(path: string): string {
  return PATHS.find((leaf) => path === leaf || path.startsWith(`${leaf}.`)) ?? path;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  // JSON has no word for these
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value).slice(0, 64);
}
