// How well a few typed letters fit a name: all of them in their order, better at the beginnings of words and side by side.

const SIDE_BY_SIDE = 4;
const WORD_BEGIN = 3;
const ANYWHERE = 1;

/** Higher is better; null: not at all. Letters are compared without case, accents and spaces. */
export function fuzzyScore(typed: string, name: string): number | null {
  const wanted = plain(typed).replace(/\s+/g, '');
  const letters = plain(name);
  if (wanted === '') return 0;
  // best[at]: the best score of what was typed so far, with its last letter at `at`
  let best: (number | null)[] = [];
  for (const [index, letter] of [...wanted].entries()) {
    let before: number | null = index === 0 ? 0 : null; // the best of those that end further left
    const next: (number | null)[] = [];
    for (let at = 0; at < letters.length; at++) {
      const beside = index === 0 ? null : (best[at - 1] ?? null);
      if (letters[at] === letter) {
        const isWord = at === 0 || !/[\p{L}\p{N}]/u.test(letters[at - 1] ?? '');
        const jumped = before === null ? null : before + (isWord ? WORD_BEGIN : ANYWHERE);
        const joined = beside === null ? null : beside + SIDE_BY_SIDE;
        next[at] = joined === null ? jumped : Math.max(joined, jumped ?? joined);
      } else next[at] = null;
      if (beside !== null && (before === null || beside > before)) before = beside;
    }
    best = next;
  }
  const scores = best.filter((score) => score !== null);
  // of two that fit alike, the shorter
  return scores.length === 0 ? null : Math.max(...scores) - letters.length / 100;
}

const plain = (name: string): string => name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
