// Patterns of subscriptions and queries: `*` matches any run of characters, everything else is literal. Linear in the text for a
// bounded number of stars: each piece between stars is looked for once, leftmost first.

export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern === '*') return () => true;
  const pieces = pattern.split('*');
  if (pieces.length === 1) return (text) => text === pattern;
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

/** True when one of the patterns matches; literal ones are looked up, so a long list of names costs no more than a short one. */
export function compilePatterns(patterns: readonly string[]): (text: string) => boolean {
  const literals = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(compilePattern);
  return (text) => literals.has(text) || globs.some((matches) => matches(text));
}
