// Waits for a condition by looking again and again; for what runs outside a test file, too.

const LOOK_EVERY_MS = 20;

/** Resolves once `holds` does; throws `what` after `patienceMs`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: () => string,
  { patienceMs = 60_000, everyMs = LOOK_EVERY_MS }: { patienceMs?: number; everyMs?: number } = {},
): Promise<void> {
  const startedAtMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAtMs > patienceMs) throw new Error(`waited ${patienceMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
