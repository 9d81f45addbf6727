// Words that must not stand in the repository: switched-off tests, notes to self, paths of somebody's machine, package mirrors.

import { outcome, type Check, type Finding, type Outcome } from './check.ts';
import { lineAt, readTree, type Tree } from './source-tree.ts';

interface Word {
  readonly pattern: RegExp;
  readonly files: RegExp;
  readonly says: string;
}

// Spelt in two halves where this file would otherwise find itself.
const WORDS: readonly Word[] = [
  {
    pattern: /\.(?:on\u006cy|sk\u0069p|t\u006fdo|fa\u0069ls)\b\s*[(.`]|\b(?:on\u006cy|sk\u0069p|t\u006fdo|fa\u0069ls)\s*:\s*true\b/g,
    files: /^test\/.*\.ts$|\.test\.tsx?$/,
    says: 'a test that is switched off or alone',
  },
  { pattern: /\b(?:runIf|sk\u0069pIf|xit|xtest|xdescribe|fdescribe)\s*\(/g, files: /^test\/.*\.ts$/, says: 'a test that may not run' },
  { pattern: /\b(?:TO\u0044O|FIX\u004dE|XX\u0058|HAC\u004b)\b/g, files: /./, says: 'a note to self; do it, or write down why not' },
  {
    pattern: /(?<![\w.~:/-])\/(?:work|root|Users|home\/(?!USER\b|fieldgate\b)[\w.-]+)\/[\w.-]*/g,
    files: /./,
    says: 'a path of one machine',
  },
  { pattern: /\b[A-Z]:\\\\?(?:Users|Documents)/g, files: /./, says: 'a path of one machine' },
  {
    pattern: /\bregistry\.(?:npmjs|yarnpkg|npmmirror)\b|https?:\/\/[^\s/"'`]*(?:artifactory|verdaccio|nexus)[^\s/"'`]*/gi,
    files: /./,
    says: 'the host of a package registry',
  },
  { pattern: /^\s*(?:@[\w-]+:)?registry\s*=/gm, files: /\.npmrc$|\.ci\/run$/, says: 'the host of a package registry' },
];

export const wordsCheck: Check = { name: 'words', run: async (root) => checkWords(readTree(root)) };

export function checkWords(tree: Tree): Outcome {
  const findings: Finding[] = [];
  for (const file of tree) {
    for (const word of WORDS) {
      if (!word.files.test(file.path)) continue;
      for (const match of file.text.matchAll(word.pattern)) {
        findings.push(`${file.path}:${lineAt(file.text, match.index)}: "${match[0].trim().slice(0, 64)}" is ${word.says}`);
      }
    }
  }
  return outcome(findings);
}
