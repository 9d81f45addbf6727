// The gateway did not answer when the page opened; it asks again by itself.
import { useEffect } from 'preact/hooks';
import { text } from '../i18n/en.ts';
import { SignInFrame } from './frame.tsx';

const RETRY_MS = 4000;

export function UnreachablePage({ onRetry }: { onRetry(): Promise<void> }) {
  useEffect(() => {
    const timer = setInterval(onRetry, RETRY_MS);
    return () => clearInterval(timer);
  }, [onRetry]);
  return (
    <SignInFrame title={text.link.connecting} lede={text.signIn.unreachable}>
      <button type="button" class="btn primary" onClick={onRetry}>
        {text.link.retry}
      </button>
    </SignInFrame>
  );
}
