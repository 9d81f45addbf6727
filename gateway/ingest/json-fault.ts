// Where a text stops being JSON (RFC 8259), for the one who has to mend it: V8 tells the place of some faults alone. Linear; the depth was
// bounded before.

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = ['true', 'false', 'null'];

/** Index of the first character that can't be there; the text's length when its end comes too early, or when it is JSON. */
export function jsonFaultAt(text: string): number {
  let at = 0;
  let isFound = false;

  function match(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  }
  function take(character: string): boolean {
    if (text[at] !== character) return false;
    at++;
    return true;
  }
  function fail(): void {
    isFound = true;
  }

  function string(): void {
    if (!match(STRING) || !take('"')) fail();
  }
  function literal(word: string): void {
    for (const letter of word) if (!take(letter)) return fail();
  }
  function value(): void {
    match(SPACE);
    const first = text[at];
    if (first === '{') list('}', pair);
    else if (first === '[') list(']', value);
    else if (first === '"') string();
    else {
      const word = LITERALS.find((one) => one[0] === first);
      if (word !== undefined) literal(word);
      else if (!match(NUMBER)) fail();
    }
    match(SPACE);
  }
  function pair(): void {
    match(SPACE);
    string();
    if (isFound) return;
    match(SPACE);
    if (take(':')) value();
    else fail();
  }
  function list(end: string, item: () => void): void {
    at++;
    match(SPACE);
    if (take(end)) return;
    do {
      item();
      if (isFound) return;
    } while (take(','));
    if (!take(end)) fail();
  }

  value();
  return at;
}
