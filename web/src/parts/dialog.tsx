// A modal dialog on the native element: it traps focus, closes on Escape and gives focus back.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { text } from '../i18n/en.ts';
import { Icon } from './icon.tsx';

export function Dialog({
  title,
  onClose,
  children,
  isWide = false,
  kind,
}: {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  isWide?: boolean;
  /** A sheet rises from the lower edge, near the thumb that asked for it. */
  kind?: 'sheet';
}) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    // not closed but gone: closing would tell `onClose` of what is replaced by the dialog's next step. Until it is gone, nothing outside
    // of it takes the focus.
    return () => {
      if (before instanceof HTMLElement) queueMicrotask(() => before.focus());
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog${isWide ? ' wide' : ''}${kind === undefined ? '' : ` ${kind}`}`}
      aria-labelledby={titleId}
      onCancel={onClose}
      onClose={onClose}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="btn quiet square" aria-label={text.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
