// Whether the gateway serves another console than the one that runs here: asked each time the connection is back after a break.
import { signal } from '@preact/signals';
import type { LiveConnection } from './live-connection.ts';

/** The gateway has another console than this one. */
export const isOutdated = signal(false);

/** False while the gateway is away, too. */
export async function isReplaced(): Promise<boolean> {
  const mine = document.querySelector('script[type="module"][src]')?.getAttribute('src');
  if (!mine) return false;
  try {
    const answer = await fetch('/', { cache: 'no-store', headers: { accept: 'text/html' } });
    return answer.ok && !(await answer.text()).includes(mine);
  } catch {
    return false; // gone again: asked when it is back
  }
}

export function watchUpgrade(live: LiveConnection, reload: (() => void) | null): () => void {
  let wasLive = false;
  return live.state.subscribe(({ kind }) => {
    if (kind !== 'live') return;
    const isBack = wasLive;
    wasLive = true;
    if (!isBack) return;
    void isReplaced().then((isOther) => {
      if (isOther && reload !== null) reload();
      else isOutdated.value = isOther;
    });
  });
}
