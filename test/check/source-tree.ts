// The files of the repository as the checks see them: text, and for TypeScript its syntax tree. The only file that knows the parser.

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { parseSync } from 'vite';

export interface Import {
  /** What stands between the quotes. */
  readonly from: string;
  readonly line: number;
  /** Gone at run time: every imported name is a type. */
  readonly isTypeOnly: boolean;
}

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export type Tree = readonly SourceFile[];

// Made by tools or by running the product; what is ignored by git is not the project's word.
const SKIPPED = new Set(['node_modules', '.git', 'dist', 'data', 'artefacts', '.cache', '.vite']);
const TEXT = new Set(['.ts', '.tsx', '.js', '.mjs', '.css', '.html', '.json', '.sql', '.md', '.yaml', '.yml', '.svg', '.sh', '.txt', '']);

export function readTree(root: string): Tree {
  const files: SourceFile[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(full);
      else if (entry.isFile() && TEXT.has(extname(entry.name))) {
        files.push({ path: relative(root, full).split(sep).join('/'), text: readFileSync(full, 'utf8') });
      }
    }
  };
  walk(root);
  return files;
}

/** A tree in memory, for the tests of the checks. */
export function treeOf(files: Readonly<Record<string, string>>): Tree {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

export function isTypeScript(file: SourceFile): boolean {
  return /\.tsx?$/.test(file.path);
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

const parsed = new WeakMap<SourceFile, ReturnType<typeof parseSync>>();
function parse(file: SourceFile): ReturnType<typeof parseSync> {
  const known = parsed.get(file);
  if (known) return known;
  const result = parseSync(file.path, file.text);
  if (result.errors.length > 0) throw new Error(`${file.path}: ${result.errors[0]?.message ?? 'cannot be parsed'}`);
  parsed.set(file, result);
  return result;
}

/** Calls `visit` with every node and the nodes above it, the nearest last. */
export function walkSyntax(file: SourceFile, visit: (node: Node, above: readonly Node[]) => void): void {
  const above: Node[] = [];
  const step = (node: Node): void => {
    visit(node, above);
    above.push(node);
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) for (const one of child) if (isNode(one)) step(one);
      if (isNode(child)) step(child);
    }
    above.pop();
  };
  step(parse(file).program as unknown as Node);
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Everything a file imports: statements, re-exports, `import()`, types by `import('…')`, and files handed to workers by `new URL`. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  walkSyntax(file, (node) => {
    const add = (source: unknown, isTypeOnly: boolean): void => {
      if (isNode(source) && typeof source['value'] === 'string') {
        found.push({ from: source['value'], line: lineAt(file.text, node.start), isTypeOnly });
      }
    };
    if (node.type === 'ImportDeclaration')
      add(node['source'], node['importKind'] === 'type' || areAllTypes(node['specifiers'], 'importKind'));
    else if (node.type === 'ExportNamedDeclaration')
      add(node['source'], node['exportKind'] === 'type' || areAllTypes(node['specifiers'], 'exportKind'));
    else if (node.type === 'ExportAllDeclaration') add(node['source'], node['exportKind'] === 'type');
    else if (node.type === 'ImportExpression') add(node['source'], false);
    else if (node.type === 'TSImportType') add(node['source'] ?? node['argument'], true);
    else if (node.type === 'NewExpression' && isNode(node['callee']) && node['callee']['name'] === 'URL') {
      const [first, second] = node['arguments'] as unknown[];
      const isModule = isNode(first) && typeof first['value'] === 'string' && /^\.{1,2}\/.*\.tsx?$/.test(first['value']);
      if (isModule && isNode(second)) add(first, false);
    }
  });
  return found;
}

function areAllTypes(specifiers: unknown, kind: string): boolean {
  return Array.isArray(specifiers) && specifiers.length > 0 && specifiers.every((one) => isNode(one) && one[kind] === 'type');
}

/** The comment a file opens with, without its slashes; '' when it opens with code. */
export function headerOf(file: SourceFile): string {
  const match = /^(?:#![^\n]*\n)?((?:[ \t]*\/\/[^\n]*\n)+|\s*\/\*[\s\S]*?\*\/)/.exec(file.text);
  return match?.[1] ?? '';
}
