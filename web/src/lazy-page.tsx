// A page whose script comes when it is first opened, or before, when there is nothing else to do. Where it does not come, it says so and
// tries again as soon as the gateway is back.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useConnected } from './connected.ts';
import { text } from './i18n/en.ts';
import { Empty } from './parts/empty.tsx';

/** Between one page brought ahead and the next: what is being looked at goes first. */
const AHEAD_EVERY_MS = 4000;

export interface LazyPage<P> {
  (props: P): preact.JSX.Element;
  preload(): Promise<void>;
}

export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>): LazyPage<P> {
  let Page: ComponentType<P> | null = null;
  let asked: Promise<void> | null = null;
  const preload = (): Promise<void> => {
    asked ??= load().then(
      (loaded) => {
        Page = loaded;
      },
      (error: unknown) => {
        asked = null;
        throw error;
      },
    );
    return asked;
  };

  function Lazy(props: P) {
    const { live } = useConnected();
    const isLive = live.state.value.kind === 'live';
    const [isFailed, setFailed] = useState(false);
    const [, arrived] = useState(false);
    const ask = (): void => {
      setFailed(false);
      preload().then(
        () => arrived(true),
        () => setFailed(true),
      );
    };
    useEffect(() => {
      if (Page === null) ask();
    }, [isLive]);
    if (Page !== null) return <Page {...props} />;
    if (!isFailed) return <div class="skeleton" role="status" aria-label={text.loading} />;
    return (
      <Empty isPage title={text.failed.notLoaded} body={text.problem.unreachable}>
        <button type="button" class="btn" onClick={ask}>
          {text.fleet.again}
        </button>
      </Empty>
    );
  }
  return Object.assign(Lazy, { preload });
}

let isAhead = false;
/** What does not come now is not missed yet. */
export const isBringingAhead = (): boolean => isAhead;

/** Brings the pages in one after the other, so that going there is instant, and possible while the gateway is away. */
export async function preloadPages(pages: readonly { preload(): Promise<void> }[]): Promise<void> {
  for (const page of pages) {
    await new Promise((resolve) => setTimeout(resolve, AHEAD_EVERY_MS));
    isAhead = true;
    await page.preload().catch(() => undefined); // asked for again when it is opened
    isAhead = false;
  }
}
