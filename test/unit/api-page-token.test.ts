// The `next` tokens: good for the very query, store and process that they were given out for, and for nothing else.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPageTokens } from '../../gateway/api/page-token.ts';

test('a token leads back to its place', () => {
  const tokens = createPageTokens(() => 'store');
  for (const place of [1, 'id', { timeUs: -1.5, position: 7 }, 2 ** 53, '']) {
    const token = tokens.issue(['q', 1], place);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(tokens.redeem(['q', 1], token)).toEqual(place);
  }
});

test('a token of another query, store or process is none', () => {
  let store = 'a';
  const tokens = createPageTokens(() => store);
  const token = tokens.issue(['q'], 5);
  expect(tokens.redeem(['r'], token)).toBeUndefined();
  expect(createPageTokens(() => store).redeem(['q'], token)).toBeUndefined();
  store = 'b';
  expect(tokens.redeem(['q'], token)).toBeUndefined();
});

test('a token that was changed in any letter is none, and no text throws', () => {
  const tokens = createPageTokens(() => 'store');
  const token = tokens.issue('q', 12);
  fc.assert(
    fc.property(fc.nat({ max: token.length - 1 }), fc.stringMatching(/^[A-Za-z0-9_=+/-]$/), (at, letter) => {
      const changed = token.slice(0, at) + letter + token.slice(at + 1);
      expect(tokens.redeem('q', changed)).toBe(changed === token ? 12 : undefined);
    }),
    { numRuns: 1000 },
  );
  fc.assert(fc.property(fc.string({ maxLength: 2000 }), (text) => tokens.redeem('q', text) === undefined));
});
