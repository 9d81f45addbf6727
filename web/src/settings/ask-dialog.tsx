// A dialog that names what goes, or changes, and does it when told to.
import type { ComponentChildren } from 'preact';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';

export interface AskDialogProps {
  readonly title: string;
  readonly submit: string;
  readonly kind?: 'primary' | 'danger';
  readonly isWide?: boolean;
  /** There is nothing to submit: the contents say why. */
  readonly isRefused?: boolean;
  readonly children: ComponentChildren;
  onClose(): void;
  work(): Promise<void>;
}

export function AskDialog({ title, submit, kind = 'danger', isWide = false, isRefused = false, children, onClose, work }: AskDialogProps) {
  const { isBusy, fault, faults, run } = useAction();
  return (
    <Dialog title={title} onClose={onClose} isWide={isWide}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run(work);
        }}
      >
        <div class="dialog-body">
          {children}
          <Fault>{fault === '' ? '' : (faults?.[0]?.detail ?? fault)}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {isRefused ? text.close : text.cancel}
          </button>
          {isRefused ? null : <Submit isBusy={isBusy} label={submit} busyLabel={text.saving} kind={kind} />}
        </footer>
      </form>
    </Dialog>
  );
}

/** A secret that was just made. */
export function MadeDialog({ title, onClose, children }: { title: string; onClose(): void; children: ComponentChildren }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">{children}</div>
      <footer>
        <button type="button" class="btn primary" onClick={onClose}>
          {text.done}
        </button>
      </footer>
    </Dialog>
  );
}
