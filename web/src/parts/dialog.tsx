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
}: {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  isWide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    // not closed but gone: closing would tell `onClose` of what is replaced by the dialog's next step
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return (
    <dialog ref={element} class={isWide ? 'dialog wide' : 'dialog'} aria-labelledby={titleId} onCancel={onClose} onClose={onClose}>
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
