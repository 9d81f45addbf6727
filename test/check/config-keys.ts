// Every key of the configuration must be read by the gateway: a key that nobody reads is a promise to the operator that is not kept.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outcome, type Check, type Outcome } from './check.ts';
import { isNode, isTypeScript, readTree, walkSyntax, type Node, type SourceFile, type Tree } from './source-tree.ts';

const CONFIG_FILES = /^gateway\/((load-)?config[^/]*|commands\/config[^/]*)\.ts$/;

export const configKeysCheck: Check = {
  name: 'config keys',
  async run(root) {
    const config = (await import(pathToFileURL(join(root, 'gateway/config.ts')).href)) as { DEFAULTS: object };
    return checkConfigKeys(config.DEFAULTS, readTree(root));
  },
};

export function checkConfigKeys(defaults: object, tree: Tree): Outcome {
  const reads = new Set<string>();
  for (const file of tree) {
    if (file.path.startsWith('gateway/') && isTypeScript(file) && !CONFIG_FILES.test(file.path)) {
      const aliases = aliasesIn(file);
      walkSyntax(file, (node, above) => collectReads(node, above, (owner, name) => noteRead(reads, aliases, owner, name)));
    }
  }
  const unread = leavesOf(defaults, []).filter((path) => !reads.has(path.slice(-2).join('.')));
  return outcome(unread.map((path) => `gateway/config.ts: ${path.join('.')} is read nowhere in gateway/; use it or remove it`));
}

/** Paths of the values; a list or a null is a value. */
function leavesOf(value: object, above: readonly string[]): string[][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leavesOf(inner, [...above, key])
      : [above.length === 0 ? ['config', key] : [...above, key]],
  );
}

/** What names stand for a part of the configuration: `config: Config['log']` and `limits: Limits`. */
function aliasesIn(file: SourceFile): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  walkSyntax(file, (node) => {
    const annotation = isNode(node['typeAnnotation']) ? node['typeAnnotation']['typeAnnotation'] : undefined;
    const name = nameOf(node.type === 'TSPropertySignature' ? node['key'] : node);
    if (!isNode(annotation) || !name) return;
    if (annotation.type === 'TSTypeReference' && nameOf(annotation['typeName']) === 'Limits') aliases.set(name, 'limits');
    const index =
      annotation.type === 'TSIndexedAccessType' && isNode(annotation['indexType']) ? annotation['indexType']['literal'] : undefined;
    const part = nameOf(index);
    const whole = isNode(annotation['objectType']) ? nameOf(annotation['objectType']['typeName']) : undefined;
    if (part && whole === 'Config') aliases.set(name, part);
  });
  return aliases;
}

function noteRead(reads: Set<string>, aliases: ReadonlyMap<string, string>, owner: string, name: string): void {
  reads.add(`${owner}.${name}`);
  const part = aliases.get(owner);
  if (part) reads.add(`${part}.${name}`);
}

/** Tells owner and name of each member that is read, by a dot or by taking an object apart. */
function collectReads(node: Node, above: readonly Node[], read: (owner: string, name: string) => void): void {
  if (node.type === 'MemberExpression') {
    const parent = above.at(-1);
    const isWritten = parent?.type === 'AssignmentExpression' && parent['left'] === node && parent['operator'] === '=';
    const name = nameOf(node['property']);
    const owner = lastName(node['object']);
    if (!isWritten && name && owner) read(owner, name);
  } else if (node.type === 'VariableDeclarator' && isNode(node['id']) && isNode(node['init'])) {
    takeApart(node['id'], lastName(node['init']), read);
  } else if (node.type === 'Property' && isNode(node['value']) && node['value'].type === 'ObjectPattern') {
    takeApart(node['value'], nameOf(node['key']), read);
  }
}

function takeApart(pattern: Node, owner: string | undefined, read: (owner: string, name: string) => void): void {
  if (pattern.type !== 'ObjectPattern' || !owner) return;
  for (const property of pattern['properties'] as unknown[]) {
    const name = isNode(property) ? nameOf(property['key']) : undefined;
    if (name) read(owner, name);
  }
}

function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  const name = node['name'] ?? node['value'];
  return typeof name === 'string' ? name : undefined;
}

/** `limits` of `limits`, `config.limits`, `options.config.limits` and `config.limits!`. */
function lastName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'MemberExpression') return nameOf(node['property']);
  if (node.type === 'TSNonNullExpression' || node.type === 'ChainExpression') return lastName(node['expression']);
  return nameOf(node);
}
