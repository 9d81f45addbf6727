// Reads CSV piece by piece (RFC 4180: quotes, doubled quotes, line breaks inside quotes; LF or CRLF), so that a file may be of any size.

export interface CsvRow {
  readonly cells: readonly string[];
  /** Which of the cells stood in quotes: those are text, whatever they look like. */
  readonly quoted: readonly boolean[];
  /** The line in the file on which the row begins, from 1. */
  readonly line: number;
}

export interface CsvReader {
  /** The rows that this piece completes. Empty lines are no rows. */
  push(piece: string): CsvRow[];
  /** The last row, when the file does not end with a line break. Throws when it ends inside quotes. */
  end(): CsvRow[];
}

const BOM = '\ufeff';

export function createCsvReader(): CsvReader {
  let rows: CsvRow[] = [];
  let cells: string[] = [];
  let quoted: boolean[] = [];
  let cell = '';
  let isQuotedCell = false;
  let isInQuotes = false;
  /** A quote inside quotes: the end of them, or the first half of a doubled one. */
  let isQuotePending = false;
  let line = 1;
  let rowLine = 1;
  let isFirst = true;

  function endCell(): void {
    cells.push(isQuotedCell ? cell : cell.trim());
    quoted.push(isQuotedCell);
    cell = '';
    isQuotedCell = false;
  }

  function endRow(): void {
    const isEmpty = cells.length === 0 && !isQuotedCell && cell.trim() === '';
    if (isEmpty) cell = '';
    else {
      endCell();
      rows.push({ cells, quoted, line: rowLine });
      cells = [];
      quoted = [];
    }
  }

  function take(piece: string): void {
    for (let i = 0; i < piece.length; i++) {
      const char = piece[i]!;
      if (isQuotePending) {
        isQuotePending = false;
        if (char === '"') {
          cell += '"';
          continue;
        }
        isInQuotes = false;
      }
      if (isInQuotes) {
        if (char === '"') isQuotePending = true;
        else cell += char;
        if (char === '\n') line++;
      } else if (char === ',') endCell();
      else if (char === '\n') {
        endRow();
        rowLine = ++line;
      } else if (char === '"' && cell.trim() === '' && !isQuotedCell) {
        cell = '';
        isInQuotes = isQuotedCell = true;
      } else if (char !== '\r' && !(isQuotedCell && char === ' ')) cell += char;
    }
  }

  function given(): CsvRow[] {
    const done = rows;
    rows = [];
    return done;
  }

  return {
    push(piece) {
      take(isFirst && piece.startsWith(BOM) ? piece.slice(1) : piece);
      if (piece !== '') isFirst = false;
      return given();
    },
    end() {
      if (isInQuotes && !isQuotePending) throw new Error(`the quotes that open on line ${rowLine} are never closed`);
      isInQuotes = isQuotePending = false;
      endRow();
      return given();
    },
  };
}
