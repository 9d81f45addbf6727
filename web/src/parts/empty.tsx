// Why a list is empty, and what to do about it.
import type { ComponentChildren } from 'preact';

interface EmptyProps {
  readonly title: string;
  readonly body: string;
  /** It stands for the page, which has no other heading. */
  readonly isPage?: boolean;
  readonly children?: ComponentChildren;
}

export function Empty({ title, body, isPage = false, children }: EmptyProps) {
  return (
    <div class="empty">
      <svg viewBox="0 0 160 40" aria-hidden="true" preserveAspectRatio="none">
        <path d="M0 20H58l5-12 7 26 6-32 6 22 4-4H160" vector-effect="non-scaling-stroke" />
      </svg>
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{body}</p>
      {children}
    </div>
  );
}
