// Every refusal of the table of problems must be named by a test: a code that no test expects may never be sent, or be sent wrongly.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outcome, type Check, type Outcome } from './check.ts';
import { isTypeScript, readTree, walkSyntax, type Tree } from './source-tree.ts';

const TESTS = /^test\/(?!check\/|unit\/check-|bench\/).*\.ts$/;

export const errorCodesCheck: Check = {
  name: 'error codes',
  async run(root) {
    const problems = (await import(pathToFileURL(join(root, 'gateway/protocol/problems.ts')).href)) as { PROBLEMS: object };
    return checkErrorCodes(Object.keys(problems.PROBLEMS), readTree(root));
  },
};

export function checkErrorCodes(codes: readonly string[], tree: Tree): Outcome {
  const strings = new Set<string>();
  let inText = '';
  for (const file of tree) {
    if (!TESTS.test(file.path) || !isTypeScript(file)) continue;
    walkSyntax(file, (node) => {
      const value =
        node.type === 'TemplateElement'
          ? (node['value'] as { cooked: string }).cooked
          : node.type === 'Literal'
            ? node['value']
            : undefined;
      if (typeof value !== 'string') return;
      strings.add(value);
      if (/["`]/.test(value)) inText += `${value}\n`;
    });
  }
  // Whole literals, or quoted inside a longer text: "full" and "internal" are words of every second sentence.
  const unnamed = codes.filter((code) => !strings.has(code) && !inText.includes(`"${code}"`) && !inText.includes(`\`${code}\``));
  return outcome(unnamed.map((code) => `gateway/protocol/problems.ts: '${code}' is named by no test`));
}
