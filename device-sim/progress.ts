// What a person sees while it runs: one line that rewrites itself on a terminal, a line now and then anywhere else. On stderr.

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** Shows the present state; away from a terminal only every ten seconds. */
  show(text: string): void;
  /** A line of its own, kept. */
  say(text: string): void;
  /** Ends the moving line. */
  done(): void;
}

const PLAIN_EVERY_MS = 10_000;

export function createProgress(output: ProgressOutput, nowMs: () => number = () => performance.now()): Progress {
  const isTerminal = output.isTTY === true;
  let shown = '';
  let plainAtMs = Number.NEGATIVE_INFINITY;
  const wipe = () => {
    if (shown !== '') output.write('\r\u001b[2K');
    shown = '';
  };
  return {
    show(text) {
      if (isTerminal) {
        // A line that wraps could not be rewritten.
        const line = text.slice(0, (output.columns ?? 80) - 1);
        if (line === shown) return;
        output.write(`\r\u001b[2K${line}`);
        shown = line;
      } else if (nowMs() - plainAtMs >= PLAIN_EVERY_MS) {
        plainAtMs = nowMs();
        output.write(`${text}\n`);
      }
    },
    say(text) {
      const moving = shown;
      wipe();
      output.write(`${text}\n`);
      if (moving !== '') {
        output.write(moving);
        shown = moving;
      }
    },
    done() {
      if (shown !== '') output.write('\n');
      shown = '';
    },
  };
}

export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${'█'.repeat(full)}${'·'.repeat(width - full)}]`;
}

/** 12345 → 12,345, the same under every locale. */
export function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function msText(ms: number): string {
  return Number.isNaN(ms) ? '–' : ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** Three decimals, for numbers that a program reads. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
