// Parity, framing and break errors. The driver knows them and a reader of a terminal does not, unless the terminal marks them in what is
// read (PARMRK of termios): a byte 0xFF stands before each, and a 0xFF that was really sent stands there twice. Here the marks are counted
// and taken out, and the damaged bytes with them. Without marks the driver drops those bytes, and a break is a NUL in the middle of a line.

import { spawn } from 'node:child_process';

/** `line-error`: a byte with wrong parity or without its stop bit. `break`: the line was held down for longer than a byte takes. */
export type LineFault = 'line-error' | 'break';

export interface MarkReader {
  /** What was read of a port that marks. */
  push(bytes: Uint8Array): void;
}
export interface MarkEars {
  bytes(bytes: Uint8Array): void;
  fault(fault: LineFault): void;
}

const MARK = 0xff;
const PATIENCE_MS = 5000;
const MARKING = ['inpck', 'parmrk', '-ignpar'];

/** Has the open terminal mark errors; false where nobody can: then it stays as it is. Node has no call for it, and every Linux has stty. */
export function markErrors(fd: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    try {
      const stty = spawn('stty', MARKING, { stdio: [fd, 'ignore', 'ignore'], timeout: PATIENCE_MS });
      stty.once('error', () => resolve(false));
      stty.once('close', (code) => resolve(code === 0));
    } catch {
      // what the system refuses to spawn is thrown or told, as it happens
      resolve(false);
    }
  });
}

export function createMarkReader(ears: MarkEars): MarkReader {
  /** What the last read ended with: a mark, or a mark and the zero after it. */
  let begun: 0 | 1 | 2 = 0;

  return {
    push(bytes) {
      if (begun === 0 && !bytes.includes(MARK)) {
        ears.bytes(bytes);
        return;
      }
      const clean = new Uint8Array(bytes.length + 1);
      let length = 0;
      for (const byte of bytes) {
        if (begun === 0) {
          if (byte === MARK) begun = 1;
          else clean[length++] = byte;
        } else if (begun === 1) {
          begun = 0;
          if (byte === 0) begun = 2;
          else if (byte === MARK) clean[length++] = MARK;
          else {
            // no mark that there is: read before the terminal began to mark
            clean[length++] = MARK;
            clean[length++] = byte;
          }
        } else {
          begun = 0;
          ears.fault(byte === 0 ? 'break' : 'line-error');
        }
      }
      if (length > 0) ears.bytes(clean.subarray(0, length));
    },
  };
}
