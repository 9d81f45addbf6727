// The house's table of who may import whom, run over the tree as it is.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkArchitecture } from './check/architecture.ts';
import { readTree } from './check/source-tree.ts';

test('every file has a seat in the house and imports only what its seat allows', () => {
  const { findings } = checkArchitecture(readTree(join(import.meta.dirname, '..')));
  expect(findings).toEqual([]);
});
