// JSON with line breaks, for the eye: nothing but white space between its parts is touched, so that it shows what was sent, letter by
// letter, broken or not. The records of a pack stand on a line each, and can be told by their index.

export interface PrettyLine {
  readonly depth: number;
  readonly text: string;
  /** Of the record that begins here, in the outermost array of records; null: none does. */
  readonly index: number | null;
}

const BLANK = /\s/;

/** Containers up to `openDepth` levels are broken into lines; what is deeper stays on its line. */
export function prettyJson(raw: string): readonly PrettyLine[] {
  const lines: PrettyLine[] = [];
  // a message has its records one level deeper than a pack
  const start = raw.trimStart();
  const records = start.startsWith('[') ? 1 : start.startsWith('{') && /"readings"\s*:\s*\[/.test(raw) ? 2 : 0;
  let depth = 0;
  let line = '';
  let lineDepth = 0;
  let isText = false;
  let index = -1;
  let isRecord = false;
  const end = (): void => {
    if (line.trim() !== '') lines.push({ depth: lineDepth, text: line.trim(), index: isRecord ? index : null });
    line = '';
    lineDepth = depth;
    isRecord = false;
  };
  for (let at = 0; at < raw.length; at++) {
    const character = raw.charAt(at);
    if (isText) {
      line += character;
      if (character === '\\') line += raw.charAt(++at);
      else if (character === '"') isText = false;
      continue;
    }
    if (depth === records && records > 0 && line.trim() === '' && !BLANK.test(character) && character !== ']' && character !== ',') {
      index++;
      isRecord = true;
    }
    if (',:]}'.includes(character)) line = line.trimEnd();
    if (character === '"') {
      line += character;
      isText = true;
    } else if (character === '[' || character === '{') {
      line += character;
      depth++;
      if (depth <= records) end();
    } else if (character === ']' || character === '}') {
      if (depth <= records) end();
      depth = Math.max(0, depth - 1);
      if (line === '') lineDepth = depth;
      line += character;
    } else if (character === ',') {
      line += depth > records || records === 0 ? ', ' : ',';
      if (depth <= records && records > 0) end();
    } else if (character === ':') line += ': ';
    else if (!BLANK.test(character)) line += character;
    // what is no JSON has words
    else if (line !== '' && !line.endsWith(' ')) line += ' ';
  }
  end();
  return lines;
}
