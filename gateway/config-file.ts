// Reads the configuration file: YAML 1.2 core without aliases and tags, at most 1 MiB. Gives the keys it sets, each with its line, and
// every problem at once. What the values may be is config-schema.ts' business.

import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments, parseDocument, visit } from 'yaml';
import type { KeyTree } from './config-schema.ts';
import { nearest } from './nearest.ts';

export interface ConfigProblem {
  /** `http.port`, or '' when it is the file's own. */
  readonly path: string;
  readonly message: string;
  /** 77 for files that others may read, 78 for all else. */
  readonly exit: 77 | 78;
}
/** A value that somebody set, and where. */
export interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly source: string;
  /** A text from which the value must still be read (environment, ${NAME}); false when the file gave it with its type. */
  readonly isText: boolean;
  readonly isSecret: boolean;
}
export interface FileAnswer {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
}

const LARGEST_BYTES = 1024 * 1024;

/** One value in the dialect of the file, for a command line; undefined when it cannot be read. */
export function readYaml(text: string): unknown {
  try {
    const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, merge: false });
    return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 });
  } catch {
    return undefined;
  }
}

/** The file to read, or null: what was asked for, then the usual places. */
export function findConfigFile({
  flag,
  env,
  cwd,
}: {
  flag?: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
}): { file: string; asked: boolean } | null {
  const asked = flag ?? (env.FIELDGATE_CONFIG || undefined);
  if (asked !== undefined) return { file: resolve(cwd, asked.startsWith('~/') ? asked.replace('~', homedir()) : asked), asked: true };
  for (const file of [resolve(cwd, 'fieldgate.yaml'), '/etc/fieldgate/fieldgate.yaml']) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return { file, asked: false };
  }
  return null;
}

export function readConfigFile(ask: { file: string; env: NodeJS.ProcessEnv; tree: KeyTree }): FileAnswer {
  const wrong = (message: string, exit: 77 | 78 = 78): FileAnswer => ({ settings: [], problems: [{ path: '', message, exit }] });
  let bytes: Buffer;
  try {
    const stat = statSync(ask.file);
    if (!stat.isFile()) return wrong(`config is not a file: ${ask.file}`);
    if (stat.size > LARGEST_BYTES) return wrong(`${ask.file} has ${stat.size} bytes; a configuration has at most ${LARGEST_BYTES}`);
    bytes = readFileSync(ask.file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return wrong(`config not found: ${ask.file}`);
    if (code === 'EACCES') return wrong(`config may not be read: ${ask.file} (chmod u+r it, or run as its owner)`, 77);
    return wrong(`config cannot be read: ${ask.file} (${code ?? String(error)})`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return wrong(`${ask.file} is not UTF-8 text`);
  }
  return parseConfig({ ...ask, text });
}

export function parseConfig(ask: { file: string; text: string; env: NodeJS.ProcessEnv; tree: KeyTree }): FileAnswer {
  const lines = new LineCounter();
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  const at = (node: unknown): string => {
    const offset = (node as Node | null)?.range?.[0];
    return offset === undefined ? ask.file : `${ask.file}:${lines.linePos(offset).line}`;
  };
  const problem = (path: string, message: string): void => void problems.push({ path, message, exit: 78 });

  let documents: ReturnType<typeof parseAllDocuments>;
  try {
    documents = parseAllDocuments(ask.text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: true,
      lineCounter: lines,
      prettyErrors: false,
      merge: false,
    });
  } catch (error) {
    problem('', `${ask.file} cannot be read as YAML: ${error instanceof RangeError ? 'nested too deep' : String(error)}`);
    return { settings, problems };
  }
  if (!Array.isArray(documents) || documents.length === 0) return { settings, problems };
  if (documents.length > 1) problem('', `${ask.file} has ${documents.length} YAML documents; a configuration is one`);
  const document = documents[0];
  if (document === undefined) return { settings, problems };
  for (const { message, pos } of document.errors) problem('', `${ask.file}:${lines.linePos(pos[0]).line}: ${firstLine(message)}`);
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2')
    problem('', `${ask.file}: only YAML 1.2 is read, not %YAML ${document.directives.yaml.version}`);
  if (problems.length > 0) return { settings, problems };

  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) problem('', `${at(node)}: aliases (*name) are not read; write the value out`);
      else if (node.anchor !== undefined) problem('', `${at(node)}: anchors (&name) are not read; write the value out`);
      if (node.tag !== undefined) problem('', `${at(node)}: tags (${node.tag.slice(0, 40)}) are not read; remove it`);
    },
  });
  if (problems.length > 0) return { settings, problems };

  const walk = (node: unknown, tree: KeyTree, prefix: string): void => {
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap(node))
      return problem(prefix.slice(0, -1), `${at(node)}: must be a map of keys, such as ${Object.keys(tree).slice(0, 3).join(', ')}`);
    for (const pair of node.items as Pair[]) {
      const name = isScalar(pair.key) ? String(pair.key.value) : '?';
      const path = prefix + name;
      const child = Object.hasOwn(tree, name) ? tree[name] : undefined;
      if (child === undefined) problem(path, `${at(pair.key)}: ${unknownKey(name, prefix, tree)}`);
      else if (typeof child !== 'string') walk(pair.value, child, `${path}.`);
      else {
        const before = problems.length;
        const read = plain(pair.value, path);
        if (problems.length === before && read.value !== undefined) settings.push({ path, ...read, source: at(pair.key), isSecret: false });
      }
    }
  };
  /** A scalar, a list of scalars or a flat map of scalars; ${NAME} is taken from the environment. */
  const plain = (node: unknown, path: string): { value: unknown; isText: boolean } => {
    if (node === null) return { value: undefined, isText: false };
    if (isScalar(node)) {
      if (node.value === null) return { value: undefined, isText: false };
      if (typeof node.value !== 'string' || !node.value.includes('${')) return { value: node.value, isText: false };
      return { value: filled(node.value, node, path), isText: true };
    }
    if (isSeq(node)) return { value: node.items.map((item) => plain(item, path).value ?? null), isText: false };
    if (isMap(node)) {
      const value: Record<string, unknown> = Object.create(null);
      for (const pair of node.items as Pair[])
        value[isScalar(pair.key) ? String(pair.key.value) : '?'] = plain(pair.value, path).value ?? null;
      return { value, isText: false };
    }
    return { value: undefined, isText: false };
  };
  const filled = (raw: string, node: unknown, path: string): string =>
    raw.replace(/\$\$\{|\$\{([^}]*)\}?/g, (whole, name: string | undefined) => {
      if (whole === '$${') return '${';
      const value = name !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? ask.env[name] : undefined;
      if (value !== undefined) return value;
      problem(path, `${at(node)}: the environment variable ${JSON.stringify((name ?? '').slice(0, 64))} is not set`);
      return '';
    });

  try {
    walk(document.contents, ask.tree, '');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problem('', `${ask.file} is nested too deep`);
  }
  return { settings, problems };
}

export function unknownKey(name: string, prefix: string, tree: KeyTree): string {
  const shown = JSON.stringify((prefix + name).slice(0, 64));
  const meant = nearest(name, Object.keys(tree));
  const known = Object.keys(tree);
  return `unknown key ${shown}${meant === null ? `; known here: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', …' : ''}` : `; did you mean ${prefix}${meant}?`}`;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 200);
}
